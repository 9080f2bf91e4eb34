# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What was taken off a frame."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.gain_and_noise import Electronics, electrons_per_unit


def dark_electrons(dark: CCDData, ccd: CCDData, electronics: Electronics, scale: bool = False) -> np.ndarray:
    """The dark current that was subtracted from a frame: electrons, float32 (ny, nx), 0 where it is not finite."""
    check_frame(dark)
    if dark.shape != ccd.shape:
        raise CosmicRayError(f"Found a dark of shape {dark.shape}; expected that of the frame, {ccd.shape}.")
    times = [header.exposure(frame.meta) for frame in (ccd, dark)] if scale else []
    if any(time is None or time.value <= 0 for time in times):
        raise CosmicRayError("Found no exposure time in the header of frame or dark; expected both to scale the dark.")
    ratio = float(times[0].value / times[1].value) if times else 1.0
    factor = ratio * electrons_per_unit(dark, electronics.gain * u.electron / u.adu)
    electrons = np.asarray(dark.data * np.float64(factor), dtype=np.float32)
    return np.where(np.isfinite(electrons), electrons, np.float32(0))
