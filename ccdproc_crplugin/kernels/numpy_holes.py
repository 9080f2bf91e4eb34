# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The NumPy twin of ``src/holes.c``: pixels below others on both sides of them."""

import numpy as np

#: How far the sides reach (pix).
WIDEST = 4


def holes(data: np.ndarray, y0: int, limit: float, found: np.ndarray) -> bool:
    """
    Mark in ``found``, bool, as many rows from ``y0`` on, the pixels more than ``limit`` below others on both sides.

    Each side is the highest pixel within 4 along the row, or along the column. Whether there are any.
    """
    n_rows = len(found)
    first, last = max(y0 - WIDEST, 0), min(y0 + n_rows + WIDEST, len(data))
    lacking = (WIDEST - y0 + first, WIDEST - last + y0 + n_rows)
    around = np.pad(data[first:last], (lacking, (WIDEST, WIDEST)), constant_values=np.nan)
    inside = slice(WIDEST, -WIDEST)
    found[:] = _in_holes(around[:, inside].T, np.float32(limit)).T
    found |= _in_holes(around[inside], np.float32(limit))
    return bool(found.any())


@np.errstate(invalid="ignore", over="ignore")
def _in_holes(lines: np.ndarray, limit: np.float32) -> np.ndarray:
    """Whether a higher pixel is on both sides, in lines along the second axis but for their first and last pixels."""
    two = np.fmax(lines[:, :-1], lines[:, 1:])
    four = np.fmax(two[:, :-2], two[:, 2:])
    return np.minimum(four[:, : -WIDEST - 1], four[:, WIDEST + 1 :]) - lines[:, WIDEST:-WIDEST] > limit
