# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The number of events for each pair of limits, and the choice of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Table

from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.kernels.edges import structured_edges
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.noise_events import expected_noise_events
from ccdproc_crplugin.kernels.options import SIGCLIP
from ccdproc_crplugin.tuning import MAX_FALSE, MAX_STARS_TOUCHED
from ccdproc_crplugin.tuning.single_pixels import expected_single, has_hot_pixels, stand_alone
from ccdproc_crplugin.tuning.trials import LOWEST, best_scores, make_trials, scores_of, single_scores

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
    events: tuple[np.ndarray, ...] = ()  # row, column and label, from 1, of the pixels that they find in one iteration


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
    scores = _off_structured_edges(scores, data.shape, objlim)
    steady = readnoise**2 if extra_variance is None else readnoise**2 + extra_variance
    alone = stand_alone(data, scores["y"].astype(int), scores["x"].astype(int), steady)
    found = _Found(scores, alone, data.shape, n_pixels)
    per_frame = (data.size - np.count_nonzero(mask)) / max(trials.n_pixels, 1)
    contrasts = [factor * objlim for factor in OBJLIM_FACTORS] if vary_objlim else [objlim]
    table = Table([row for contrast in contrasts for row in _rows(found, trials, float(contrast), per_frame)])
    table["allowed"] = _within(table, table["n_false"], max_false, max_stars_touched)
    if not table["completeness"].any():
        limits = _untried(table, objlim)
    else:
        limits = _choice(table, objlim, max_false, max_stars_touched, dark_known=extra_variance is not None)
    return replace(limits, events=found.events(limits.sigclip, limits.objlim))


def _off_structured_edges(scores: Any, shape: tuple[int, int], objlim: float) -> np.ndarray:
    """The candidates that are not on a structured edge of the chip."""
    hits = np.zeros(shape, dtype=bool)
    sharp = scores[(scores["s_prime"] > EDGE_SIGCLIP) & (scores["s_prime_over_f"] > objlim)]
    hits[sharp["y"], sharp["x"]] = True
    edges = structured_edges(hits)
    return scores if edges is None else scores[~edges[scores["y"], scores["x"]]]


class _Found:
    """The candidates of the frame, which can be counted for any pair of limits."""

    def __init__(self, scores: Any, alone: np.ndarray, shape: tuple[int, int], n_pixels: int) -> None:
        self.n_pixels = n_pixels
        self.groups = {sigclip: self._grouped(scores, alone, shape, sigclip) for sigclip in SIGCLIPS}

    @staticmethod
    def _grouped(scores: Any, alone: np.ndarray, shape: tuple[int, int], sigclip: float) -> tuple[np.ndarray, ...]:
        """Label and contrast of the candidates above ``sigclip``, pixels of each label, and which stand alone."""
        high = scores["s_prime"] > sigclip
        above = scores[high]
        label = label_pixels(above["y"].astype(np.int64), above["x"].astype(np.int64), shape)
        areas = np.bincount(label, minlength=1)
        single = (areas == 1) & (np.bincount(label, alone[high], len(areas)) > 0)
        return label, above["s_prime_over_f"], areas, single, above["y"], above["x"]

    def count(self, sigclip: float, objlim: float) -> dict[str, int]:
        """Pixels, events and extended events of the first iteration."""
        label, contrast, areas, single, _, _ = self.groups[sigclip]
        seeds = np.unique(label[contrast > objlim])
        return {
            "n_pixels": int(areas[seeds].sum()),
            "n_events": len(seeds),
            "n_extended": int((areas[seeds] >= self.n_pixels).sum()),
            "n_single": int(single[seeds].sum()),
        }

    def events(self, sigclip: float, objlim: float) -> tuple[np.ndarray, ...]:
        """Row, column and label, from 1, of the pixels of the events of the first iteration."""
        label, contrast, _, _, y, x = self.groups[sigclip]
        seeds = np.unique(label[contrast > objlim])
        own = np.isin(label, seeds)
        return y[own].astype(np.int64), x[own].astype(np.int64), np.searchsorted(seeds, label[own]) + 1


def _rows(found: _Found, trials: Any, objlim: float, per_frame: float) -> Iterator[Any]:
    """Rows of the table for one contrast."""
    stars = best_scores(trials.stars, objlim)
    events = best_scores([(event.s_prime, event.contrast) for event in trials.events], objlim)
    second, alone = single_scores(trials.events)
    noise = _noise_tail(trials, objlim)
    hot = False
    for sigclip in SIGCLIPS:
        touched, n_noise = np.count_nonzero(stars > sigclip), per_frame * noise(sigclip)
        counts = found.count(sigclip, objlim)
        n_single, n_larger = counts["n_single"], counts["n_events"] - counts["n_single"]
        expected = expected_single(n_larger, events > sigclip, alone & (second <= sigclip))
        # What is hot at a low limit remains hot at a higher one, where there are too few to tell.
        hot = hot or has_hot_pixels(n_single, n_larger, n_noise)
        n_hot = max(n_single - expected - n_noise, 0.0) if hot else 0.0
        yield {
            "sigclip": sigclip,
            "objlim": objlim,
            **counts,
            "n_single_expected": expected + n_noise,
            "completeness": np.count_nonzero(events > sigclip) / max(len(events), 1),
            "stars_touched": touched / max(len(stars), 1),
            "n_noise": n_noise,
            "n_hot": n_hot,
            "n_false": per_frame * touched + n_noise + n_hot,
        }


def _noise_tail(trials: Any, objlim: float) -> Callable:
    """
    Number of false pixels on the sky of the parts tried, as a function of ``sigclip``.

    It falls off from the number above the lowest S' as `expected_noise_events` does, which tells what a frame much
    larger than the parts has beyond the highest S' of the parts. Where the frame has more noise than is known, so has
    S'.
    """
    s_prime, contrast = trials.noise
    n_lowest = np.count_nonzero((s_prime > LOWEST) & (contrast > objlim))
    sky = {"photons": trials.photons, "gaussian2": trials.gaussian2}
    lowest = expected_noise_events(1, LOWEST / trials.excess, **sky)
    return lambda sigclip: n_lowest * expected_noise_events(1, sigclip / trials.excess, **sky) / lowest


def _untried(table: Any, objlim: float) -> Any:
    """The limits of a frame on which no trial event could be found."""
    reason = f"no trial event was found at any sigclip: the detector's own value of {SIGCLIP:g} stays"
    return Limits(SIGCLIP, float(objlim), table, reason)


def _within(table: Any, n_false: np.ndarray, max_false: float, max_stars_touched: float) -> np.ndarray:
    """Which rows keep both bounds, with that many false events."""
    return (n_false <= max_false * np.maximum(table["n_events"], 1)) & (table["stars_touched"] <= max_stars_touched)


def _choice(table: Any, objlim: float, max_false: float, max_stars_touched: float, *, dark_known: bool) -> Limits:
    """The row that is chosen, and why."""
    n_false, allowed = table["n_false"], np.asarray(table["allowed"])
    if not allowed.any():
        # No limit tells hot pixels from cosmic rays: the choice is made by what else is false.
        n_false = n_false - table["n_hot"]
        allowed = _within(table, n_false, max_false, max_stars_touched)
    false_share = n_false / np.maximum(table["n_events"], 1)
    merit = np.where(allowed, table["completeness"], -false_share - table["stars_touched"])
    good = table[merit >= merit.max() - INDIFFERENT]
    distance = np.abs(np.log(good["objlim"] / objlim))
    good = good[distance <= distance.min() + 1e-6]
    row = good[np.argsort(good["sigclip"])[len(good) // 2]]
    bounds = f"{max_false:.1%} false events and {max_stars_touched:.1%} stars touched"
    why = (
        f"{row['completeness']:.0%} of the trial events found, {row['n_false']:.2g} of {row['n_events']} events false, "
        f"{row['stars_touched']:.1%} of the stars touched{_single_pixels(row, max_false, dark_known)}"
    )
    if table["allowed"].any():
        span = f"from {np.min(good['sigclip']):g} to {np.max(good['sigclip']):g}"
        reason = f"{why}; within the bounds of {bounds}, sigclip {span} is equally complete to a per cent"
    else:
        reason = f"{why}; no pair of limits keeps the bounds of {bounds}, this one comes nearest"
    return Limits(float(row["sigclip"]), float(row["objlim"]), table, advice(reason))


def _single_pixels(row: Any, max_false: float, dark_known: bool) -> str:
    """What the reason has to say of events of a single pixel; nothing where there are as many as cosmic rays make."""
    more = (
        f"{row['n_single']} events are single pixels, where cosmic rays and noise make {row['n_single_expected']:.2g}"
    )
    surplus = row["n_single"] - row["n_single_expected"]
    remedy = "mask them" if dark_known else "give {dark}, the dark that was subtracted, or mask them"
    if row["n_hot"] > max_false * row["n_events"]:
        return f"; {more}: the others look like hot pixels ({remedy})"
    if not dark_known and surplus > max(max_false * row["n_events"], 1):
        return f"; cannot tell how many more are false: {more}, and the others may be hot pixels ({remedy})"
    return ""
