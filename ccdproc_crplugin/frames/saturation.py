# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The saturation level of a frame that neither a parameter nor the header names.

It comes from the pixels that the file of the frame has as saturated, or else from the level at which pixels pile up.
"""

from __future__ import annotations

import math

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics
from ccdproc_crplugin.kernels.pile_up import measure_bright_end

#: The source of a level at which bright pixels pile up, and of one that the plane of quality tells.
PILE_UP, QUALITY = "pile-up", "DQ"

#: Of the pixels that a file has as saturated the level is the faintest per cent, and at least this share of the median:
#: full wells differ, and pixels beside are marked too.
FAINTEST, LEAST_OF_MEDIAN = 1, 0.5

_ATTRIBUTE = "_ccdcr_saturation"


def attach_saturated(ccd: CCDData, saturated: np.ndarray) -> None:
    """Attach to a frame the level of the pixels that its file has as saturated, bool (ny, nx)."""
    values = ccd.data[saturated]
    values = values[np.isfinite(values)]
    if values.size:
        level = max(np.percentile(values, FAINTEST), LEAST_OF_MEDIAN * np.median(values))
        setattr(ccd, _ATTRIBUTE, float(level))


def with_saturation(ccd: CCDData, electronics: Electronics) -> Electronics:
    """The electronics with the level that the file tells, or at which pixels clearly pile up, if no other is known."""
    if math.isfinite(electronics.saturation):
        return electronics
    level, source = getattr(ccd, _ATTRIBUTE, None), QUALITY
    if level is None:
        level, source = measure_bright_end(ccd.data, mask=mask_of(ccd)).level, PILE_UP
    if level is None:
        return electronics
    return electronics.with_saturation(level * electronics.factor, source)
