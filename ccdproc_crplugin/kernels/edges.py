# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Rows and columns that are structure of the chip.

The outermost ones may have a level of their own, and so may a bad column, or the first column beside an overscan.
"""

import numpy as np

#: How many rows or columns an edge has (pix), and how many on either side of another line belong to it.
WIDTH, BESIDE = 3, 1

#: No cosmic rays hit a tenth of the pixels of a row, nor one edge ten times as often as the rest of the frame.
SHARE_OF_A_LINE = 0.1
TIMES_INSIDE = 10

#: A line with more separate hits than this is hit in many places; with fewer, a track may lie along it.
FEWEST_APART = 10


def structured_edges(hits: np.ndarray) -> np.ndarray | None:
    """
    Lines with hits that are structure of the chip, bool (ny, nx), or None if there are none.

    On some chips the first columns collect less charge, or glow; then the outermost three lines are structure. Any
    other line is, with its neighbours, if it is hit all along. It is as sharp as a cosmic ray, and as long as the chip.
    """
    inside = hits[WIDTH:-WIDTH, WIDTH:-WIDTH]
    often = TIMES_INSIDE * np.count_nonzero(inside) / inside.size if inside.size else 1.0
    found = np.zeros(hits.shape, dtype=bool)
    for lines, found_lines in ((hits, found), (hits.T, found.T)):
        for side in (np.s_[:WIDTH], np.s_[-WIDTH:]):
            found_lines[side] |= _is_structured(lines[side], often)
        for line in np.flatnonzero(_hit_all_along(lines, often)):
            found_lines[max(line - BESIDE, 0) : line + BESIDE + 1] = True
    return found if found.any() else None


def _hit_all_along(lines: np.ndarray, often: float) -> np.ndarray:
    """Whether a large share of the pixels of a line is hit, in many places, for each."""
    share = lines.mean(axis=1) > max(SHARE_OF_A_LINE, often)
    return share & (_n_apart(lines) > FEWEST_APART)


def _is_structured(lines: np.ndarray, often: float) -> bool:
    """Whether one of some lines is hit in a larger share of its pixels than ``often``, all along or in many places."""
    many = _n_apart(lines) > max(FEWEST_APART, often * lines.shape[1])
    return bool((many | (lines.mean(axis=1) > max(SHARE_OF_A_LINE, often))).any())


def _n_apart(lines: np.ndarray) -> np.ndarray:
    """The number of separate hits of each line."""
    return np.count_nonzero(lines[:, 1:] & ~lines[:, :-1], axis=1) + lines[:, 0]
