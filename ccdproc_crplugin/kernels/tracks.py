# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The tracks of particles: which connected pieces lie on one straight way.

The track of a muon breaks where bad, masked or saturated pixels lie on it, and where it is so faint that only some of
its pixels are found. Two pieces are joined if one straight line goes through both, few pixels between them are good but
not flagged, and both have about the same charge for each pixel of their length. Among many events some lie on a line by
chance, so a join needs more: at the density of events in the frame and around it, less than `CHANCE` of an unrelated
piece that fits as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.shapes import Shapes, ends

#: Mean square (pix**2) by which a piece may deviate from the common line, its own width not counted.
STRAIGHT = 0.1

#: Least length (pix), and length over width, of a piece that has a direction.
LONG, ELONGATED = 3.0, 2.0

#: Most good pixels between two pieces that are not flagged, which are no more than the pixels of their lengths; most
#: pixels between them with the bad ones; and most that they may overlap along the line.
LONGEST_GAP, LONGEST_BRIDGE, OVERLAP = 20, 40, 1

#: How near to a bad pixel a piece ends that goes on behind it (pix).
NEAR_BAD = 2

#: Largest ratio of the charges for each pixel of length of two pieces: Landau's distribution is wide, and the pixels at
#: the end of a piece hold a part of the charge. Largest difference of their widths (pix).
CHARGE_RATIO, WIDTHS = 4.0, 1.5

#: Unrelated pieces that fit as well, at most; where bad pixels fill the gap but for one, as a track that ends there
#: most likely goes on behind them; and for three short pieces, of which few are those of one track.
CHANCE, CHANCE_BEHIND_BAD, CHANCE_OF_DOTS = 0.003, 0.03, 0.0003

#: How far around a join the density of pieces is measured (pix).
AROUND = 100

#: Longest step between the middles of three short pieces on a line (pix).
LONGEST_STEP = 8

#: Rows (or columns) in which a bad line or an edge makes events, and standard deviations of too many of these.
LINES, TOO_MANY = 3, 3

#: Rounds in which joined pieces are joined to further ones.
ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Pixels:
    """The flagged pixels; arrays (n,)."""

    y: np.ndarray
    x: np.ndarray
    piece: np.ndarray  # that of each, from 0
    charge: np.ndarray  # in any unit
    shape: tuple[int, int]  # of the frame
    flags: np.ndarray | None
    bits: int

    def are_bad(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Whether no charge can be found in these pixels."""
        if self.flags is None:
            return np.zeros(y.shape, dtype=bool)
        return np.asarray(self.flags[y, x] & self.bits, dtype=bool)


def join_tracks(
    y: np.ndarray,
    x: np.ndarray,
    label: np.ndarray,
    charge: np.ndarray,
    shape: tuple[int, int],
    flags: np.ndarray | None = None,
    bits: int = 1,
) -> np.ndarray:
    """
    The track of each piece: int (n_pieces + 1,), the label of the first piece of its track; the first entry is void.

    The flagged pixels, their labels (from 1) and their charge (in any unit, NaN if it is not known) have shape (n,).
    Where any of these ``bits`` of the ``flags``, bool or int (ny, nx), is set, no charge can be found.
    """
    n_pieces = int(label.max(initial=0))
    track = np.arange(n_pieces + 1)
    if n_pieces > 1:
        track[1:] = _tracks(Pixels(y, x, label - 1, charge, shape, flags, bits), n_pieces) + 1
    return track


def number_of_tracks(track: np.ndarray) -> int:
    """How many tracks there are among those that `join_tracks` returns."""
    return int(np.count_nonzero(track[1:] == np.arange(1, len(track))))


def _tracks(pixels: Pixels, n_pieces: int) -> np.ndarray:
    """The first piece of the track of each piece, from 0."""
    pieces = Shapes.of(pixels.y, pixels.x, pixels.charge, pixels.piece, n_pieces)
    crowd = Crowd(pieces, pixels.shape)
    track, changed = _merged(np.arange(n_pieces), dots_on_lines(pieces, crowd)), None
    for _ in range(ROUNDS):
        firsts, group = np.unique(track, return_inverse=True)
        joined = _pairs(pieces.grouped(group), group, pixels, crowd, changed)
        if not joined.size:
            break
        track = _merged(track, firsts[joined])
        changed = np.isin(np.unique(track), track[firsts[joined]])
    return track


def _merged(track: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The tracks after pairs of pieces, int (2, n), were joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(track)
    links = np.concatenate([[np.arange(n), track], pairs], axis=1)
    graph = coo_array((np.ones(links.shape[1], dtype=bool), tuple(links)), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse]


class Crowd:
    """How many pieces there are around a place."""

    def __init__(self, pieces: Shapes, shape: tuple[int, int]) -> None:
        from scipy.spatial import cKDTree

        self.tree = cKDTree(pieces.centre.T)
        self.shape, self.n = shape, len(pieces.area)
        self.mean = self.n / (shape[0] * shape[1])
        self.directed = np.mean(has_direction(pieces))
        self.in_line = [self._in_lines(places, size) for places, size in zip(pieces.centre, shape[::-1], strict=True)]

    def _in_lines(self, places: np.ndarray, size: int) -> np.ndarray:
        """How many pieces lie in each column (or row) and its neighbours."""
        number = np.bincount(np.rint(places).astype(int), minlength=size)
        return np.convolve(number, np.ones(LINES, dtype=int), "same")

    def density(self, line: Shapes, n_own: np.ndarray) -> np.ndarray:
        """Pieces for each pixel of the frame, or around lines if that is more; the lines have n_own of them."""
        around = self.tree.query_ball_point(line.centre.T, AROUND, return_length=True)
        return np.maximum((around - n_own) / (np.pi * AROUND**2), self.mean)

    def share_one_line(self, line: Shapes, n_own: np.ndarray) -> np.ndarray:
        """Whether lines lie in one row or column, or in a few with more other pieces than there are by chance."""
        along = np.zeros(len(line.area), dtype=bool)
        length = line.bar[0]
        for part, places, in_line in zip(line.axis, line.centre, self.in_line, strict=True):
            n_lines, usual = np.abs(part) * length, LINES * self.n / len(in_line)
            number = in_line[np.rint(places).astype(int)] - n_own
            along |= (n_lines <= 1) | ((n_lines <= LINES) & (number > usual + TOO_MANY * usual**0.5))
        return along


def _pairs(groups: Shapes, group: np.ndarray, pixels: Pixels, crowd: Crowd, changed: np.ndarray | None) -> np.ndarray:
    """Pairs of groups to join, int (2, n); no group is in two of them. Of each pair one is ``changed``, if given."""
    first, last = ends(groups, pixels.y, pixels.x, group[pixels.piece])
    tips = groups.centre + groups.axis * np.array([first, last])[:, np.newaxis]
    a, b = _near(tips, has_direction(groups), changed, crowd.mean, pixels)
    for test in (_is_straight, _is_alike):
        fits = test(groups[a], groups[b])
        a, b = a[fits], b[fits]
    if not len(a):
        return np.zeros((2, 0), dtype=int)
    line, length, n_own = groups[a] + groups[b], last - first + 1, np.bincount(group)[a] + np.bincount(group)[b]
    gap, between = _gap(tips[:, :, a], tips[:, :, b], line)
    n_open = gap - _n_bad(*between, gap, pixels)
    fits = (gap >= -OVERLAP) & (gap <= LONGEST_BRIDGE) & (n_open <= np.minimum(LONGEST_GAP, length[a] + length[b]))
    fits &= ~crowd.share_one_line(line, n_own)
    share = np.where(has_direction(groups)[b], crowd.directed, 1)
    chance = crowd.density(line, n_own) * share * _corridor(groups[a], groups[b], gap)
    fits &= chance <= np.where((n_open <= 1) & (n_open < gap), CHANCE_BEHIND_BAD, CHANCE)
    # The nearest first, so that a dot between two pieces is not passed over.
    return _in_order(np.array([a, b])[:, fits], gap[fits])


def has_direction(shapes: Shapes) -> np.ndarray:
    """Whether pieces are long and thin."""
    length, width = shapes.bar
    return (length >= LONG) & (length >= ELONGATED * width)


def _near(
    tips: np.ndarray, directed: np.ndarray, changed: np.ndarray | None, density: float, pixels: Pixels
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of groups whose tips, (2 ends, 2, n), are near each other; the first of each has a direction."""
    from scipy.spatial import cKDTree

    n, points = tips.shape[2], np.concatenate([tips[0].T, tips[1].T])
    reach, bridge = OVERLAP + 1 + LONGEST_GAP, OVERLAP + 1 + LONGEST_BRIDGE
    # Where events are dense, even the thinnest corridor soon holds one without a direction.
    short = min(reach, OVERLAP + 1 + CHANCE / (2 * STRAIGHT**0.5 * density))

    def near(one: np.ndarray, other: np.ndarray, distance: float) -> np.ndarray:
        one, other = np.flatnonzero(np.tile(one, 2)), np.flatnonzero(np.tile(other, 2))
        found = cKDTree(points[one]).sparse_distance_matrix(cKDTree(points[other]), distance, output_type="ndarray")
        return np.array([one[found["i"]], other[found["j"]]]) % n

    seeds = directed if changed is None else directed & changed
    pairs = [near(seeds, directed, reach), near(seeds, ~directed, short)]
    beside = _beside(tips, pixels)
    pairs.append(near(seeds & beside, beside, bridge))
    first, second = np.concatenate(pairs, axis=1)
    # The first of a pair defines the line.
    swap = directed[second] & (first > second)
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    return np.divmod(np.unique((first * n + second)[first != second]), n)


def _beside(tips: np.ndarray, pixels: Pixels) -> np.ndarray:
    """Which groups have a tip near a bad pixel."""
    x, y = np.rint(tips).astype(int).swapaxes(0, 1)
    found, (ny, nx) = np.zeros(x.shape, dtype=bool), pixels.shape
    for dy, dx in np.ndindex(2 * NEAR_BAD + 1, 2 * NEAR_BAD + 1):
        found |= pixels.are_bad(np.clip(y + dy - NEAR_BAD, 0, ny - 1), np.clip(x + dx - NEAR_BAD, 0, nx - 1))
    return found[0] | found[1]


def _is_straight(*pair: Shapes) -> np.ndarray:
    """Whether one line goes through both."""
    line = pair[0] + pair[1]
    deviations = [np.where(has_direction(one), one.deviation(line), one.distance(line) ** 2) for one in pair]
    return np.maximum(*deviations) <= STRAIGHT


def _is_alike(*pair: Shapes) -> np.ndarray:
    """Whether both have about the same width, and the same charge for each pixel of length if that is known."""
    lengths, widths = zip(*(one.bar for one in pair), strict=True)
    first, second = (one.charge / length for one, length in zip(pair, lengths, strict=True))
    differs = (first > CHARGE_RATIO * second) | (second > CHARGE_RATIO * first)
    return (np.abs(np.subtract(*widths)) <= WIDTHS) & ~differs


def _gap(first: np.ndarray, second: np.ndarray, line: Shapes) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Pixels between pieces with these tips, (2 ends, 2, n), less than 0 where they overlap, and the facing tips."""
    axis, centre = line.axis, line.centre
    along = [((tips - centre) * axis).sum(axis=1) for tips in (first, second)]
    swap = along[0].mean(axis=0) > along[1].mean(axis=0)
    left, right = np.where(swap, along[::-1], along)
    stop, start = left.max(axis=0), right.min(axis=0)
    return (start - stop) * np.abs(axis).max(axis=0) - 1, (centre + axis * stop, centre + axis * start)


def _n_bad(stop: np.ndarray, start: np.ndarray, gap: np.ndarray, pixels: Pixels) -> np.ndarray:
    """How many of the pixels between two places, (2, n), are bad."""
    share = np.arange(1, LONGEST_BRIDGE + 1)[:, np.newaxis] / np.maximum(gap + 1, 1)
    x, y = (np.rint(a + share * (b - a)).astype(int) for a, b in zip(stop, start, strict=True))
    ny, nx = pixels.shape
    between = (share < 1) & (x >= 0) & (y >= 0) & (x < nx) & (y < ny)
    return (between & pixels.are_bad(np.where(between, y, 0), np.where(between, x, 0))).sum(axis=0)


def _corridor(first: Shapes, second: Shapes, gap: np.ndarray) -> np.ndarray:
    """The area (pix**2) where a piece would fit the line of the first as well as the second one does."""
    long, length, slack = first.bar[0], second.bar[0], np.sqrt(12 * STRAIGHT)
    gap = np.maximum(gap, 0)
    half_width = STRAIGHT**0.5 + slack * (long / 2 + gap + length / 2) / long
    turned = np.where(has_direction(second), np.minimum(2 * slack / length / np.pi, 1), 1)
    return 2 * half_width * (gap + 1) * turned


def _in_order(joins: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Of joins, int (n_members, n), the first in order so that nothing is in two of them."""
    taken: set[int] = set()
    chosen = []
    for index in np.argsort(order, kind="stable").tolist():
        members = joins[:, index].tolist()
        if taken.isdisjoint(members):
            taken.update(members)
            chosen.append(index)
    return joins[:, chosen]


def dots_on_lines(pieces: Shapes, crowd: Crowd) -> np.ndarray:
    """Pairs of short pieces, int (2, n), that join three of them on a line: a track too faint for a longer piece."""
    dots = np.flatnonzero(~has_direction(pieces))
    middle, first, second = dots[_triples(pieces[dots].centre.T)]
    a, b, c = pieces[first], pieces[middle], pieces[second]
    line = a + b + c
    fits = _is_alike(a, b) & _is_alike(b, c) & _is_alike(a, c) & has_direction(line)
    fits &= np.max([one.distance(line) ** 2 for one in (a, b, c)], axis=0, initial=0) <= STRAIGHT
    near, far = np.sort([np.hypot(*(one.centre - b.centre)) for one in (a, c)], axis=0)
    n_own = np.full(len(middle), 3)
    fits &= ~crowd.share_one_line(line, n_own)
    density = crowd.density(line, n_own)
    # One more piece anywhere this near, and another one within the corridor of these two.
    half_width = STRAIGHT**0.5 * (2 + far / near)
    chance = density * np.pi * near**2 * density * 2 * half_width * far
    fits &= chance <= CHANCE_OF_DOTS
    middle, first, second = _in_order(np.array([middle, first, second])[:, fits], chance[fits])
    return np.array([np.append(middle, middle), np.append(first, second)])


def _triples(places: np.ndarray) -> np.ndarray:
    """Triples of places, (n, 2), int (3, m): one between two that are near it, on opposite sides."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(places).query_pairs(LONGEST_STEP, output_type="ndarray")
    middle, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.argsort(middle, kind="stable")
    middle, other = middle[order], other[order]
    # Each neighbour of a place with each later one of the same place.
    stop = np.searchsorted(middle, middle, side="right")
    later = stop - np.arange(len(middle)) - 1
    first = np.repeat(np.arange(len(middle)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    one, two = places[other[first]] - places[middle[first]], places[other[second]] - places[middle[first]]
    opposite = (one * two).sum(axis=1) < 0
    return np.array([middle[first], other[first], other[second]])[:, opposite]
