# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pixels around events: a star whose core was flagged goes on there, a cosmic ray does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.statistics import robust_std

#: Width of the band around an event in which the sky is measured (pix).
BAND = 5

#: A core of a star is less elongated than this, and the pixels around it keep this share of its peak, which must be so
#: many times its error.
CORE_ELONGATION, CORE_SHARE, CORE_SIGNIFICANCE = 3, 0.2, 5

#: Most events that are looked at one by one when they are counted.
MOST_LOOKED_AT = 1000

PIXEL_VARIANCE = 1 / 12  # of a pixel along each axis (pix**2)
_NEIGHBOURS = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]).T


@dataclass(frozen=True)
class Surroundings:
    """The pixels around an event, in electron; zeros if there is no pixel to measure."""

    ring: float  # mean of the pixels that touch the event, above the sky
    ring_error: float  # its standard error
    noise: float  # scatter of a pixel of the sky


def look_around(frame: np.ndarray, labels: np.ndarray, label: int, where: tuple[slice, slice]) -> Surroundings:
    """Measure the pixels around an event, which lies within the bounding box ``where`` of a frame in electron."""
    from scipy.ndimage import binary_dilation

    box, _ = _box_around(where, frame.shape)
    free = (labels[box] == 0) & np.isfinite(frame[box])
    touching = binary_dilation(labels[box] == label, structure=np.ones((3, 3), dtype=bool))
    ring, band = frame[box][free & touching], frame[box][free & ~touching]
    if not len(ring) or not len(band):
        return Surroundings(0.0, 0.0, 0.0)
    sky = np.median(band)
    noise = float(robust_std(band, sky))
    return Surroundings(float(ring.mean() - sky), noise / len(ring) ** 0.5, noise)


def _box_around(where: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The box with the surroundings of a bounding box, and the bounding box within it."""
    rows, columns = (
        slice(max(0, part.start - BAND - 1), min(size, part.stop + BAND + 1))
        for part, size in zip(where, shape, strict=True)
    )
    inner_rows, inner_columns = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(where, (rows, columns), strict=True)
    )
    return (rows, columns), (inner_rows, inner_columns)


def is_star_core(peak: float, around: Surroundings) -> bool:
    """Whether a compact event of this peak (electron) is the core of a star, by its surroundings."""
    return around.ring >= CORE_SHARE * peak and around.ring > CORE_SIGNIFICANCE * around.ring_error


def count_star_cores(frame: np.ndarray, y: np.ndarray, x: np.ndarray, label: np.ndarray, charge: np.ndarray) -> int:
    """
    How many events are compact cores of stars; more than `MOST_LOOKED_AT` candidates are counted by a sample of them.

    The repaired frame has shape (ny, nx), the flagged pixels with their labels, from 1, and the charge removed from
    each, in the unit of the frame, shape (n,).
    """
    if not len(y):
        return 0
    shapes = _Shapes(y, x, label)
    peak = np.full(shapes.n + 1, -np.inf)
    np.maximum.at(peak, label, charge)
    labels = _Labels(y, x, label, frame.shape)
    ring, sky = _ring_means(frame, labels, y, x, label), _lowest_sky(frame, labels, shapes)
    with np.errstate(invalid="ignore"):
        possible = (shapes.elongation < CORE_ELONGATION) & ~(ring - sky < CORE_SHARE * peak)
    candidates = np.flatnonzero(possible[1:]) + 1
    looked_at = candidates[:: -(-len(candidates) // MOST_LOOKED_AT) or 1]
    n_cores = 0
    for event in looked_at:
        box, where = _box_around(shapes.box(event), frame.shape)
        n_cores += is_star_core(peak[event], look_around(frame[box], labels.cut_out(box), event, where))
    return round(n_cores * len(candidates) / max(len(looked_at), 1))


class _Labels:
    """The labels of the pixels of a frame, 0 where none is flagged, without an array of its size."""

    def __init__(self, y: np.ndarray, x: np.ndarray, label: np.ndarray, shape: tuple[int, ...]) -> None:
        self.width = shape[1]
        place = y.astype(np.int64) * self.width + x
        order = np.argsort(place, kind="stable")
        self.place, self.label, self.row = place[order], label[order], y[order]

    def are_free(self, place: np.ndarray) -> np.ndarray:
        """Whether pixels, by their flat indices, have no label."""
        index = np.minimum(np.searchsorted(self.place, place), len(self.place) - 1)
        return self.place[index] != place

    def cut_out(self, box: tuple[slice, slice]) -> np.ndarray:
        """The labels of a box of the frame."""
        rows, columns = box
        inside = slice(*np.searchsorted(self.row, (rows.start, rows.stop)))
        y, x = np.divmod(self.place[inside], self.width)
        among = (x >= columns.start) & (x < columns.stop)
        labels = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.int32)
        labels[y[among] - rows.start, x[among] - columns.start] = self.label[inside][among]
        return labels


class _Shapes:
    """Bounds and elongation of events by their pixels, shape (n + 1,), the first entry void."""

    def __init__(self, y: np.ndarray, x: np.ndarray, label: np.ndarray) -> None:
        self.n = int(label.max())
        self.first, self.last = np.full((2, self.n + 1), np.iinfo(np.int64).max // 2), np.full((2, self.n + 1), -1)
        for axis, places in enumerate((y, x)):
            np.minimum.at(self.first[axis], label, places)
            np.maximum.at(self.last[axis], label, places)
        area = np.maximum(np.bincount(label, minlength=self.n + 1), 1)

        def mean(values: np.ndarray) -> np.ndarray:
            return np.bincount(label, weights=values, minlength=self.n + 1) / area

        dy, dx = (places - mean(places)[label] for places in (y, x))
        iyy, ixx, ixy = mean(dy * dy) + PIXEL_VARIANCE, mean(dx * dx) + PIXEL_VARIANCE, mean(dx * dy)
        middle, spread = (ixx + iyy) / 2, np.hypot((ixx - iyy) / 2, ixy)
        self.elongation = np.sqrt((middle + spread) / np.maximum(middle - spread, PIXEL_VARIANCE / 1e6))

    def box(self, event: int) -> tuple[slice, slice]:
        rows, columns = zip(self.first[:, event].tolist(), (self.last[:, event] + 1).tolist(), strict=True)
        return slice(*rows), slice(*columns)


def _ring_means(frame: np.ndarray, labels: _Labels, y: np.ndarray, x: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Mean of the pixels that touch each event, shape (n + 1,), NaN without any."""
    rows, columns = ((places[:, np.newaxis] + steps).ravel() for places, steps in zip((y, x), _NEIGHBOURS, strict=True))
    event = np.repeat(label, len(_NEIGHBOURS[0]))
    inside = (rows >= 0) & (rows < frame.shape[0]) & (columns >= 0) & (columns < frame.shape[1])
    place, event = rows[inside].astype(np.int64) * frame.shape[1] + columns[inside], event[inside]
    free = labels.are_free(place) & np.isfinite(frame.ravel()[place])
    pairs = np.unique(place[free] * (int(label.max()) + 1) + event[free])
    place, event = np.divmod(pairs, int(label.max()) + 1)
    total = np.bincount(event, weights=frame.ravel()[place], minlength=int(label.max()) + 1)
    with np.errstate(invalid="ignore"):
        return total / np.bincount(event, minlength=int(label.max()) + 1)


def _lowest_sky(frame: np.ndarray, labels: _Labels, shapes: _Shapes) -> np.ndarray:
    """The lowest of some pixels of the band around each event, which is below its sky; shape (n + 1,)."""
    lowest = np.full(shapes.n + 1, np.nan)
    middle = (np.minimum(shapes.first, shapes.last) + shapes.last) // 2
    for reach in (BAND - 1, BAND):
        low, high = shapes.first - reach, shapes.last + reach
        for rows in (low[0], middle[0], high[0]):
            for columns in (low[1], middle[1], high[1]):
                place = np.clip(rows, 0, frame.shape[0] - 1), np.clip(columns, 0, frame.shape[1] - 1)
                free = labels.are_free(place[0].astype(np.int64) * frame.shape[1] + place[1])
                value = np.where(free, frame[place], np.nan)
                lowest = np.fmin(lowest, value)
    return lowest
