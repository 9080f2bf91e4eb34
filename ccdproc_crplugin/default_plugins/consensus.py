# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several detectors that vote on each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.detection import checked_detection, choose_detector
from ccdproc_crplugin.errors import CosmicRayError, check_number, wrong_value
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector

NAME = "consensus"

#: Those that vote unless others are named.
VOTERS = ("lacosmic", "astroscrappy", "median")

#: Most detectors that can vote: each has a bit of the ballots.
MOST_VOTERS = 16


def detect(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None,
    readnoise: float,
    saturation: float,
    extra_variance: np.ndarray | None = None,
    protected: np.ndarray | None = None,
    header: Mapping[str, Any] | None = None,
    detectors: Sequence[str] | str = VOTERS,
    votes: float | None = None,
    weights: Mapping[str, float] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    background: np.ndarray | None = None,
) -> Detection:
    """
    Flag the pixels that enough of several detectors flag.

    ``detectors`` are their names, as a list or with commas between. A detector counts once, or with its weight in
    ``weights``. ``votes`` is the sum that a pixel needs; None means more than half. Where a detector does not search it
    has no vote, and the sum needed is lower in proportion. ``parameters`` has those of each detector by its name.

    The score is the share of the votes. ``ballots`` of the info, (ny, nx), has the bit ``1 << i`` where the i-th
    detector voted for a pixel.
    """
    names = voters(detectors)
    weight = [float((weights or {}).get(name, 1)) for name in names]
    for_it, searched = np.zeros(data.shape), np.zeros(data.shape)
    ballots = np.zeros(data.shape, dtype=np.uint16)
    facts = {"mask": mask, "variance": variance, "readnoise": readnoise, "saturation": saturation}
    optional = {"extra_variance": extra_variance, "protected": protected, "background": background, "header": header}
    counts = []
    for bit, name in enumerate(names):
        found = _ask(name, data, facts, optional, (parameters or {}).get(name, {}))
        looked = ~mask if found.not_searched is None else ~(mask | (found.not_searched & ~found.mask))
        for_it += weight[bit] * found.mask
        searched += weight[bit] * looked
        ballots |= found.mask.astype(np.uint16) << np.uint16(bit)
        counts.append(f"{name} {np.count_nonzero(found.mask)}")
    share = np.divide(for_it, searched, out=np.zeros(data.shape), where=searched > 0)
    needed = 0.5 if votes is None else votes / sum(weight)
    hits = (share > needed) if votes is None else (share >= needed * (1 - 1e-9))
    not_searched = (searched == 0) & ~mask
    return Detection(
        hits & ~mask,
        score=share.astype(np.float32),
        info={"votes_of": ", ".join(counts), "ballots": ballots},
        not_searched=not_searched if not_searched.any() else None,
    )


def voters(detectors: Sequence[str] | str) -> list[str]:
    """The names of the detectors that vote."""
    names = detectors.split(",") if isinstance(detectors, str) else detectors
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise wrong_value("detectors", detectors, "names of detectors, as a list or with commas between")
    names = [name.strip() for name in names]
    if not 2 <= len(names) <= MOST_VOTERS or len(set(names)) < len(names):
        raise wrong_value("detectors", detectors, f"2 to {MOST_VOTERS} different detectors")
    if NAME in names:
        raise wrong_value("detectors", detectors, f"others than {NAME!r} itself")
    return names


def _ask(
    name: str, data: np.ndarray, facts: Mapping[str, Any], optional: Mapping[str, Any], given: Mapping[str, Any]
) -> Detection:
    """The answer of one detector."""
    detector, own = choose_detector(name, given)
    own = {**own, **_known_to(detector, data, facts, optional, own)}
    blame = f"detector {name!r} of the {NAME}"
    try:
        found = detector.detect(data, **own)
    except CosmicRayError as err:
        raise err.within(after=f" ({blame})") from err
    except plugins.FAILURES as err:
        raise CosmicRayError(f"Failed: {blame}: {type(err).__name__}: {err}") from err
    return checked_detection(found, data.shape, blame)


def _known_to(
    detector: Detector,
    data: np.ndarray,
    facts: Mapping[str, Any],
    optional: Mapping[str, Any],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """The facts with which a detector is called; what it has no keyword for is part of the others."""
    extra, protected, background = (optional[name] for name in ("extra_variance", "protected", "background"))
    known = dict(facts)
    if plugins.takes_keyword(detector, "extra_variance"):
        known["extra_variance"] = extra
    elif extra is not None:
        photons = np.maximum(data, 0) + np.float32(known["readnoise"]) ** 2
        known["variance"] = extra + (photons if known["variance"] is None else known["variance"])
    if plugins.takes_keyword(detector, "protected"):
        known["protected"] = protected
    elif protected is not None:
        known["mask"] = known["mask"] | protected
    if plugins.takes_keyword(detector, "header"):
        known["header"] = optional["header"] or {}
    if background is not None and "background" in own and own["background"] is None:
        known["background"] = background
    return known


def check(
    *,
    detectors: Sequence[str] | str,
    votes: float | None,
    weights: Mapping[str, float] | None,
    parameters: Mapping[str, Mapping[str, Any]] | None,
    **_: Any,
) -> None:
    """Refuse values that make no sense."""
    names = voters(detectors)
    for option, value in (("weights", weights), ("parameters", parameters)):
        if value is not None and not (isinstance(value, Mapping) and set(value) <= set(names)):
            raise wrong_value(option, value, f"a dict with names among {', '.join(names)}")
    for name, weight in (weights or {}).items():
        check_number(f"weights[{name!r}]", weight, above=0)
    for name in names:
        own = (parameters or {}).get(name, {})
        if not isinstance(own, Mapping):
            raise wrong_value("parameters", parameters, "a dict of dicts")
        choose_detector(name, own)
    if votes is not None:
        total = sum(float((weights or {}).get(name, 1)) for name in names)
        check_number("votes", votes, above=0, most=total)


def used_plugins(*, detectors: Sequence[str] | str = VOTERS, **_: Any) -> list[tuple[str, str]]:
    """The detectors that decide the result."""
    return [("detector", name) for name in voters(detectors)]


@hookimpl
def ccdcr_detectors() -> Iterator[Any]:
    """Register the detector."""
    summary = "pixels that enough of several detectors flag, each with one vote or its weight"
    yield Detector(NAME, summary, detect, check=check, plugins=used_plugins)
