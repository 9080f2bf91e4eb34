# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The steps of a calibration, one by one.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.default_plugins import calibration_steps as steps


def frame(value=1000, dtype="f4", unit="adu", **cards):
    return CCDData(np.full((6, 8), value, dtype), unit=unit, meta=cards)


class TestPrecision:
    @pytest.mark.parametrize(("dtype", "expected"), [("u2", "f4"), ("i4", "f8"), ("f4", "f4"), ("f8", "f8")])
    def test_integers_become_floating_point_and_floating_point_stays(self, dtype, expected):
        raw, bias = frame(dtype=dtype), frame(100.5, dtype="f4")
        result = steps.subtract_bias(raw, master=bias)
        assert (result.data.dtype, raw.data.dtype) == (expected, dtype)
        assert (result.data == 899.5).all()


class TestUncertainty:
    def test_that_of_the_combined_frame_is_not_taken_for_that_of_the_frame(self):
        bias = frame(100)
        bias.uncertainty = StdDevUncertainty(np.ones(bias.shape))
        assert steps.subtract_bias(frame(), master=bias).uncertainty is None

    def test_both_are_added_where_the_frame_has_one(self):
        raw, bias = frame(), frame(100)
        raw.uncertainty, bias.uncertainty = (StdDevUncertainty(np.full(raw.shape, sigma)) for sigma in (3.0, 4.0))
        assert steps.subtract_bias(raw, master=bias).uncertainty.array == pytest.approx(5.0)

    def test_a_frame_gets_one_from_gain_and_read_noise(self):
        deviation = steps.create_deviation(frame(100), gain=2.0, readnoise=4.0).uncertainty.array
        assert deviation == pytest.approx(np.sqrt(100 * 2 + 4**2) / 2)


class TestDark:
    def test_it_is_scaled_by_the_exposures_if_asked(self):
        raw, dark = frame(EXPTIME=30.0), frame(100, EXPTIME=60.0)
        assert (steps.subtract_dark(raw, master=dark, scale=True).data == 950).all()
        assert (steps.subtract_dark(raw, master=dark).data == 900).all()

    def test_scaling_takes_both_exposures(self):
        with pytest.raises(
            CosmicRayError, match=r"Found no exposure time above 0 s in the header \(looked for EXPTIME"
        ):
            steps.subtract_dark(frame(), master=frame(100, EXPTIME=60.0), scale=True)

    def test_the_shapes_must_agree(self):
        with pytest.raises(CosmicRayError, match=r"shape \(6, 4\) for a frame of \(6, 8\); .* Trim both"):
            steps.subtract_dark(frame(), master=frame()[:, :4])


class TestTrim:
    def test_the_sections_of_the_raw_chip_leave_the_header(self):
        trimmed = steps.trim(frame(TRIMSEC="[3:8, 1:6]", BIASSEC="[1:2, 1:6]"))
        assert trimmed.shape == (6, 6)
        assert not {"TRIMSEC", "BIASSEC"} & set(trimmed.meta)

    def test_a_section_that_the_header_does_not_have_is_to_be_given(self):
        with pytest.raises(CosmicRayError, match=r"Found no TRIMSEC in the header; .* Give fits_section"):
            steps.trim(frame())


class TestGain:
    def test_it_is_that_of_the_header_unless_it_is_given(self):
        raw = frame(GAIN=1.5)
        assert (steps.correct_gain(raw).data == 1500).all()
        corrected = steps.correct_gain(raw, gain=2.0)
        assert (corrected.data == 2000).all()
        assert corrected.unit == u.electron

    def test_a_frame_in_electron_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found a frame in electron already"):
            steps.correct_gain(frame(unit="electron"), gain=2.0)

    def test_without_one_the_keywords_that_were_looked_for_are_named(self):
        with pytest.raises(CosmicRayError, match=r"Found no gain in the header \(looked for .*GAIN"):
            steps.correct_gain(frame())


class TestAmplifiers:
    GAIN, READNOISE = {"[1:4, *]": 1.5, "[5:8, *]": 2}, {"[1:4, *]": 3, "[5:8, *]": 6}

    def test_the_gain_of_each_is_corrected(self):
        corrected = steps.correct_gain(frame(100), gain=self.GAIN)
        assert (corrected.unit, corrected.data.dtype) == (u.electron, "f4")
        assert corrected.data[0].tolist() == [150] * 4 + [200] * 4

    def test_also_by_the_cards_of_the_header(self):
        cards = {"GAIN1": 1.5, "GAIN2": 2, "DATASEC1": "[1:4,1:6]", "DATASEC2": "[5:8,1:6]"}
        assert steps.correct_gain(frame(100, **cards)).data[0].tolist() == [150] * 4 + [200] * 4

    def test_the_deviation_of_each_is_that_of_a_frame_of_its_own(self):
        raw = frame(100)
        raw.data[0] = -50
        whole = steps.create_deviation(raw, gain=self.GAIN, readnoise=self.READNOISE).uncertainty.array
        left = steps.create_deviation(raw[:, :4], gain=1.5, readnoise=3).uncertainty.array
        right = steps.create_deviation(raw[:, 4:], gain=2, readnoise=6).uncertainty.array
        np.testing.assert_allclose(whole, np.hstack([left, right]), rtol=1e-6)
        assert whole.dtype == "f4"

    def test_a_trimmed_frame_knows_where_its_amplifiers_lie(self):
        cards = {"GAIN1": 1.5, "GAIN2": 2, "DATASEC1": "[2:4,1:6]", "DATASEC2": "[5:7,1:6]"}
        trimmed = steps.trim(frame(100, **cards), fits_section="[2:7, 1:6]")
        assert steps.correct_gain(trimmed).data[0].tolist() == [150] * 3 + [200] * 3
