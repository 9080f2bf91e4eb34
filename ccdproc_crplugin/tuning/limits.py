# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The number of events for each pair of limits, and the choice of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from ccdproc_crplugin.kernels.edges import structured_edges
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.options import SIGCLIP
from ccdproc_crplugin.tuning import MAX_FALSE, MAX_STARS_TOUCHED
from ccdproc_crplugin.tuning.trials import LOWEST, best_scores, make_trials, scores_of

#: The values of ``sigclip`` that are weighed.
SIGCLIPS = (3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0)
#: The values of ``objlim``, in units of what suits the stellar width.
OBJLIM_FACTORS = (0.75, 1.0, 1.3, 1.7)

#: The ``sigclip`` at which an edge of the chip is looked at.
EDGE_SIGCLIP = 5.0

#: Difference in completeness that counts as none.
INDIFFERENT = 0.01


@dataclass(frozen=True)
class Limits:
    """The limits chosen for a frame."""

    sigclip: float
    objlim: float
    table: Table
    reason: str


def choose_limits(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None = None,
    extra_variance: np.ndarray | None = None,
    readnoise: float,
    saturation: float = np.inf,
    fwhm: float | None = None,
    objlim: float,
    vary_objlim: bool = True,
    n_pixels: int = 3,
    max_false: float = MAX_FALSE,
    max_stars_touched: float = MAX_STARS_TOUCHED,
    seed: int = 0,
    **search: Any,
) -> Limits:
    """Choose ``sigclip`` and ``objlim`` for a frame; ``mosaic=True`` says that it is a colour mosaic on one level."""
    frame: dict[str, Any] = {
        "mask": mask,
        "variance": variance,
        "extra_variance": extra_variance,
        "readnoise": readnoise,
        "saturation": saturation,
    }
    masked = mask if mask.any() else None
    scores = scores_of(data, **{**frame, "mask": masked}, **search)
    trials = make_trials(data, fwhm=fwhm, search=search, seed=seed, **frame)
    found = _Found(_off_structured_edges(scores, data.shape, objlim), data.shape, n_pixels)
    per_frame = (data.size - np.count_nonzero(mask)) / max(trials.n_pixels, 1)
    contrasts = [factor * objlim for factor in OBJLIM_FACTORS] if vary_objlim else [objlim]
    table = Table([row for contrast in contrasts for row in _rows(found, trials, float(contrast), per_frame)])
    false_share = table["n_false"] / np.maximum(table["n_events"], 1)
    table["allowed"] = (false_share <= max_false) & (table["stars_touched"] <= max_stars_touched)
    if not table["completeness"].any():
        return _untried(table, objlim)
    return _choice(table, objlim, max_false, max_stars_touched)


def _off_structured_edges(scores: Any, shape: tuple[int, int], objlim: float) -> np.ndarray:
    """The candidates that are not on a structured edge of the chip."""
    hits = np.zeros(shape, dtype=bool)
    sharp = scores[(scores["s_prime"] > EDGE_SIGCLIP) & (scores["s_prime_over_f"] > objlim)]
    hits[sharp["y"], sharp["x"]] = True
    edges = structured_edges(hits)
    return scores if edges is None else scores[~edges[scores["y"], scores["x"]]]


class _Found:
    """The candidates of the frame, which can be counted for any pair of limits."""

    def __init__(self, scores: Any, shape: tuple[int, int], n_pixels: int) -> None:
        self.n_pixels = n_pixels
        self.groups = {sigclip: self._grouped(scores, shape, sigclip) for sigclip in SIGCLIPS}

    @staticmethod
    def _grouped(scores: Any, shape: tuple[int, int], sigclip: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Label and contrast of the candidates above ``sigclip``, and the pixels of each label."""
        above = scores[scores["s_prime"] > sigclip]
        label = label_pixels(above["y"].astype(np.int64), above["x"].astype(np.int64), shape)
        return label, above["s_prime_over_f"], np.bincount(label, minlength=1)

    def count(self, sigclip: float, objlim: float) -> dict[str, int]:
        """Pixels, events and extended events of the first iteration."""
        label, contrast, areas = self.groups[sigclip]
        seeds = np.unique(label[contrast > objlim])
        return {
            "n_pixels": int(areas[seeds].sum()),
            "n_events": len(seeds),
            "n_extended": int((areas[seeds] >= self.n_pixels).sum()),
        }


def _rows(found: _Found, trials: Any, objlim: float, per_frame: float) -> Iterator[Any]:
    """Rows of the table for one contrast."""
    events, stars = best_scores(trials.events, objlim), best_scores(trials.stars, objlim)
    noise = _noise_tail(trials, objlim)
    for sigclip in SIGCLIPS:
        touched = np.count_nonzero(stars > sigclip)
        yield {
            "sigclip": sigclip,
            "objlim": objlim,
            **found.count(sigclip, objlim),
            "completeness": np.count_nonzero(events > sigclip) / max(len(events), 1),
            "stars_touched": touched / max(len(stars), 1),
            "n_false": per_frame * (touched + noise(sigclip)),
        }


def _noise_tail(trials: Any, objlim: float) -> Callable:
    """
    Number of false pixels on the sky of the parts tried, as a function of ``sigclip``.

    S' of noise falls off as a Gaussian does, so above the lowest S' its square is distributed exponentially. The fit
    tells what a frame much larger than the parts has beyond the highest S' of the parts.
    """
    s_prime, contrast = trials.noise
    passing = s_prime[contrast > objlim].astype(float)
    scale = np.mean(passing**2 - LOWEST**2) if len(passing) else 1.0
    return lambda sigclip: len(passing) * np.exp(-(sigclip**2 - LOWEST**2) / scale)


def _untried(table: Any, objlim: float) -> Any:
    """The limits of a frame on which no trial event could be found."""
    reason = f"no trial event was found at any sigclip: the detector's own value of {SIGCLIP:g} stays"
    return Limits(SIGCLIP, float(objlim), table, reason)


def _choice(table: Any, objlim: float, max_false: float, max_stars_touched: float) -> Limits:
    """The row that is chosen, and why."""
    false_share = table["n_false"] / np.maximum(table["n_events"], 1)
    merit = np.where(table["allowed"], table["completeness"], -false_share - table["stars_touched"])
    good = table[merit >= merit.max() - INDIFFERENT]
    distance = np.abs(np.log(good["objlim"] / objlim))
    good = good[distance <= distance.min() + 1e-6]
    row = good[np.argsort(good["sigclip"])[len(good) // 2]]
    bounds = f"{max_false:.1%} false events and {max_stars_touched:.1%} stars touched"
    why = (
        f"{row['completeness']:.0%} of the trial events found, {row['n_false']:.2g} of {row['n_events']} events false, "
        f"{row['stars_touched']:.1%} of the stars touched"
    )
    if table["allowed"].any():
        span = f"from {np.min(good['sigclip']):g} to {np.max(good['sigclip']):g}"
        reason = f"{why}; within the bounds of {bounds}, sigclip {span} is equally complete to a per cent"
    else:
        reason = f"{why}; no pair of limits keeps the bounds of {bounds}, this one comes nearest"
    return Limits(float(row["sigclip"]), float(row["objlim"]), table, reason)
