# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How far the stars of one exposure lie from those of another."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, uniform_filter

from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.statistics import robust_std

#: Width (standard deviation, pix) of the filter that makes stars of cosmic rays and hot pixels alike.
SMOOTH = 1.5
#: A star is a local maximum so many standard deviations above the sky, and so many of the brightest are compared.
BRIGHT, MOST = 7.0, 200
#: A peak's share that its neighbours must have: those of a hot pixel or a cosmic ray have less.
NEIGHBOURS = 0.25
#: Offsets of pairs that agree within so many pixels are counted together, and so many must agree.
SAME, FEWEST = 2.0, 4
#: Share of the stars of the exposure with fewer stars that must be found in the other.
LEAST_SHARE = 0.2


def measure_offset(
    first: np.ndarray, second: np.ndarray, bad: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float] | None:
    """
    Where a star of the first exposure lies in the second, (dy, dx) in pixels; None if too few stars agree.

    The bad pixels of both are bool (ny, nx). Each star is paired with each of the other exposure; the offset is that on
    which most pairs agree.
    """
    stars = [_stars(data, mask) for data, mask in zip((first, second), bad, strict=True)]
    if min(map(len, stars)) < FEWEST:
        return None
    pairs = (stars[1][np.newaxis] - stars[0][:, np.newaxis]).reshape(-1, 2)
    agreeing = _most_agreeing(pairs)
    if len(agreeing) < max(FEWEST, LEAST_SHARE * min(map(len, stars))):
        return None
    dy, dx = np.median(agreeing, axis=0)
    return float(dy), float(dx)


def _stars(data: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Centres of the brightest stars, float64 (n, 2): y and x."""
    blocks = take_blocks(data, bad=bad)
    if not np.isfinite(blocks).any():
        return np.zeros((0, 2))
    sky = float(np.nanmedian(blocks))
    smooth = gaussian_filter(np.where(bad, sky, data).astype(np.float32) - np.float32(sky), SMOOTH)
    noise = float(robust_std(smooth[::3, ::3], 0.0))
    peak = (smooth > BRIGHT * noise) & (smooth == maximum_filter(smooth, size=5)) & _inside(data.shape, 3)
    y, x = np.nonzero(peak)
    y, x = _extended(data - np.float32(sky), y, x)
    brightest = np.argsort(-smooth[y, x])[:MOST]
    y, x = y[brightest], x[brightest]
    return np.stack([_centre(smooth, y, x, 0), _centre(smooth, y, x, 1)], axis=1)


def _inside(shape: tuple[int, int], width: int) -> np.ndarray:
    inside = np.zeros(shape, dtype=bool)
    inside[width:-width, width:-width] = True
    return inside


def _extended(light: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The peaks whose light spreads to all sides, as that of no cosmic ray does."""
    steps = np.array([(0, 1), (1, 0), (1, 1), (1, -1)])
    around = np.stack([light[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    top = around.max(axis=0)
    lines = np.stack([light[y + dy, x + dx] + light[y - dy, x - dx] for dy, dx in steps]) / 2
    spread = lines.min(axis=0) > NEIGHBOURS * top
    return y[spread], x[spread]


def _centre(smooth: np.ndarray, y: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """Position of the maxima along an axis, from the parabola through three pixels."""
    dy, dx = (1, 0) if axis == 0 else (0, 1)
    before, top, after = smooth[y - dy, x - dx], smooth[y, x], smooth[y + dy, x + dx]
    curvature = np.maximum(2 * top - before - after, 1e-6)
    return (y if axis == 0 else x) + np.clip((after - before) / (2 * curvature), -0.5, 0.5)


def _most_agreeing(pairs: np.ndarray) -> np.ndarray:
    """The pairs (n, 2) around the offset on which most of them agree."""
    low = pairs.min(axis=0)
    cell = np.floor((pairs - low) / SAME).astype(int)
    counts = np.zeros(cell.max(axis=0) + 3)
    np.add.at(counts, tuple((cell + 1).T), 1.0)
    # A sum over 3 x 3 cells does not depend on where the borders of the cells lie.
    best = np.unravel_index(np.argmax(uniform_filter(counts, 3)), counts.shape)
    centre = low + (np.array(best) - 0.5) * SAME
    for width in (1.5 * SAME, 1.0, 0.7):
        near = pairs[np.abs(pairs - centre).max(axis=1) < width]
        if len(near) == 0:
            return near
        centre = np.median(near, axis=0)
    return near
