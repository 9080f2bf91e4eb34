# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Units behind numbers and in comments.
"""

import math

import pytest
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.entries import HeaderValue
from ccdproc_crplugin.frames.units import quantity_in, unit_named

PER_ADU = u.electron / u.adu


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("adu", u.adu),
        ("ADU", u.adu),
        ("Massaged Data Value", u.adu),
        ("COUNTS/S", u.count / u.s),
        ("counts per second", u.count / u.s),
        ("DN", u.DN),
        ("DN/s", u.DN / u.s),
        ("ELECTRONS", u.electron),
        ("e-", u.electron),
        ("e-/sec", u.electron / u.s),
        ("e/ADU", PER_ADU),
        ("electrons/DN", u.electron / u.DN),
        ("ADU/pixel", u.adu),
        ("e- RMS", u.electron),
        ("\N{MICRO SIGN}m", u.micron),
        ("Degrees C", u.deg_C),
        ("Mean", None),
        ("MJy/sr", None),
        ("", None),
    ],
)
def test_headers_spell_units_in_many_ways(text, unit):
    assert unit_named(text, {}) == unit


@pytest.mark.parametrize(
    ("value", "comment", "wanted", "number"),
    [
        ("1.7 e/ADU", "", PER_ADU, 1.7),
        ("1.7e/ADU", "", PER_ADU, 1.7),
        ("0.5 ADU/e-", "", PER_ADU, 2.0),
        (0.5, "[ADU/e-] gain", PER_ADU, 2.0),
        (0.5, "[DN/electron] gain", PER_ADU, 2.0),
        (1.5, "[e-/DN] gain", PER_ADU, 1.5),
        ("1.60D+00", "", PER_ADU, 1.6),
        ("90 s", "", u.s, 90),
        ("2 min", "", u.s, 120),
        (0.9, "[d] time on source", u.s, 77760),
        (500, "exposure (ms)", u.s, 0.5),
        (30, "EXPOSURE IN SECONDS", u.s, 30),
        (30, "Exposure in milliseconds", u.s, 0.03),
        (30, "Exposure time (not counting shutter error)", u.s, 30),
        ("13 C", "", u.deg_C, 13),
        (192.7, "[K]", u.deg_C, -80.45),
        (271.0, "CCD temperature in Kelvin, =-1 if no data", u.deg_C, -2.15),
        ("0.019 mm", "", u.micron, 19),
        (15, "[um] pixel size", u.micron, 15),
        (1.16, "[km]", u.m, 1160),
        (1160, "Site Elevation [meters]", u.m, 1160),
        (7, "[s] of something else", u.m, 7),
        (True, "", u.s, math.nan),
        ("7 s", "", u.m, math.nan),
        ("7 furlongs", "", u.m, math.nan),
        ("high", "", u.m, math.nan),
    ],
)
def test_a_number_is_converted_from_the_unit_that_its_card_names(value, comment, wanted, number):
    found = quantity_in(HeaderValue(value, "CARD", comment), wanted, {})
    assert found == pytest.approx(number, nan_ok=True)


def test_levels_are_converted_with_the_gain():
    assert header.readnoise({"RDNOISE": (4, "Readout noise (ADU/pixel)"), "GAIN": 1.5}).value == 6 * u.electron
    assert header.readnoise({"RDNOISE": (4, "[adu]")}) is None
    assert header.saturation({"SATURATE": (90000, "[e-] full well"), "GAIN": 1.5}).value == 60000 * u.adu
    assert header.saturation({"SATURATE": 60000, "GAIN": 1.5}).value == 60000 * u.adu


def test_the_comment_of_a_header_counts():
    assert header.exposure(fits.Header([("EXPOSURE", 0.9, "[d] time on source")])).value == 77760 * u.s
