# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Rows and columns that are structure of the chip.

The outermost ones may have a level of their own, and so may a bad column, or the first column beside an overscan.
"""

import numpy as np

from ccdproc_crplugin.kernels.pixels import true_pixels

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
    ny, nx = hits.shape
    y, x = true_pixels(hits)
    n_inside = np.count_nonzero((y >= WIDTH) & (y < ny - WIDTH) & (x >= WIDTH) & (x < nx - WIDTH))
    size_inside = max(ny - 2 * WIDTH, 0) * max(nx - 2 * WIDTH, 0)
    often = TIMES_INSIDE * n_inside / size_inside if size_inside else 1.0
    rows = _Lines(y, (x == 0) | ~hits[y, x - 1], ny, nx)
    columns = _Lines(x, (y == 0) | ~hits[y - 1, x], nx, ny)
    in_rows, in_columns = rows.structured(often), columns.structured(often)
    if not (in_rows.any() or in_columns.any()):
        return None
    return in_rows[:, np.newaxis] | in_columns


class _Lines:
    """The hits of the rows of a frame, or of its columns."""

    def __init__(self, line: np.ndarray, begins: np.ndarray, n_lines: int, length: int) -> None:
        """Take the ``line`` of each pixel that is hit, and whether the pixel before it on the line is not."""
        self.share = np.bincount(line, minlength=n_lines) / length
        self.n_apart = np.bincount(line[begins], minlength=n_lines)
        self.length = length

    def structured(self, often: float) -> np.ndarray:
        """Which lines are structure, bool."""
        found = np.zeros(len(self.share), dtype=bool)
        hit_often = self.share > max(SHARE_OF_A_LINE, often)
        of_an_edge = hit_often | (self.n_apart > max(FEWEST_APART, often * self.length))
        for side in (np.s_[:WIDTH], np.s_[-WIDTH:]):
            found[side] |= of_an_edge[side].any()
        for line in np.flatnonzero(hit_often & (self.n_apart > FEWEST_APART)):
            found[max(line - BESIDE, 0) : line + BESIDE + 1] = True
        return found
