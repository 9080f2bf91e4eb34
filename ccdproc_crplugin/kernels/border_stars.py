# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Stars that the border of a frame cuts off.

The search goes on beyond the border with the mirror image of the frame. A bright star two or three pixels inside then
fills most of a 7 x 7 window with itself and its image, its fine structure vanishes, and its flank looks like a cosmic
ray. Here the median of the surroundings comes from windows that lie wholly inside the frame.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter, minimum_filter1d

from ccdproc_crplugin.kernels.labels import index_of, label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import medians_around

#: Pixels from the border within which a 7 x 7 median of a 3 x 3 median sees the mirror image.
WIDTH = 4

#: Rows of a strip along the border: what its medians draw on, and one window more.
DEPTH = 14

#: Sky beside a star is looked for so far along the border.
BESIDE = 3

#: What the fine structure of a pixel depends on reaches so far along the border: BESIDE, a window of 7, one of 3.
REACH = BESIDE + 3 + 1

#: F of the paper is at least this.
LEAST_F = 0.01


def without_border_stars(
    data: np.ndarray,
    hits: np.ndarray,
    scores: np.ndarray,
    readnoise: float,
    objlim: float,
    extra_variance: np.ndarray | None = None,
) -> np.ndarray:
    """
    The hits, bool (ny, nx), but for events all of whose candidates are flanks of stars at the border.

    ``data`` and ``readnoise`` are in electrons, ``scores`` are the candidates of the search, and ``objlim`` is the
    least S'/F of a cosmic ray; ``extra_variance`` (electrons squared) is what a pixel has beside photons and read-out.
    """
    ny, nx = data.shape
    y, x = scores["y"], scores["x"]
    at_border = (y < WIDTH) | (x < WIDTH) | (y >= ny - WIDTH) | (x >= nx - WIDTH)
    if min(ny, nx) < DEPTH or not (at_border & hits[y, x]).any():
        return hits
    fine = _fine_structure(data, y[at_border], x[at_border])
    own = readnoise**2 if extra_variance is None else readnoise**2 + extra_variance[y[at_border], x[at_border]]
    noise = np.sqrt(np.maximum(medians_around(data, y[at_border], x[at_border]), 0) + own)
    contrast = scores["s_prime"][at_border] * noise / np.maximum(fine, LEAST_F * noise)
    passes = scores["s_prime_over_f"] > objlim
    passes[at_border] &= contrast > objlim
    all_y, all_x = true_pixels(hits)
    labels = label_pixels(all_y, all_x, hits.shape)
    of_candidates = np.zeros(len(y), dtype=labels.dtype)
    hit = hits[y, x]
    of_candidates[hit] = labels[index_of(all_y, all_x, y[hit], x[hit], nx)]
    judged, passed = np.zeros((2, len(all_y) + 1), dtype=bool)
    judged[of_candidates[at_border]] = True
    passed[of_candidates[passes]] = True
    stars = judged & ~passed
    kept = hits.copy()
    kept[all_y, all_x] = ~stars[labels]
    return kept


def _fine_structure(data: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The contrast of a 3 x 3 median to the faintest 7 x 7 median beside it, electrons, of pixels at the border."""
    ny, nx = data.shape
    fine = np.full(len(y), -np.inf, dtype=np.float32)
    for turned, row, column in (
        (data, y, x),
        (data[::-1], ny - 1 - y, x),
        (data.T, x, y),
        (data.T[::-1], nx - 1 - x, y),
    ):
        near = np.flatnonzero(row < WIDTH)
        for part in _close_ones(near[np.argsort(column[near], kind="stable")], column):
            first = max(int(column[part[0]]) - REACH, 0)
            strip = turned[:DEPTH, first : int(column[part[-1]]) + REACH + 1]
            contrast = _contrast(strip, first, turned.shape[1])
            fine[part] = np.maximum(fine[part], contrast[row[part], column[part] - first])
    return fine


def _close_ones(order: np.ndarray, column: np.ndarray) -> list[np.ndarray]:
    """Pixels in the order of their columns, cut where the windows of two do not meet."""
    cuts = np.flatnonzero(np.diff(column[order]) > 2 * REACH) + 1
    return [part for part in np.split(order, cuts) if part.size]


def _contrast(strip: np.ndarray, first: int, n_columns: int) -> np.ndarray:
    """The contrast of the outermost rows of a strip, which starts at column ``first`` of so many."""
    small = median_filter(strip, size=3, mode="mirror")
    large = median_filter(small, size=7, mode="nearest")
    inside = np.clip(np.arange(first, first + strip.shape[1]), 3, n_columns - 4) - first
    inside = np.clip(inside, 0, strip.shape[1] - 1)  # beyond the reach of the pixels asked for
    surroundings = minimum_filter1d(large[3:10, inside].min(axis=0), 2 * BESIDE + 1, mode="nearest")
    return small[:WIDTH] - surroundings
