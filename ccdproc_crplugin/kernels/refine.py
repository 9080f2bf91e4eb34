# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Growth of events into their faint wings.

L.A.Cosmic keeps the pixels of an event whose edges are sharp and leaves the faint rest of a track: its diffused
sides and its shallow end. `grow_events` adds a neighbour of an event while its excess over the sky around it is
significant, so an event grows along its track and stops where the track ends. `widen_events` adds all pixels within a
distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

from ccdproc_crplugin.errors import check_whole, wrong_value
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import finite_median, robust_std

SIGNIFICANT = 2.5  # standard deviations of a single pixel
STRUCTURE = 1.5  # weight of the scatter that noise does not explain
RADIUS = 3  # pixels: the repair draws on 7 x 7
SIDE = 2 * RADIUS + 1
FEWEST_GOOD = 8  # pixels that the repair needs
MOST_STEPS = 200  # pixels that an event grows at most, in any direction
MOST_PIXELS = 100  # by which events may be widened


def grow_events(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    readnoise: float,
    bad: np.ndarray | None = None,
    significant: float = SIGNIFICANT,
    extra_variance: np.ndarray | None = None,
) -> np.ndarray:
    """
    The mask of events with the neighbouring pixels whose residual is significant; data and read noise in electrons.

    ``extra_variance`` (electrons squared) is that of what was subtracted.

    The sky of a pixel is the median of the good pixels in the 7 x 7 around it or of those that touch it,
    whichever is higher; its noise is that of the sky and of the read-out, plus 1.5 times the scatter of
    the 7 x 7 that these do not explain. In a star the neighbours are high too and the scatter is large, so an event
    does not grow into it; beside a track the neighbours farther out are plain sky.
    """
    grown = mask.copy()
    y, x = true_pixels(mask)
    for _ in range(MOST_STEPS):
        y, x = _front(y, x, grown, bad)
        own = readnoise**2 if extra_variance is None else readnoise**2 + extra_variance[y, x]
        joins = _residual(data, y, x, grown, bad, own, significant) > significant
        y, x = y[joins], x[joins]
        if y.size == 0:
            break
        grown[y, x] = True
    return grown


def growth_in_pixels(grow: Any) -> int | None:
    """By how many pixels events are to be widened; None for a switch."""
    if isinstance(grow, bool | np.bool_):
        return None
    if isinstance(grow, str) or grow is None:
        raise wrong_value("grow", grow, "True, False or a number of pixels")
    check_whole("grow", grow, 0, MOST_PIXELS)
    return int(grow)


def widen_events(mask: np.ndarray, n_pixels: int, bad: np.ndarray | None = None) -> np.ndarray:
    """The mask of events with all pixels at most ``n_pixels`` rows and columns away that are not bad."""
    wide = maximum_filter(mask, size=2 * n_pixels + 1, mode="constant", cval=False)
    return wide if bad is None else wide & ~bad


def _front(y: np.ndarray, x: np.ndarray, grown: np.ndarray, bad: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The pixels next to those given that are inside the frame, neither grown nor bad, each once."""
    offset_y, offset_x = np.indices((3, 3)).reshape(2, 9) - 1
    y, x = (y[:, np.newaxis] + offset_y).ravel(), (x[:, np.newaxis] + offset_x).ravel()
    inside = (y >= 0) & (y < grown.shape[0]) & (x >= 0) & (x < grown.shape[1])
    flat = np.unique(y[inside] * grown.shape[1] + x[inside])
    y, x = np.divmod(flat, grown.shape[1])
    free = ~grown[y, x] if bad is None else ~(grown[y, x] | bad[y, x])
    return y[free], x[free]


def _residual(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    grown: np.ndarray,
    bad: np.ndarray | None,
    own_variance: float | np.ndarray,
    significant: float,
) -> np.ndarray:
    """
    Excess of pixels over the sky around them, in standard deviations; 0 where it cannot be significant.

    ``own_variance`` is that of each pixel but for its photons, electrons squared.
    """
    around = _good_windows(data, y, x, grown, bad)
    residual = np.zeros(y.size)
    sky = finite_median(around.reshape(y.size, SIDE**2), axis=1)
    # The noise below is larger still: most pixels need no further look. A NaN compares false.
    possible = data[y, x] - sky > significant * np.sqrt(np.maximum(sky, 0) + own_variance)
    possible &= np.isfinite(around).sum(axis=(1, 2)) >= FEWEST_GOOD
    around, sky, value = around[possible], sky[possible], data[y, x][possible]
    own_variance = np.broadcast_to(own_variance, y.shape)[possible]
    scatter = robust_std(around.reshape(-1, SIDE**2), sky[:, np.newaxis], finite_median, axis=1)
    next_to = around[:, RADIUS - 1 : RADIUS + 2, RADIUS - 1 : RADIUS + 2].reshape(-1, 9)
    sky = np.fmax(sky, finite_median(next_to, axis=1))
    noise = np.maximum(sky, 0) + own_variance
    structure = np.maximum(scatter**2 - noise, 0)
    residual[possible] = (value - sky) / np.sqrt(noise + STRUCTURE**2 * structure)
    return residual


def _good_windows(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, grown: np.ndarray, bad: np.ndarray | None
) -> np.ndarray:
    """Cut-outs about pixels, NaN outside of the frame, at bad and at grown pixels and in the middle."""
    rows, above_or_below = _along(y, data.shape[0])
    columns, beside = _along(x, data.shape[1])
    place = rows[:, :, np.newaxis] * data.shape[1] + columns[:, np.newaxis, :]
    left_out = above_or_below[:, :, np.newaxis] | beside[:, np.newaxis, :]
    for taken in (grown, bad):
        if taken is not None:
            left_out |= taken.reshape(-1)[place]
    around = data.reshape(-1)[place].astype(np.float32, copy=False)
    around[left_out | ~np.isfinite(around)] = np.nan
    around[:, RADIUS, RADIUS] = np.nan
    return around


def _along(centre: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices about each centre along one axis, clipped to the frame, and whether they were outside."""
    index = centre[:, np.newaxis] + np.arange(-RADIUS, RADIUS + 1)
    return np.clip(index, 0, size - 1), (index < 0) | (index >= size)
