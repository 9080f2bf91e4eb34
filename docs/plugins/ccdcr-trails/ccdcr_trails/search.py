# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The search for trails in a frame: candidates from its bins, each measured on its pixels, the brightest first.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from ccdcr_trails.binning import binned
from ccdcr_trails.candidates import Candidates
from ccdcr_trails.measure import Trail, measured

#: Least significance of a trail, and of a line in the bins for it to be measured, in units of the former.
LEAST_SIGNIFICANCE, LEAST_IN_BINS = 6.0, 0.9

#: Most trails of a frame, and most lines that are measured and are none.
MOST_TRAILS, MOST_REFUSED = 16, 6

#: Angle with the rows or columns below which this many lines, parallel within the third (degrees), are a spectrum.
NEAR_AXIS, FEWEST_TRACES, PARALLEL = 10.0, 4, 2.0


@dataclass(frozen=True)
class Found:
    """The trails of a frame."""

    trails: list[Trail]
    refused: list[Trail]
    searched: bool = True


def find(data, mask, least_significance=LEAST_SIGNIFICANCE):
    """The trails of a frame, shape (ny, nx), whose bad pixels are masked."""
    frame = binned(data, mask)
    if frame is None:
        return Found([], [], searched=False)
    bad = mask if mask.any() else None
    candidates = Candidates(frame)
    trails, refused = [], []
    while len(trails) < MOST_TRAILS and len(refused) < MOST_REFUSED:
        line, significance = candidates.best()
        if significance < LEAST_IN_BINS * least_significance:
            break
        trail = measured(data, bad, line, 2 * frame.bin + 2, least_significance)
        if trail is None or trail.refused:
            refused.append(trail)  # None does not cross the frame
        else:
            trails.append(trail)
        candidates.remove(_in_bins(trail, line, frame))
    if _is_spectrum(trails):
        refused, trails = refused + [replace(trail, refused="one of many traces") for trail in trails], []
    return Found(trails, refused)


def _is_spectrum(trails):
    """Whether many parallel lines run nearly along the rows or columns, as the traces of a spectrograph do."""
    angles = np.array([math.degrees(math.atan2(one.y[1] - one.y[0], one.x[1] - one.x[0])) % 180 for one in trails])
    for angle in angles[np.abs((angles + 45) % 90 - 45) < NEAR_AXIS]:
        if np.count_nonzero(np.abs((angles - angle + 90) % 180 - 90) < PARALLEL) >= FEWEST_TRACES:
            return True
    return False


def _in_bins(trail, line, frame):
    """The bins along a line and along the trail that it turned out to be, bool (n, n)."""
    size, shape = frame.bin, frame.signal.shape

    def covered(part, below, above):
        x, y = ([(value + 0.5) / size - 0.5 for value in ends] for ends in (part.x, part.y))
        return band(shape, x, y, below / size + 1.5, above / size + 1.5)

    found = covered(line, size, size)
    return found if trail is None else found | covered(trail, trail.below, trail.above)


def band(shape, x, y, below, above):
    """The pixels beside a line from (x[0], y[0]) to (x[1], y[1]), bool: ``below`` and ``above`` it, seen along it."""
    if abs(x[1] - x[0]) < abs(y[1] - y[0]):
        return np.ascontiguousarray(band(shape[::-1], y, x, above, below).T)
    if x[1] < x[0]:
        x, y, below, above = x[::-1], y[::-1], above, below
    inside = np.zeros(shape, dtype=bool)
    columns = np.arange(max(0, math.floor(x[0])), min(shape[1], math.ceil(x[1]) + 1))
    if not len(columns):
        return inside
    slope = (y[1] - y[0]) / (x[1] - x[0])
    stretch = math.hypot(1, slope)
    middle = y[0] + slope * (columns - x[0])
    low = np.ceil(middle - below * stretch).astype(int)
    n = math.ceil((below + above) * stretch) + 1
    rows = low + np.arange(n)[:, np.newaxis]
    good = (rows >= 0) & (rows < shape[0]) & (rows <= middle + above * stretch)
    inside[rows[good], np.broadcast_to(columns, rows.shape)[good]] = True
    return inside


def flagged(shape, trails):
    """The pixels of trails, wings included: bool."""
    inside = np.zeros(shape, dtype=bool)
    for trail in trails:
        inside |= band(shape, trail.x, trail.y, trail.below, trail.above)
    return inside
