# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The shapes of pieces: sums over their pixels, from which those of pieces taken together follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: A uniform bar of length l has the variance l**2 / 12, as a pixel has along each axis.
BAR, PIXEL = 12**0.5, 1 / 12


@dataclass(frozen=True, eq=False)
class Shapes:
    """Pieces, or groups of them, by the second moments of their pixels; arrays (n,), or (2, n) for x and y."""

    sums: np.ndarray  # (7, n): 1, x, y, x x, y y, x y and charge, summed over the pixels

    @classmethod
    def of(cls, y: np.ndarray, x: np.ndarray, charge: np.ndarray, piece: np.ndarray, n: int) -> Shapes:
        """The shapes of n pieces, by their pixels (m,) and the piece of each, from 0."""
        y, x = y.astype(float), x.astype(float)
        terms = (None, x, y, x * x, y * y, x * y, charge)
        return cls(np.array([np.bincount(piece, term, n) for term in terms], dtype=float))

    def grouped(self, group: np.ndarray) -> Shapes:
        """The shapes of groups of these pieces, by the group of each, from 0."""
        return Shapes(np.array([np.bincount(group, sums) for sums in self.sums]))

    def __getitem__(self, chosen: np.ndarray) -> Shapes:
        return Shapes(self.sums[:, chosen])

    def __add__(self, other: Shapes) -> Shapes:
        return Shapes(self.sums + other.sums)

    @property
    def area(self) -> np.ndarray:
        """The number of pixels."""
        return self.sums[0]

    @property
    def charge(self) -> np.ndarray:
        """The charge of all pixels."""
        return self.sums[6]

    @property
    def centre(self) -> np.ndarray:
        """The middle of the pixels: x and y."""
        return self.sums[1:3] / self.area

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Second moments xx, yy and xy about the middle (pix**2), the extent of a pixel included."""
        x, y = self.centre
        xx, yy, xy = self.sums[3:6] / self.area
        return xx - x * x + PIXEL, yy - y * y + PIXEL, xy - x * y

    @property
    def bar(self) -> tuple[np.ndarray, np.ndarray]:
        """Length and width (pix) of the uniform bar with these moments."""
        xx, yy, xy = self.moments
        mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        # A row of pixels has no less than the width of one, but for rounding errors.
        return BAR * np.sqrt(mean + spread), np.sqrt(np.maximum(12 * (mean - spread), 1))

    @property
    def axis(self) -> np.ndarray:
        """The unit vector along the bar: x and y."""
        xx, yy, xy = self.moments
        angle = np.arctan2(2 * xy, xx - yy) / 2
        return np.array([np.cos(angle), np.sin(angle)])

    def deviation(self, line: Shapes) -> np.ndarray:
        """Mean square (pix**2) by which the pixels deviate from a line, without their own width."""
        ux, uy = line.axis
        xx, yy, xy = self.moments
        across = xx * uy**2 + yy * ux**2 - 2 * xy * ux * uy - self.bar[1] ** 2 / 12
        return across + self.distance(line) ** 2

    def distance(self, line: Shapes) -> np.ndarray:
        """How far the middle lies off a line (pix)."""
        (ux, uy), (dx, dy) = line.axis, self.centre - line.centre
        return dx * uy - dy * ux


def ends(shapes: Shapes, y: np.ndarray, x: np.ndarray, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far from the middle of each piece, along its bar, its outermost pixels lie (n,), by the pixels (m,)."""
    (x0, y0), (ux, uy) = shapes.centre, shapes.axis
    along = (x - x0[piece]) * ux[piece] + (y - y0[piece]) * uy[piece]
    first, last = np.zeros(len(shapes.area)), np.zeros(len(shapes.area))
    np.minimum.at(first, piece, along)
    np.maximum.at(last, piece, along)
    return first, last
