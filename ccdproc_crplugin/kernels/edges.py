# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The edges of a chip, whose outermost rows or columns may have a level of their own."""

import numpy as np

#: How many rows or columns an edge has (pix).
WIDTH = 3

#: No cosmic rays hit a tenth of the pixels of a row, nor one edge ten times as often as the rest of the frame.
SHARE_OF_A_LINE = 0.1
TIMES_INSIDE = 10

#: A line with more separate hits than this is hit in many places; with fewer, a track may lie along it.
FEWEST_APART = 10


def structured_edges(hits: np.ndarray) -> np.ndarray | None:
    """
    Edges with hits that are structure of the chip: true on their outermost three lines, or None if there are none.

    On some chips the first columns collect less charge, or glow. Such a line is as sharp as a cosmic ray, and as
    long as the chip.
    """
    inside = hits[WIDTH:-WIDTH, WIDTH:-WIDTH]
    often = TIMES_INSIDE * np.count_nonzero(inside) / inside.size if inside.size else 1.0
    found = np.zeros(hits.shape, dtype=bool)
    for lines, found_lines in ((hits, found), (hits.T, found.T)):
        for side in (np.s_[:WIDTH], np.s_[-WIDTH:]):
            found_lines[side] |= _is_structured(lines[side], often)
    return found if found.any() else None


def _is_structured(lines: np.ndarray, often: float) -> bool:
    """Whether one of some lines is hit in a larger share of its pixels than ``often``, all along or in many places."""
    n_apart = np.count_nonzero(lines[:, 1:] & ~lines[:, :-1], axis=1) + lines[:, 0]
    many = n_apart > max(FEWEST_APART, often * lines.shape[1])
    return bool((many | (lines.mean(axis=1) > max(SHARE_OF_A_LINE, often))).any())
