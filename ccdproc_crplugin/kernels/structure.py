# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events that no particle makes: stars, bleed trails, edges of slits, bad columns.

A muon leaves a straight track, as long as its way through the silicon and as wide as the charge spreads; a scattered
electron leaves a thin, bent one. Both saturate a few pixels at the most.
"""

from __future__ import annotations

import numpy as np

#: Share of a frame that no particle covers, in frames where that is more than `FEWEST` pixels.
LARGEST_SHARE, FEWEST = 0.02, 100

#: Squares (side in pixels, share of it flagged) that no particle fills: its charge spreads over a few pixels.
SQUARES = ((10, 0.8), (20, 0.5))

#: A band along half of the frame, or `FEWEST` pixels of one row or column, with this width (pix) or this share of its
#: length at the most. One long track in fifty has that direction by chance.
BAND_LENGTH, BAND_WIDTH, BAND_SLOPE = 0.5, 10, 0.02

#: The edge of a frame: its depth (pix), the share of an event that lies in it, and the least length (pix).
EDGE_DEPTH, EDGE_SHARE, EDGE_LENGTH = 3, 0.8, 30

#: Saturated pixels that are too many for a particle, most of the event or so many in one row or column.
MOST_SATURATED, SATURATED_SHARE, SATURATED_RUN = 10, 0.5, 8

#: An event of this length (pix) with most of its pixels this near to a saturated star or its trail (pix).
BESIDE_LENGTH, BESIDE_SHARE, REACH = 10, 0.5, 3

#: Why an event is structure, in the order in which `structure_rules` tries it; the numbers it returns count from 1.
RULES = (
    "covers 2 % of the frame or more: no particle does",
    "fills a square of 10 x 10 pixels: the charge of a particle does not spread so far",
    "lies along rows or columns, 100 pixels or half of the frame: the edge of a slit or an overscan, or a bad line",
    "lies along the edge of the frame for 30 pixels or more",
    "10 saturated pixels or more, most of it or 8 in a line: a star or its trail",
    "lies beside saturated pixels for 10 pixels or more: the flank of a trail",
)

#: Of these rules the ones about size; the others are about place and level.
SIZE_RULES = (1, 2, 3)


def structure_rules(
    y: np.ndarray, x: np.ndarray, label: np.ndarray, shape: tuple[int, int], saturated: np.ndarray | None = None
) -> np.ndarray:
    """
    The number of the rule by which each event is structure, int8 (n_events + 1,), 0 for none; the first entry is void.

    The flagged pixels and their labels, from 1, have shape (n,); ``saturated`` is the frame's mask, bool (ny, nx).
    """
    events = _Events(y, x, label, shape)
    found = np.zeros(events.n + 1, dtype=np.int8)
    if not len(y):
        return found
    tests = [events.cover_the_frame(), events.fill_a_square(), events.lie_along_lines(), events.lie_along_an_edge()]
    if saturated is not None:
        hit = saturated[y, x]
        tests.append(events.are_saturated(hit))
        if (np.maximum(*events.sides) >= BESIDE_LENGTH).any():
            tests.append(events.lie_beside(_near(saturated, y, x, hit)))
    for number, test in reversed(list(enumerate(tests, start=1))):
        found[test] = number
    found[0] = 0
    return found


class _Events:
    """Events by their pixels; each test returns a bool for each label, shape (n + 1,)."""

    def __init__(self, y: np.ndarray, x: np.ndarray, label: np.ndarray, shape: tuple[int, int]) -> None:
        self.y, self.x, self.label, self.shape = y, x, label, shape
        self.n = int(label.max(initial=0))
        self.area = self.count(np.ones(len(y), dtype=bool))
        self.first = [self._bound(places, np.minimum, max(shape)) for places in (y, x)]
        self.last = [self._bound(places, np.maximum, -1) for places in (y, x)]
        self.sides = [np.maximum(last - first + 1, 0) for first, last in zip(self.first, self.last, strict=True)]

    def count(self, pixels: np.ndarray) -> np.ndarray:
        """How many of some pixels, bool (n,), each event has."""
        return np.bincount(self.label[pixels], minlength=self.n + 1)

    def _bound(self, places: np.ndarray, outermost: np.ufunc, start: int) -> np.ndarray:
        bound = np.full(self.n + 1, start)
        outermost.at(bound, self.label, places)
        return bound

    def cover_the_frame(self) -> np.ndarray:
        """Whether an event is a share of the frame that no particle covers."""
        return self.area >= max(LARGEST_SHARE * self.shape[0] * self.shape[1], FEWEST)

    def fill_a_square(self) -> np.ndarray:
        """Whether an event fills a square that the charge of a particle does not fill."""
        side, share = SQUARES[0]
        filled = np.zeros(self.n + 1, dtype=bool)
        for event in np.flatnonzero((np.minimum(*self.sides) >= side) & (self.area >= share * side**2)):
            filled[event] = _fills_a_square(self._image(int(event)))
        return filled

    def lie_along_lines(self) -> np.ndarray:
        """Whether an event is a band along rows or columns, or fills much of one of them."""
        longer, shorter = np.maximum(*self.sides), np.minimum(*self.sides)
        size = np.where(self.sides[0] > self.sides[1], *self.shape)
        band = (longer >= np.maximum(FEWEST, BAND_LENGTH * size)) & (
            shorter <= np.maximum(BAND_WIDTH, BAND_SLOPE * longer)
        )
        return band | (np.maximum(*(self._most_in_a_line(self.area >= FEWEST, axis) for axis in (0, 1))) >= FEWEST)

    def lie_along_an_edge(self) -> np.ndarray:
        """Whether an event lies along the edge of the frame."""
        found = np.zeros(self.n + 1, dtype=bool)
        for places, size, along in ((self.y, self.shape[0], self.sides[1]), (self.x, self.shape[1], self.sides[0])):
            for outer in (places < EDGE_DEPTH, places >= size - EDGE_DEPTH):
                found |= (self.count(outer) >= EDGE_SHARE * self.area) & (along >= EDGE_LENGTH)
        return found

    def are_saturated(self, hit: np.ndarray) -> np.ndarray:
        """Whether too many pixels of an event are saturated, given which are, bool (n,)."""
        number = self.count(hit)
        many = number >= MOST_SATURATED
        in_line = np.maximum(*(self._most_in_a_line(many, axis, hit) for axis in (0, 1)))
        return many & ((number >= SATURATED_SHARE * self.area) | (in_line >= SATURATED_RUN))

    def lie_beside(self, near: np.ndarray) -> np.ndarray:
        """Whether a long event lies beside saturated pixels, given which pixels do, bool (n,)."""
        return (np.maximum(*self.sides) >= BESIDE_LENGTH) & (self.count(near) >= BESIDE_SHARE * self.area)

    def _most_in_a_line(self, events: np.ndarray, axis: int, pixels: np.ndarray | None = None) -> np.ndarray:
        """Most pixels that an event has in one row (axis 0) or column; 0 for events that are not asked for."""
        most = np.zeros(self.n + 1, dtype=int)
        chosen = events[self.label] if pixels is None else events[self.label] & pixels
        if chosen.any():
            line = (self.y, self.x)[axis][chosen].astype(np.int64)
            size = self.shape[axis]
            key, number = np.unique(self.label[chosen].astype(np.int64) * size + line, return_counts=True)
            np.maximum.at(most, key // size, number)
        return most

    def _image(self, event: int) -> np.ndarray:
        """The pixels of an event within its box, bool."""
        own = self.label == event
        image = np.zeros((self.sides[0][event], self.sides[1][event]), dtype=bool)
        image[self.y[own] - self.first[0][event], self.x[own] - self.first[1][event]] = True
        return image


def _fills_a_square(image: np.ndarray) -> bool:
    total = np.pad(image.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    for side, share in SQUARES:
        if min(image.shape) < side:
            break
        inside = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
        if inside.max() >= share * side**2:
            return True
    return False


def _near(saturated: np.ndarray, y: np.ndarray, x: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Whether each pixel (n,) has a saturated pixel within reach that belongs to no event."""
    others = saturated.copy()
    others[y[hit], x[hit]] = False
    near = np.zeros(len(y), dtype=bool)
    if not others.any():
        return near
    for dy in range(-REACH, REACH + 1):
        rows = np.clip(y + dy, 0, saturated.shape[0] - 1)
        for dx in range(-REACH, REACH + 1):
            near |= others[rows, np.clip(x + dx, 0, saturated.shape[1] - 1)]
    return near
