# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How much of a raw flat is saturated."""

import numpy as np
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.calibration.saturation import measure_saturation, saturation_level


def test_the_share_of_saturated_pixels_is_reported_with_the_level_and_its_source():
    flat = np.array([30000, 30100, 61000, 65535], dtype=np.uint16)
    level = saturation_level(fits.Header({"SATURATE": 61000}), u.adu, flat.dtype)
    assert str(measure_saturation(flat, level)) == "50 % of its pixels at or above 61000 adu (SATURATE)"


def test_nothing_is_measured_without_a_level_or_a_finite_pixel():
    assert saturation_level(fits.Header(), u.adu, np.dtype("f4")) is None
    assert measure_saturation(np.ones(3), None) is None
    level = saturation_level(fits.Header(), u.adu, np.dtype("f4"), given=10.0)
    assert measure_saturation(np.full(3, np.nan), level) is None
