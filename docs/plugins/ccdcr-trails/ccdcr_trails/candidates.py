# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Lines along which a binned frame is brighter than the sky, the most significant first.
"""

from dataclasses import dataclass

import numpy as np

from ccdcr_trails.radon import line_sums

#: Widths of the lines that are looked for, bins.
WIDTHS = (1, 2, 4)

#: Shortest line, bins.
SHORTEST = 24


@dataclass(frozen=True)
class Line:
    """A line through a frame, by two points on it, pixels."""

    x: tuple[float, float]
    y: tuple[float, float]


class Candidates:
    """The significance of all lines through a binned frame, from which lines are taken one by one."""

    def __init__(self, frame):
        self.frame = frame
        self.signal = frame.signal.copy()
        lengths = _cumulative(line_sums(_octants(frame.weight)))
        self.inverse_noise = [_inverse_root(_over(lengths, width), SHORTEST * width) for width in WIDTHS]

    def best(self):
        """The most significant line and its significance."""
        sums = _cumulative(line_sums(_octants(self.signal)))
        found = []
        for width, inverse_noise in zip(WIDTHS, self.inverse_noise, strict=True):
            significance = _over(sums, width)
            significance *= inverse_noise
            place = np.unravel_index(np.argmax(significance), significance.shape)
            found.append((float(significance[place] / _scatter(significance)), width, place))
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


def _octants(image):
    """The image turned and mirrored such that lines of every direction rise by less than a row for a column."""
    return np.stack([image, image[::-1], image.T, image.T[::-1]])


def _cumulative(sums):
    whole = np.zeros((*sums.shape[:-1], sums.shape[-1] + 1), dtype=np.float32)
    np.cumsum(sums, axis=-1, out=whole[..., 1:])
    return whole


def _over(cumulative, width):
    """Sums over neighbouring lines."""
    return cumulative[..., width:] - cumulative[..., :-width]


def _inverse_root(sums, least):
    return np.where(sums >= least, 1 / np.sqrt(np.maximum(sums, least)), 0).astype(np.float32)


def _scatter(significance):
    """The noise of the significances, 1 or more: where stars are many, the lines through them scatter more."""
    sample = significance[:, ::7, ::7]
    sample = sample[sample != 0]
    return max(1.0, 1.4826 * float(np.median(np.abs(sample)))) if sample.size else 1.0
