# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check of note 1, the dark: isolated pixels, if there are more of them than cosmic rays make."""

from __future__ import annotations

import math

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.sample import electron_blocks, level_ccd
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.mosaic import Mosaic
from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.isolated import isolated_pixels
from ccdproc_crplugin.kernels.statistics import robust_std
from ccdproc_crplugin.plugins.model import Finding

#: Most cosmic rays, /cm2/min: radioactive glass near the chip. About a fifth stay within one pixel.
HIGHEST_RATE = 10.0
SHARE_OF_SINGLE_PIXELS = 0.2
#: Pixels are seldom larger; taken where the size is not known.
LARGE_PIXEL = 24 * u.micron
#: Share of the pixels that cosmic rays may take one by one where pixel size or exposure are not known, and at least.
UNKNOWN_DENSITY = 1e-4
LEAST_DENSITY = 3e-5
FEWEST = 8
#: A smaller sample is a cut-out, in which a shower may be all there is.
SMALLEST_SAMPLE = 5000
#: Share of the isolated pixels which the dark must have too, and how far they stand out there (standard deviations).
SHARE_IN_DARK = 0.5
HOT_IN_DARK = 5.0


def check_hot_pixels(
    ccd: CCDData,
    *,
    gain: u.Quantity | None,
    readnoise: u.Quantity | None,
    dark: CCDData | None,
    mosaic: Mosaic | None = None,
) -> Finding:
    """Count the isolated pixels, and compare them with the dark."""
    if gain is None:
        return Finding("hot_pixels", "ok", "not measured: the gain is not known")
    if dark is not None and np.shape(dark.data) != ccd.data.shape:
        message = f"The dark has the shape {np.shape(dark.data)}, the frame {ccd.data.shape}."
        return Finding("hot_pixels", "warn", message, 1, fix="give a dark of the same binning and window")
    # In the planes of a mosaic sharp stars are single pixels.
    blocks = electron_blocks(ccd if mosaic is None or mosaic.pattern is None else level_ccd(ccd), gain)
    where = isolated_pixels(blocks)
    found = len(where[0])
    if dark is not None and found >= FEWEST and _share_in_dark(where, dark) > SHARE_IN_DARK:
        return Finding(
            "hot_pixels",
            "fail",
            f"{_count(found, blocks)}, and most of them are hot in the dark: the dark was not subtracted.",
            1,
            found,
            0,
            "subtract the dark (ccdproc.subtract_dark)",
        )
    most = _most_expected(ccd, blocks.size)
    if found >= FEWEST and blocks.size >= SMALLEST_SAMPLE and found > most + 3 * math.sqrt(most):
        return Finding(
            "hot_pixels",
            "warn",
            f"{_count(found, blocks)}, where cosmic rays make {most:.0f} at the most: they may be hot pixels.",
            1,
            found,
            round(most),
            "subtract the dark (ccdproc.subtract_dark), or mask the hot pixels",
        )
    return Finding("hot_pixels", "ok", _count(found, blocks), 1, found, round(most))


def _count(found: int, blocks: np.ndarray) -> str:
    return f"{found} of {blocks.size} pixels stand alone"


def _most_expected(ccd: CCDData, n_pixels: int) -> float:
    """Most cosmic rays of a single pixel that a sample of so many pixels may have."""
    exposure, size = header.exposure(ccd.meta), header.pixel_size(ccd.meta)
    if exposure is None:
        return UNKNOWN_DENSITY * n_pixels
    side = LARGE_PIXEL if size is None else size.value
    rays = HIGHEST_RATE * side.to_value(u.cm) ** 2 * exposure.value.to_value(u.min)
    most = 1.0 if size is not None else UNKNOWN_DENSITY
    return float(np.clip(SHARE_OF_SINGLE_PIXELS * rays, LEAST_DENSITY, most)) * n_pixels


def _share_in_dark(where: tuple[np.ndarray, ...], dark: CCDData) -> float:
    blocks = take_blocks(dark.data, bad=mask_of(dark))
    level = np.nanmedian(blocks, axis=(1, 2))
    scatter = robust_std(blocks, level[:, np.newaxis, np.newaxis], np.nanmedian, axis=(1, 2))
    hot = blocks[where] > level[where[0]] + HOT_IN_DARK * scatter[where[0]]
    return float(hot.mean())
