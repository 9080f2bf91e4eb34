# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""New values for lost pixels, from the good ones around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import maximum_filter1d

#: Half the side of the window that a repair draws on (pix): 5 x 5 as in L.A.Cosmic.
RADIUS = 2

#: Half the side of the widest window, tried where all pixels of the smaller ones are lost (pix).
WIDEST_RADIUS = 16

#: So many lost pixels are first looked at for good ones around: most of them may lie deep inside of a lost area.
MANY = 10_000

#: The F of a plane's two slopes above which they are taken for real.
SIGNIFICANT_SLOPE = 5.0

#: How many windows are held in memory at once.
CHUNK = 200_000


def _mean(window: np.ndarray, good: np.ndarray, radius: int) -> np.ndarray:
    total = np.where(good, window, 0).sum(axis=1, dtype=np.float64)
    return total / good.sum(axis=1)


def _masked_median(window: np.ndarray, good: np.ndarray, radius: int) -> np.ndarray:
    return np.nanmedian(np.where(good, window, np.nan), axis=1)


def _median(window: np.ndarray, good: np.ndarray, radius: int) -> np.ndarray:
    return np.nanmedian(window, axis=1)


def _inverse_distance(window: np.ndarray, good: np.ndarray, radius: int) -> np.ndarray:
    dy, dx = _offsets(radius)
    distance = np.hypot(dy, dx)
    weight = np.where(good, 1 / np.where(distance > 0, distance, np.inf), 0)
    return (np.where(good, window, 0) * weight).sum(axis=1) / weight.sum(axis=1)


def _plane(window: np.ndarray, good: np.ndarray, radius: int) -> np.ndarray:
    """The plane through the good pixels where their slope is significant, else their mean, within their range."""
    mean = _mean(window, good, radius)
    columns = np.stack((np.ones((2 * radius + 1) ** 2), *_offsets(radius)))
    weighted = good[:, np.newaxis] * columns
    normal = weighted @ columns.T
    diagonal = np.arange(3)
    normal[:, diagonal, diagonal] += 1e-9 * (1 + normal[:, diagonal, diagonal])
    light = np.where(good, window - mean[:, np.newaxis], 0)
    solution = np.linalg.solve(normal, (weighted @ light[..., np.newaxis]))[..., 0]
    rest = np.where(good, light - solution @ columns, 0)
    degrees = good.sum(axis=1) - 3
    gained = (light**2).sum(axis=1) - (rest**2).sum(axis=1)
    slopes = (degrees >= 3) & (gained * degrees > 2 * SIGNIFICANT_SLOPE * (rest**2).sum(axis=1))
    low = np.where(good, window, np.inf).min(axis=1)
    high = np.where(good, window, -np.inf).max(axis=1)
    return np.where(slopes, np.clip(mean + solution[:, 0], low, high), mean)


#: The repairs, by the name users type, and the plane.
ESTIMATORS: dict[str, Callable] = {
    "meanmask": _mean,
    "medmask": _masked_median,
    "median": _median,
    "idw": _inverse_distance,
    "plane": _plane,
}


def repair(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, lost: np.ndarray, method: str = "meanmask"
) -> tuple[np.ndarray, np.ndarray]:
    """
    Estimates of lost pixels (y, x) and the standard deviations of the pixels they are drawn from, float64 (n,) each.

    They come from the 5 x 5 window around each, or from a wider one where all of it is ``lost``; beyond 33 x 33 pixels
    from all good pixels.
    """
    values = np.empty(len(y))
    scatter = np.empty(len(y))
    todo = np.arange(len(y))
    radius = RADIUS
    while len(todo) and radius <= WIDEST_RADIUS:
        chunk = max(1, CHUNK // (2 * radius + 1) ** 2)
        reached = _within_reach(lost, y[todo], x[todo], radius)
        unsolved = [todo[~reached]]
        todo = todo[reached]
        for start in range(0, len(todo), chunk):
            part = todo[start : start + chunk]
            window, good = _windows(data, y[part], x[part], lost, radius)
            solved = good.any(axis=1)
            values[part[solved]] = ESTIMATORS[method](window[solved], good[solved], radius)
            scatter[part[solved]] = _standard_deviation(window[solved], good[solved])
            unsolved.append(part[~solved])
        todo = np.sort(np.concatenate(unsolved))
        radius *= 2
    if len(todo):
        rest = data[~lost]
        values[todo] = np.median(rest)
        scatter[todo] = rest.std(dtype=np.float64)
    return values, scatter


def _within_reach(lost: np.ndarray, y: np.ndarray, x: np.ndarray, radius: int) -> np.ndarray:
    """Whether the window around each pixel may have a good one, bool (n,); certain only where there are many pixels."""
    if len(y) < MANY:
        return np.ones(len(y), dtype=bool)
    near = (~lost).view(np.uint8)
    for axis in (0, 1):
        near = maximum_filter1d(near, 2 * radius + 1, axis=axis, mode="constant")
    return near[y, x] != 0


def _offsets(radius: int) -> tuple[np.ndarray, np.ndarray]:
    dy, dx = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return dy.ravel(), dx.ravel()


def _windows(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, lost: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """The window around each pixel as a row, and which of its pixels are good: none outside of the frame."""
    ny, nx = data.shape
    dy, dx = _offsets(radius)
    rows = y[:, np.newaxis] + dy
    columns = x[:, np.newaxis] + dx
    inside = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    rows, columns = rows.clip(0, ny - 1), columns.clip(0, nx - 1)
    window = np.where(inside, data[rows, columns], np.nan)
    return window, inside & ~lost[rows, columns]


def _standard_deviation(window: np.ndarray, good: np.ndarray) -> np.ndarray:
    count = good.sum(axis=1)
    mean = _mean(window, good, RADIUS)
    squares = np.where(good, window - mean[:, np.newaxis], 0) ** 2
    return np.sqrt(squares.sum(axis=1) / np.maximum(count - 1, 1))
