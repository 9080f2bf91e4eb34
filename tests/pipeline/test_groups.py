# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames of a night that must not mix: filters, cameras, and the chips of a file.
"""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import CalibrationWarning
from ccdproc_crplugin.pipeline.run import plan_night

from ..helpers.nights import CARDS, by_file, config, level, level_of, reduce, write_biases, write_frame

WITHOUT_FILTER = {"FILTER": "", "FILTER1": "CLEAR"}


def write_flats(folder, name, value=20000, **cards):
    for number in range(3):
        write_frame(folder / f"{name}_{number}.fits", "flat", level(value, number, 90), **cards)


class TestFilters:
    def test_each_light_gets_the_flat_of_its_own_wheel(self, tmp_path, output):
        raw = tmp_path / "raw"
        for name, slope in (("V", 0.2), ("R", -0.2)):
            tilt = 1 + slope * np.linspace(-1, 1, level(1).shape[1])
            for number in range(3):
                flat = (level(20000, number, 90) * tilt).astype("u2")
                write_frame(raw / f"flat_{name}{number}.fits", "flat", flat, **WITHOUT_FILTER, FILTER2=name)
            light = (level(1000, 9) * tilt).astype("u2")
            write_frame(raw / f"light_{name}.fits", data=light, **WITHOUT_FILTER, FILTER2=name)
        table = reduce(raw, output, "correct_flat")
        assert set(by_file(table).values()) == {"done"}
        for name in "VR":
            sky = fits.getdata(output / f"light_{name}.fits")
            assert np.median(sky[:, :9]) == pytest.approx(np.median(sky[:, -9:]), rel=0.01)

    def test_a_flat_without_a_known_filter_is_taken_with_a_warning_if_it_is_the_only_kind(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_flats(raw, "flat", FILTER="")
        write_frame(raw / "light.fits", data=level(1000))
        said = "correct_flat: flat_gain2 is taken for light.fits, though its header does not say the filter"
        with pytest.warns(CalibrationWarning, match=said):
            table = reduce(raw, output, "correct_flat")
        assert by_file(table)["light.fits"] == "done"
        assert said in plan_night(config(raw, output, "correct_flat")).doubts

    def test_it_is_not_where_filters_are_known(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_flats(raw, "flat", FILTER="")
        write_flats(raw, "flat_r", FILTER="R")
        write_frame(raw / "light.fits", data=level(1000))
        table = reduce(raw, output, "correct_flat")
        assert by_file(table)["light.fits"] == "failed"

    def test_a_filter_that_the_user_gives_counts_alone(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_flats(raw, "flat", FILTER1="U", FILTER2="B")
        write_frame(raw / "light.fits", data=level(1000), FILTER2="x")
        table = reduce(raw, output, "correct_flat", headers={"filter": "V"})
        assert set(by_file(table).values()) == {"done"}
        assert by_file(table, "masters")["light.fits"] == "calibration/flat_V_gain2.fits"


class TestCameras:
    @pytest.fixture
    def two(self, tmp_path):
        """Biases of two cameras, and a light of each."""
        raw = tmp_path / "raw"
        for value, name in ((300, "a"), (800, "b")):
            write_biases(raw, value, f"bias_{name}", INSTRUME=name, DETECTOR=name)
            write_frame(raw / f"light_{name}.fits", data=level(value + 100), INSTRUME=name, DETECTOR=name)
        return raw

    def test_each_has_a_bias_of_its_own(self, two, output):
        table = reduce(two, output, "subtract_bias")
        assert set(by_file(table).values()) == {"done"}
        assert [level_of(output / f"light_{name}.fits") for name in "ab"] == pytest.approx([100, 100], abs=2)

    def test_a_light_of_a_third_camera_has_none_and_is_told_why(self, two, output):
        write_frame(two / "light_c.fits", data=level(500), INSTRUME="c", DETECTOR="a")
        reason = by_file(reduce(two, output, "subtract_bias"), "reason")["light_c.fits"]
        assert "differs in INSTRUME (a, and not c)" in reason
        assert "ignore = … under [group]" in reason

    def test_the_user_can_ignore_what_differs(self, two, output):
        write_frame(two / "light_c.fits", data=level(400), INSTRUME="c", DETECTOR="a")
        table = reduce(two, output, "subtract_bias", group={"ignore": ["INSTRUME"]})
        assert by_file(table)["light_c.fits"] == "done"
        assert level_of(output / "light_c.fits") == pytest.approx(100, abs=2)

    def test_the_user_can_name_further_cards(self, tmp_path, output):
        raw = tmp_path / "raw"
        for angle in (0, 90):
            write_flats(raw, f"flat{angle}", ROTATOR=angle)
            write_frame(raw / f"light{angle}.fits", data=level(1000), ROTATOR=angle)
        table = reduce(raw, output, "correct_flat", group={"by": ["ROTATOR"]})
        assert len({by_file(table, "masters")[f"light{angle}.fits"] for angle in (0, 90)}) == 2

    def test_cards_that_some_frames_lack_are_said(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_biases(raw)
        write_frame(raw / "bias_9.fits", "zero", level(300, 9), EXPTIME=0.0, INSTRUME="a")
        write_frame(raw / "light.fits", data=level(1000), INSTRUME="a")
        with pytest.warns(CalibrationWarning, match="bias_gain2 is made of 4 frames, of which 3 do not say their cam"):
            table = reduce(raw, output, "subtract_bias")
        assert set(by_file(table).values()) == {"done"}


class TestReasons:
    def test_another_temperature_names_the_tolerance(self, raw, output):
        for path in raw.iterdir():
            fits.setval(path, "CCD-TEMP", value=-20.0 if path.name.startswith("light") else -10.0)
        reason = by_file(reduce(raw, output), "reason")["light_1.fits"]
        assert "differs in temperature (-10 deg_C, and not -20 deg_C)" in reason
        assert "temperature_tolerance = … under [combine]" in reason

    def test_another_exposure_names_the_scale(self, raw, output):
        fits.setval(raw / "light_1.fits", "EXPTIME", value=300.0)
        reason = by_file(reduce(raw, output), "reason")["light_1.fits"]
        assert "Give scale = true to subtract_dark" in reason

    def test_another_unit_names_both(self, raw, output):
        fits.setval(raw / "light_1.fits", "BUNIT", value="electron")
        reason = by_file(reduce(raw, output), "reason")["light_1.fits"]
        assert "Found a frame in electron, and a combined frame to subtract in adu; expected one unit" in reason


class TestChips:
    def write(self, path, kind, value, sensitivity=(1.0, 0.9), **cards):
        hdus = [fits.PrimaryHDU(header=fits.Header({"IMAGETYP": kind, "INSTRUME": "twin", **CARDS, **cards}))]
        for chip, of_chip in enumerate(sensitivity):
            hdus.append(fits.ImageHDU(level(value * of_chip, chip), name=f"im{chip}"))
        path.parent.mkdir(exist_ok=True)
        fits.HDUList(hdus).writeto(path)

    def levels(self, path):
        with fits.open(path) as hdus:
            return [float(np.median(hdus[index].data)) for index in (1, 2)]

    @pytest.fixture
    def chips(self, tmp_path):
        for number in range(3):
            self.write(tmp_path / "raw" / f"flat_{number}.fits", "flat", 20000 * (1 + 0.1 * number))
        self.write(tmp_path / "raw" / "light.fits", "object", 3000)
        return tmp_path / "raw"

    def test_the_sky_is_the_same_on_all_chips(self, chips, output):
        reduce(chips, output, "correct_flat")
        first, second = self.levels(output / "light.fits")
        assert first == pytest.approx(second, rel=0.002)
        assert (first + second) / 2 == pytest.approx(2850, rel=0.005)

    def test_each_chip_by_itself_if_the_user_wants_it(self, chips, output):
        reduce(chips, output, "correct_flat", combine={"flat_scale": "frame"})
        assert self.levels(output / "light.fits") == pytest.approx([3000, 2700], rel=0.002)


class TestCorrections:
    @pytest.mark.parametrize(
        ("name", "letter"), [("subtract_bias", "B"), ("subtract_dark", "D"), ("correct_flat", "F")]
    )
    def test_one_that_the_header_records_is_not_made_again(self, raw, output, name, letter):
        fits.setval(raw / "light_1.fits", "CALSTAT", value=letter)
        table = reduce(raw, output)
        assert by_file(table)["light_1.fits"] == "failed"
        assert by_file(table)["light_2.fits"] == "done"
        assert f"{name}: Found that the header records the correction" in by_file(table, "reason")["light_1.fits"]

    def test_a_result_is_no_raw_frame(self, raw, output, tmp_path):
        reduce(raw, output)
        (output / "light_1.fits").rename(raw / "again.fits")
        reason = by_file(reduce(raw, tmp_path / "more"), "reason")["again.fits"]
        assert "records the correction for" in reason
