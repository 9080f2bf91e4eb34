# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stamps: the events of a frame at full size, side by side on one sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.events.segments import CRSegments
from ccdproc_crplugin.report.codes import Codes

#: Pixels around an event, and the smallest and largest side of its stamp.
MARGIN, SMALLEST, LARGEST = 8, 25, 1000

#: Longest side of a square stamp (pix); a square around a longer event would be mostly empty.
LARGEST_SQUARE = 100

#: Width of a sheet, unless a stamp is wider (pix).
WIDTH = 1024

#: Black and white of a stamp, in times the noise below and above its sky.
BLACK, WHITE = 3.0, 7.0

#: Pixels sampled along each side of a stamp for its sky and noise, and stamps sampled together.
SAMPLED, AT_ONCE = 25, 2000

#: Bytes of the mask: the stamp's own event, and other events.
THIS, OTHER = 255, 100


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of stamps; arrays (n_events,), int and in pixels where not stated."""

    pixels: np.ndarray  # cleaned, raw where an event is, mask: uint8 (height, width, 3), top row first
    left: np.ndarray  # lower left pixel of the stamp in the frame
    bottom: np.ndarray
    width: np.ndarray
    height: np.ndarray
    side: np.ndarray  # of the square that a card shows, part of which may lie outside the frame
    inset_x: np.ndarray  # upper left pixel of the stamp in that square
    inset_y: np.ndarray
    column: np.ndarray  # upper left pixel of the stamp on the sheet
    row: np.ndarray
    low: np.ndarray  # limits of the stretch, float, in the unit of the frame
    high: np.ndarray


def make_sheet(segments: CRSegments, codes: Codes) -> Sheet:
    """Cut a stamp around each event, in the order of the labels."""
    labels, raw, cleaned = segments.data, segments.raw, segments.cleaned
    extents = [[part.start, part.stop] for where in segments.slices for part in where]
    wanted, side = _wanted(np.array(extents, dtype=int).reshape(-1, 2, 2))
    bounds = np.clip(wanted, 0, np.array(labels.shape)[:, np.newaxis]).reshape(-1, 4)
    bottom, top, left, right = bounds.T
    square_bottom, square_left = (wanted.sum(axis=2) // 2).T - side // 2
    inset_x, inset_y = left - square_left, square_bottom + side - top
    height, width = top - bottom, right - left
    column, row, size = _arrange(width, height)
    pixels = np.zeros((*size, 3), dtype=np.uint8)
    for index, (y0, y1, x0, x1) in enumerate(bounds):
        part = (slice(y0, y1), slice(x0, x1))
        stamp = _stamp(labels[part], raw[part], cleaned[part], index + 1, codes)
        on_sheet = (slice(row[index], row[index] + y1 - y0), slice(column[index], column[index] + x1 - x0))
        pixels[on_sheet] = stamp[::-1]
    return Sheet(pixels, left, bottom, width, height, side, inset_x, inset_y, column, row, *_limits(raw, bounds))


def _wanted(extents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last row and column of each stamp, int (n, 2, 2), even outside the frame; and its longer side."""
    sides = np.clip(extents[..., 1] - extents[..., 0] + 2 * MARGIN, SMALLEST, LARGEST)
    longer = sides.max(axis=1, initial=0)
    sides = np.maximum(sides, np.minimum(longer, LARGEST_SQUARE)[:, np.newaxis])
    start = (extents.sum(axis=2) - sides) // 2
    return np.stack([start, start + sides], axis=2), longer


def _arrange(width: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Arrange stamps in rows of similar height."""
    column, row = np.zeros(len(width), dtype=int), np.zeros(len(width), dtype=int)
    most = max(WIDTH, width.max(initial=1))
    x = y = tallest = 0
    for index in np.argsort(height, kind="stable"):
        if x + width[index] > most:
            x, y, tallest = 0, y + tallest, 0
        column[index], row[index] = x, y
        x, tallest = x + width[index], max(tallest, height[index])
    used = max((column + width).max(initial=1), 1)
    return column, row, (int(max(y + tallest, 1)), int(used))


def _stamp(labels: np.ndarray, raw: np.ndarray, cleaned: np.ndarray, label: int, codes: Codes) -> np.ndarray:
    hit = labels > 0
    stamp = np.zeros((*labels.shape, 3), dtype=np.uint8)
    stamp[..., 0] = codes.encode(cleaned)
    stamp[hit, 1] = codes.encode(raw[hit])
    stamp[hit, 2] = np.where(labels[hit] == label, THIS, OTHER)
    return stamp


def _limits(raw: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Black and white of each stamp, from the median and the scatter below it, which no cosmic ray changes.

    The answer is near that of ZScale, whose fit for each stamp would take half the time of a report.
    """
    low, high = np.zeros(len(bounds)), np.ones(len(bounds))
    shares = np.linspace(0, 1, SAMPLED)
    for start in range(0, len(bounds), AT_ONCE):
        now = slice(start, start + AT_ONCE)
        y0, y1, x0, x1 = bounds[now].T[..., np.newaxis]
        rows, columns = (
            np.rint(first + shares * (last - 1 - first)).astype(int) for first, last in ((y0, y1), (x0, x1))
        )
        samples = raw[rows[:, :, np.newaxis], columns[:, np.newaxis, :]].reshape(len(rows), -1).astype(float)
        samples = np.sort(np.where(np.isfinite(samples), samples, np.nan), axis=1)
        last = np.isfinite(samples).sum(axis=1) - 1
        median, below = (
            samples[np.arange(len(last)), (np.maximum(last, 0) * share).astype(int)] for share in (0.5, 0.16)
        )
        noise = np.where(median > below, median - below, np.maximum(np.abs(median) * 1e-6, 1e-6))
        seen = last >= 0
        low[now][seen], high[now][seen] = (median - BLACK * noise)[seen], (median + WHITE * noise)[seen]
    return low, high
