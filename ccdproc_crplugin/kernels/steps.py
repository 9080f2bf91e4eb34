# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Steps of a frame: the edge of a slit, of an overscan, of one amplifier.

A step is sharp on one side and looks like a row of cosmic rays. A cosmic ray stands above what lies on both sides of
it; the pixels of a step stand between them.
"""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels

#: Fewest pixels of an event that may be a step.
LEAST_AREA = 5

#: No particle hits so many pixels without a bend; the outline of a slit does, and its bright side changes.
OUTLINE_AREA = 100

#: Share of its pixels that must lie between the two sides, with the same side the brighter.
SHARE = 0.7

#: Standard deviations by which the sides differ at least, and by which a pixel may exceed the brighter one.
CONTRAST, ABOVE = 4.0, 3.0

#: Distances (pix) at which the sides are looked for, the next ones where all nearer pixels were hit.
DISTANCES = ((2, 7), (7, 13), (13, 25))

_LEFT_RIGHT, _BELOW_ABOVE = ((0, -1), (0, 1)), ((-1, 0), (1, 0))


def without_steps(
    data: np.ndarray, hits: np.ndarray, readnoise: float, extra_variance: np.ndarray | None = None
) -> np.ndarray:
    """
    The hits, bool (ny, nx), without the events that are steps; ``data`` and ``readnoise`` in electrons.

    ``extra_variance`` (electrons squared) is what a pixel has beside photons and read-out.
    """
    all_y, all_x = true_pixels(hits)
    labels = label_pixels(all_y, all_x, hits.shape)
    areas = np.bincount(labels, minlength=1)
    in_large = areas[labels] >= LEAST_AREA
    y, x, event = all_y[in_large], all_x[in_large], labels[in_large]
    if not len(y):
        return hits
    own = readnoise**2 if extra_variance is None else readnoise**2 + extra_variance[y, x]
    step = np.zeros(len(areas), dtype=bool)
    anywhere = np.zeros(len(y), dtype=bool)
    for directions in (_LEFT_RIGHT, _BELOW_ABOVE):
        one, other = (_side(data, hits, y, x, direction) for direction in directions)
        brighter, fainter = np.fmax(one, other), np.fmin(one, other)
        noise = np.sqrt(np.maximum(brighter, 0) + own)
        between = (data[y, x] <= brighter + ABOVE * noise) & (brighter - fainter > CONTRAST * noise)
        anywhere |= between
        for same_side in (one > other, other > one):
            n_between = np.bincount(event, weights=between & same_side, minlength=len(areas))
            step |= n_between > SHARE * np.maximum(areas, 1)
    n_anywhere = np.bincount(event, weights=anywhere, minlength=len(areas))
    step |= (n_anywhere > SHARE * areas) & (areas >= OUTLINE_AREA)
    kept = hits.copy()
    kept[all_y, all_x] = ~step[labels]
    return kept


def _side(data: np.ndarray, hits: np.ndarray, y: np.ndarray, x: np.ndarray, direction: tuple[int, int]) -> np.ndarray:
    """Level on one side of pixels: the median of the nearest pixels there that were not hit, NaN without any."""
    level = np.full(len(y), np.nan)
    for near, far in DISTANCES:
        missing = np.flatnonzero(np.isnan(level))
        if missing.size:
            level[missing] = _level(data, hits, y[missing], x[missing], direction, np.arange(near, far))
    return level


def _level(
    data: np.ndarray, hits: np.ndarray, y: np.ndarray, x: np.ndarray, direction: tuple[int, int], distance: np.ndarray
) -> np.ndarray:
    dy, dx = direction
    across = np.arange(-1, 2)[:, np.newaxis]  # three lines beside one another
    rows = y[:, np.newaxis, np.newaxis] + dy * distance + (across if dx else 0 * across)
    columns = x[:, np.newaxis, np.newaxis] + dx * distance + (across if dy else 0 * across)
    inside = (rows >= 0) & (rows < data.shape[0]) & (columns >= 0) & (columns < data.shape[1])
    rows, columns = np.clip(rows, 0, data.shape[0] - 1), np.clip(columns, 0, data.shape[1] - 1)
    values = np.where(inside & ~hits[rows, columns], data[rows, columns], np.nan).reshape(len(y), -1)
    ordered = np.sort(values, axis=1)  # NaN goes last
    middle = np.maximum(np.isfinite(values).sum(axis=1) - 1, 0) // 2
    return ordered[np.arange(len(y)), middle]
