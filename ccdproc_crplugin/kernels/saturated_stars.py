# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Saturated stars with their bleed trails, which no search for sharp edges may touch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, find_objects, label

#: A straight run of so many saturated pixels is a bleed trail.
LONGEST_HIT = 8

#: Pixels around a saturated star that its charge has reached too.
GROWTH = 2

_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def saturated_stars(data: np.ndarray, level: float) -> np.ndarray | None:
    """
    The pixels of saturated stars and of their trails, bool (ny, nx); None if there are none.

    A cosmic ray may saturate single pixels. A group of saturated pixels belongs to a star if it holds a square of
    2 x 2, or a straight run along a row or a column that no cosmic ray keeps to.
    """
    saturated = data >= np.float32(level)
    if not saturated.any():
        return None
    labels, _ = label(saturated, structure=_NEIGHBOURS)
    stars = np.zeros_like(saturated)
    for number, box in enumerate(find_objects(labels), start=1):
        group = labels[box] == number
        if _has_square(group) or max(_longest_run(group), _longest_run(group.T)) >= LONGEST_HIT:
            stars[box] |= group
    return binary_dilation(stars, structure=_NEIGHBOURS, iterations=GROWTH) if stars.any() else None


def _has_square(group: np.ndarray) -> bool:
    return bool((group[1:, 1:] & group[:-1, 1:] & group[1:, :-1] & group[:-1, :-1]).any())


def _longest_run(group: np.ndarray) -> int:
    """Most pixels in a row of True along the first axis."""
    longest, running = 0, np.zeros(group.shape[1], dtype=int)
    for row in group:
        running = (running + 1) * row
        longest = max(longest, int(running.max()))
    return longest
