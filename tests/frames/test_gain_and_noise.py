# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Gain, read noise and saturation level: from the header or as given.
"""

import math

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.gain_and_noise import electronics_of


def frame(unit="adu", **meta):
    return CCDData(np.ones((9, 9)), unit=unit, meta={"GAIN": 1.9, "RDNOISE": 5, **meta})


def test_figures_that_are_not_given_come_from_the_header():
    found = electronics_of(frame(SATURATE=1000))
    assert (found.gain, found.readnoise, found.saturation) == (1.9, 5, 1900)
    assert (found.gain_source, found.readnoise_source, found.saturation_source) == ("GAIN", "RDNOISE", "SATURATE")


def test_a_header_that_was_read_before_is_used():
    assert electronics_of(frame(), meta={"GAIN": 3, "RDNOISE": 7}).gain == 3


def test_the_level_of_the_header_is_in_adu_also_for_a_frame_in_electron():
    assert electronics_of(frame("electron", SATURATE=1000)).saturation == 1900
    assert electronics_of(frame("electron", SATURATE=1000, GAIN=None)).saturation == math.inf


@pytest.mark.parametrize(
    "gain", [2, np.float32(2), np.int16(2), np.array(2.0), 2 * u.electron / u.adu, 2 * u.electron / u.DN]
)
def test_one_number_of_any_type_is_taken(gain):
    found = electronics_of(frame(), gain=gain)
    assert type(found.gain) is float
    assert (found.gain, found.gain_source) == (2, "given")


@pytest.mark.parametrize(
    "value", [True, np.True_, 1j, "2", [2], np.ones(1), np.ma.masked, np.ma.array(2.0), 10**400, [2, 3] * u.electron]
)
@pytest.mark.parametrize("name", ["gain", "readnoise", "saturation"])
def test_anything_but_one_number_is_refused(name, value):
    with pytest.raises(CosmicRayError, match=rf"^Found {name}="):
        electronics_of(frame(), **{name: value})
