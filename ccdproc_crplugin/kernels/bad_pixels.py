# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Pixels that are neither searched nor used for a repair.

There are three kinds: those of the mask and the pixels next to them, the cores
of saturated stars and the pixels around, and those that are not finite. The
last are filled before any filter runs, so that they do not spread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_DISC_5 = tuple((dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if abs(dy) + abs(dx) < 4)
# A pixel belongs to a saturated core if the median around it exceeds this
# fraction of the saturation level, as in astroscrappy.
_CORE_FRACTION = 10.0
_PIXELS_AT_ONCE = 1 << 15


def _grown_pixels(
    grown: np.ndarray, y: np.ndarray, x: np.ndarray, offsets: tuple[tuple[int, int], ...], edge: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the pixels (y, x) and those around that are `edge` or more inside; return all of them."""
    ny, nx = grown.shape
    new_y, new_x = [y], [x]
    grown[y, x] = True
    for dy, dx in offsets:
        yy, xx = y + dy, x + dx
        inside = (yy >= edge) & (yy < ny - edge) & (xx >= edge) & (xx < nx - edge)
        yy, xx = yy[inside], xx[inside]
        new = ~grown[yy, xx]
        yy, xx = yy[new], xx[new]
        grown[yy, xx] = True
        new_y.append(yy)
        new_x.append(xx)
    return np.concatenate(new_y), np.concatenate(new_x)


def grow_mask(mask: np.ndarray, bad: np.ndarray, *, skip_edges: bool) -> None:
    """Add the pixels of a mask and those next to them to ``bad``, in place (both bool, (ny, nx))."""
    bad |= mask
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    grown = wide.copy()
    grown[1:] |= wide[:-1]
    grown[:-1] |= wide[1:]
    inside = slice(1, -1) if skip_edges else slice(None)
    bad[inside, inside] |= grown[inside, inside]


def _window_rows(y: np.ndarray, radius: int, n: int, skip_edges: bool) -> np.ndarray:
    """Rows (or columns) of the windows around pixels, reflected at the edges."""
    window = y[:, None] + np.arange(-radius, radius + 1)
    if skip_edges:
        return np.clip(window, 0, n - 1)
    window %= 2 * n
    return np.minimum(window, 2 * n - 1 - window)


def _median_exceeds(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, limit: np.float32, *, sepmed: bool, skip_edges: bool
) -> np.ndarray:
    """
    Whether the median around each pixel exceeds a limit.

    A median exceeds it exactly if the majority of the values does.
    """
    radius = 3 if sepmed else 2
    ny, nx = data.shape
    rows = _window_rows(y, radius, ny, skip_edges)
    columns = _window_rows(x, radius, nx, skip_edges)
    above = data[rows[:, :, None], columns[:, None, :]] > limit
    width = 2 * radius + 1
    if sepmed:
        above = np.count_nonzero(above, axis=2) > width // 2
        majority = np.count_nonzero(above, axis=1) > width // 2
    else:
        majority = np.count_nonzero(above, axis=(1, 2)) > width * width // 2
    if skip_edges:
        at_edge = (y < radius) | (x < radius) | (y >= ny - radius) | (x >= nx - radius)
        majority[at_edge] = data[y[at_edge], x[at_edge]] > limit
    return majority


def mask_saturated(data: np.ndarray, saturation: float, bad: np.ndarray, *, sepmed: bool, skip_edges: bool) -> None:
    """
    Add the cores of saturated stars and the pixels around to ``bad``, in place; data and saturation in electrons.

    A cosmic ray may saturate a pixel too, but the pixels around a star's core are bright as well.
    """
    level = np.float32(saturation)
    limit = np.float32(float(level) / _CORE_FRACTION)
    saturated = np.flatnonzero(data >= level)
    core_y, core_x = [], []
    for start in range(0, saturated.size, _PIXELS_AT_ONCE):
        y, x = np.divmod(saturated[start : start + _PIXELS_AT_ONCE], data.shape[1])
        core = _median_exceeds(data, y, x, limit, sepmed=sepmed, skip_edges=skip_edges)
        core_y.append(y[core])
        core_x.append(x[core])
    if not core_y:
        return
    y, x = np.concatenate(core_y), np.concatenate(core_x)
    edge = 2 if skip_edges else 0
    grown = np.zeros_like(bad)
    y, x = _grown_pixels(grown, y, x, _DISC_5, edge)
    grown = np.zeros_like(bad)
    y, x = _grown_pixels(grown, y, x, _DISC_5, edge)
    bad[y, x] = True


def fill_not_finite(array: np.ndarray, not_finite: np.ndarray, bad: np.ndarray, level_of: Callable) -> None:
    """
    Replace pixels of ``array`` (float32), in place, by the mean of the good ones among the 5x5 around them.

    Where none of these is good, the value is ``level_of`` of all good pixels.
    """
    ny, nx = array.shape
    good = ~(bad | not_finite)
    pixels = np.flatnonzero(not_finite)
    level: Any = None
    fills = []
    for start in range(0, pixels.size, _PIXELS_AT_ONCE):
        y, x = np.divmod(pixels[start : start + _PIXELS_AT_ONCE], nx)
        total = np.zeros(y.size, dtype=np.float32)
        n_good = np.zeros(y.size, dtype=np.float32)
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                inside = (y + dy >= 0) & (y + dy < ny) & (x + dx >= 0) & (x + dx < nx)
                yy, xx = np.clip(y + dy, 0, ny - 1), np.clip(x + dx, 0, nx - 1)
                use = inside & good[yy, xx]
                total[use] += array[yy[use], xx[use]]
                n_good[use] += 1
        lonely = n_good == 0
        if lonely.any() and level is None:
            level = level_of(array[good])
        fills.append(np.where(lonely, level if lonely.any() else 0.0, total / np.maximum(n_good, 1)))
    if fills:
        array.flat[pixels] = np.concatenate(fills)
