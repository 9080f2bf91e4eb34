# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The noise of a frame compared with the noise expected, block by block.

The noise is measured from the mixed differences a - b - c + d of four pixels in a square. They cancel any sum of a
function of the row and a function of the column: slopes, sky lines, the columns of a bias. Stars, traces and
galaxies do not cancel, but add more to differences over two pixels than over one, while noise adds the same to
both. Each squared difference is divided by the variance expected of the four pixels with their own light, so
that faint and bright parts of a block count alike; the mean of the four is independent of their difference.
Only the smaller three quarters of these ratios are used, which leaves out most stars and cosmic rays.

References
----------
.. [1] J. R. Janesick, Photon Transfer (SPIE, 2007), chapters 2 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.blocks import quantiles

KEPT = 0.75  # share of the ratios that counts
# Mean square of a normal variable of variance 1 within its middle share p: 1 - 2 z f(z) / p, with z = 1.1503 for 0.75.
KEPT_MEAN = 0.3683
FEWEST = 100  # differences that a block must have
LEAST_VARIANCE = 1.0  # electron squared, that a pixel should have at least: half of the converter's steps make more


@dataclass(frozen=True)
class BlockNoise:
    """Level and noise of those blocks of a frame that have enough differences, (n,) each."""

    index: np.ndarray  # of the block
    level: np.ndarray  # median, electron
    ratio: np.ndarray  # variance over expected variance
    ratio_apart: np.ndarray  # the same from pixels two apart
    number: np.ndarray  # of differences


def measure_noise(
    blocks: np.ndarray,
    readnoise: float | np.ndarray,
    *,
    variance: np.ndarray | None = None,
    extra: np.ndarray | None = None,
) -> BlockNoise:
    """
    Level and noise of blocks (electron); the expected ``variance`` is that of photons and read noise if None.

    The read noise is one value, or one for each pixel of the blocks. The ``extra`` variance of the pixels is added.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        ratio, number = _ratio(blocks, readnoise, variance, extra, 1)
        ratio_apart, n_apart = _ratio(blocks, readnoise, variance, extra, 2)
    enough = (number >= FEWEST) & (n_apart >= FEWEST) & np.isfinite(ratio) & np.isfinite(ratio_apart)
    (level,) = quantiles(blocks, 0.5)
    return BlockNoise(np.flatnonzero(enough), level[enough], ratio[enough], ratio_apart[enough], number[enough])


def _ratio(
    blocks: np.ndarray,
    readnoise: float | np.ndarray,
    variance: np.ndarray | None,
    extra: np.ndarray | None,
    step: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Variance over expected variance, from differences over ``step`` pixels, and how many there were."""
    difference = _combine(_combine(blocks, 1, step, np.subtract), 2, step, np.subtract)
    if difference.size == 0:
        return np.full(len(blocks), np.nan), np.zeros(len(blocks), dtype=int)
    four = blocks if variance is None else variance
    expected = _combine(_combine(four, 1, step, np.add), 2, step, np.add)  # of four pixels, as in the difference
    if variance is None:
        expected = np.maximum(expected, 0) + _of_four(readnoise, step)
    if extra is not None:
        expected = expected + _combine(_combine(extra, 1, step, np.add), 2, step, np.add)
    difference **= 2
    difference /= np.maximum(expected, np.float32(4 * LEAST_VARIANCE))
    ordered = difference.reshape(len(blocks), -1)
    ordered.sort(axis=1)  # NaN goes last
    number = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    kept = np.maximum((KEPT * number).astype(int), 1)
    sums = np.cumsum(ordered, axis=1, dtype=np.float64)[np.arange(len(blocks)), kept - 1]
    return sums / kept / KEPT_MEAN, number


def _of_four(readnoise: float | np.ndarray, step: int) -> np.ndarray | np.float32:
    """The variance of the read-out of four pixels, as in a difference."""
    if not isinstance(readnoise, np.ndarray):
        return np.float32(4 * readnoise**2)
    return _combine(_combine(readnoise**2, 1, step, np.add), 2, step, np.add)


def _combine(blocks: np.ndarray, axis: int, step: int, how: Callable) -> np.ndarray:
    """Each pixel with the one ``step`` further along an axis."""
    first, second = [slice(None)] * 3, [slice(None)] * 3
    first[axis], second[axis] = slice(step, None), slice(None, -step)
    return how(blocks[tuple(first)], blocks[tuple(second)])
