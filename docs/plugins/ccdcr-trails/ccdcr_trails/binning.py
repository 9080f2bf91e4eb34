# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The frame in bins, in units of their noise, without sky, stars and bad pixels: what lines are looked for in.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: Bins along the side of a block, in which the sky and its noise are measured.
BLOCK = 8

#: Most pixels along the side of a bin that a faint trail survives, and fewest bins along a side, a power of 2.
WIDEST_BIN, FEWEST_BINS = 10, 256

#: A pixel counts for no more than the sky with this many times its noise, so that stars and hits do not rule a bin.
PIXEL_LIMIT = 5.0

#: The same for a bin: what is bright for its brightness alone is no line.
BIN_LIMIT = 2.0

#: A group of bins above the first of these, of which one is above the second, is a star, a galaxy or a cosmic ray
#: if it is shorter than the third (bins).
GROUP, CORE, SHORTEST = 1.5, 4.0, 24

#: Pixels of a block that are looked at for the sky, along a side.
SAMPLE = 14


@dataclass(frozen=True)
class BinnedFrame:
    """The bins; arrays have shape (n, n), where n is a power of 2, and are 0 beyond the frame."""

    signal: np.ndarray  # float32: deviation from the sky in units of the noise
    weight: np.ndarray  # int16: 1 where there are good pixels, otherwise 0
    whole: tuple[int, int] | None  # number of bins in y and x if all of them are good
    bin: int  # pixels along the side of a bin

    def to_pixels(self, x):
        """The coordinate in pixels for one in bins."""
        return (np.asarray(x) + 0.5) * self.bin - 0.5


def binned(data, mask):
    """The bins of a frame; None if it is too small."""
    side = max(data.shape)
    n = FEWEST_BINS
    while n * WIDEST_BIN < side:
        n *= 2
    size = -(-side // n)
    n_blocks = tuple(length // (BLOCK * size) for length in data.shape)
    if min(n_blocks) < 3:
        return None
    shape = tuple(BLOCK * number for number in n_blocks)
    used = tuple(length * size for length in shape)
    data = data[: used[0], : used[1]]
    mask = mask[: used[0], : used[1]] if mask.any() else None
    means = _means_of_clipped(data, mask, size, *_sky_of_pixels(data, mask, n_blocks, BLOCK * size))
    good = np.ones(shape, dtype=bool) if mask is None else _share(mask, size) < 0.5
    signal = _in_units_of_noise(means, good, n_blocks)
    return BinnedFrame(_padded(signal, n, np.float32), _padded(good, n, np.int16), shape if good.all() else None, size)


def _sky_of_pixels(data, mask, n_blocks, side):
    """Sky and limit of what a pixel may deviate from it in each block, from a sample of its pixels."""
    step = max(1, side // SAMPLE)
    pixels = np.array(_blocks(data, n_blocks, side, step), dtype=np.float32)
    if mask is not None:
        pixels[_blocks(mask, n_blocks, side, step)] = np.nan
    sky, noise = _level_and_noise(pixels.reshape(*n_blocks, -1))
    slope = ndimage.maximum_filter(sky, 3) - ndimage.minimum_filter(sky, 3)
    return sky, PIXEL_LIMIT * noise + slope


def _blocks(image, n_blocks, side, step):
    """The pixels of each block, shape (n_y, n_x, m, m)."""
    return image.reshape(n_blocks[0], side, n_blocks[1], side)[:, ::step, :, ::step].transpose(0, 2, 1, 3)


def _level_and_noise(values):
    """Median and noise of values along the last axis; NaN does not count. The fainter half has no stars."""
    values = np.sort(values, axis=-1)
    n_good = np.count_nonzero(np.isfinite(values), axis=-1)
    level, low = (
        np.take_along_axis(values, (share * np.maximum(n_good - 1, 0)).astype(int)[..., np.newaxis], -1)[..., 0]
        for share in (0.5, 0.159)
    )
    return _filled(level), _filled(level - low)


def _filled(image):
    """An image of blocks in which those without good pixels have the median of the others."""
    good = np.isfinite(image)
    return np.where(good, image, np.median(image[good]) if good.any() else 0)


def _means_of_clipped(data, mask, size, sky, limit):
    """The mean of the pixels of each bin, which deviate from the sky by no more than the limit."""
    side = BLOCK * size
    means = np.empty((sky.shape[0] * BLOCK, sky.shape[1] * BLOCK), dtype=np.float32)
    for row in range(sky.shape[0]):
        level, most = (np.repeat(image[row], side).astype(np.float32) for image in (sky, limit))
        rows = np.minimum(data[row * side : (row + 1) * side], level + most)
        np.maximum(rows, level - most, out=rows)  # np.clip is slower
        if mask is not None:
            np.copyto(rows, level, where=mask[row * side : (row + 1) * side])
        sums = rows.reshape(BLOCK, size, -1).sum(axis=1)
        means[row * BLOCK : (row + 1) * BLOCK] = sums.reshape(BLOCK, -1, size) @ np.ones(size, dtype=np.float32)
    means /= size**2
    return means


def _share(mask, size):
    return mask.reshape(mask.shape[0] // size, size, -1, size).mean(axis=(1, 3))


def _in_units_of_noise(means, good, n_blocks):
    """The deviation of each bin from the sky around, and from its row and column, in units of the noise."""
    values = np.where(good, means, np.nan)
    sky, noise = _level_and_noise(_blocks(values, n_blocks, BLOCK, 1).reshape(*n_blocks, -1))
    sky, noise = ndimage.median_filter(sky, 3), ndimage.median_filter(noise, 3)
    floor = max(1e-3 * float(np.median(noise)), 1e-30)
    signal = means - ndimage.zoom(sky, BLOCK, order=1, mode="nearest", grid_mode=True)
    signal /= np.repeat(np.repeat(np.maximum(noise, floor), BLOCK, 0), BLOCK, 1)
    signal[_compact(signal)] = 0
    np.clip(signal, -BIN_LIMIT, BIN_LIMIT, out=signal)
    for axis in (0, 1):
        signal -= np.median(signal, axis=axis, keepdims=True)
    return np.where(good, np.clip(signal, -BIN_LIMIT, BIN_LIMIT), 0)


def _compact(signal):
    """The bins of stars and galaxies: bool."""
    labels, n = ndimage.label(signal > GROUP, np.ones((3, 3)))
    places = np.flatnonzero(labels)
    of_place = labels.ravel()[places]
    order = np.argsort(of_place, kind="stable")
    places, begins = places[order], np.searchsorted(of_place[order], np.arange(1, n + 1))
    long = np.zeros(n, dtype=bool)
    if n == 0:
        return np.zeros(signal.shape, dtype=bool)
    for coordinate in np.divmod(places, signal.shape[1]):
        extent = np.maximum.reduceat(coordinate, begins) - np.minimum.reduceat(coordinate, begins)
        long |= extent >= SHORTEST
    bright = np.maximum.reduceat(signal.ravel()[places], begins) > CORE
    return np.append(False, bright & ~long)[labels]


def _padded(image, n, dtype):
    whole = np.zeros((n, n), dtype=dtype)
    whole[: image.shape[0], : image.shape[1]] = image
    return whole
