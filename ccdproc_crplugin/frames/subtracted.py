# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The noise of what was taken off a frame.

The photons of a dark are gone from the data once it is subtracted, but their noise is not; nor is the uncertainty of
the combined frames. Both are known pixel by pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.checks import check_frame, variance_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics, electrons_per_unit
from ccdproc_crplugin.kernels.statistics import robust_std

__all__ = ["dark_electrons", "dark_variance"]

#: A dark current scatters by the root of its electrons; below this share of that variance a level is a pedestal.
LEAST_SCATTER = 0.5

#: Frames that a combined dark may be made of where its header does not say.
MOST_COMBINED = 100

#: A level of fewer electrons is no pedestal that matters.
LEAST_PEDESTAL = 50.0


def dark_electrons(dark: CCDData, ccd: CCDData, electronics: Electronics, scale: bool = False) -> np.ndarray:
    """
    The dark current that was subtracted from a frame.

    Parameters
    ----------
    dark : `~astropy.nddata.CCDData`, shape (ny, nx)
        The dark, bias subtracted, in adu or electron.
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame.
    electronics : Electronics
        Gain and read noise of the frame.
    scale : bool
        Whether the dark was scaled by the exposure times.

    Returns
    -------
    `~numpy.ndarray`, shape (ny, nx)
        Electrons, float32; 0 at pixels that are not finite.

    Raises
    ------
    CosmicRayError
        If the dark has another shape, holds its bias still, or the exposure times are not known.
    """
    check_frame(dark)
    if dark.shape != ccd.shape:
        raise CosmicRayError(f"Found a dark of shape {dark.shape}; expected that of the frame, {ccd.shape}.")
    factor = electrons_per_unit(dark, _gain_for(dark, electronics)) * (_exposure_ratio(dark, ccd) if scale else 1.0)
    electrons = np.asarray(dark.data * np.float64(factor), dtype=np.float32)
    _refuse_pedestal(electrons, dark)
    return np.where(np.isfinite(electrons), electrons, np.float32(0))


def dark_variance(dark: CCDData, ccd: CCDData, electronics: Electronics, scale: bool = False) -> np.ndarray:
    """
    The variance that a subtracted dark left in a frame: its photons, and its own uncertainty if it has one.

    The parameters are those of `dark_electrons`. Returns electrons squared, float32, shape (ny, nx), not negative.
    """
    variance = np.maximum(dark_electrons(dark, ccd, electronics, scale), 0)
    own = variance_of(dark)
    if own is not None:
        factor = electrons_per_unit(dark, _gain_for(dark, electronics)) * (_exposure_ratio(dark, ccd) if scale else 1.0)
        own = own * factor**2
        variance = variance + np.where(np.isfinite(own), own, 0).astype(np.float32)
    return variance


def _gain_for(dark: CCDData, electronics: Electronics) -> u.Quantity:
    """The gain that turns the unit of the dark into electrons."""
    in_electron = dark.unit is not None and dark.unit.is_equivalent(u.electron)
    return (1.0 if in_electron else electronics.gain) * u.electron / u.adu


def _exposure_ratio(dark: CCDData, ccd: CCDData) -> float:
    """Exposure of the frame over that of the dark."""
    times = [header.exposure(frame.meta) for frame in (ccd, dark)]
    if any(time is None for time in times) or times[1].value <= 0:
        raise CosmicRayError(
            f"Found no exposure time above 0 s in the header of the {'frame' if times[0] is None else 'dark'} "
            f"(looked for {', '.join(header.KEYWORDS['exposure'])}); expected one to scale the dark by.",
            "Add it to the header, or give {scale_dark=False} for a dark of the same exposure.",
        )
    return float((times[0].value / times[1].value).to_value(u.one))


def _refuse_pedestal(electrons: np.ndarray, dark: CCDData) -> None:
    """Refuse a dark whose level scatters by less than a dark current of that level does."""
    good = electrons[np.isfinite(electrons)]
    level = float(np.median(good)) if good.size else 0.0
    if level < LEAST_PEDESTAL:
        return
    scatter = float(robust_std(good, level))
    least = LEAST_SCATTER * level / _n_combined(dark)
    if scatter**2 < least:
        raise CosmicRayError(
            f"Found a dark of {level:.4g} electron whose pixels scatter by {scatter:.3g}; a dark current of that level "
            f"scatters by {math.sqrt(2 * least):.3g} or more, so it is a bias. Expected a dark without its bias.",
            "Subtract the bias from the dark (ccdproc.subtract_bias).",
        )


def _n_combined(dark: CCDData) -> int:
    """How many frames a dark may be made of."""
    for keyword in ("NCOMBINE", "NFRAMES", "NUMFRAME"):
        value: Any = header.value_of(dark.meta, keyword)
        if isinstance(value, int) and 1 <= value <= MOST_COMBINED * 100:
            return value
    return 1 if np.asarray(dark.data).dtype.kind in "iu" else MOST_COMBINED
