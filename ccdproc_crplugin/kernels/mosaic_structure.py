# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Whether the pixels of a frame look like a colour mosaic.

In cells of 2 x 2 pixels a mosaic sees two colours on one diagonal and the same colour twice on the other, as a rule.
The cells of a monochrome, a binned or a debayered frame have no such pattern. What a chip's columns or rows have in
common is a pattern along one axis alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.statistics import robust_std

#: Cells of 2 x 2 pixels that are looked at, in pairs of rows spread over the frame.
MOST_CELLS = 60_000
FEW_CELLS = 10_000
FEWEST_CELLS = 100

#: A pattern has to be so many times its error, and this share of the noise of a pixel.
CERTAIN = 6.0
LEAST_SHARE = 0.05
#: Least difference of the variances of two planes, relative, that is not a matter of chance.
LEAST_CONTRAST = 0.15
#: Where neighbours differ by less than this share of their variances, each is made of the other.
INTERPOLATED = 0.75
#: Brightness of a cell of a star, in standard deviations of the cells, and the least pattern of its light.
BRIGHT = 10.0
LEAST_COLOUR = 0.05

#: Signs of the patterns of a cell, whose pixels stand in reading order.
PATTERNS = {"rows": (1, 1, -1, -1), "columns": (1, -1, 1, -1), "diagonals": (1, -1, -1, 1)}


@dataclass(frozen=True)
class Structure:
    """What the cells of a frame say."""

    levels: tuple[float, ...]  # median of each plane
    pattern: str  # "levels", "noise" or "stars": where the pattern of a mosaic is; "" if nowhere
    alike: str  # "main" or "other": the diagonal whose pixels are alike; "" if it cannot be told


def measure_structure(data: np.ndarray, mask: np.ndarray | None = None) -> Structure | None:
    """Look for the pattern of a mosaic; None where too few cells of 2 x 2 good pixels are there."""
    cells, beside = _cells(data, mask, MOST_CELLS)
    if len(cells) < FEWEST_CELLS:
        return None
    levels, sigma = _levels(cells)
    pattern = ""
    if _levels_differ(cells, sigma):
        pattern = "levels"
    elif _noise_differs(cells, beside):
        pattern = "noise"
    elif _stars_have_colours(cells):
        pattern = "stars"
    return Structure(levels, pattern, _alike(cells, LEAST_SHARE * sigma))


def levels_of_mosaic(data: np.ndarray, mask: np.ndarray | None = None) -> tuple[float, ...] | None:
    """Median of each plane where these differ as in a mosaic, with one diagonal alike; None for other frames."""
    cells, _ = _cells(data, mask, FEW_CELLS)
    if len(cells) < FEWEST_CELLS:
        return None
    levels, sigma = _levels(cells)
    return levels if _levels_differ(cells, sigma) and _alike(cells, LEAST_SHARE * sigma) else None


def _levels(cells: np.ndarray) -> tuple[tuple[float, ...], float]:
    """Median of each plane, and the scatter of a pixel about them."""
    levels = np.median(cells, axis=0)
    return tuple(float(level) for level in levels), float(robust_std(cells - levels, 0.0))


def _levels_differ(cells: np.ndarray, sigma: float) -> bool:
    """Whether the levels of the planes have the pattern of a mosaic."""
    return _is_mosaic(_significant(cells @ signs / 2, LEAST_SHARE * sigma) for signs in _signs())


def _cells(data: np.ndarray, mask: np.ndarray | None, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells of 2 x 2 good pixels, float64 (n, 4), and the next cell to the right of each."""
    ny, nx = data.shape[0] // 2, data.shape[1] // 2
    if min(ny, nx) < 2:
        return np.zeros((0, 4)), np.zeros((0, 4))
    step = max(ny * nx // most, 1)
    rows = np.arange(0, ny, step)
    upper, lower = (np.array(data[2 * rows + k, : 2 * nx], dtype=float) for k in (0, 1))
    if mask is not None:
        upper[mask[2 * rows, : 2 * nx]] = np.nan
        lower[mask[2 * rows + 1, : 2 * nx]] = np.nan
    cells = np.stack([upper[:, ::2], upper[:, 1::2], lower[:, ::2], lower[:, 1::2]], axis=-1)
    first, second = cells[:, :-1].reshape(-1, 4), cells[:, 1:].reshape(-1, 4)
    good = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    return first[good], second[good]


def _signs() -> list[np.ndarray]:
    return [np.array(signs) for signs in PATTERNS.values()]


def _is_mosaic(found: Iterable[bool]) -> bool:
    """Whether the patterns found (rows, columns, diagonals) are those of a mosaic."""
    rows, columns, diagonals = found
    return bool(diagonals or (rows and columns))


def _significant(values: np.ndarray, least: float, per_value: float = 1.0) -> bool:
    """Whether the mean of values without outliers is not zero; ``per_value`` of them are independent."""
    mean, error = _mean(values, per_value)
    return abs(mean) > max(CERTAIN * error, least)


def _mean(values: np.ndarray, per_value: float = 1.0) -> tuple[float, float]:
    """Mean of the values within three standard deviations of the median, and its error."""
    middle = np.median(values)
    scatter = max(float(robust_std(values, middle)), 1e-9)
    kept = values[np.abs(values - middle) <= 3 * scatter]
    return float(kept.mean()), float(scatter / np.sqrt(max(len(kept) * per_value, 1)))


def _noise_differs(cells: np.ndarray, beside: np.ndarray) -> bool:
    """Whether planes of one level have a noise of their own, and are not interpolated from each other."""
    variance = np.array([robust_std(difference, 0.0) ** 2 / 2 for difference in (cells - beside).T])
    if not (variance > 0).all():
        return False
    least = max(LEAST_CONTRAST, CERTAIN * 4 / np.sqrt(len(cells)))
    logarithm = np.log(variance)
    if not _is_mosaic(abs(logarithm @ signs / 2) > least for signs in _signs()):
        return False
    next_to = robust_std(cells[:, 0] - cells[:, 1], np.median(cells[:, 0] - cells[:, 1])) ** 2
    return bool(next_to > INTERPOLATED * (variance[0] + variance[1]))


def _stars_have_colours(cells: np.ndarray) -> bool:
    """Whether the light of bright cells has a pattern along the diagonals."""
    light = cells - np.median(cells, axis=0)
    total = light.sum(axis=1)
    bright = total > BRIGHT * max(float(robust_std(total, 0.0)), 1e-9)
    if np.count_nonzero(bright) < FEWEST_CELLS:
        return False
    contrast = light[bright] @ np.array(PATTERNS["diagonals"]) / total[bright]
    return _significant(contrast, LEAST_COLOUR, per_value=0.1)


def _alike(cells: np.ndarray, least: float) -> str:
    """The diagonal whose two pixels differ less, "" if both do about as much."""
    main, other = (abs(_mean(cells[:, i] - cells[:, j])[0]) for i, j in ((0, 3), (1, 2)))
    error = CERTAIN * max(_mean(cells[:, i] - cells[:, j])[1] for i, j in ((0, 3), (1, 2)))
    if abs(main - other) < max(error, least):
        return ""
    return "main" if main < other else "other"
