# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L+, medians and windows for the NumPy engine: pure functions of arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ccdproc_crplugin.kernels.networks import median_network

PIXELS_AT_ONCE = 1 << 13  # 49 planes of so many pixels stay in the cache


# --- the Laplacian, its operations in the order of the definition -----------------


def _positive(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, np.float32(0), out=values)


def laplacian(
    pixel: np.ndarray, left: np.ndarray, right: np.ndarray, above: np.ndarray, below: np.ndarray
) -> np.ndarray:
    """L+ of pixels from their neighbours, electrons."""
    four = 4 * pixel
    on_left = (four - pixel) - left
    on_right = (four - right) - pixel
    upper = pixel + above
    lower = pixel + below
    diagonal = _positive(on_left - upper)
    diagonal += _positive(on_right - lower)
    other = _positive(on_right - upper)
    other += _positive(on_left - lower)
    diagonal += other
    diagonal *= np.float32(0.25)
    return diagonal


def laplacian_of_rows(data: np.ndarray, rows: slice) -> np.ndarray:
    """L+ of some rows without their first and last column."""
    return laplacian(
        data[rows, 1:-1],
        data[rows, :-2],
        data[rows, 2:],
        data[rows.start - 1 : rows.stop - 1, 1:-1],
        data[rows.start + 1 : rows.stop + 1, 1:-1],
    )


def edges_of_laplacian(plane: np.ndarray, padded: np.ndarray) -> None:
    """Compute L+ of the outermost pixels of ``plane``, in place, as it is where edges are skipped."""
    ny, nx = plane.shape
    for y in {0, ny - 1}:
        plane[y] = _edge_laplacian(padded, np.full(nx, y), np.arange(nx))
    for x in {0, nx - 1}:
        plane[:, x] = _edge_laplacian(padded, np.arange(ny), np.full(ny, x))


def _edge_laplacian(padded: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    ny, nx = (n - 2 for n in padded.shape)
    c = padded[y + 1, x + 1]
    left, right = padded[y + 1, x], padded[y + 1, x + 2]
    above, below = padded[y, x + 1], padded[y + 2, x + 1]
    double = c.astype(np.float64)
    four = 4 * c
    subpixels = {}
    for lower in (False, True):
        u, d = (c, below) if lower else (above, c)
        for on_right in (False, True):
            le, r = (c, right) if on_right else (left, c)
            value = ((four - r) - le) - (d + u)
            value = np.where((x == 0) & (not on_right), (four - r) - (u + d), value)
            value = np.where((x == nx - 1) & on_right, (four - d) - (le + u), value)
            in_first_row = (((4 * double - r) - le) - c).astype(np.float32)
            value = np.where((y == 0) & (not lower), in_first_row, value)
            in_last_row = (four - c) - (le + r)
            in_last_row = np.where((x == 0) & (not on_right), four - (r + c), in_last_row)
            in_last_row = np.where((x == nx - 1) & on_right, (four - le) - c, in_last_row)
            value = np.where((y == ny - 1) & lower, in_last_row, value)
            subpixels[lower, on_right] = _positive(value.astype(np.float32))
    diagonal = subpixels[False, False] + subpixels[True, True]
    return (diagonal + (subpixels[False, True] + subpixels[True, False])) * np.float32(0.25)


# --- medians ----------------------------------------------------------------------


def window(pixels: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Flat indices of the windows around pixels, shape (size^2, n), row by row."""
    steps = np.arange(size) - size // 2
    return (steps[:, None] * stride + steps).reshape(-1, 1) + pixels


def _median_of(values: list[np.ndarray], smaller: Callable, larger: Callable) -> np.ndarray:
    """The median of several arrays, by functions for the smaller and the larger of two."""
    for step, i, j in median_network(len(values)):
        if step == "sort":
            values[i], values[j] = smaller(values[i], values[j]), larger(values[i], values[j])
        else:
            values[i] = (smaller if step == "smaller" else larger)(values[i], values[j])
    return values[len(values) // 2]


def _smaller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smaller of two; the second if one is NaN, as with a comparison in C."""
    return np.where(a < b, a, b)


def _larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(a > b, a, b)


def median_around(plane: np.ndarray, pixels: np.ndarray, size: int, separable: bool) -> np.ndarray:
    """Medians of the windows around pixels: of all values, or of the medians of rows."""
    medians = np.empty(pixels.size, dtype=np.float32)
    for start in range(0, pixels.size, PIXELS_AT_ONCE):
        some = slice(start, start + PIXELS_AT_ONCE)
        stacked = plane.ravel()[window(pixels[some], size, plane.shape[1])]
        pair: tuple[Callable, Callable] = (_smaller, _larger) if np.isnan(stacked).any() else (np.minimum, np.maximum)
        values = list(stacked)
        if separable:
            values = [_median_of(values[k : k + size], *pair) for k in range(0, size * size, size)]
        medians[some] = _median_of(values, *pair)
    return medians


def lower_median(values: np.ndarray) -> np.float32:
    """The median, or the lower of two middle values; 0 if there is no value."""
    if values.size == 0:
        return np.float32(0)
    middle = (values.size - 1) // 2
    return np.partition(values, middle)[middle]
