# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A run that goes on where an earlier one ended: what is kept, and what is done again.
"""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.io import fits

from ..helpers.nights import (
    SHAPE,
    STEPS,
    by_file,
    clean,
    config,
    contents,
    level,
    n_results,
    reduce,
    write_frame,
    write_lights,
    write_night,
)


class TestNightAgain:
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


class TestCollectionAgain:
    def test_nothing_is_done_twice(self, lights, output):
        clean(lights, output)
        before = {path: path.stat().st_mtime_ns for path in output.glob("*.fits")}
        assert set(by_file(clean(lights, output)).values()) == {"kept"}
        assert {path: path.stat().st_mtime_ns for path in output.glob("*.fits")} == before

    def test_other_settings_do_all_again(self, lights, output):
        clean(lights, output)
        assert set(by_file(clean(lights, output, sigclip=6)).values()) == {"done"}
        assert set(by_file(clean(lights, output, sigclip=6)).values()) == {"kept"}

    def test_another_release_of_the_detector_does_all_again(self, lights, output, monkeypatch):
        clean(lights, output)
        monkeypatch.setattr("ccdproc_crplugin.pipeline.plan.version", lambda name: "99.0")
        assert set(by_file(clean(lights, output)).values()) == {"done"}

    def test_a_changed_input_is_done_again_even_with_its_old_date(self, lights, output):
        clean(lights, output)
        path = lights / "light_2.fits"
        dates = path.stat().st_atime_ns, path.stat().st_mtime_ns
        path.unlink()
        write_frame(path, seed=9)
        os.utime(path, ns=dates)
        status = by_file(clean(lights, output))
        assert [name for name in status if status[name] == "done"] == ["light_2.fits"]

    def test_a_lost_result_is_made_again(self, lights, output):
        clean(lights, output)
        before = contents(output)
        (output / "light_3.fits").unlink()
        assert by_file(clean(lights, output))["light_3.fits"] == "done"
        assert contents(output) == before

    @pytest.mark.parametrize("seed", range(3))
    def test_a_killed_run_goes_on_and_ends_like_any_other(self, tmp_path, seed):
        lights, killed, whole = tmp_path / "raw", tmp_path / "killed", tmp_path / "whole"
        write_lights(lights, 12)
        clean(lights, whole)
        run = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(lights), str(killed), str(1 + seed % 2)], stderr=subprocess.DEVNULL
        )
        n_before = np.random.default_rng(seed).integers(1, 11)
        deadline = time.monotonic() + 60
        while n_results(killed) < n_before and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        done = {path: path.stat().st_mtime_ns for path in killed.glob("*.fits")}
        assert 1 <= len(done) <= 12
        table = clean(lights, killed)
        assert set(by_file(table).values()) <= {"done", "kept"}
        assert {path: path.stat().st_mtime_ns for path in done} == done
        assert contents(killed) == contents(whole)
        assert not list(killed.glob(".*.part"))


_KILLED = """
import sys
from pathlib import Path
import ccdproc_crplugin as crp
if __name__ == "__main__":
    crp.clean_collection(sorted(Path(sys.argv[1]).iterdir()), sys.argv[2], n_workers=int(sys.argv[3]))
"""
