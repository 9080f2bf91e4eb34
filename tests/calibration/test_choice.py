# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which combined frame fits a frame.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import CalibrationWarning, CosmicRayError, combine_calibrations
from ccdproc_crplugin.calibration.choice import doubt_about, fitting_frames, nothing_fits
from ccdproc_crplugin.calibration.key import CalibrationKey
from tests.helpers.calibration_frames import SHAPE, data_of, some


@dataclass
class Combined:
    key: CalibrationKey


def keys_fitting(keys, kind, key, *, tolerance=1.0, any_exposure=False):
    found = fitting_frames(map(Combined, keys), kind, key, tolerance=tolerance, any_exposure=any_exposure)
    return [frame.key for frame in found]


class TestFittingFrames:
    light = CalibrationKey("light", exposure=60.0, filter="R", temperature=-20.0)

    def test_only_frames_of_the_kind_are_found(self):
        flat, bias = CalibrationKey("flat", filter="R"), CalibrationKey("bias")
        assert keys_fitting([bias, flat], "flat", self.light) == [flat]

    def test_a_flat_of_another_filter_does_not_fit(self):
        assert keys_fitting([CalibrationKey("flat", filter="V")], "flat", self.light) == []

    def test_the_nearest_temperature_is_first(self):
        far, near = (CalibrationKey("bias", temperature=celsius) for celsius in (-20.9, -19.8))
        assert keys_fitting([far, near], "bias", self.light) == [near, far]

    def test_a_known_temperature_goes_before_an_unknown_one(self):
        unknown, known = CalibrationKey("bias"), CalibrationKey("bias", temperature=-20.9)
        assert keys_fitting([unknown, known], "bias", self.light) == [known, unknown]

    def test_a_known_exposure_goes_before_an_unknown_one(self):
        unknown, known = CalibrationKey("dark", temperature=-20.0), CalibrationKey("dark", 60.0, temperature=-20.9)
        assert keys_fitting([unknown, known], "dark", self.light) == [known, unknown]

    def test_the_exposure_counts_more_than_the_temperature(self):
        cold, long = CalibrationKey("dark", 50.0, temperature=-20.9), CalibrationKey("dark", 300.0, temperature=-20.0)
        assert keys_fitting([long, cold], "dark", self.light, any_exposure=True) == [cold, long]

    def test_a_dark_of_another_exposure_fits_only_if_it_is_scaled(self):
        dark = CalibrationKey("dark", 300.0)
        assert keys_fitting([dark], "dark", self.light) == []
        assert keys_fitting([dark], "dark", self.light, any_exposure=True) == [dark]


class TestUnknownProperties:
    """What a header does not say fits as long as there is no choice."""

    light = CalibrationKey("light", filter="V")
    unknown = CalibrationKey("flat")

    def test_a_flat_without_a_known_filter_is_taken_if_it_is_the_only_kind(self):
        assert keys_fitting([self.unknown], "flat", self.light) == [self.unknown]
        assert doubt_about(Combined(self.unknown), self.light) == "its header does not say the filter"

    @pytest.mark.parametrize("other", ["V", "R"])
    def test_it_is_not_where_there_are_flats_of_known_filters(self, other):
        known = CalibrationKey("flat", filter=other)
        assert keys_fitting([self.unknown, known], "flat", self.light) == ([known] if other == "V" else [])

    def test_a_frame_without_a_known_filter_takes_the_only_flat_but_not_one_of_two(self):
        flats, light = [CalibrationKey("flat", filter=name) for name in "VR"], CalibrationKey("light")
        assert keys_fitting(flats[:1], "flat", light) == flats[:1]
        assert "the header of the frame does not say the filter (V)" in doubt_about(Combined(flats[0]), light)
        assert keys_fitting(flats, "flat", light) == []

    def test_so_it_is_with_cameras(self):
        biases = [CalibrationKey("bias", camera=(("INSTRUME", name),)) for name in "ab"]
        light = CalibrationKey("light")
        assert keys_fitting(biases[:1], "bias", light) == biases[:1]
        assert keys_fitting(biases, "bias", light) == []

    def test_certainty_goes_before_nearness(self):
        near, sure = (
            CalibrationKey("bias", temperature=-20.0),
            CalibrationKey("bias", readout="fast", temperature=-20.9),
        )
        light = CalibrationKey("light", readout="fast", temperature=-20.0)
        assert keys_fitting([near, sure], "bias", light)[0] == sure

    @pytest.mark.parametrize(
        ("master", "why", "advice"),
        [
            (CalibrationKey("dark", 60.0), "dark_60s differs in exposure (60 s, and not 300 s)", "{scale=True}"),
            (
                CalibrationKey("dark", 300.0, temperature=-10.0),
                "dark_300s_-10C differs in temperature (-10 deg_C, and not -20 deg_C)",
                "{temperature_tolerance}",
            ),
            (
                CalibrationKey("dark", 300.0, camera=(("INSTRUME", "a"),)),
                "dark_300s differs in INSTRUME (a, and not b)",
                "{group_ignore}",
            ),
        ],
    )
    def test_the_nearest_frame_that_does_not_fit_is_named(self, master, why, advice):
        light = CalibrationKey("light", 300.0, temperature=-20.0, camera=(("INSTRUME", "b"),))
        far = CalibrationKey("dark", 1.0, gain=5.0, temperature=30.0, camera=(("INSTRUME", "c"),))
        light = replace(light, gain=1.0)
        said, said_advice = nothing_fits(map(Combined, [far, master]), "dark", light, tolerance=1, any_exposure=False)
        assert said == why
        assert advice in said_advice


class TestSubtraction:
    @pytest.fixture
    def night(self, write, tmp_path):
        return [*some(write, "BIAS", n=9), *some(write, "DARK", n=9), *some(write, "FLAT", n=9)]

    def test_darks_lose_the_bias_and_flats_both(self, night, tmp_path):
        bias, dark, flat = combine_calibrations(night, tmp_path / "o")
        assert np.median(data_of(bias)) == pytest.approx(1000, abs=10)
        assert np.median(data_of(dark)) == pytest.approx(30, abs=5)
        assert np.median(data_of(flat)) == pytest.approx(1, abs=1e-4)
        assert fits.getheader(dark)["CRBIAS"] == "bias.fits"
        assert (fits.getheader(flat)["CRBIAS"], fits.getheader(flat)["CRDARK"]) == ("bias.fits", "dark_60s.fits")
        truth = np.random.default_rng(0)
        truth.normal(0, 20, SHAPE)
        truth.uniform(0, 2, SHAPE)
        pattern = truth.normal(1, 0.05, SHAPE)
        np.testing.assert_allclose(data_of(flat), pattern / np.median(pattern), atol=2e-3)

    def test_it_can_be_turned_off(self, night, tmp_path):
        _, dark, _ = combine_calibrations(night, tmp_path / "o", subtract=False)
        assert np.median(data_of(dark)) == pytest.approx(1030, abs=10)
        assert "CRBIAS" not in fits.getheader(dark)

    def test_frames_combined_before_will_do(self, night, tmp_path):
        whole = combine_calibrations(night, tmp_path / "whole")
        masters = combine_calibrations(night[:18], tmp_path / "o")
        [flat] = combine_calibrations(night[18:], tmp_path / "o", masters=masters)
        assert (data_of(flat) == data_of(whole[-1])).all()

    def test_a_dark_with_the_bias_in_it_fits_its_own_exposure_only(self, write, tmp_path):
        darks = some(write, "DARK")
        _, same = combine_calibrations([*darks, *some(write, "FLAT", exposure=60.0)], tmp_path / "same")
        assert fits.getheader(same)["CRDARK"] == "dark_60s.fits"
        others = [write(f"f{k}.fits", "FLAT", exposure=10.0) for k in range(3)]
        _, other = combine_calibrations([*darks, *others], tmp_path / "other")
        assert "CRDARK" not in fits.getheader(other)

    def test_of_several_darks_the_nearest_exposure_is_taken(self, night, write, tmp_path):
        short = [write(f"d{k}.fits", "DARK", exposure=25.0) for k in range(3)]
        *_, flat = combine_calibrations([*night, *short], tmp_path / "o")
        assert fits.getheader(flat)["CRDARK"] == "dark_25s.fits"

    @pytest.mark.parametrize(
        ("cards", "why"),
        [
            ({"XBINNING": 2}, "binning"),
            ({"GAIN": 7.0}, r"gain \(1, and not 7\)"),
            ({"CCD-TEMP": 10.0}, "temperature.*temperature_tolerance"),
            ({"INSTRUME": "b"}, r"INSTRUME \(a, and not b\)"),
        ],
    )
    def test_a_bias_of_another_camera_state_is_not_subtracted(self, write, tmp_path, cards, why):
        state = {"XBINNING": 1, "GAIN": 1.0, "CCD-TEMP": -20.0, "INSTRUME": "a"}
        frames = [*some(write, "BIAS", **state), *some(write, "DARK", **(state | cards))]
        with pytest.warns(CalibrationWarning, match=f"no combined bias is subtracted.* differs in {why}"):
            _, dark = combine_calibrations(frames, tmp_path / "o")
        assert "CRBIAS" not in fits.getheader(dark)

    def test_a_bias_of_known_temperature_goes_before_one_of_unknown_temperature(self, write, tmp_path):
        unknown = [write(f"u{k}.fits", "BIAS") for k in range(3)]
        known = [write(f"k{k}.fits", "BIAS", **{"CCD-TEMP": -19.5}) for k in range(3)]
        darks = some(write, "DARK", **{"CCD-TEMP": -20.0})
        *_, dark = combine_calibrations([*unknown, *known, *darks], tmp_path / "o")
        assert fits.getheader(dark)["CRBIAS"] == "bias_-20C.fits"

    def test_what_is_no_combined_frame_is_refused_as_one(self, night, tmp_path):
        with pytest.raises(CosmicRayError, match=r"no card CRCOMBIN in .*bias_0.fits"):
            combine_calibrations(night, tmp_path / "o", masters=night[:1])
