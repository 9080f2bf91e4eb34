# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Stars that the border of a frame cuts off.

The search goes on beyond the border with the mirror image of the frame. A bright star two or three pixels inside then
fills most of a 7 x 7 window with itself and its image, its fine structure vanishes, and its flank looks like a cosmic
ray. Here the median of the surroundings comes from windows that lie wholly inside the frame.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label, median_filter, minimum_filter1d

from ccdproc_crplugin.kernels.statistics import medians_around

#: Pixels from the border within which a 7 x 7 median of a 3 x 3 median sees the mirror image.
WIDTH = 4

#: Rows of a strip along the border: what its medians draw on, and one window more.
DEPTH = 14

#: Sky beside a star is looked for so far along the border.
BESIDE = 3

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
    fine = _fine_structure(data)[y[at_border], x[at_border]]
    own = readnoise**2 if extra_variance is None else readnoise**2 + extra_variance[y[at_border], x[at_border]]
    noise = np.sqrt(np.maximum(medians_around(data, y[at_border], x[at_border]), 0) + own)
    contrast = scores["s_prime"][at_border] * noise / np.maximum(fine, LEAST_F * noise)
    passes = scores["s_prime_over_f"] > objlim
    passes[at_border] &= contrast > objlim
    labels, n_events = label(hits, structure=np.ones((3, 3)))
    judged, passed = np.zeros(n_events + 1, dtype=bool), np.zeros(n_events + 1, dtype=bool)
    judged[labels[y[at_border], x[at_border]]] = True
    passed[labels[y[passes], x[passes]]] = True
    stars = judged & ~passed
    stars[0] = False
    return hits & ~stars[labels]


def _fine_structure(data: np.ndarray) -> np.ndarray:
    """The contrast of a 3 x 3 median to the faintest 7 x 7 median beside it, electrons; minus infinity inside."""
    fine = np.full(data.shape, -np.inf, dtype=np.float32)
    for turned, strip in ((data, fine), (data[::-1], fine[::-1]), (data.T, fine.T), (data.T[::-1], fine.T[::-1])):
        small = median_filter(turned[:DEPTH], size=3, mode="mirror")
        large = median_filter(small, size=7, mode="nearest")
        inside = np.clip(np.arange(large.shape[1]), 3, large.shape[1] - 4)
        surroundings = minimum_filter1d(large[3:10, inside].min(axis=0), 2 * BESIDE + 1, mode="nearest")
        strip[:WIDTH] = np.maximum(strip[:WIDTH], small[:WIDTH] - surroundings)
    return fine
