# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Lines along which a binned frame is brighter than the sky, the most significant first.
"""

import functools
from dataclasses import dataclass

import numpy as np

from ccdcr_trails.binning import BIN_LIMIT
from ccdcr_trails.radon import line_sums

#: Widths of the lines that are looked for, bins.
WIDTHS = (1, 2, 4)

#: Shortest line, bins.
SHORTEST = 24

#: Largest sum along a line, in the steps in which the signal of a bin is counted: sums in whole numbers are faster.
MOST_STEPS = 16384


@dataclass(frozen=True)
class Line:
    """A line through a frame, by two points on it, pixels."""

    x: tuple[float, float]
    y: tuple[float, float]


class Candidates:
    """The significance of all lines through a binned frame, from which lines are taken one by one."""

    def __init__(self, frame):
        self.frame = frame
        n = len(frame.signal)
        self.steps = MOST_STEPS / (n * BIN_LIMIT * max(WIDTHS))  # for the noise of a bin
        self.signal = np.rint(frame.signal * self.steps).astype(np.int16)
        if frame.whole is None:
            self.inverse_noise = _inverse_noise(frame.weight)
        else:
            self.inverse_noise = _inverse_noise_of_whole(n, frame.whole)

    def best(self):
        """The most significant line and its significance."""
        found = []
        for width, sums, inverse_noise in zip(WIDTHS, _sums_by_width(self.signal), self.inverse_noise, strict=True):
            significance = sums * inverse_noise
            place = np.unravel_index(np.argmax(significance), significance.shape)
            scatter = max(self.steps, _scatter(significance))
            found.append((float(significance[place]) / scatter, width, place))
        significance, width, place = max(found)
        return self._line(width, *place), significance

    def _line(self, width, octant, rise, start):
        n = len(self.signal)
        first = start - (n - 1) + (width - 1) / 2
        x, y = np.array([0, n - 1]), np.array([first, first + rise])
        if octant % 2:
            y = n - 1 - y
        if octant > 1:
            x, y = y, x
        return Line(*(tuple(self.frame.to_pixels(points).tolist()) for points in (x, y)))

    def remove(self, where):
        """Take bins out of the search: bool, shape (n, n)."""
        self.signal[where] = 0


def _sums_by_width(image):
    """Sums along the lines of each of `WIDTHS`, each twice as wide as the one before."""
    sums = line_sums(np.stack([image, image[::-1], image.T, image.T[::-1]]))
    for width in WIDTHS:
        if width > 1:
            sums = sums[..., width // 2 :] + sums[..., : -(width // 2)]
        yield sums


def _inverse_noise(weight):
    """One by the root of the number of good bins along each line, for each width; 0 for short lines."""
    return [
        np.where(number >= SHORTEST * width, 1 / np.sqrt(np.maximum(number, 1, dtype=np.float32)), 0).astype(np.float32)
        for width, number in zip(WIDTHS, _sums_by_width(weight), strict=True)
    ]


@functools.lru_cache(maxsize=2)
def _inverse_noise_of_whole(n, shape):
    """The same for a frame without bad bins; a night has many of a shape."""
    weight = np.zeros((n, n), dtype=np.int16)
    weight[: shape[0], : shape[1]] = 1
    return _inverse_noise(weight)


def _scatter(significance):
    """The noise of the significances: where stars are many, the lines through them scatter more."""
    sample = significance[:, ::7, ::7]
    sample = np.abs(sample[sample != 0])
    return 1.4826 * float(np.median(sample)) if sample.size else 0.0
