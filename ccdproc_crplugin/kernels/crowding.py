# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Fields so crowded that the fine structure of L.A.Cosmic no longer shows the stars.

The fine structure is the contrast of a pixel's 3 x 3 median to a 7 x 7 median. Where most windows of 7 x 7 pixels hold
the light of several stars, the larger median is as bright as a star, the contrast vanishes, and peaks of stars pass for
cosmic rays. There the profile decides instead. Light is a sum of profiles: if a single star has at least a share k of
its light above the sky in the mean of two opposite neighbours of any pixel, so has any blend of stars.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import binary_dilation

from ccdproc_crplugin.kernels.blocks import quantiles
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.stellar_width import FWHM_OF_SIGMA, GAUSSIAN_TO_HALF_MAXIMUM, PIXEL_VARIANCE

#: Stars in a window of 7 x 7 pixels from which on a part of a frame is crowded, and the share of such parts from which
#: on the field is. 1500 stars in 500 x 500 pixels, 0.2 to 0.3 in a window, begin to give false events.
CROWDED = 0.3
LEAST_SHARE = 0.1

WINDOW = 7  # pixels
HALF = WINDOW // 2
PEAK = 5.0  # standard deviations by which a star's peak stands above the median of its window
FAINT = 0.1587  # share of a block's pixels that are fainter than its sky by a standard deviation

#: Two opposite neighbours along each axis and each diagonal, and the square of their distance (pixels).
PAIRS = (((0, 1), 1), ((1, 0), 1), ((1, 1), 2), ((1, -1), 2))
#: The profile is taken to be narrower than measured by this factor: the cores of stars with wings are.
NARROWER = 0.85
#: Standard deviations by which a pixel must be sharper than starlight.
SHARPER = 2.0

#: The sky of a pixel is the fifth lowest value of the pixels this far around it.
SKY_RADIUS, SKY_RANK = 7, 4
AT_ONCE = 20_000  # pixels whose surroundings are taken together


def crowded_share(blocks: np.ndarray, readnoise: float, fwhm: float | None = None) -> float:
    """
    Share of blocks (electrons, of `take_blocks`) in which stars stand closer than `CROWDED`.

    Without the stellar width (pixels) every peak counts as a star.
    """
    if min(blocks.shape[1:]) < WINDOW:
        return 0.0
    block, y, x = _peaks(blocks, readnoise)
    if fwhm is not None:
        around = sliding_window_view(blocks, (3, 3), axis=(1, 2))[block, y - 1, x - 1]
        (sky,) = quantiles(blocks, FAINT)
        starlike = ~_sharper_than_stars(around, sky[block], fwhm, readnoise**2)
        block = block[starlike]
    n_windows = (blocks.shape[1] - 2 * HALF) * (blocks.shape[2] - 2 * HALF) / WINDOW**2
    return float(np.mean(np.bincount(block, minlength=len(blocks)) > CROWDED * n_windows))


def _peaks(blocks: np.ndarray, readnoise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Block, row and column of the maxima that stand out of the window around them."""
    inner = blocks[:, HALF:-HALF, HALF:-HALF]
    (faint,) = quantiles(blocks, FAINT)
    least = faint + PEAK * np.sqrt(np.maximum(faint, 0) + readnoise**2)
    block, y, x = np.nonzero(inner > least[:, np.newaxis, np.newaxis])
    y, x = y + HALF, x + HALF
    highest = np.ones(len(block), dtype=bool)
    for (dy, dx), _ in PAIRS:
        highest &= blocks[block, y, x] > blocks[block, y + dy, x + dx]
        highest &= blocks[block, y, x] >= blocks[block, y - dy, x - dx]
    block, y, x = block[highest], y[highest], x[highest]
    windows = sliding_window_view(blocks, (WINDOW, WINDOW), axis=(1, 2))[block, y - HALF, x - HALF]
    level = np.median(windows.reshape(-1, WINDOW**2), axis=1)
    stands_out = blocks[block, y, x] - level > PEAK * np.sqrt(np.maximum(level, 0) + readnoise**2)
    return block[stands_out], y[stands_out], x[stands_out]


def without_blends(
    data: np.ndarray, hits: np.ndarray, fwhm: float, readnoise: float, extra_variance: np.ndarray | None = None
) -> np.ndarray:
    """
    The hits, bool (ny, nx), that are sharper than any blend of stars of this width (pixels), or touch one that is.

    ``data`` and ``readnoise`` are in electrons, ``extra_variance`` (ny, nx) is that of what was subtracted.
    """
    y, x = true_pixels(hits)
    sharp = np.zeros(hits.shape, dtype=bool)
    padded = np.pad(data, SKY_RADIUS, mode="reflect" if min(data.shape) > SKY_RADIUS else "edge")
    windows = sliding_window_view(padded, (2 * SKY_RADIUS + 1,) * 2)
    extra = None if extra_variance is None else sliding_window_view(np.pad(extra_variance, 1, mode="edge"), (3, 3))
    for first in range(0, len(y), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        around = windows[y[part], x[part]]
        sky = np.partition(around.reshape(len(around), -1), SKY_RANK, axis=1)[:, SKY_RANK]
        core = around[:, SKY_RADIUS - 1 : SKY_RADIUS + 2, SKY_RADIUS - 1 : SKY_RADIUS + 2]
        sharp[y[part], x[part]] = _sharper_than_stars(
            core, sky, fwhm, readnoise**2 if extra is None else readnoise**2 + extra[y[part], x[part]]
        )
    return hits & binary_dilation(sharp, structure=np.ones((3, 3), dtype=bool))


def _sharper_than_stars(around: np.ndarray, sky: np.ndarray, fwhm: float, noise2: np.ndarray | float) -> np.ndarray:
    """Which of the cut-outs, (n, 3, 3), hold a middle pixel that starlight can't make; a sky too low spares stars."""
    variance = (NARROWER * fwhm * GAUSSIAN_TO_HALF_MAXIMUM / FWHM_OF_SIGMA) ** 2 + PIXEL_VARIANCE
    centre = around[:, 1, 1]
    pixel_noise2 = np.maximum(around, 0) + noise2
    sharper = np.zeros(len(around), dtype=bool)
    for (dy, dx), distance2 in PAIRS:
        share = np.exp(-distance2 / (2 * variance))
        mean = (around[:, 1 + dy, 1 + dx] + around[:, 1 - dy, 1 - dx]) / 2
        pair = pixel_noise2[:, 1 + dy, 1 + dx] + pixel_noise2[:, 1 - dy, 1 - dx]
        noise = np.sqrt(pixel_noise2[:, 1, 1] + pair / (2 * share) ** 2)
        sharper |= centre - sky - (mean - sky) / share > SHARPER * noise
    return sharper
