# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Combining in NumPy, for installations without a compiler: the same functions and the same bits as ``_combine``."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.kernels.statistics import EXACT_STD_OF_MAD, finite_median

#: Numbers that are worked on at once, which bounds the memory.
CHUNK = 1 << 21

STORAGES = ("f4", "u2", "i2")


def _values(stack: tuple, frames: slice, pixels: slice) -> np.ndarray:
    """The values of some pixels of some frames, float64."""
    words, n_frames, n_pixels, storage, swapped, zero, offset, slope, factors = stack
    dtype = np.dtype(STORAGES[storage])
    stored = words.view(dtype.newbyteorder() if swapped else dtype).reshape(n_frames, n_pixels)
    values = stored[frames, pixels].astype(np.float64)
    values += zero
    if offset is not None:
        values -= offset[pixels]
    if slope is not None:
        values -= factors[frames, np.newaxis] * slope[pixels].astype(np.float64)
    return values


def _middle(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation from the median absolute deviation along the first axis, NaN left out."""
    median = finite_median(values, axis=0)
    return median, finite_median(np.abs(values - median), axis=0) * EXACT_STD_OF_MAD


def _clipped(values: np.ndarray, n_iterations: int, sigma_low: float, sigma_high: float) -> np.ndarray:
    """Where values are clipped away."""
    left = values.copy()
    for _ in range(n_iterations):
        median, deviation = _middle(left)
        far = (left < median - deviation * sigma_low) | (left > median + deviation * sigma_high)
        if not far.any():
            break
        left[far] = np.nan
    return np.isnan(left) & ~np.isnan(values)


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum along the first axis in order, as in C; `numpy.sum` may add in another order."""
    total = np.zeros(values.shape[1:])
    for plane in values:
        total += plane
    return total


def _average(values: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n_used = kept.sum(axis=0)
    mean = _sum(np.where(kept, values, 0.0)) / n_used
    difference = np.where(kept, values - mean, 0.0)
    return mean, np.sqrt(_sum(difference * difference) / n_used), n_used


def _combine_pixels(stack: tuple, scales: np.ndarray | None, combined: tuple, options: tuple, pixels: slice) -> None:
    image, uncertainty, n_used, n_rejected, n_bad, _ = combined
    is_median, n_iterations, sigma_low, sigma_high, clip_scaled = options
    values = _values(stack, slice(None), pixels)
    judged = values if clip_scaled or scales is None else values.copy()
    if scales is not None:
        values *= scales[:, np.newaxis]
    good = np.isfinite(values)
    values[~good] = np.nan
    n_bad += (~good).sum(axis=1)
    if is_median:
        center, deviation = _middle(values)
        number = good.sum(axis=0)
    else:
        clipped = _clipped(np.where(good, judged, np.nan), n_iterations, sigma_low, sigma_high)
        n_rejected += clipped.sum(axis=1)
        center, deviation, number = _average(values, good & ~clipped)
    image[pixels] = center
    uncertainty[pixels] = deviation / np.sqrt(number)
    n_used[pixels] = number


def combine(stack: tuple, scales: np.ndarray | None, combined: tuple, options: tuple, threads: int) -> None:
    """Fill the arrays of ``combined``; ``threads`` is ignored."""
    _, n_frames, n_pixels, *_ = stack
    step = max(1, CHUNK // n_frames)
    with np.errstate(all="ignore"):
        for start in range(0, n_pixels, step):
            _combine_pixels(stack, scales, combined, options, slice(start, min(start + step, n_pixels)))


def median(stack: tuple, frame: int) -> float:
    """The median of the finite pixels of a frame."""
    with np.errstate(all="ignore"):
        values = _values(stack, slice(frame, frame + 1), slice(None))[0]
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("nan")
