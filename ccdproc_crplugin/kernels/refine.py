# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Growth of events into their faint wings.

L.A.Cosmic keeps the pixels of an event whose edges are sharp and leaves the faint rest of a track: its diffused
sides and its shallow end. `grow_events` adds a neighbour of an event while it is likely to hold charge, which depends
on its excess over the sky around it and on the charge beside it, so an event grows along its track and stops where the
track ends. `widen_events` adds all pixels within a distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

from ccdproc_crplugin.errors import check_whole, wrong_value
from ccdproc_crplugin.kernels.engines import load_engine, n_threads
from ccdproc_crplugin.kernels.growth_curve import LEAST, GrowthCurve, measured_curve
from ccdproc_crplugin.kernels.numpy_growth import BESIDE
from ccdproc_crplugin.kernels.pixels import as_c_array

CONTEXT = "context"
MOST_STEPS = 200  # pixels that an event grows at most, in any direction
MOST_PIXELS = 100  # by which events may be widened
SAMPLE = 4000  # pixels of events, about, with whose surroundings the curve is measured


def grow_events(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    readnoise: float,
    bad: np.ndarray | None = None,
    extra_variance: np.ndarray | None = None,
    least: float = LEAST,
    threads: int | None = None,
    engine: str | None = None,
) -> tuple[np.ndarray, GrowthCurve]:
    """
    The mask of events with the neighbouring pixels that are likely to hold charge, and the thresholds for that.

    ``data`` and ``readnoise`` are in electrons. ``extra_variance`` (electrons squared) is that of what was subtracted.
    Pixels that are ``bad`` neither join nor count. No pixel joins with an excess below ``least`` (standard deviations).
    """
    data, grown = as_c_array(data, np.float32), np.array(mask, dtype=bool, order="C")
    bad = None if bad is None or not bad.any() else as_c_array(bad, bool)
    extra = None if extra_variance is None else as_c_array(extra_variance, np.float32)
    run, n = load_engine(engine), n_threads(threads)

    def measured(pixels: np.ndarray) -> np.ndarray:
        return np.frombuffer(run.beside(data, extra, grown, bad, pixels, float(readnoise) ** 2, LEAST, n), BESIDE)

    def next_to(seeds: np.ndarray | None) -> np.ndarray:
        return np.frombuffer(run.front(data, grown, bad, seeds), np.int64)

    front, hits = next_to(None), np.flatnonzero(grown)
    beside = measured(front)
    every = max(1, hits.size // SAMPLE)
    curve = measured_curve(np.concatenate([beside[front % every == 0], measured(hits[hits % every == 0])]), least)
    for _ in range(MOST_STEPS):
        joining = front[curve.joins(beside)]
        if joining.size == 0:
            break
        grown.reshape(-1)[joining] = True
        front = next_to(joining)
        beside = measured(front)
    return grown, curve


def growth_in_pixels(grow: Any) -> int | None:
    """By how many pixels events are to be widened; None for a switch and for growth by context."""
    if isinstance(grow, bool | np.bool_) or (isinstance(grow, str) and grow == CONTEXT):
        return None
    if isinstance(grow, str) or grow is None:
        raise wrong_value("grow", grow, f"{CONTEXT!r}, False or a number of pixels")
    check_whole("grow", grow, 0, MOST_PIXELS)
    return int(grow)


def widen_events(mask: np.ndarray, n_pixels: int, bad: np.ndarray | None = None) -> np.ndarray:
    """The mask of events with all pixels at most ``n_pixels`` rows and columns away that are not bad."""
    wide = maximum_filter(mask, size=2 * n_pixels + 1, mode="constant", cval=False)
    return wide if bad is None else wide & ~bad
