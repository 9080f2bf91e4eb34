# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Robust statistics of plain arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Standard deviation of normal values, in units of their median absolute deviation: 1 over the third quartile of the
#: normal distribution. Combining needs all digits (as in src/combine_pixels.h), because it has to agree with
#: ``mad_std`` of ccdproc.combine; the detectors were tuned with the rounded number, and their masks depend on it.
EXACT_STD_OF_MAD = 1.482602218505602
STD_OF_MAD = 1.4826


def finite_median(values: np.ndarray, axis: int) -> np.ndarray:
    """Median of the finite values along an axis, NaN where there are none; the others must be NaN."""
    ordered = np.sort(values, axis=axis)  # NaN goes last
    n_good = np.isfinite(ordered).sum(axis=axis, keepdims=True)
    low, high = (np.take_along_axis(ordered, k // 2, axis) for k in (np.maximum(n_good - 1, 0), n_good))
    return np.where(n_good > 0, (low + high) / 2, np.nan).squeeze(axis)


def robust_std(
    values: np.ndarray,
    centre: float | np.ndarray,
    median: Callable = np.median,
    axis: int | tuple[int, ...] | None = None,
) -> np.ndarray:
    """Standard deviation from the ``median``, along an axis, of the absolute deviations from ``centre``."""
    deviations = np.abs(values - centre)
    return STD_OF_MAD * (median(deviations) if axis is None else median(deviations, axis=axis))


def medians_around(data: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Median of the 5 x 5 pixels around some pixels; at the border the frame is reflected."""
    rows, columns = (_reflected(place, size) for place, size in zip((y, x), data.shape, strict=True))
    return np.median(data[rows[:, :, np.newaxis], columns[:, np.newaxis, :]], axis=(1, 2))


def _reflected(place: np.ndarray, size: int) -> np.ndarray:
    """The five indices around each place of an axis, reflected at its ends."""
    window = (place[:, np.newaxis].astype(np.intp) + np.arange(-2, 3)) % (2 * size)
    return np.minimum(window, 2 * size - 1 - window)


def level_around(data: np.ndarray, side: int = 9) -> np.ndarray:
    """The level of the light around each pixel, 0 or more, float32: the median of its block of side x side pixels."""
    ny, nx = data.shape
    padded = np.pad(data, ((0, -ny % side), (0, -nx % side)), mode="symmetric")
    blocks = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side).swapaxes(1, 2)
    flat = blocks.reshape(*blocks.shape[:2], side**2)
    with np.errstate(invalid="ignore"):
        level = finite_median(np.where(np.isfinite(flat), flat, np.nan).reshape(-1, side**2), axis=1)
    level = np.where(np.isfinite(level), np.maximum(level, 0), 0).astype(np.float32).reshape(flat.shape[:2])
    return np.repeat(np.repeat(level, side, axis=0), side, axis=1)[:ny, :nx]
