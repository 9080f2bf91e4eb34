# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The sample of a frame that several checks look at."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin.frames.checks import mask_of, uncertainty_scale
from ccdproc_crplugin.frames.gain_and_noise import Figure, electrons_per_unit
from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.mosaic_events import level_frame

#: From an uncertainty to the variance.
VARIANCE_OF = {StdDevUncertainty: np.square, VarianceUncertainty: np.positive, InverseVariance: np.reciprocal}


def electron_blocks(ccd: CCDData, gain: u.Quantity) -> np.ndarray:
    """Blocks spread over a frame, in electron; the gain is one value, or (ny, nx)."""
    blocks = take_blocks(ccd.data, bad=mask_of(ccd))
    with np.errstate(over="ignore", invalid="ignore"):
        factor = electrons_per_unit(ccd, gain)
        blocks *= take_blocks(factor) if isinstance(factor, np.ndarray) else np.float32(factor)
    blocks[~np.isfinite(blocks)] = np.nan
    return blocks


def level_ccd(ccd: CCDData) -> CCDData:
    """A colour mosaic whose planes are at one level, in the unit of the frame."""
    level = ccd.copy()
    bad = ~np.isfinite(ccd.data)
    mask = mask_of(ccd)
    bad = bad if mask is None else bad | mask
    data = np.where(bad, 0, ccd.data).astype(np.float32)
    level.data = level_frame(data, bad, 0.0, np.ones_like(data))
    return level


def variance_blocks(ccd: CCDData, gain: u.Quantity) -> np.ndarray | None:
    """The same blocks of the variance from the uncertainty of a frame, electron squared."""
    variance_of = VARIANCE_OF.get(type(ccd.uncertainty))
    if variance_of is None or np.shape(ccd.uncertainty.array) != ccd.data.shape:
        return None
    scale = uncertainty_scale(ccd) * electrons_per_unit(ccd, gain)
    squared = take_blocks(scale**2) if isinstance(scale, np.ndarray) else np.float32(scale**2)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return variance_of(take_blocks(ccd.uncertainty.array)) * squared


def readnoise_blocks(readnoise: Figure) -> float | np.ndarray:
    """The same blocks of the read noise, electron; one value remains one value."""
    return take_blocks(readnoise) if isinstance(readnoise, np.ndarray) else readnoise
