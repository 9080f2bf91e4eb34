# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check of note 1, the dark: isolated pixels, if there are more of them than cosmic rays make."""

from __future__ import annotations

import math

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.sample import electron_blocks, level_ccd
from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.mosaic import Mosaic
from ccdproc_crplugin.frames.records import corrections
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
#: How far a hot pixel stands out of the dark, in standard deviations of the dark or of the frame, whichever is larger.
HOT_IN_DARK = 5.0
#: Share of the dark's excess that is left in the frame where the dark was not subtracted; its noise alone leaves less.
SHARE_LEFT = 0.5


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
    if dark is not None:
        hot, left = _hot_in_dark(blocks, electron_blocks(dark, gain))
        if np.count_nonzero(hot) >= FEWEST and left > SHARE_LEFT:
            return Finding(
                "hot_pixels",
                "fail",
                f"{np.count_nonzero(hot)} of {blocks.size} pixels are hot in the dark, and {left:.0%} of their charge "
                "is in the frame: the dark was not subtracted.",
                1,
                left,
                0,
                "subtract the dark (ccdproc.subtract_dark)",
            )
        n_hot = np.count_nonzero(hot[where])
        return Finding(
            "hot_pixels",
            "ok",
            f"{_count(found, blocks)}, {n_hot} of them hot in the dark that was subtracted",
            1,
            n_hot,
            0,
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
            _fix(ccd),
        )
    return Finding("hot_pixels", "ok", _count(found, blocks), 1, found, round(most))


def _fix(ccd: CCDData) -> str:
    """What to do about hot pixels: what was done already is not advised again."""
    mask = "mask the hot pixels ({bad_pixels})"
    if "dark" in corrections(ccd.meta):
        return advice(f"give the dark that was subtracted ({{dark}}), or {mask}")
    return advice(f"subtract the dark (ccdproc.subtract_dark) and give it ({{dark}}), or {mask}")


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


def _hot_in_dark(blocks: np.ndarray, dark: np.ndarray) -> tuple[np.ndarray, float]:
    """Which pixels are hot in the dark, and the median share of their charge that the frame still has."""
    in_frame, in_dark = (values - np.nanmedian(values, axis=(1, 2), keepdims=True) for values in (blocks, dark))
    scatter = [robust_std(values, 0.0, np.nanmedian, axis=(1, 2)) for values in (in_frame, in_dark)]
    hot = in_dark > HOT_IN_DARK * np.maximum(*scatter)[:, np.newaxis, np.newaxis]
    return hot, float(np.nanmedian(in_frame[hot] / in_dark[hot])) if hot.any() else 0.0
