# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which calibration frames belong together.
"""

import math
from pathlib import Path

import pytest

from ccdproc_crplugin.calibration.grouping import free_name, group_keys, group_names, unsure_of
from ccdproc_crplugin.calibration.key import CalibrationKey, calibration_key

CAMERA = {"XBINNING": 1, "YBINNING": 1, "GAIN": 1.5, "READOUTM": "Fast", "CCD-TEMP": -20.0}


def header(kind, **cards):
    return {"IMAGETYP": kind, "EXPTIME": 10.0, "FILTER": "R", **CAMERA, **cards}


class TestKey:
    def test_it_has_all_that_a_light_frame_says(self):
        assert calibration_key(header("LIGHT")) == CalibrationKey("light", 10.0, "R", (1, 1), 1.5, "Fast", -20.0)

    def test_exposure_and_filter_say_nothing_about_a_bias_frame(self):
        assert calibration_key(header("BIAS")) == calibration_key(header("BIAS", EXPTIME=0.0, FILTER="V"))

    def test_the_filter_says_nothing_about_a_dark_frame(self):
        assert calibration_key(header("DARK")) == calibration_key(header("DARK", FILTER="V"))
        assert calibration_key(header("DARK")) != calibration_key(header("DARK", EXPTIME=20.0))

    def test_the_exposure_says_nothing_about_a_flat(self):
        assert calibration_key(header("FLAT")) == calibration_key(header("FLAT", EXPTIME=3.1))
        assert calibration_key(header("FLAT")) != calibration_key(header("FLAT", FILTER="V"))

    def test_a_clock_that_is_a_little_off_makes_no_other_exposure(self):
        assert calibration_key(header("DARK", EXPTIME=300.0)) == calibration_key(header("DARK", EXPTIME=300.004))

    @pytest.mark.parametrize("cards", [{"XBINNING": 2}, {"GAIN": 120}, {"READOUTM": "Slow"}])
    def test_the_state_of_the_camera_counts_for_every_kind(self, cards):
        for kind in ("BIAS", "DARK", "FLAT"):
            assert calibration_key(header(kind)) != calibration_key(header(kind, **cards))

    def test_an_empty_header_gives_an_unknown_kind(self):
        assert calibration_key({}) == CalibrationKey("unknown")


class TestName:
    def test_it_says_what_is_known(self):
        assert calibration_key(header("FLAT")).name == "flat_R_1x1_gain1.5_Fast_-20C"
        assert CalibrationKey("dark", exposure=0.5, temperature=3.2).name == "dark_0.5s_3C"

    def test_a_header_of_few_cards_is_enough(self):
        key = calibration_key({"IMAGETYP": "Dark Frame", "EXPTIME": 120.0, "XBINNING": 2, "CCD-TEMP": -20.1})
        assert (key.kind, key.exposure, key.binning, key.temperature) == ("dark", 120.0, (2, 2), -20.1)
        assert key.name == "dark_120s_2x2_-20C"

    def test_a_name_that_is_taken_gets_a_number(self):
        taken = set()
        assert [free_name("bias", taken) for _ in range(3)] == ["bias", "bias_2", "bias_3"]
        assert taken == {"bias", "bias_2", "bias_3"}

    @pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "..", "R\x00", "C:\\x", "\n", "x" * 500])
    def test_it_never_leaves_the_folder(self, hostile):
        name = CalibrationKey("flat", filter=hostile, readout=hostile).name
        assert name.startswith("flat")
        assert len(name) < 100
        assert not set(name) & set("/\\\x00\n:")
        assert ".." not in name.split("_")


class TestFit:
    light = calibration_key(header("LIGHT"))

    def test_a_bias_frame_fits_the_same_state_of_the_camera(self):
        assert calibration_key(header("BIAS")).fits(self.light)
        assert not calibration_key(header("BIAS", XBINNING=2, YBINNING=2)).fits(self.light)

    def test_a_dark_frame_fits_its_exposure_unless_it_is_scaled(self):
        dark = calibration_key(header("DARK", EXPTIME=300.0))
        assert not dark.fits(self.light)
        assert dark.fits(self.light, any_exposure=True)

    def test_a_flat_fits_its_filter(self):
        assert calibration_key(header("FLAT", EXPTIME=2.0)).fits(self.light)
        assert not calibration_key(header("FLAT", FILTER="V")).fits(self.light)

    @pytest.mark.parametrize(("mine", "its", "apart"), [(-20.0, -18.5, 1.5), (None, -20.0, math.inf), (-20.0, None, 0)])
    def test_a_combined_frame_of_unknown_temperature_is_the_farthest_from_a_known_one(self, mine, its, apart):
        dark, light = CalibrationKey("dark", temperature=mine), CalibrationKey("light", temperature=its)
        assert dark.apart(light, "temperature") == apart

    def test_the_temperature_may_differ_by_the_tolerance(self):
        dark = calibration_key(header("DARK", **{"CCD-TEMP": -18.5}))
        assert not dark.fits(self.light)
        assert dark.fits(self.light, tolerance=1.5)

    def test_what_a_header_does_not_say_differs_from_nothing(self):
        assert CalibrationKey("dark").fits(self.light)


def keys_of(*headers):
    """The keys of files that are named by their number."""
    return {Path(f"{number}.fits"): calibration_key(meta) for number, meta in enumerate(headers)}


def numbers_of(groups):
    return [[int(path.stem) for path in group] for group in groups.values()]


class TestGroups:
    def test_bias_comes_first_then_darks_by_exposure_then_flats(self):
        keys = keys_of(header("FLAT"), header("DARK", EXPTIME=60.0), header("DARK", EXPTIME=6.0), header("BIAS"))
        assert numbers_of(group_keys(keys)) == [[3], [2], [1], [0]]

    def test_other_kinds_are_in_no_group(self):
        assert group_keys(keys_of(header("LIGHT"), header("ARC"), {})) == {}

    def test_temperatures_within_the_tolerance_of_their_middle_go_together(self):
        celsius = [-20.4, -19.2, -15.1, -20.9, -19.0]
        groups = group_keys(keys_of(*(header("DARK", **{"CCD-TEMP": value}) for value in celsius)), tolerance=1.0)
        assert [key.temperature for key in groups] == pytest.approx([-19.875, -15.1])
        assert numbers_of(groups) == [[0, 1, 3, 4], [2]]

    def test_a_tolerance_of_zero_keeps_every_temperature_apart(self):
        keys = keys_of(*(header("DARK", **{"CCD-TEMP": -20.0 - 0.1 * (i // 2)}) for i in range(6)))
        assert numbers_of(group_keys(keys, tolerance=0.0)) == [[4, 5], [2, 3], [0, 1]]

    def test_frames_without_a_temperature_are_a_group_of_their_own(self):
        keys = keys_of(header("BIAS"), header("BIAS", **{"CCD-TEMP": "unknown"}))
        assert {key.temperature for key in group_keys(keys)} == {None, -20.0}


class TestUnknownProperties:
    def test_a_frame_that_lacks_a_card_joins_the_only_group_that_it_can(self):
        keys = keys_of(header("BIAS"), header("BIAS", INSTRUME="a"), header("BIAS", INSTRUME="a"))
        (group,) = group_keys(keys)
        assert group.camera == (("INSTRUME", "a"),)
        assert unsure_of(group, keys.values()) == {"camera": 1}

    def test_it_stays_alone_where_there_are_two(self):
        keys = keys_of(header("BIAS"), header("BIAS", INSTRUME="a"), header("BIAS", INSTRUME="b"))
        assert numbers_of(group_keys(keys)) == [[1], [2], [0]]

    def test_frames_that_lack_different_cards_go_together(self):
        keys = keys_of(header("DARK", INSTRUME="a"), header("DARK", OFFSET=10))
        (group,) = group_keys(keys)
        assert (group.camera, group.offset) == ((("INSTRUME", "a"),), 10)

    def test_flats_without_a_known_filter_stay_alone(self):
        keys = keys_of(header("FLAT", FILTER=""), header("FLAT"))
        assert sorted(numbers_of(group_keys(keys))) == [[0], [1]]

    def test_gratings_that_return_inexactly_go_together(self):
        waves = (4500.0, 4500.7, 6500.0)
        assert numbers_of(group_keys(keys_of(*(header("FLAT", CENWAVE=wave) for wave in waves)))) == [[0, 1], [2]]


class TestGroupNames:
    def test_they_name_what_tells_groups_apart(self):
        keys = [calibration_key(header("BIAS", INSTRUME=name, DETECTOR="chip 1")) for name in ("a", "b/c")]
        usual = "bias_1x1_gain1.5_Fast_-20C"
        assert group_names(keys) == [f"{usual}_a", f"{usual}_b-c"]
        assert group_names(keys[:1]) == [usual]

    def test_no_two_are_alike(self):
        assert group_names([CalibrationKey("bias")] * 2) == ["bias", "bias_2"]
