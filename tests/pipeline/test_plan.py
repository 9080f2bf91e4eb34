# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which frames are combined, and which combined frames a light frame gets.
"""

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CalibrationWarning, CosmicRayError
from ccdproc_crplugin.pipeline.run import plan_night

from ..helpers.nights import (
    by_file,
    config,
    level,
    reduce,
    write_frame,
)


class TestMatching:
    def test_a_light_without_a_fitting_flat_fails_and_says_what_there_is(self, raw, output):
        write_frame(raw / "light_r.fits", data=level(520, 9, 10), FILTER="R")
        table = reduce(raw, output)
        assert by_file(table)["light_r.fits"] == "failed"
        reason = by_file(table, "reason")["light_r.fits"]
        assert reason.startswith(
            "correct_flat: Found no combined flat that fits filter R, gain 2; there are flat_V_gain2."
        )

    def test_only_what_counts_for_a_kind_is_said_of_the_frame_that_it_does_not_fit(self, raw, output):
        fits.setval(raw / "light_1.fits", "EXPTIME", value=300.0)
        fits.setval(raw / "light_2.fits", "GAIN", value=1.0)
        reasons = by_file(reduce(raw, output), "reason")
        assert "no combined dark that fits exposure 300 s, gain 2; there" in reasons["light_1.fits"]
        assert "no combined bias that fits gain 1; there" in reasons["light_2.fits"]

    def test_a_dark_of_another_exposure_only_if_it_is_scaled(self, raw, output, tmp_path):
        write_frame(raw / "light_long.fits", data=level(540, 9, 10), EXPTIME=120.0)
        assert by_file(reduce(raw, output))["light_long.fits"] == "failed"
        scaled = {"name": "subtract_dark", "scale": True}
        table = reduce(raw, tmp_path / "scaled", "subtract_bias", scaled)
        assert by_file(table)["light_long.fits"] == "done"
        reduced = crp.read_ccd(tmp_path / "scaled" / "light_long.fits")
        assert np.median(reduced.data) == pytest.approx(200, abs=2)

    def test_the_header_tells_the_exposures_of_frame_and_dark(self, raw, output):
        for number in range(3):
            fits.delval(raw / f"dark_{number}.fits", "EXPTIME")
        fits.setval(raw / "light_1.fits", "EXPTIME", value=61.5)
        reduce(raw, output)
        assert "dark_exposure=nan s, data_exposure=61.5 s" in crp.read_ccd(output / "light_1.fits").meta["SUBDARK"]

    def test_frames_that_the_user_makes_alike_are_combined(self, raw, output):
        fits.setval(raw / "dark_1.fits", "EXPTIME", value=59.0)
        table = reduce(raw, output, headers={"exposure": 60.0})
        assert {status for file, status in by_file(table).items() if file.startswith("dark")} == {"done"}
        assert fits.getval(output / "calibration" / "dark_60s_gain2.fits", "NCOMBINE") == 3

    def test_a_bias_of_the_known_temperature_goes_before_one_of_unknown_temperature(self, raw, output):
        for number in range(3):
            cold = level(400, number, 10)
            write_frame(raw / f"cold_{number}.fits", data=cold, IMAGETYP="BIAS", **{"CCD-TEMP": -20.0})
        fits.setval(raw / "light_1.fits", "CCD-TEMP", value=-20.0)
        reduce(raw, output, "subtract_bias")
        before, after = (crp.read_ccd(folder / "light_1.fits").data for folder in (raw, output))
        assert np.median(before - after) == pytest.approx(400, abs=2)

    @pytest.mark.parametrize(("tolerance", "n_biases"), [(None, 2), (6.0, 1), (0.1, 3)])
    def test_the_user_says_which_temperatures_are_alike(self, raw, output, tolerance, n_biases):
        for path, temperature in zip(sorted(raw.glob("bias*")), (-10.0, -10.5, -5.0), strict=True):
            fits.setval(path, "CCD-TEMP", value=temperature)
        combine = {} if tolerance is None else {"temperature_tolerance": tolerance}
        table = reduce(raw, output, combine=combine)
        assert set(by_file(table).values()) == {"done"}
        assert len(list((output / "calibration").glob("bias*"))) == n_biases


class TestWhatStepsMiss:
    def missing(self, raw, output, *steps):
        return [
            note for note in plan_night(config(raw, output, *steps)).notes if note.startswith(("trim", "subtract_"))
        ]

    def test_sections_that_headers_do_not_have_are_named(self, raw, output):
        fits.setval(raw / "light_1.fits", "TRIMSEC", value="[1:50, 1:50]")
        overscan, trim = self.missing(raw, output, "subtract_overscan", "trim", "subtract_bias")
        assert overscan.startswith("subtract_overscan: Found no BIASSEC in the header")
        assert trim.startswith("trim: Found no TRIMSEC in the header")
        assert overscan.endswith("(5 frames: bias_0.fits, …)")
        assert trim.endswith("(4 frames: bias_0.fits, …)")

    def test_so_are_sections_beyond_the_frame(self, raw, output):
        [trim] = self.missing(raw, output, {"name": "trim", "fits_section": "[1:99, 1:50]"})
        assert "[1:99, 1:50]" in trim
        assert "expected a part of [1:60, 1:50]" in trim

    def test_frames_that_do_not_get_the_step_do_not_count(self, raw, output):
        [trim] = self.missing(raw, output, "subtract_bias", "trim")
        assert trim.endswith("(2 frames: light_1.fits, …)")

    def test_the_unit_is_missing_for_the_run_and_for_the_plan(self, raw, output):
        (raw / "light_1.fits").unlink()
        write_frame(raw / "light_1.fits", data=level(500).astype("f4"))
        notes = plan_night(config(raw, output)).notes
        assert any(note.startswith("unit: BUNIT is missing") and "light_1.fits" in note for note in notes)
        assert "without BUNIT" in by_file(reduce(raw, output), "reason")["light_1.fits"]

    def test_so_is_a_protected_section_beyond_the_frame(self, raw, output):
        step = {"name": "clean_cosmic_rays", "protect": ["[1:9, 1:9]", "[1:99, 1:50]"]}
        notes = [note for note in plan_night(config(raw, output, step)).notes if "protect" in note]
        reason = "protect = '[1:99, 1:50]' reaches out of the frame, [1:60, 1:50]"
        assert notes == [f"clean_cosmic_rays: {reason} (2 frames: light_1.fits, …)"]


def test_a_group_of_few_frames_is_noted(raw, output):
    for number in (1, 2):
        (raw / f"bias_{number}.fits").unlink()
    notes = plan_night(config(raw, output, "subtract_bias")).notes
    assert "bias_gain2 is made of 1 of at least 3 frames; cosmic rays stay in it" in notes


def test_an_output_that_is_a_file_is_refused_by_the_plan_too(raw, output):
    output.write_text("a file")
    with pytest.raises(CosmicRayError, match=r"Found the file .* for the output; expected a folder"):
        plan_night(config(raw, output, "subtract_bias"))


def test_doubts_are_said_in_a_real_run_too(raw, output):
    with pytest.warns(CalibrationWarning, match="correct_flat stands before subtract_bias; expected it after"):
        reduce(raw, output, "correct_flat", "subtract_bias")
    assert "correct_flat stands before subtract_bias" in (output / "night.log").read_text()
