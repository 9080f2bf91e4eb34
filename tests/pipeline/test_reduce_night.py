# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A whole night: its configuration, its plan, its steps, and what becomes of it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Step, hookimpl
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.pipeline.log import preflight_lines
from ccdproc_crplugin.pipeline.run import plan_night
from ccdproc_crplugin.pipeline.table import Record

from ..helpers.nights import by_file, contents, n_results, write_frame, write_mosaic

STEPS = ("subtract_bias", "subtract_dark", "correct_flat", "clean_cosmic_rays")
FIGURES = ("gain", "readnoise")
SHAPE = (50, 60)


def level(value, seed, noise=3.0):
    return np.random.default_rng(seed).normal(value, noise, SHAPE).round().astype("uint16")


def write_calibration(folder, n=3, **cards):
    for number in range(n):
        write_frame(folder / f"bias_{number}.fits", "zero", level(300, number), EXPTIME=0.0, **cards)
        write_frame(folder / f"dark_{number}.fits", "dark", level(320, 10 + number), EXPTIME=60.0, **cards)
        write_frame(folder / f"flat_{number}.fits", "flat", level(20000, 20 + number, 90), EXPTIME=5.0, **cards)


def write_night(folder, n_lights=2):
    write_calibration(folder)
    for number in range(1, n_lights + 1):
        raw = level(520, 40 + number, 10)
        raw[10, 12 : 12 + number] += 3000
        write_frame(folder / f"light_{number}.fits", data=raw)
    return folder


def hit_twice(path):
    """Give a light a second cosmic ray."""
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[30, 40:43] += 3000


@pytest.fixture
def raw(tmp_path):
    return write_night(tmp_path / "raw")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "reduced"


def config(raw, output, *steps, **tables):
    steps = [{"name": step} if isinstance(step, str) else step for step in steps or STEPS]
    return {"night": {"input": str(raw), "output": str(output)}, "step": steps, **tables}


def reduce(raw, output, *steps, n_workers=1, **tables):
    return crp.reduce_night(config(raw, output, *steps, **tables), n_workers=n_workers)


class TestResult:
    def test_a_light_loses_bias_dark_flat_and_cosmic_rays(self, raw, output):
        table = reduce(raw, output)
        assert set(by_file(table).values()) == {"done"}
        assert by_file(table, "n_pixels")["light_2.fits"] == 2
        reduced = crp.read_ccd(output / "light_2.fits")
        assert "dark_exposure=60.0 s, data_exposure=60.0 s" in reduced.meta["SUBDARK"]
        assert reduced.data.dtype == np.dtype(">f4")
        assert np.median(reduced.data) == pytest.approx(200, abs=2)
        assert reduced.data[10, 12] < 230
        assert crp.read_ccd(output / "calibration" / "bias_gain2.fits").meta["NCOMBINE"] == 3

    @pytest.mark.parametrize("tables", [{}, {"headers": {"saturation": 45000}}])
    def test_a_saturated_flat_fails_with_the_reason_and_costs_no_other_frame(self, raw, output, tables):
        value = 50000 if tables else 65535
        write_frame(raw / "flat_9.fits", "flat", np.full(SHAPE, value, "uint16"), EXPTIME=5.0, SATURATE=61000)
        status = reduce(raw, output, **tables)
        assert {file for file, word in by_file(status).items() if word != "done"} == {"flat_9.fits"}
        assert by_file(status, "reason")["flat_9.fits"].startswith("found 100 % of its pixels at or above")

    def test_it_is_what_ccdproc_makes_of_the_combined_frames(self, raw, output):
        reduce(raw, output)
        bias, dark, flat = (
            CCDData.read(output / "calibration" / f"{name}_gain2.fits") for name in ("bias", "dark_60s", "flat_V")
        )
        for master in (bias, dark, flat):
            master.uncertainty = None
        raw_ccd = CCDData.read(raw / "light_1.fits", unit="adu")
        raw_ccd.data = raw_ccd.data.astype("f4")
        expected = ccdproc.subtract_bias(raw_ccd, bias)
        expected = ccdproc.subtract_dark(expected, dark, dark_exposure=60 * u.s, data_exposure=60 * u.s)
        expected = ccdproc.flat_correct(expected, flat)
        reduced = crp.read_ccd(output / "light_1.fits").restore_cosmic_rays()
        np.testing.assert_allclose(reduced.data, expected.data, rtol=1e-6)

    def test_header_and_table_say_which_combined_frames_were_taken(self, raw, output):
        row = reduce(raw, output)[-1]
        names = ["calibration/bias_gain2.fits", "calibration/dark_60s_gain2.fits", "calibration/flat_V_gain2.fits"]
        assert row["masters"] == ", ".join(names)
        assert row["steps"] == "; ".join(STEPS)
        history = "".join(fits.getheader(output / row["output"])["HISTORY"])
        assert all(name in history for name in names)

    def test_the_table_lies_in_the_output(self, raw, output):
        table = reduce(raw, output)
        written = QTable.read(output / "night.ecsv")
        assert by_file(written) == by_file(table)
        assert by_file(written, "output")["bias_0.fits"] == "calibration/bias_gain2.fits"

    def test_cosmic_rays_in_the_calibration_leave_no_trace(self, raw, output, tmp_path):
        reduce(raw, output)
        clean = crp.read_ccd(output / "calibration" / "dark_60s_gain2.fits").data
        with fits.open(raw / "dark_1.fits", mode="update") as hdus:
            hdus[0].data[30, 30] = 60000
        reduce(raw, tmp_path / "hit")
        hit = crp.read_ccd(tmp_path / "hit" / "calibration" / "dark_60s_gain2.fits").data
        assert abs(hit[30, 30] - clean[30, 30]) < 10

    def test_overscan_and_trim_go_before_the_combining(self, tmp_path, output):
        sections = {"BIASSEC": "[51:60,1:50]", "TRIMSEC": "[1:50,1:50]"}
        raw = tmp_path / "raw"
        write_calibration(raw, **sections)
        write_frame(raw / "light.fits", data=level(520, 41, 10), **sections)
        for path in raw.iterdir():
            with fits.open(path, mode="update") as hdus:
                hdus[0].data[:, 50:] = 290
        table = reduce(raw, output, "subtract_overscan", "trim", *STEPS)
        assert set(by_file(table).values()) == {"done"}
        assert crp.read_ccd(output / "calibration" / "bias_gain2.fits").shape == (50, 50)
        reduced = crp.read_ccd(output / "light.fits")
        assert reduced.shape == (50, 50)
        assert "TRIMSEC" not in reduced.meta
        assert by_file(table, "steps")["dark_0.fits"] == "subtract_overscan; trim; subtract_bias"

    def test_deviation_and_gain(self, raw, output):
        reduce(raw, output, "subtract_bias", "create_deviation", "correct_gain", "clean_cosmic_rays")
        reduced = crp.read_ccd(output / "light_1.fits")
        assert reduced.unit == u.electron
        assert np.median(reduced.uncertainty.array) == pytest.approx(np.sqrt(220 * 2 + 25), rel=0.02)

    def test_events_are_catalogued(self, raw, output):
        reduce(raw, output, *STEPS, "measure_events")
        events = QTable.read(output / "light_2_events.ecsv")
        assert events["area"].value.tolist() == [2]

    def test_each_chip_of_a_mosaic_gets_its_own_combined_frame(self, tmp_path, output):
        raw = tmp_path / "raw"
        for number in range(3):
            write_mosaic(raw / f"bias_{number}.fits", kind="zero")
        write_mosaic(raw / "light.fits")
        with fits.open(raw / "light.fits", mode="update") as hdus:
            for chip in (1, 2):
                hdus[chip].data += 500 * chip
        table = reduce(raw, output, "subtract_bias")
        assert set(by_file(table).values()) == {"done"}
        assert by_file(table, "masters")["light.fits"] == (
            "calibration/bias_gain2_hdu1.fits, calibration/bias_gain2_hdu2.fits"
        )
        with fits.open(output / "light.fits") as hdus:
            assert [float(np.median(hdus[chip].data)) for chip in (1, 2)] == [500, 1000]

    @pytest.mark.parametrize("kind", ["object", "dark"])
    def test_more_chips_than_the_combined_frames_have_are_told(self, tmp_path, output, kind):
        raw = tmp_path / "raw"
        for number in range(3):
            write_mosaic(raw / f"bias_{number}.fits", kind="zero")
            write_mosaic(raw / f"more_{number}.fits", n_chips=3, kind=kind)
        row = reduce(raw, output, "subtract_bias", "subtract_dark" if kind == "dark" else "clean_cosmic_rays")[-1]
        assert row["status"] == "failed"
        assert "Found frame 3 in a file, and combined frames of 2 (calibration/bias_gain2_hdu1.fits" in row["reason"]

    def test_subfolders_keep_their_place(self, raw, output):
        write_frame(raw / "deep" / "er" / "light_9.fits", data=level(520, 9, 10))
        table = reduce(raw, output)
        assert "deep/er/light_9.fits" not in by_file(table)
        night = config(raw, output)
        night["night"]["subfolders"] = True
        table = crp.reduce_night(night, n_workers=1)
        assert by_file(table, "output")["deep/er/light_9.fits"] == "deep/er/light_9.fits"
        assert (output / "deep" / "er" / "light_9.fits").exists()

    def test_two_workers_give_the_same_bytes(self, raw, output, tmp_path):
        reduce(raw, output)
        reduce(raw, tmp_path / "two", n_workers=2)
        assert contents(output) == contents(tmp_path / "two")


class TestPreflight:
    @pytest.fixture
    def dull(self, raw):
        """The night, its lights averaged in the camera."""
        for path in raw.glob("light*"):
            with fits.open(path, mode="update") as hdus:
                hdus[0].data[...] = level(520, 1, 2)
        return raw

    def test_one_warning_sums_up_the_checks_that_failed(self, dull, output):
        with pytest.warns(crp.PreflightWarning) as caught:
            reduce(dull, output)
        (warning,) = caught
        assert str(warning.message) == (
            "preflight: noise failed on 2 frames (light_1.fits, …), see findings in night.ecsv"
        )
        assert warning.filename == __file__

    def test_a_collection_is_warned_of_too_and_kept_frames_are(self, dull, output):
        for _ in range(2):
            with pytest.warns(crp.PreflightWarning, match=r"failed on 1 frame \(light_2.fits\)"):
                crp.clean_collection([dull / "light_2.fits"], output, n_workers=1)

    def test_fails_are_told_before_warnings(self):
        findings = ["ok", "warn: sky, gain; fail: unit", "fail: unit; warn: sky; fail: unit", ""]
        table = QTable({"file": ["a", "b", "c", "d"], "findings": findings})
        assert [line.partition(", see")[0] for line in preflight_lines(table)] == [
            "preflight: unit failed on 2 frames (b, …)",
            "preflight: sky warns on 2 frames (b, …)",
            "preflight: gain warns on 1 frame (b)",
        ]


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

    def test_kinds_that_no_step_takes_are_left_alone(self, raw, output):
        write_frame(raw / "arc.fits", "arc")
        write_frame(raw / "odd.fits", "wibble")
        write_frame(raw / "mute.fits")
        fits.delval(raw / "mute.fits", "IMAGETYP")
        table = reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        reasons = by_file(table, "reason")
        assert reasons["dark_0.fits"] == "of kind dark, which no step takes"
        assert reasons["arc.fits"] == "of kind arc, which no step takes"
        assert reasons["odd.fits"] == (
            "its header says IMAGETYP = 'wibble', which is taken for no kind of frame; [select] in a night decides that"
        )
        assert reasons["mute.fits"].startswith("its header does not say what kind of frame it is (looked for IMAGETYP,")

    def test_the_user_knows_better_than_the_header(self, raw, output):
        for path in raw.iterdir():
            fits.setval(path, "GAIN", value=139)
        assert "setting of the camera" in by_file(reduce(raw, output), "reason")["light_1.fits"]
        table = reduce(raw, output, headers={"gain": 2.0, "readnoise": 5})
        assert by_file(table)["light_1.fits"] == "done"
        assert fits.getheader(output / "light_1.fits")["CRGAIN"] == 2.0

    def test_the_user_says_what_is_a_light(self, raw, output):
        write_frame(raw / "std.fits", "standard", level(520, 9, 10))
        table = reduce(raw, output, select={"light": ["Object"]})
        assert by_file(table)["light_1.fits"] == "done"
        for _ in range(2):
            assert by_file(table)["std.fits"] == "skipped"
            assert "IMAGETYP = 'standard'" in by_file(table, "reason")["std.fits"]
            table = reduce(raw, output, select={"light": ["Object"]})

    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_the_user_says_what_is_calibration(self, raw, output, n_workers):
        for path in raw.iterdir():
            said = {"b": "offset", "d": "cap on", "f": "dome", "l": "object"}
            fits.setval(path, "IMAGETYP", value=said[path.name[0]])
        words = {"bias": ["offset"], "dark": ["Cap-On"], "flat": ["dome"]}
        table = reduce(raw, output, select=words, n_workers=n_workers)
        assert set(by_file(table).values()) == {"done"}
        assert fits.getval(output / "calibration" / "flat_V_gain2.fits", "CRBIAS") == "bias_gain2.fits"

    def test_frames_that_the_user_makes_alike_are_combined(self, raw, output):
        fits.setval(raw / "dark_1.fits", "EXPTIME", value=59.0)
        table = reduce(raw, output, headers={"exposure": 60.0})
        assert {status for file, status in by_file(table).items() if file.startswith("dark")} == {"done"}
        assert fits.getval(output / "calibration" / "dark_60s_gain2.fits", "NCOMBINE") == 3

    @pytest.mark.parametrize(("tolerance", "n_biases"), [(None, 2), (6.0, 1), (0.1, 3)])
    def test_the_user_says_which_temperatures_are_alike(self, raw, output, tolerance, n_biases):
        for path, temperature in zip(sorted(raw.glob("bias*")), (-10.0, -10.5, -5.0), strict=True):
            fits.setval(path, "CCD-TEMP", value=temperature)
        combine = {} if tolerance is None else {"temperature_tolerance": tolerance}
        table = reduce(raw, output, combine=combine)
        assert set(by_file(table).values()) == {"done"}
        assert len(list((output / "calibration").glob("bias*"))) == n_biases


class TestEdited:
    """Results that a person changed after the run."""

    @pytest.fixture
    def edited(self, raw, output, capsys):
        hit_twice(raw / "light_1.fits")
        reduce(raw, output)
        path = output / "light_1.fits"
        assert main(["restore", "--in-place", str(path), "--labels", "1"]) == 0
        return path

    def test_a_rerun_keeps_them(self, raw, output, edited):
        before = edited.read_bytes()
        table = reduce(raw, output)
        assert by_file(table)["light_1.fits"] == "kept"
        assert by_file(table, "n_events")["light_1.fits"] == fits.getheader(edited)["CRNEVENT"] == 1
        assert edited.read_bytes() == before

    def test_other_settings_keep_them_too_and_say_so(self, raw, output, edited):
        before = edited.read_bytes()
        table = reduce(raw, output, *STEPS[:3], {"name": "clean_cosmic_rays", "sigclip": 6})
        assert by_file(table)["light_2.fits"] == "done"
        assert by_file(table)["light_1.fits"] == "kept"
        assert "edited by hand" in by_file(table, "reason")["light_1.fits"]
        assert "sigclip" not in by_file(table, "parameters")["light_1.fits"]
        assert edited.read_bytes() == before
        assert "light_1.fits: edited by hand" in (output / "night.log").read_text()

    def test_moved_away_they_are_made_anew(self, raw, output, edited):
        edited.unlink()
        assert by_file(reduce(raw, output))["light_1.fits"] == "done"
        assert "CREDITED" not in fits.getheader(edited)

    def test_the_journal_of_a_killed_run_follows(self, raw, output):
        def stop(items, total):
            for row in items:
                yield row
                if row["file"] == "light_1.fits":
                    raise KeyboardInterrupt

        hit_twice(raw / "light_1.fits")
        with pytest.raises(KeyboardInterrupt):
            crp.reduce_night(config(raw, output), n_workers=1, progress=stop)
        path = output / "light_1.fits"
        assert main(["restore", "--in-place", str(path), "--labels", "1"]) == 0
        table = reduce(raw, output)
        assert by_file(table)["light_1.fits"] == "kept"
        assert by_file(table, "n_events")["light_1.fits"] == fits.getheader(path)["CRNEVENT"] == 1


class TestDamaged:
    """Results that a disk lost a part of after the run."""

    @pytest.mark.parametrize("n_left", [0, 1000, 2880, 9000, -2880, -1])
    @pytest.mark.parametrize("name", ["light_1.fits", "calibration/bias_gain2.fits"])
    def test_they_are_made_again(self, raw, output, name, n_left):
        reduce(raw, output)
        path = output / name
        whole = path.read_bytes()
        path.write_bytes(whole[:n_left])
        reduce(raw, output)
        assert path.read_bytes() == whole

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_packed_ones_too(self, raw, output, ending):
        night = config(raw, output)
        night["night"]["ending"] = ending
        crp.reduce_night(night, n_workers=1)
        path = output / f"light_1{ending}"
        whole = path.read_bytes()
        path.write_bytes(whole[:-500])
        table = crp.reduce_night(night, n_workers=1)
        assert by_file(table)["light_1.fits"] == "done"
        assert path.read_bytes() == whole
        (output / "night.ecsv").unlink()
        assert by_file(crp.reduce_night(night, n_workers=1))["light_1.fits"] == "kept"


class TestTamperedTable:
    """What somebody wrote into night.ecsv or night.jsonl that no run would."""

    def assert_looked_at_again(self, raw, output):
        before = contents(output)
        table = reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        assert by_file(table)["light_1.fits"] == "kept"
        assert by_file(table, "n_pixels")["light_1.fits"] == 1
        assert contents(output) == before
        assert not (output / "night.jsonl").exists()

    @pytest.mark.parametrize("file", ["light_1.fits", "bias_1.fits"])
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("n_pixels", "abc"),
            ("n_pixels", [1]),
            ("n_pixels", True),
            ("n_bytes", [1]),
            ("n_bytes", "x"),
            ("seconds", "x"),
            ("expected_low", {}),
            ("output", 5),
            ("reason", 5),
            ("verdict", [1]),
            ("status", "garbage"),
            ("status", [1]),
            ("status", None),
            ("key", [1]),
        ],
    )
    def test_a_row_with_a_value_of_another_type_is_ignored(self, raw, output, file, column, value):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        (output / "night.jsonl").write_text(json.dumps({**Record(output).earlier[file], column: value}) + "\n")
        self.assert_looked_at_again(raw, output)

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": [1]},
            {"kind": "x"},
            {"exposure": "abc"},
            {"exposure": [1]},
            {"gain": "x"},
            {"temperature": float("nan")},
            {"temperature": True},
            {"filter": 5},
            {"binning": 5},
            {"binning": "ab"},
            {"more": 1},
        ],
    )
    @pytest.mark.parametrize("file", ["light_1.fits", "bias_1.fits"])
    def test_a_key_that_no_header_gives_is_read_from_the_header_again(self, raw, output, file, change):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        row = Record(output).earlier[file]
        key = json.dumps({**json.loads(row["key"]), **change})
        (output / "night.jsonl").write_text(json.dumps({**row, "key": key}) + "\n")
        self.assert_looked_at_again(raw, output)

    @pytest.mark.parametrize(
        ("old", "new"), [("n_pixels, datatype: int64", "n_pixels, datatype: string"), (" done ", " garbage ")]
    )
    def test_so_is_one_of_the_table(self, raw, output, old, new):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        table = (output / "night.ecsv").read_text()
        assert old in table
        (output / "night.ecsv").write_text(table.replace(old, new))
        self.assert_looked_at_again(raw, output)


class TestAgain:
    def test_nothing_is_done_twice(self, raw, output):
        reduce(raw, output)
        before = {path: path.stat().st_mtime_ns for path in output.rglob("*.fits")}
        assert set(by_file(reduce(raw, output)).values()) == {"kept"}
        assert {path: path.stat().st_mtime_ns for path in output.rglob("*.fits")} == before

    def test_other_settings_of_a_late_step_leave_the_combined_frames(self, raw, output):
        reduce(raw, output)
        table = reduce(raw, output, *STEPS[:3], {"name": "clean_cosmic_rays", "sigclip": 7})
        assert {name for name, status in by_file(table).items() if status == "done"} == {"light_1.fits", "light_2.fits"}

    def test_a_new_light_is_the_only_one_done(self, raw, output):
        reduce(raw, output)
        write_frame(raw / "light_3.fits", data=level(520, 9, 10))
        table = reduce(raw, output)
        assert [name for name, status in by_file(table).items() if status == "done"] == ["light_3.fits"]

    def test_a_new_dark_redoes_what_draws_on_it(self, raw, output):
        reduce(raw, output)
        write_frame(raw / "dark_3.fits", "dark", level(320, 33), EXPTIME=60.0)
        status = by_file(reduce(raw, output))
        assert {name[:4] for name in status if status[name] == "kept"} == {"bias"}

    def test_a_result_that_outlives_a_failure_is_named(self, raw, output):
        reduce(raw, output)
        write_frame(raw / "light_3.fits", data=level(520, 9, 10))
        fits.setval(raw / "light_1.fits", "FILTER", value="R")
        (raw / "light_2.fits").write_text("no FITS")
        fits.setval(raw / "light_3.fits", "FILTER", value="R")
        for _ in range(2):
            reasons = by_file(reduce(raw, output), "reason")
            assert reasons["light_1.fits"].endswith("leave the step out; light_1.fits of an earlier run stays")
            assert reasons["light_2.fits"].endswith("; light_2.fits of an earlier run stays")
            assert "earlier run" not in reasons["light_3.fits"]
            assert reasons["light_2.fits"] in (output / "night.log").read_text()

    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_a_combined_frame_that_outlives_a_failure_is_not_taken(self, raw, output, n_workers):
        reduce(raw, output)
        for path in raw.glob("flat*"):
            path.unlink()
            write_frame(path, "flat", np.full(SHAPE, np.nan, "f4"), BUNIT="adu")
        table = reduce(raw, output, n_workers=n_workers)
        assert by_file(table)["light_1.fits"] == "failed"
        assert "Found that calibration/flat_V_gain2.fits could not be made" in by_file(table, "reason")["light_1.fits"]
        assert (output / "calibration" / "flat_V_gain2.fits").is_file()

    def test_other_ways_of_combining_redo_everything(self, raw, output):
        reduce(raw, output)
        assert set(by_file(reduce(raw, output, combine={"method": "median"})).values()) == {"done"}

    @pytest.mark.parametrize("seed", range(3))
    def test_a_killed_night_goes_on_and_ends_like_any_other(self, tmp_path, seed):
        raw, killed, whole = write_night(tmp_path / "raw", 8), tmp_path / "killed", tmp_path / "whole"
        reduce(raw, whole)
        (tmp_path / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "killed"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in STEPS)
        )
        words = [sys.executable, "-c", _COMMAND, "reduce", str(tmp_path / "night.toml"), "--quiet"]
        words += ["--no-report", "--workers", str(1 + seed % 2)]
        run = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        n_before = np.random.default_rng(seed).integers(1, 10)
        deadline = time.monotonic() + 60
        while n_results(killed) < n_before and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert n_results(killed) >= 1
        assert set(by_file(reduce(raw, killed)).values()) <= {"done", "kept"}
        assert contents(killed) == contents(whole)
        assert not [path for path in killed.rglob(".*") if path.name != ".night.lock"]

    def test_a_night_killed_after_the_calibration_keeps_it(self, raw, output):
        night = config(raw, output)
        run = subprocess.run([sys.executable, "-c", _KILLED_AT_THE_LIGHTS, json.dumps(night)], check=False)
        assert run.returncode == -signal.SIGKILL
        assert n_results(output) == 3
        before = contents(output), {path: path.stat().st_mtime_ns for path in output.rglob("*.fits")}
        for _ in range(2):
            status = by_file(reduce(raw, output))
            assert {status.pop("light_1.fits"), status.pop("light_2.fits")} <= {"done", "kept"}
            assert set(status.values()) == {"kept"}
        assert before[0].items() <= contents(output).items()
        assert {path: path.stat().st_mtime_ns for path in before[1]} == before[1]


_KILLED_AT_THE_LIGHTS = """
import json, os, signal, sys
import ccdproc_crplugin as crp

def rows_until_the_last_flat(rows, total):
    for row in rows:
        yield row
        if row["file"] == "flat_2.fits":
            os.kill(os.getpid(), signal.SIGKILL)

crp.reduce_night(json.loads(sys.argv[1]), n_workers=1, progress=rows_until_the_last_flat)
"""

_COMMAND = "import sys; from ccdproc_crplugin.cli import main; sys.exit(main(sys.argv[1:]))"


class TestCluster:
    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bytes(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        raw, output = write_night(tmp_path / "raw", 30), tmp_path / "dask"
        reduce(raw, tmp_path / "serial")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            victim = next(iter(client.run(os.getpid).values()))
            killed = []

            def kill_in_the_middle(rows, total):
                for number, row in enumerate(rows):
                    if number == total // 2:
                        os.kill(victim, signal.SIGKILL)
                        killed.append(victim)
                    yield row

            table = crp.reduce_night(config(raw, output), executor=client.get_executor(), progress=kill_in_the_middle)
        assert killed
        assert set(by_file(table).values()) <= {"done", "kept"}
        assert contents(output) == contents(tmp_path / "serial")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_the_command_takes_the_address_of_a_scheduler(self, raw, tmp_path):
        distributed = pytest.importorskip("distributed")
        (tmp_path / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "dask"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in STEPS)
        )
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
        ) as cluster:
            words = [
                "reduce",
                str(tmp_path / "night.toml"),
                "--dask",
                cluster.scheduler_address,
                "--no-report",
                "--quiet",
            ]
            assert main(words) == 0
        reduce(raw, tmp_path / "serial")
        assert contents(tmp_path / "dask") == contents(tmp_path / "serial")


class TestBadFrames:
    @pytest.mark.parametrize("n_workers", [1, 2])
    @pytest.mark.parametrize("kind", ["light", "bias"])
    def test_a_name_in_another_encoding_costs_nothing(self, raw, output, kind, n_workers):
        try:
            os.rename(raw / f"{kind}_1.fits", os.fsencode(raw) + f"/{kind}_".encode() + b"\xe9.fits")
        except OSError:
            pytest.skip("the file system takes no such name")
        for status in ("done", "kept"):
            table = reduce(raw, output, n_workers=n_workers)
            assert set(by_file(table).values()) == {status}
            assert rf"{kind}_\xe9.fits" in by_file(table)

    def test_a_bad_calibration_frame_costs_only_itself(self, raw, output):
        write_frame(raw / "bias_9.fits", "zero", np.full(SHAPE, np.nan, "f4"), EXPTIME=0.0, BUNIT="adu")
        whole = (raw / "flat_0.fits").read_bytes()
        (raw / "flat_9.fits").write_bytes(whole[:-3000])
        for _ in range(2):
            status = by_file(reduce(raw, output))
            assert {name for name in status if status[name] == "failed"} == {"bias_9.fits", "flat_9.fits"}
        assert fits.getval(output / "calibration" / "bias_gain2.fits", "NCOMBINE") == 3

    def test_links_that_lead_nowhere_have_a_row(self, raw, output):
        (raw / "broken.fits").symlink_to("nowhere.fits")
        (raw / "loop.fits").symlink_to("loop.fits")
        (raw / "there.fits").symlink_to("light_1.fits")
        reasons = by_file(reduce(raw, output, "subtract_bias"), "reason")
        assert "a link that leads nowhere; expected a FITS file" in reasons["broken.fits"]
        assert "loop.fits', which can't be read" in reasons["loop.fits"]
        assert reasons["there.fits"] == ""

    def test_lights_say_which_step_failed(self, raw, output):
        write_frame(raw / "small.fits", data=np.full((20, 20), 500, "uint16"))
        reason = by_file(reduce(raw, output), "reason")["small.fits"]
        assert reason.startswith("subtract_bias: ")
        assert "(50, 60)" in reason


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
        assert "under [headers] in the configuration" in reason
        assert "Give gain = …" in reason
        assert reason in (output / "night.log").read_text()

    def test_the_unit_too_is_to_be_given_in_the_configuration(self, raw, output):
        for path in raw.glob("light*"):
            fits.setval(path, "BUNIT", value="furlong")
        reason = by_file(reduce(raw, output), "reason")["light_1.fits"]
        assert "Give unit = … under [headers]" in reason

    @pytest.mark.parametrize(
        ("step", "parameters", "message"),
        [
            ("subtract_dark", {"scale": "false"}, "Found scale='false'; expected True or False"),
            ("subtract_overscan", {"median": "no"}, "Found median='no'; expected True or False"),
            ("subtract_overscan", {"overscan_axis": 7}, "Found overscan_axis=7; expected 0 or 1"),
            ("create_deviation", {"disregard_nan": 1}, "Found disregard_nan=1; expected True or False"),
            ("create_deviation", {"readnoise": -1}, "Found readnoise=-1; expected 0 or more"),
            ("clean_cosmic_rays", {"force": "no"}, "Found force='no'; expected True or False"),
            ("clean_cosmic_rays", {"repair": "glue"}, "Found repair='glue'; expected one of: 'meanmask'"),
            ("clean_cosmic_rays", {"saturation": 0}, "Found saturation=0; expected a positive number"),
            ("correct_gain", {"gain": -1}, "Found gain=-1; expected a positive number"),
            ("correct_gain", {"gain": float("inf")}, "Found gain=inf; expected a positive number"),
            ("correct_flat", {"norm_value": 0}, "Found norm_value=0; expected a number above 0"),
            ("measure_events", {"n_pixels": "x"}, "Found n_pixels='x'; expected a whole number"),
            ("trim", {"fits_section": "[1:10"}, r"Found fits_section='\[1:10'; expected two ranges such as"),
            ("trim", {"fits_section": "[1:10]"}, r"Found fits_section='\[1:10\]'; expected two ranges such as"),
            ("trim", {"fits_section": 5}, "Found fits_section=5; expected text such as"),
        ],
    )
    def test_parameters_that_make_no_sense_are_refused_at_once(self, raw, output, step, parameters, message):
        with pytest.raises(CosmicRayError, match=message):
            reduce(raw, output, {"name": step, **parameters})
        assert not output.exists()

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
        assert reason == "nothing: Found that the step gave NoneType; expected a CCDData."

    def test_the_function_steps_keeps_its_name(self):
        import ccdproc_crplugin.default_plugins.calibration_steps  # noqa: F401

        assert list(crp.steps())[:7] == [
            "subtract_overscan",
            "trim",
            "subtract_bias",
            "subtract_dark",
            "correct_flat",
            "correct_gain",
            "create_deviation",
        ]


def add_pedestal(ccd, *, pedestal=10.0):
    return ccd.add(pedestal * ccd.unit, handle_meta="first_found")


class TestConfiguration:
    def written(self, tmp_path, text):
        (tmp_path / "raw").mkdir(exist_ok=True)
        path = tmp_path / "night.toml"
        path.write_text(text)
        return path

    GOOD = '[night]\ninput = "raw"\noutput = "out"\n\n[[step]]\nname = "clean_cosmic_rays"\n'

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ("[nigth]\n", r"line 7: Found the table 'nigth'; expected one of: night, headers, select, combine, step"),
            ("repair = 'mean'\n", r"line 7: Found repair='mean'; expected one of: 'meanmask', .* 'none'"),
            ("preflight = 'of'\n", r"line 7: Found preflight='of'; expected one of: 'warn', 'raise', 'off'"),
            ("sigclop = 5\n", r"line 7: Found the parameter 'sigclop'.*Did you mean sigclip"),
            (
                '[[step]]\nname = "subtract_byas"\n',
                r"line 8: Found step='subtract_byas'; expected one of: subtract_overs",
            ),
            ('[[step]]\nname = "trim"\nsection = "a"\n', r"line 9: Found the parameter 'section'.*fits_section"),
            ("[[step]]\nscale = true\n", r"line 7: Found the step .* without a name"),
            (
                "[combine]\nmethud = 3\n",
                r"line 8: Found the key 'methud' in \[combine\]; expected one of: method, sigma",
            ),
            ("[combine]\nmethod = 'mean'\n", r"line 8: Found method='mean'; expected one of: average, median"),
            ("[combine]\nsigma_low = -1\n", r"line 8: Found sigma_low=-1; expected a number that is not negative"),
            ("[headers]\ngain = 0\n", r"line 8: Found gain = 0; expected a number above 0"),
            ("[headers]\nreadnoise = -3\n", r"line 8: Found readnoise = -3; expected a number that is not negative"),
            ("[headers]\nunit = 'furlong'\n", r"line 8: Found unit='furlong', which is no unit"),
            ("[headers]\nfilter = 'V\u00e9'\n", r"line 8: Found filter = .* a FITS header can hold"),
            ("[headers]\ngain = inf\n", r"line 8: Found gain = inf; expected a finite number"),
            ("[headers]\ntemperature = nan\n", r"line 8: Found temperature = nan; expected a finite number"),
            ("[combine]\nunit = 'adu'\n", r"line 8: Found the key 'unit' in \[combine\]"),
            ("[headers]\ngian = 3\n", r"line 8: Found the key 'gian' in \[headers\]; expected one of: gain, readnoise"),
            ('[headers]\ngain = "x"\n', r"line 8: Found gain = 'x'; expected a number"),
            ("[select]\nlights = []\n", r"line 8: Found the kind of frame 'lights' in \[select\]"),
            ("[select]\nlight = []\n", r"line 8: Found light = \[\]; expected a list"),
        ],
    )
    def test_what_is_unknown_is_refused_with_its_line(self, tmp_path, more, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.reduce_night(self.written(tmp_path, self.GOOD + more))
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[night\n", "can't be read as TOML"),
            ('[night]\ninput = "raw"\n[[step]]\nname = "trim"\n', "Found output=None; expected the name of a folder"),
            ('[night]\ninput = "raw"\noutput = "out"\n', "Found no step"),
            (
                '[night]\ninput = "raw"\noutput = "out"\n[step]\nname = "trim"\n',
                r"line 4: Found \[step\]; expected \[\[step\]\], with two brackets",
            ),
            (
                '[night]\ninput = "raw"\noutput = "a\\u0000b"\n',
                "line 3: Found output=.*; expected the name of a folder",
            ),
            (f"a = {3000 * '['}{3000 * ']'}\n", "can't be read as TOML"),
            ('night = 3\n[[step]]\nname = "trim"\n', "line 1: Found night = 3; expected a table"),
            (
                '[night]\ninput = "raw"\noutput = "o"\nending = ".txt"\n[[step]]\nname = "trim"\n',
                "line 4: Found ending",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, tmp_path, text, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.reduce_night(self.written(tmp_path, text))

    def test_no_repair_can_be_said(self, tmp_path):
        path = self.written(tmp_path, self.GOOD + 'repair = "none"\n')
        write_frame(tmp_path / "raw" / "a.fits")
        crp.reduce_night(path, n_workers=1)
        masked = crp.read_ccd(tmp_path / "out" / "a.fits")
        assert masked.meta["CRREPAIR"] == "none"
        assert masked.mask.any()
        np.testing.assert_array_equal(masked.data, fits.getdata(tmp_path / "raw" / "a.fits"))

    def test_a_file_with_a_byte_order_mark_will_do(self, tmp_path):
        path = self.written(tmp_path, self.GOOD)
        path.write_text(self.GOOD, encoding="utf-8-sig")
        write_frame(tmp_path / "raw" / "a.fits")
        assert len(crp.reduce_night(path, n_workers=1)) == 1

    def test_an_output_that_leads_in_a_circle_is_refused(self, tmp_path):
        (tmp_path / "out").symlink_to("out")
        write_frame(tmp_path / "raw" / "a.fits")
        with pytest.raises(CosmicRayError, match="can't be written"):
            crp.reduce_night(self.written(tmp_path, self.GOOD), n_workers=1)

    def test_what_shows_progress_can_be_called(self, raw, output):
        with pytest.raises(CosmicRayError, match="Found progress=5; expected a function"):
            crp.reduce_night(config(raw, output), progress=5)
        assert not output.exists()

    def test_paths_are_relative_to_the_file(self, tmp_path, monkeypatch):
        path = self.written(tmp_path, self.GOOD)
        write_frame(tmp_path / "raw" / "a.fits")
        monkeypatch.chdir("/")
        crp.reduce_night(path, n_workers=1)
        assert (tmp_path / "out" / "a.fits").exists()

    @pytest.mark.parametrize("output", ["raw", "raw/out", "."])
    def test_input_and_output_stay_apart(self, tmp_path, output):
        path = self.written(tmp_path, self.GOOD.replace('"out"', json.dumps(output)))
        with pytest.raises(CosmicRayError, match=r"expected (folders apart|an output folder of its own)"):
            crp.reduce_night(path)

    def test_a_folder_without_frames_is_refused(self, tmp_path):
        path = self.written(tmp_path, self.GOOD)
        write_frame(tmp_path / "raw" / "deep" / "light.fits")
        (tmp_path / "raw" / "notes.txt").write_text("clouds")
        for act in (crp.reduce_night, plan_night):
            with pytest.raises(CosmicRayError, match=r"no FITS file in .*raw.*end in \.fits, \.fit, \.fts.*subfolders"):
                act(path)
        assert not (tmp_path / "out").exists()

    def test_a_filter_cannot_lead_out_of_the_output(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_calibration(raw, FILTER="../../../x\\y")
        write_frame(raw / "light.fits", data=level(520, 1, 10), FILTER="../../../x\\y")
        reduce(raw, output)
        names = [path.name for path in (output / "calibration").iterdir()]
        assert len(names) == 3
        assert not [path for path in tmp_path.iterdir() if path.name not in ("raw", "reduced")]


class TestCommand:
    @pytest.fixture
    def night(self, raw, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in STEPS)
        )
        return tmp_path

    def test_it_reduces_and_counts(self, night, capsys):
        assert main(["reduce", "night.toml", "--workers", "1"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        first, *written = out.splitlines()
        assert re.fullmatch(r"11 done; 2 events; \d+\.\d s", first)
        assert written == ["wrote reduced/night.ecsv", "wrote reduced/report.html"]
        assert "light_1.fits" in (night / "reduced" / "report.html").read_text()
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet"]) == 0
        out, err = capsys.readouterr()
        assert re.fullmatch(r"11 kept; 2 events; \d+\.\d s\nwrote reduced/night.ecsv\n", out)
        assert err == ""

    def test_the_log_begins_with_what_is_run_and_ends_with_what_came_of_it(self, night):
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]) == 0
        told = [line.partition(" INFO ")[2] for line in (night / "reduced" / "night.log").read_text().splitlines()]
        assert told[0] == f"ccdproc_crplugin {version('ccdproc_crplugin')}: night.toml, 11 files"
        assert told[1] == f"steps: {'; '.join(STEPS)}"
        assert told[-1].startswith("11 done; 2 events; ")

    def test_a_bad_frame_is_named_and_the_exit_code_tells(self, night, capsys):
        (night / "raw" / "bad.fits").write_text("no FITS")
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]) == 1
        out, err = capsys.readouterr()
        assert err.startswith("bad.fits: failed: Found ")
        assert out.startswith("11 done, 1 failed; 2 events; ")

    def test_failed_checks_and_frames_kept_for_their_edits_are_told(self, night, capsys):
        hit_twice(night / "raw" / "light_1.fits")
        words = ["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]
        (night / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n[headers]\ngain = 0.1\n'
            '[[step]]\nname = "subtract_bias"\n[[step]]\nname = "clean_cosmic_rays"\n'
        )
        assert main(words) == 0
        assert capsys.readouterr().err.splitlines()[0] == (
            "preflight: noise failed on 2 frames (light_1.fits, …), see findings in night.ecsv"
        )
        assert main(["restore", "--in-place", "reduced/light_1.fits", "--labels", "1"]) == 0
        (night / "night.toml").write_text((night / "night.toml").read_text() + "sigclip = 6\n")
        capsys.readouterr()
        assert main(words) == 0
        assert capsys.readouterr().err.startswith("light_1.fits: kept: edited by hand, so it stays as it is")

    def test_a_dry_run_tells_the_plan_and_writes_nothing(self, night, capsys):
        write_frame(night / "raw" / "red.fits", data=level(520, 9, 10), FILTER="R")
        assert main(["reduce", "night.toml", "--dry-run"]) == 1
        out = capsys.readouterr().out
        assert "3 bias\n  3 dark\n  3 flat\n  3 light" in out
        assert "calibration/dark_60s_gain2.fits: 3 frames, after subtract_bias [calibration/bias_gain2.fits]" in out
        assert "light_1.fits -> light_1.fits: subtract_bias [calibration/bias_gain2.fits], subtract_dark" in out
        assert "Failed:\n  red.fits: correct_flat: Found no combined flat that fits" in out
        assert "Left alone" not in out
        assert "Doubtful" not in out
        assert not (night / "reduced").exists()

    def test_what_is_missing_is_said(self, night, capsys):
        for number in range(3):
            os.unlink(night / "raw" / f"bias_{number}.fits")
        main(["reduce", "night.toml", "--dry-run"])
        out = capsys.readouterr().out
        assert "dark_60s_gain2: no combined bias fits; it goes without subtract_bias" in out
        assert "subtract_bias: Found no combined bias that fits" in out

    def test_an_order_of_steps_that_cannot_be_meant_is_doubted(self, night, capsys):
        steps = ("correct_flat", "clean_cosmic_rays", "subtract_bias", "subtract_dark", "subtract_bias")
        (night / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in steps)
        )
        main(["reduce", "night.toml", "--dry-run"])
        doubts = [
            "clean_cosmic_rays stands before subtract_bias, subtract_dark; expected it after",
            "correct_flat stands before subtract_bias, subtract_dark; expected it after",
            "subtract_bias stands 2 times; expected it once",
        ]
        assert "Doubtful:\n  " + "\n  ".join(doubts) + "\n" in capsys.readouterr().out
        main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"])
        log = (night / "reduced" / "night.log").read_text()
        assert all(f"WARNING {doubt}\n" in log for doubt in doubts)

    def test_gain_and_read_noise_that_nobody_gives_are_missing(self, night, capsys):
        for path in (night / "raw").iterdir():
            fits.setval(path, "GAIN", value=139)
            fits.delval(path, "RDNOISE")
        lacking = {
            name: f"  {name}: in no header of a light frame; give {name} = … under [headers]\n" for name in FIGURES
        }
        main(["reduce", "night.toml", "--dry-run"])
        assert "Missing:\n" + "".join(lacking.values()) in capsys.readouterr().out
        text = (night / "night.toml").read_text()
        (night / "night.toml").write_text(text + "gain = 2.0\n[headers]\nreadnoise = 5\n")
        main(["reduce", "night.toml", "--dry-run"])
        assert "Missing" not in capsys.readouterr().out

    def test_a_scheduler_that_is_not_there_is_wrong_usage(self, night, capsys):
        pytest.importorskip("distributed")
        assert main(["reduce", "night.toml", "--dask", "nonsense://x"]) == 2
        assert "expected its address" in capsys.readouterr().err

    def test_wrong_words_are_wrong_usage(self, night):
        assert main(["reduce", "nowhere.toml"]) == 2
        assert main(["reduce", "night.toml", "--workers", "0"]) == 2
        assert main(["reduce", "night.toml", "--workers", "2", "--dask", "tcp://x:1"]) == 2

    @pytest.mark.parametrize("words", [["--workers", "1"], ["--dry-run"]])
    @pytest.mark.parametrize(
        ("mistake", "told"),
        [
            (("[night]", "[nigth]"), "line 1: Found the table 'nigth'"),
            (("[night]", "[night"), "can't be read as TOML"),
            (("correct_flat", "correct_flats"), "expected one of: subtract_overscan"),
            (('"raw"', '"rwa"'), "Found no folder 'rwa'"),
            (('"reduced"', '"raw/reduced"'), "inside the input"),
        ],
    )
    def test_mistakes_in_the_configuration_are_wrong_usage(self, night, capsys, words, mistake, told):
        (night / "night.toml").write_text((night / "night.toml").read_text().replace(*mistake))
        assert main(["reduce", "night.toml", *words]) == 2
        assert told in capsys.readouterr().err

    def test_plans_are_texts(self, night):
        assert str(plan_night("night.toml")).startswith("Frames:\n  3 bias\n")
