# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Colour mosaics: four planes of the pixels behind the same colour filter, a pixel in four each.

Neighbouring pixels of a mosaic see different colours, so that every pixel of one colour has edges as sharp as those of
a cosmic ray. Within a plane the sky is smooth, and stars are half as wide as in the frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccdproc_crplugin.kernels.repair import repair

#: First row and column of each plane, in the order of the four letters of a pattern.
PLANES = ((0, 0), (0, 1), (1, 0), (1, 1))


def split_planes(array: np.ndarray) -> list[np.ndarray]:
    """The four planes of an array (ny, nx), C-contiguous copies."""
    return [np.ascontiguousarray(array[row::2, column::2]) for row, column in PLANES]


def join_planes(planes: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The array of this shape that has these four planes."""
    joined = np.empty(shape, dtype=planes[0].dtype)
    for (row, column), plane in zip(PLANES, planes, strict=True):
        joined[row::2, column::2] = plane
    return joined


def in_frame(plane: int, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns in the frame of pixels of a plane (0 to 3)."""
    row, column = PLANES[plane]
    return 2 * y + row, 2 * x + column


def repair_planes(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, lost: np.ndarray, method: str = "meanmask"
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates as by `repair`, each from pixels of its own colour alone, and the scatter of these."""
    values, scatter = np.empty(len(y)), np.empty(len(y))
    for (row, column), plane, gone in zip(PLANES, split_planes(data), split_planes(lost), strict=True):
        here = (y % 2 == row) & (x % 2 == column)
        values[here], scatter[here] = repair(plane, y[here] // 2, x[here] // 2, gone, method)
    return values, scatter
