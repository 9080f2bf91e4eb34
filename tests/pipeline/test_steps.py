# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Steps: those of other people, their combined frames, their parameters and their errors.
"""

import errno
import os

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Step, hookimpl
from ccdproc_crplugin.io.disk import OutputError, writing
from ccdproc_crplugin.pipeline.steps import as_setting

from ..helpers.nights import (
    SHAPE,
    by_file,
    clean,
    level,
    reduce,
    subtract_bias,
    write_frame,
)


class TestSteps:
    def test_a_step_of_somebody_else_is_a_dataclass_away(self, raw, output):
        class Pedestal:
            @hookimpl
            def ccdcr_steps(self):
                yield Step("add_pedestal", "lift the frame", add_pedestal)

        crp.plugins.register(Pedestal(), "pedestal")
        try:
            reduce(raw, output, "subtract_bias", {"name": "add_pedestal", "pedestal": 50.0})
            with pytest.raises(CosmicRayError, match=r"'pedestol'.*expected one of: pedestal"):
                reduce(raw, output, {"name": "add_pedestal", "pedestol": 50.0})
        finally:
            crp.plugins.unregister("pedestal")
        assert np.median(crp.read_ccd(output / "light_1.fits").data) == pytest.approx(270, abs=2)

    @pytest.mark.parametrize("before", [(), ("create_deviation",)])
    def test_a_combined_frame_has_its_uncertainty_beside_one_of_the_frame(self, raw, output, before):
        seen = []

        class Watch:
            @hookimpl
            def ccdcr_steps(self):
                yield Step("watch", "", lambda ccd, *, master: seen.append(master) or ccd, master="bias")

        crp.plugins.register(Watch(), "watch")
        try:
            reduce(raw, output, *before, "watch")
        finally:
            crp.plugins.unregister("watch")
        assert [master.uncertainty is not None for master in seen] == [bool(before)] * 2
        assert all(master.data.dtype.isnative for master in seen)

    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (Step("a", "", lambda ccd: ccd, kinds=("moon",)), "for kinds"),
            (Step("a", "", lambda ccd: ccd, kinds="light"), "for kinds"),
            (Step("a", "", lambda ccd: ccd, master="moon"), "takes a combined 'moon'"),
            (Step("a", "", lambda ccd: ccd, master="bias"), "no keyword master"),
            (Step("a", "", lambda ccd, **more: ccd), "has no check"),
        ],
    )
    def test_steps_that_cannot_work_are_left_out(self, step, reason):
        class Broken:
            @hookimpl
            def ccdcr_steps(self):
                yield step

        with pytest.warns(crp.PluginWarning, match=reason):
            crp.plugins.register(Broken(), "broken")
        crp.plugins.unregister("broken")

    @pytest.mark.parametrize("step", ["clean_cosmic_rays", "correct_gain", "create_deviation"])
    @pytest.mark.parametrize("gain", [None, 139])
    def test_what_no_header_says_is_to_be_given_in_the_configuration(self, raw, output, step, gain):
        for path in raw.iterdir():
            fits.delval(path, "GAIN")
            if gain is not None:
                fits.setval(path, "GAIN", value=gain)
        reason = by_file(reduce(raw, output, "subtract_bias", step), "reason")["light_1.fits"]
        assert "Give gain = … under [headers]" in reason
        assert reason in (output / "night.log").read_text()

    def test_the_unit_too_is_to_be_given_in_the_configuration(self, raw, output):
        for path in raw.glob("light*"):
            fits.setval(path, "BUNIT", value="furlong")
        reason = by_file(reduce(raw, output), "reason")["light_1.fits"]
        assert "Give unit = … under [headers]" in reason

    @pytest.mark.parametrize("step", ["trim", "subtract_overscan"])
    @pytest.mark.parametrize("section", ["[100:200, 1:5]", "[51:61, 1:50]", "[1:5, 51:60]"])
    def test_a_section_outside_of_the_frame_is_refused(self, raw, output, step, section):
        row = reduce(raw, output, {"name": step, "fits_section": section})[-1]
        assert row["status"] == "failed"
        assert f"for a frame of shape {SHAPE}; expected a part of [1:60, 1:50]" in row["reason"]

    def test_a_section_up_to_the_border_is_taken(self, raw, output):
        reduce(raw, output, {"name": "trim", "fits_section": "[11:60, *]"})
        assert crp.read_ccd(output / "light_1.fits").shape == (50, 50)

    def test_a_step_that_gives_no_frame_is_named(self, raw, output):
        class Nothing:
            @hookimpl
            def ccdcr_steps(self):
                yield Step("nothing", "", lambda ccd: None)

        crp.plugins.register(Nothing(), "nothing")
        try:
            reason = by_file(reduce(raw, output, "nothing"), "reason")["light_1.fits"]
        finally:
            crp.plugins.unregister("nothing")
        assert reason == "nothing: Found NoneType as the result of the step; expected a CCDData."

    def test_the_function_steps_keeps_its_name(self):
        import ccdproc_crplugin.default_plugins.calibration_steps  # noqa: F401

        assert list(crp.steps())[:8] == [
            "subtract_overscan",
            "trim",
            "mask_bad_pixels",
            "subtract_bias",
            "subtract_dark",
            "correct_flat",
            "correct_gain",
            "create_deviation",
        ]


def add_pedestal(ccd, *, pedestal=10.0):
    return ccd.add(pedestal * ccd.unit, handle_meta="first_found")


class TestReasons:
    """Why a frame failed, in the words of those who gave the parameters."""

    @pytest.mark.parametrize(
        ("parameter", "setting"),
        [
            (("gain", ""), "gain = … under [headers]"),
            (("gain", "-1"), "gain = -1"),
            (("unit", "'adu'"), "unit = 'adu' under [headers]"),
            (("force", "True"), "force = true"),
            (("n_pixels", ""), "n_pixels = …"),
            (("restore_cosmic_rays", "()"), "restore_cosmic_rays"),
        ],
    )
    def test_a_configuration_has_settings(self, parameter, setting):
        assert as_setting(*parameter) == setting

    def test_a_collection_has_keywords_of_python(self, lights, output):
        fits.delval(lights / "light_1.fits", "GAIN")
        assert by_file(clean(lights, output), "reason")["light_1.fits"].endswith("Give gain=.")

    def test_a_calibration_frame_of_a_night_has_settings_too(self, biased, output):
        for number in (0, 3):
            path = biased / f"bias_{number}.fits"
            path.unlink(missing_ok=True)
            write_frame(path, "zero", level(300).astype("f4"), EXPTIME=0.0)
        reason = by_file(subtract_bias(biased, output), "reason")["bias_3.fits"]
        assert reason.endswith("Give unit = 'adu' under [headers] or unit = 'electron' under [headers].")


class TestAmplifiers:
    GAIN, READNOISE = {"[1:30, *]": 1.0, "[31:60, *]": 2.0}, {"[1:30, *]": 5, "[31:60, *]": 10}

    def test_their_values_stand_under_headers_and_go_before_those_of_the_headers(self, tmp_path, output):
        amplifiers = {"GAIN1": 3.0, "GAIN2": 4.0, "DATASEC1": "[1:30,1:50]", "DATASEC2": "[31:60,1:50]"}
        path = write_frame(tmp_path / "raw" / "light.fits", **amplifiers)
        tables = {"headers": {"gain": self.GAIN, "readnoise": self.READNOISE}}
        reduce(path.parent, output, "correct_gain", "create_deviation", "clean_cosmic_rays", **tables)
        cleaned = crp.read_ccd(output / "light.fits")
        good = ~cleaned.mask
        factor = np.repeat([[1, 2]], 30, axis=1)
        np.testing.assert_array_equal(cleaned.data[good], (fits.getdata(path) * factor)[good])
        assert cleaned.meta["CRRDNOIS"] == 7.5
        assert "2 amplifiers" in cleaned.meta.comments["CRRDNOIS"]

    def test_one_value_goes_before_those_of_the_headers_too(self, tmp_path, output):
        amplifiers = {"GAIN1": 3.0, "GAIN2": 4.0, "DATASEC1": "[1:30,1:50]", "DATASEC2": "[31:60,1:50]"}
        path = write_frame(tmp_path / "raw" / "light.fits", **amplifiers)
        reduce(path.parent, output, "clean_cosmic_rays", headers={"gain": 1.5})
        assert fits.getheader(output / "light.fits")["CRGAIN"] == 1.5

    def test_a_step_takes_them_as_a_table(self, tmp_path, output):
        path = write_frame(tmp_path / "raw" / "light.fits")
        step = {"name": "clean_cosmic_rays", "gain": self.GAIN, "readnoise": self.READNOISE}
        reduce(path.parent, output, step)
        cleaned = fits.getheader(output / "light.fits")
        assert cleaned["CRGAINS"] == "[1:30, 1:50]=1.0; [31:60, 1:50]=2.0"

    def test_a_run_begun_again_keeps_what_is_done(self, tmp_path, output):
        path = write_frame(tmp_path / "raw" / "light.fits")
        for expected in ("done", "kept"):
            table = reduce(path.parent, output, "clean_cosmic_rays", headers={"gain": self.GAIN})
            assert table["status"].tolist() == [expected]

    def test_where_they_lie_must_be_known(self, tmp_path, output):
        write_frame(tmp_path / "raw" / "light.fits", GAIN1=3.0, GAIN2=4.0, RON1=1, RON2=2)
        for card in ("GAIN", "RDNOISE"):
            fits.delval(tmp_path / "raw" / "light.fits", card)
        reason = by_file(reduce(tmp_path / "raw", output, "clean_cosmic_rays"), "reason")["light.fits"]
        assert "GAIN1 = 3, GAIN2 = 4, and no card that says where in the frame each amplifier lies" in reason
        assert "gain = … under [headers] with a value for each section." in reason


class TestWriting:
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")
    def test_a_full_disk_is_known_where_numpy_does_not_say_why(self):
        with pytest.raises(OutputError), writing(), open("/dev/full", "wb", buffering=0) as stream:
            np.zeros(10_000).tofile(stream)

    def test_a_full_disk_is_known_behind_the_words_of_astropy(self):
        def write():
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError:
                raise OSError("Not enough space on disk: requested 393216, available 0.") from None

        with pytest.raises(OutputError, match="Not enough space"), writing():
            write()
