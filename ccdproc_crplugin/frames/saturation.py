# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The saturation level of a frame, measured where neither a parameter nor the header names it."""

from __future__ import annotations

import math

from astropy.nddata import CCDData

from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics
from ccdproc_crplugin.kernels.pile_up import measure_bright_end

#: The source of a level at which bright pixels pile up.
PILE_UP = "pile-up"


def with_saturation(ccd: CCDData, electronics: Electronics) -> Electronics:
    """The electronics with the level at which bright pixels pile up, if no level is known and that one is clear."""
    if math.isfinite(electronics.saturation):
        return electronics
    level = measure_bright_end(ccd.data, mask=mask_of(ccd)).level
    if level is None:
        return electronics
    return electronics.with_saturation(level * electronics.factor, PILE_UP)
