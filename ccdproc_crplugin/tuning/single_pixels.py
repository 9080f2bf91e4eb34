# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events of a single pixel, and how many of them are more than cosmic rays make.

A hot pixel of a dark that was subtracted scatters by the noise of its own dark current, of which the frame shows
nothing: what remains looks like a cosmic ray that stays within one pixel. Cosmic rays leave such events too, but
never alone: for each there are others of more pixels. The trial events tell how many.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

#: Standard deviations that each of the eight neighbours stays below beside a single pixel.
BESIDE = 2.5
AT_ONCE = 100_000  # pixels whose surroundings are taken together
#: The largest share of cosmic rays that stay within one pixel: spots on a thinned chip of 27 micron pixels.
LARGEST_SHARE = 0.2
#: Standard deviations by which the single pixels must exceed that share before some of them are hot pixels for sure.
SIGNIFICANT = 2.0
#: Relative error of the number of false pixels that the noise of the sky makes.
NOISE_ERROR = 0.5


def stand_alone(data: np.ndarray, y: np.ndarray, x: np.ndarray, noise2: np.ndarray | float) -> np.ndarray:
    """
    Whether no neighbour of the pixels stands out of the ring around it, bool (n,).

    ``data`` (electrons) has shape (ny, nx); ``noise2`` (electrons squared) is the noise without that of the photons.
    """
    alone = np.zeros(len(y), dtype=bool)
    if len(y) == 0:
        return alone
    padded, noise2 = (np.pad(array, 2, mode="edge") for array in (data, np.broadcast_to(noise2, data.shape)))
    windows, noises = (sliding_window_view(array, (5, 5)) for array in (padded, noise2))
    ring = np.ones((5, 5), dtype=bool)
    ring[1:4, 1:4] = False
    beside = ~ring
    beside[2, 2] = False
    for first in range(0, len(y), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        around, extra = windows[y[part], x[part]], noises[y[part], x[part]]
        sky = np.median(around[:, ring], axis=1)[:, np.newaxis]
        sigma = np.sqrt(np.maximum(sky, 0) + extra[:, beside])
        alone[part] = (around[:, beside] - sky < BESIDE * sigma).all(axis=1)
    return alone


def expected_single(n_larger: int, found: np.ndarray, single: np.ndarray) -> float:
    """
    Events of a single pixel that cosmic rays make, from the number of larger events in the frame.

    ``found`` and ``single``, bool (n,), say which trial events are found and which of these are single pixels.
    """
    share = (np.count_nonzero(single & found) + 0.5) / (np.count_nonzero(found) + 1)
    return float(n_larger * share / (1 - share))


def has_hot_pixels(n_single: int, n_larger: int, n_noise: float) -> bool:
    """Whether there are more events of a single pixel than cosmic rays of any kind and the noise make."""
    most = n_larger * LARGEST_SHARE / (1 - LARGEST_SHARE)
    error = np.sqrt(n_single + most**2 / max(n_larger, 1) + (NOISE_ERROR * n_noise) ** 2)
    return bool(n_single - most - n_noise > SIGNIFICANT * error)
