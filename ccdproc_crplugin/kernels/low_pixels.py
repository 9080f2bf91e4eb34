# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Pixels far below all that lies around them: dead pixels, columns and rows, and pixels that were subtracted too much.

Beside such a pixel its neighbours look like cosmic rays. No optics makes a hole with edges as sharp as a dead pixel's:
the gap between two stars or two fibres and an absorption line have flanks, and are no lower than what lies around.

A first look at the whole frame, a few rows at a time, finds the pixels that are below others on both sides of them,
along the row or along the column. Only these are judged, each in its 9 x 9 window.
"""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.kernels.engines import load_engine
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import as_c_array
from ccdproc_crplugin.kernels.statistics import STD_OF_MAD, finite_median

#: Standard deviations below the surroundings. A single pixel makes false cosmic rays of its neighbours from 4 times
#: the limit of the search on, 18 or more.
DEPTH = 10.0

#: Of this limit: what pixels connected with such a one need, so that noise does not take a line apart.
CONNECTED = 0.6

#: Pixels: the widest hole that is looked for, of any length along a row or a column.
WIDEST = 4

#: Side of the window (pix), and the most low pixels in it: a band of `WIDEST` pixels fills 4/9 of it.
WINDOW = 9
MOST_LOW = WINDOW * WIDEST

#: Of the depth: the least that all pixels of a hole have, and the most that those next to it may lack. Next to the one
#: or two deepest pixels of a line with a FWHM of 1.5 pixels, 0.13 or more is lacking.
FLOOR, FLANK = 0.7, 0.08

#: Standard deviations by which noise may add to the flank.
FLANK_NOISE = 2.0

#: So many of the four pixels that are two further along the row and the column repeat a pixel of one colour.
MANY_REPEATS = 2

#: Share of the frame above which the low pixels are its structure, such as a mosaic of colours, and not bad ones.
MOST_OF_FRAME = 0.05

#: Electron squared: half of a converter's steps make more noise.
LEAST_VARIANCE = 1.0

#: A pixel this many times above the saturation level measured nothing: a flat that saw almost no light divided it.
TIMES_SATURATED = 20.0

#: The lower quartile of |a - b| of two normal values, in units of their standard deviation.
LOWER_QUARTILE = 0.4506

_ROWS_AT_ONCE, _PIXELS_AT_ONCE = 32, 1 << 14


def far_below(
    data: np.ndarray,
    readnoise: float | np.ndarray,
    variance: np.ndarray | None = None,
    extra: np.ndarray | None = None,
) -> np.ndarray | None:
    """
    Pixels far below all that lies around them, bool (ny, nx), or None if there are none.

    ``data`` (float32) and ``readnoise`` (one, or one a pixel) are in electrons, ``variance`` in electrons squared. The
    noise of a pixel is the larger of the expected and the measured one; its own ``extra`` variance (electrons squared)
    is added.
    """
    if min(data.shape) < WINDOW:
        return None
    position = _first_look(data, float(np.min(readnoise)))
    if not position.size:
        return None
    parts = [
        _judged(data, readnoise, variance, extra, position[start : start + _PIXELS_AT_ONCE])
        for start in range(0, position.size, _PIXELS_AT_ONCE)
    ]
    low, depth, flank, noise = (np.concatenate(part) for part in zip(*parts, strict=True))
    position = position[low]
    position = position[_is_dead(position, depth, flank, noise, data.shape)]
    if not 0 < position.size <= MOST_OF_FRAME * data.size:
        return None
    found = np.zeros(data.shape, dtype=bool)
    found.flat[position] = True
    return found


def beyond_saturation(data: np.ndarray, saturation: float, brightest: float = np.inf) -> np.ndarray | None:
    """Pixels far above the saturation level, bool (ny, nx); None if there are none, or too many."""
    if brightest <= saturation:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        beyond = data > np.float32(TIMES_SATURATED) * np.float32(saturation)
    return beyond if 0 < np.count_nonzero(beyond) <= MOST_OF_FRAME * beyond.size else None


def _first_look(data: np.ndarray, readnoise: float) -> np.ndarray:
    """Flat indices, in order, of the pixels that lie in a hole along the row or along the column."""
    engine = load_engine(None)
    data = as_c_array(data, np.float32)
    found = []
    memory = np.empty((_ROWS_AT_ONCE, data.shape[1]), dtype=bool)
    for start in range(0, len(data), _ROWS_AT_ONCE):
        rows = data[start : start + _ROWS_AT_ONCE]
        limit = np.float32(CONNECTED * DEPTH * _least_noise(rows, readnoise))
        low = memory[: len(rows)]
        if engine.holes(data, start, float(limit), low):
            found.append(np.flatnonzero(low) + start * data.shape[1])
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)


def _least_noise(rows: np.ndarray, readnoise: float) -> float:
    """A noise that hardly any part of some rows is below, electrons."""
    sample = rows[:: max(1, len(rows) // 2)]
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(sample[:, 1:] - sample[:, :-1])
    level, low = (_lower(values, share) for values, share in ((sample, 0.1), (difference, 0.25)))
    return max(np.sqrt(max(level, 0.0) + readnoise**2), low / LOWER_QUARTILE, np.sqrt(LEAST_VARIANCE))


def _lower(values: np.ndarray, share: float) -> float:
    """A quantile of the finite values, 0 if there are none."""
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0
    rank = int(share * (values.size - 1))
    return float(np.partition(values, rank)[rank])


@np.errstate(invalid="ignore", over="ignore")
def _judged(
    data: np.ndarray,
    readnoise: float | np.ndarray,
    variance: np.ndarray | None,
    extra: np.ndarray | None,
    position: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which pixels (flat indices) are low, and of these the depth, the flank and the noise, electrons."""
    y, x = np.divmod(position, data.shape[1])
    value = data[y, x].astype(np.float64)
    windows = _windows(data, y, x)
    depth = finite_median(windows, 1) - value
    halfway = value + depth / 2
    is_low = windows < halfway[:, np.newaxis]
    windows[is_low] = np.nan
    level = finite_median(windows, 1)
    measured = STD_OF_MAD * finite_median(np.abs(windows - level[:, np.newaxis]), 1)
    expected = np.maximum(level, 0) + np.broadcast_to(readnoise, data.shape)[y, x] ** 2
    if variance is not None:
        expected = np.maximum(expected, finite_median(_windows(variance, y, x), 1))
    noise = np.maximum(np.maximum(expected, measured**2), LEAST_VARIANCE)
    noise = np.sqrt(noise if extra is None else noise + extra[y, x])
    low = (depth > CONNECTED * DEPTH * noise) & (is_low.sum(axis=1) <= MOST_LOW)
    y, x, floor = y[low], x[low], (value + (1 - FLOOR) * depth)[low]
    along_row, along_column = _flank(data, y, x, floor, 1), _flank(data, y, x, floor, 0)
    flank = np.fmin(along_row[0], along_column[0])
    keep = (along_row[1] | along_column[1]) & (along_row[2] + along_column[2] < MANY_REPEATS)
    low[low] = keep
    return low, depth[low], flank[keep], noise[low]


def _windows(array: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The window of each pixel, as far as possible around it, float64 (n, 81), NaN where it is not finite."""
    inside = np.arange(WINDOW)
    rows, columns = (
        np.clip(place - WINDOW // 2, 0, size - WINDOW)[:, np.newaxis] + inside
        for place, size in zip((y, x), array.shape, strict=True)
    )
    windows = array[rows[:, :, np.newaxis], columns[:, np.newaxis, :]].reshape(len(y), -1).astype(np.float64)
    windows[~np.isfinite(windows)] = np.nan
    return windows


def _flank(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, floor: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    The line through each pixel along an axis, where pixels below ``floor`` (electrons) belong to a hole.

    What the pixels next to its hole lack (electrons, NaN if it lies in none), whether it lies in a hole, and how many
    of the pixels two further are holes too, as in a mosaic of colours.
    """
    reach = WIDEST + 2
    offsets = np.arange(-reach, reach + 1)
    place, size = (y, x)[axis], data.shape[axis]
    along = place[:, np.newaxis] + offsets
    clipped = np.clip(along, 0, size - 1)
    line = (data[clipped, x[:, np.newaxis]] if axis == 0 else data[y[:, np.newaxis], clipped]).astype(np.float64)
    line[(along != clipped) | ~np.isfinite(line)] = np.nan
    high, low = line >= floor[:, np.newaxis], line < floor[:, np.newaxis]
    lacks, width, closed = [], -1, np.ones(len(y), dtype=bool)
    for side, is_high in ((line[:, reach::-1], high[:, reach::-1]), (line[:, reach:], high[:, reach:])):
        distance = np.argmax(is_high[:, : WIDEST + 1], axis=1)
        closed &= distance > 0
        width = width + distance
        border, beyond, further = (
            np.take_along_axis(side, np.minimum(distance + k, reach)[:, np.newaxis], 1)[:, 0] for k in range(3)
        )
        lacks.append(_mean_of_two(beyond, further) - border)
    closed &= width <= WIDEST
    alone = high[:, [reach - 1, reach + 1]].all(axis=1)
    repeats = np.where(alone, low[:, [reach - 2, reach + 2]].sum(axis=1), 0)
    lacking = np.nan_to_num(_mean_of_two(*lacks))
    return np.where(closed, lacking, np.nan), closed, repeats


def _mean_of_two(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The mean of two values, or the one that is not NaN."""
    return (np.where(np.isnan(first), second, first) + np.where(np.isnan(second), first, second)) / 2


def _is_dead(
    position: np.ndarray, depth: np.ndarray, flank: np.ndarray, noise: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Which pixels (flat indices, in order) are connected to one that is deep enough, in holes that have no flanks."""
    labels = label_pixels(*np.divmod(position, shape[1]), shape)
    n_deep, flanks, depths, variances = (
        np.bincount(labels, weights) for weights in (depth > DEPTH * noise, flank, depth, noise**2)
    )
    return ((n_deep > 0) & (flanks <= FLANK * depths + FLANK_NOISE * np.sqrt(variances)))[labels]
