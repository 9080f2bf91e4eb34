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
from ccdproc_crplugin.frames.gain_and_noise import check_figures, electronics_of


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


class TestAmplifiers:
    SECTIONS = staticmethod(lambda *values: {f"[{4 * n + 1}:{4 * n + 4}, *]": value for n, value in enumerate(values)})

    @staticmethod
    def frame(unit="adu", **meta):
        return CCDData(np.ones((6, 8)), unit=unit, meta={"GAIN": 1.9, "RDNOISE": 5, **meta})

    @pytest.mark.parametrize("unit", [1, u.electron / u.adu, u.electron / u.DN])
    def test_sections_and_arrays_are_taken_with_or_without_a_unit(self, unit):
        expected = np.repeat([[1, 2]], 4, axis=1) * np.ones((6, 1))
        for gain in (self.SECTIONS(1 * unit, 2 * unit), expected * unit):
            found = electronics_of(self.frame(), gain=gain)
            assert (found.gain == expected).all()
            assert (found.median_gain, found.gain_source) == (1.5, "given")

    def test_a_read_noise_in_adu_is_taken_times_the_gain_of_each(self):
        found = electronics_of(self.frame(), gain=self.SECTIONS(1, 2), readnoise=3 * u.adu)
        assert found.readnoise[0].tolist() == [3, 3, 3, 3, 6, 6, 6, 6]
        assert (found.median_readnoise, found.lowest_readnoise) == (4.5, 3)

    @pytest.mark.parametrize("saturation", [1000, 1000 * u.adu])
    def test_one_level_in_adu_is_a_level_for_each_amplifier(self, saturation):
        found = electronics_of(self.frame(), gain=self.SECTIONS(1, 2), saturation=saturation)
        assert (found.saturation, found.median_saturation) == (1000, 1500)
        assert found.saturation_map[0, [0, -1]].tolist() == [1000, 2000]

    def test_the_headers_level_is_so_also_for_a_frame_in_electron(self):
        ccd = self.frame("electron", SATURATE=1000, GAIN1=1, GAIN2=2, DATASEC1="[1:4,1:6]", DATASEC2="[5:8,1:6]")
        assert electronics_of(ccd).saturation_map[0, [0, -1]].tolist() == [1000, 2000]

    def test_one_level_in_electron_is_one_level(self):
        found = electronics_of(self.frame(), gain=self.SECTIONS(1, 2), saturation=1000 * u.electron)
        assert (found.saturation, found.saturation_map) == (1000, None)

    @pytest.mark.parametrize("gain", [np.full((6, 8), 1.9), {"[1:4, *]": 1.9, "[5:8, *]": 1.9}])
    def test_equal_values_are_one_value(self, gain):
        assert electronics_of(self.frame(), gain=gain).gain == 1.9

    @pytest.mark.parametrize(
        ("gain", "message"),
        [
            (np.ones((8, 6)), r"Found gain=<float64 array 8x6>; .* an array of the frame's shape \(6, 8\)"),
            (np.ones(8), "an array of the frame's shape"),
            (np.eye(6, 8), r"gain=<float64 array 6x8> with 0 on 42 of 48 pixels; expected a positive number on each"),
            (np.where(np.eye(6, 8), np.nan, 1), "with nan on 6 of 48 pixels"),
            (np.eye(6, 8, dtype=bool), "or sections with values"),
            ({"[1:4, *]": 1, "[5:8, *]": 0}, "Found gain=0; expected a positive number"),
            ({"[1:4, *]": 1, "[5:8, *]": 2 * u.electron / u.adu}, "expected values in one unit"),
            ({"[1:4, *]": 1, "[5:8, *]": "2"}, "Found gain='2'"),
            ({"[1:4, *]": 1}, "without a value for 24 of 48 pixels"),
        ],
    )
    def test_wrong_ones_are_refused(self, gain, message):
        with pytest.raises(CosmicRayError, match=message):
            electronics_of(self.frame(), gain=gain)

    def test_what_is_wrong_for_every_frame_is_known_without_one(self):
        check_figures(gain={"[1:4, *]": 1, "[5:8, *]": 2}, readnoise=np.full((3, 4), 5.0))
        for wrong in ({"gain": {"[1:4, *]": -1}}, {"readnoise": {"1:4": 3}}, {"saturation": {"[1:4, *]": 3}}):
            with pytest.raises(CosmicRayError, match=r"Found (gain|readnoise|saturation)="):
                check_figures(**wrong)
