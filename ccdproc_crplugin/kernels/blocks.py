# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A sample of a frame: small square blocks spread over it."""

from __future__ import annotations

import numpy as np

BLOCK = 32  # pixels, small beside vignetting and galaxies
MOST_ALONG_AN_AXIS = 16  # 256 blocks, a quarter of a million pixels


def take_blocks(array: np.ndarray, *, bad: np.ndarray | None = None) -> np.ndarray:
    """
    Cut at most 256 blocks of 32 x 32 pixels out of a frame: float32 (n, height, width), NaN at bad pixels.

    Frames of the same shape are cut at the same places; blocks of a smaller frame are as narrow as the frame.
    """
    blocks = _cut(array).astype(np.float32)
    if bad is not None:
        blocks[_cut(bad)] = np.nan
    return blocks


def quantiles(blocks: np.ndarray, *shares: float) -> list[np.ndarray]:
    """Quantiles (n,) of each block from a quarter of its pixels, one array a share; NaN where no pixel is good."""
    ordered = np.sort(blocks[:, ::2, ::2].reshape(len(blocks), -1), axis=1)  # NaN goes last
    number = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    return [ordered[np.arange(len(blocks)), (share * np.maximum(number - 1, 0)).astype(int)] for share in shares]


def sky_level(array: np.ndarray, bad: np.ndarray | None = None) -> float:
    """The median of the medians of the blocks; 0 where no pixel is good."""
    (medians,) = quantiles(take_blocks(array, bad=bad), 0.5)
    known = medians[np.isfinite(medians)]
    return float(np.median(known)) if known.size else 0.0


def _cut(array: np.ndarray) -> np.ndarray:
    rows, columns = (_starts(size) for size in array.shape)
    height, width = (min(size, BLOCK) for size in array.shape)
    return np.stack([array[y : y + height, x : x + width] for y in rows for x in columns])


def _starts(size: int) -> list[int]:
    """Where the blocks along an axis begin."""
    n_blocks = min(max(size // BLOCK, 1), MOST_ALONG_AN_AXIS)
    free = size - n_blocks * min(size, BLOCK)
    return [round((number + 0.5) * free / n_blocks) + number * BLOCK for number in range(n_blocks)]
