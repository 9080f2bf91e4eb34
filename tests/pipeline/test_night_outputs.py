# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a run takes for its own in the output, what it keeps, and what it leaves alone.
"""

import errno
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.pipeline import folder as folder_module
from ccdproc_crplugin.pipeline import steps

from ..helpers.nights import by_file, write_frame, write_lights, write_mosaic

SHAPE = (50, 60)


def flat_frame(value, seed=1):
    return np.random.default_rng(seed).normal(value, 3, SHAPE).round().astype("uint16")


def write_biases(folder, value=300, name="bias", **cards):
    for number in range(3):
        write_frame(folder / f"{name}_{number}.fits", "zero", flat_frame(value, number), EXPTIME=0.0, **cards)


def subtract_bias(raw, output, **more):
    night = {"night": {"input": str(raw), "output": str(output)}, "step": [{"name": "subtract_bias"}], **more}
    return crp.reduce_night(night, n_workers=1)


def level_of(path):
    return float(np.median(fits.getdata(path)))


@pytest.fixture
def raw(tmp_path):
    write_biases(tmp_path / "raw")
    write_frame(tmp_path / "raw" / "light.fits", data=flat_frame(1000))
    return tmp_path / "raw"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "reduced"


class TestCombinedFrames:
    def test_that_of_an_earlier_run_is_not_taken_for_one_that_failed(self, raw, output):
        subtract_bias(raw, output)
        shutil.rmtree(raw)
        write_biases(raw, 500)
        write_frame(raw / "light.fits", data=flat_frame(1000))
        table = subtract_bias(raw, output, combine={"memory_limit": 1000})
        assert set(by_file(table).values()) == {"failed"}
        assert "bias_gain2.fits could not be made: Found memory_limit" in by_file(table, "reason")["light.fits"]
        subtract_bias(raw, output)
        assert level_of(output / "light.fits") == pytest.approx(500, abs=2)

    def test_one_that_took_the_name_of_another_is_not_taken_for_it(self, raw, output):
        for path in raw.glob("bias*"):
            path.unlink()
        write_biases(raw, 300, "a", **{"CCD-TEMP": -10.3})
        write_biases(raw, 500, "b", **{"CCD-TEMP": -9.8})
        fits.setval(raw / "light.fits", "CCD-TEMP", value=-9.8)
        apart = {"combine": {"temperature_tolerance": 0.2}}
        subtract_bias(raw, output, **apart)
        for path in raw.glob("a_*"):
            path.unlink()
        write_frame(raw / "late.fits", data=flat_frame(1000), **{"CCD-TEMP": -9.8})
        subtract_bias(raw, output, **apart)
        assert level_of(output / "late.fits") == pytest.approx(500, abs=2)

    def test_a_file_of_the_user_in_its_place_is_left_alone(self, raw, output):
        mine = output / "calibration" / "bias_gain2.fits"
        mine.parent.mkdir(parents=True)
        fits.writeto(mine, np.full(SHAPE, 7, "i2"))
        table = subtract_bias(raw, output)
        assert set(by_file(table).values()) == {"failed"}
        assert "which no run wrote" in by_file(table, "reason")["bias_0.fits"]
        assert level_of(mine) == 7

    @pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
    def test_each_frame_left_out_is_named_among_those_of_its_group(self, tmp_path, output, executor):
        for number, filter_ in enumerate("BVR"):
            night = tmp_path / "raw" / f"night_{number}"
            for frame in range(4):
                write_frame(night / f"flat  {frame}.fits", "flat", flat_frame(9000, frame), FILTER=filter_)
            bad = night / f"flat  {number}.fits"
            bad.write_bytes(bad.read_bytes()[:-2880])
        config = {
            "night": {"input": str(tmp_path / "raw"), "output": str(output), "subfolders": True},
            "step": [{"name": "correct_flat"}],
        }
        if executor is None:
            table = crp.reduce_night(config, n_workers=1)
        else:
            with executor(3) as pool:
                table = crp.reduce_night(config, executor=pool)
        failed = {file for file, status in by_file(table).items() if status == "failed"}
        assert failed == {f"night_{number}/flat  {number}.fits" for number in range(3)}


class TestResults:
    def test_one_of_another_frame_in_its_place_is_made_anew(self, raw, output):
        write_frame(raw / "other.fits", data=flat_frame(2000))
        subtract_bias(raw, output)
        shutil.copy(output / "other.fits", output / "light.fits")
        assert by_file(subtract_bias(raw, output))["light.fits"] == "done"
        assert level_of(output / "light.fits") == pytest.approx(700, abs=2)

    def test_a_file_of_somebody_else_in_its_place_is_left_alone(self, raw, output):
        subtract_bias(raw, output)
        fits.writeto(output / "light.fits", np.full(SHAPE, 7, "i2"), overwrite=True)
        table = subtract_bias(raw, output)
        assert "which no run wrote" in by_file(table, "reason")["light.fits"]
        assert level_of(output / "light.fits") == 7

    def test_edits_of_one_frame_are_not_taken_for_another(self, tmp_path, output, capsys):
        crp.clean_collection(write_lights(tmp_path / "raw", 1), output, n_workers=1)
        assert main(["restore", "--in-place", str(output / "light_1.fits"), "--labels", "1"]) == 0
        edited = (output / "light_1.fits").read_bytes()
        again = write_frame(tmp_path / "another night" / "light_1.fits", seed=9)
        table = crp.clean_collection([again], output, n_workers=1)
        assert by_file(table)["light_1.fits"] == "failed"
        assert "edited by hand and made from another frame" in by_file(table, "reason")["light_1.fits"]
        assert (output / "light_1.fits").read_bytes() == edited

    def test_the_tables_of_a_mosaic_are_one_so_that_no_other_is_overwritten(self, tmp_path, output):
        write_mosaic(tmp_path / "raw" / "a.fits", 2)
        write_frame(tmp_path / "raw" / "a_1.fits")
        steps = [{"name": "clean_cosmic_rays"}, {"name": "measure_events"}]
        night = {"night": {"input": str(tmp_path / "raw"), "output": str(output)}, "step": steps}
        table = crp.reduce_night(night, n_workers=1)
        assert set(by_file(table).values()) == {"done"}
        events = by_file(table, "n_events")
        mosaic, single = (QTable.read(output / f"{name}_events.ecsv") for name in ("a", "a_1"))
        assert (len(mosaic), len(single)) == (events["a.fits"], events["a_1.fits"])
        assert set(mosaic["hdu"]) == {1, 2}


class TestFolders:
    def test_paths_mean_the_same_to_a_worker_in_another_folder(self, tmp_path, monkeypatch):
        for night in "AB":
            write_lights(tmp_path / night / "raw", 1)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            for night in "AB":
                monkeypatch.chdir(tmp_path / night)
                table = crp.clean_collection(["raw/light_1.fits"], "out", executor=pool)
                assert by_file(table)["light_1.fits"] == "done"
                assert (tmp_path / night / "out" / "light_1.fits").is_file()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
    def test_a_process_forked_in_the_meantime_does_not_hold_the_lock(self, tmp_path):
        with folder_module.locked(tmp_path):
            ours, theirs = os.pipe()
            child = os.fork()
            if child == 0:
                os.read(ours, 1)
                os._exit(0)
        with folder_module.locked(tmp_path):
            still_alive = os.waitpid(child, os.WNOHANG) == (0, 0)
        assert still_alive
        os.write(theirs, b"x")
        os.waitpid(child, 0)

    def test_the_output_of_a_run_inside_the_output_is_not_swept(self, tmp_path):
        inner = tmp_path / "inner"
        with folder_module.locked(inner):
            unfinished = inner / f".{'0' * 16}.part"
            unfinished.touch()
            with folder_module.locked(tmp_path):
                assert unfinished.exists()

    @pytest.mark.skipif(sys.platform == "win32", reason="files have no limit here")
    def test_a_disk_that_takes_no_more_ends_the_run_at_the_first_frame(self, tmp_path, output):
        import resource

        paths = write_lights(tmp_path / "raw", 3)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        try:
            with pytest.raises(CosmicRayError, match=r"light_1\.fits' can't be written.*run again once that is mended"):
                crp.clean_collection(paths, output, n_workers=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not list(output.glob("*.fits"))
        assert set(by_file(crp.clean_collection(paths, output, n_workers=1)).values()) == {"done"}

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")
    def test_a_full_disk_is_known_where_numpy_does_not_say_why(self):
        with pytest.raises(steps.OutputError), steps.writing(), open("/dev/full", "wb", buffering=0) as stream:
            np.zeros(10_000).tofile(stream)

    def test_a_full_disk_is_known_behind_the_words_of_astropy(self):
        def write():
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError:
                raise OSError("Not enough space on disk: requested 393216, available 0.") from None

        with pytest.raises(steps.OutputError, match="Not enough space"), steps.writing():
            write()


class TestExecutors:
    def test_one_that_is_shut_down_midway_ends_the_run(self, tmp_path, output):
        paths = write_lights(tmp_path / "raw", 8)
        executor = ThreadPoolExecutor(1)

        def shut_down_after_the_first(rows, total):
            for row in rows:
                executor.shutdown(wait=False, cancel_futures=True)
                yield row

        with pytest.raises(CosmicRayError, match="the executor dropped a task"):
            crp.clean_collection(paths, output, executor=executor, progress=shut_down_after_the_first)
        table = crp.clean_collection(paths, output, n_workers=1)
        assert "kept" in by_file(table).values()

    @pytest.mark.parametrize("trouble", [OSError, KeyError, TimeoutError])
    def test_one_that_takes_no_tasks_is_refused(self, tmp_path, output, trouble):
        class Sulky(ThreadPoolExecutor):
            def submit(self, *args):
                raise trouble("not today")

        with Sulky(1) as executor, pytest.raises(CosmicRayError, match=r"takes no tasks .*not today"):
            crp.clean_collection(write_lights(tmp_path / "raw", 1), output, executor=executor)

    def test_one_that_gives_no_futures_is_refused(self, tmp_path, output):
        class Odd(ThreadPoolExecutor):
            def submit(self, *args):
                return 5

        with Odd(1) as executor, pytest.raises(CosmicRayError, match="submit gives int"):
            crp.clean_collection(write_lights(tmp_path / "raw", 1), output, executor=executor)
