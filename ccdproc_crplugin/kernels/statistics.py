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
    padded = np.pad(data, 2, mode="symmetric")
    rows, columns = (place[:, np.newaxis] + np.arange(5) for place in (y, x))
    return np.median(padded[rows[:, :, np.newaxis], columns[:, np.newaxis, :]], axis=(1, 2))
