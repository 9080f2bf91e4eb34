# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The output folder: locked, apart from the input, and whole after a full disk.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.pipeline.folder import locked

from ..helpers.nights import (
    CONFIG,
    by_file,
    clean,
    contents,
    level,
    reduce,
    write_calibration,
    write_config,
    write_frame,
    write_lights,
)


class TestCollections:
    def test_two_runs_at_once_are_refused(self, lights, output):
        with locked(output), pytest.raises(CosmicRayError, match="another run at work"):
            clean(lights, output)
        assert set(by_file(clean(lights, output)).values()) == {"done"}

    def test_an_output_that_cannot_be_made_is_refused_at_once(self, lights, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(CosmicRayError, match="expected a folder, or a new name"):
            clean(lights, tmp_path / "file" / "cleaned")

    def test_a_full_disk_ends_the_run_and_loses_nothing(self, lights, output, monkeypatch):
        clean(lights, output)
        before = contents(output)
        (output / "light_2.fits").unlink()

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("astropy.io.fits.HDUList.writeto", full)
            with pytest.raises(CosmicRayError, match=r"No space left on device.*What is done so far is kept"):
                clean(lights, output)
        assert by_file(clean(lights, output)) == {f"light_{n}.fits": "done" if n == 2 else "kept" for n in (1, 2, 3, 4)}
        assert contents(output) == before

    def test_frames_are_never_written_over_themselves(self, lights):
        before = contents(lights)
        assert set(by_file(clean(lights, lights)).values()) == {"failed"}
        assert contents(lights) == before


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
        with locked(tmp_path):
            ours, theirs = os.pipe()
            child = os.fork()
            if child == 0:
                os.read(ours, 1)
                os._exit(0)
        with locked(tmp_path):
            still_alive = os.waitpid(child, os.WNOHANG) == (0, 0)
        assert still_alive
        os.write(theirs, b"x")
        os.waitpid(child, 0)

    def test_the_output_of_a_run_inside_the_output_is_not_swept(self, tmp_path):
        inner = tmp_path / "inner"
        with locked(inner):
            unfinished = inner / f".{'0' * 16}.part"
            unfinished.touch()
            with locked(tmp_path):
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


class TestNights:
    def test_an_output_that_leads_in_a_circle_is_refused(self, tmp_path):
        (tmp_path / "out").symlink_to("out")
        write_frame(tmp_path / "raw" / "a.fits")
        with pytest.raises(CosmicRayError, match="can't be written"):
            crp.reduce_night(write_config(tmp_path, CONFIG), n_workers=1)

    @pytest.mark.parametrize("output", ["raw", "raw/out", "."])
    def test_input_and_output_stay_apart(self, tmp_path, output):
        path = write_config(tmp_path, CONFIG.replace('"out"', json.dumps(output)))
        with pytest.raises(CosmicRayError, match=r"expected (folders apart|an output folder of its own)"):
            crp.reduce_night(path)

    def test_a_filter_cannot_lead_out_of_the_output(self, tmp_path, output):
        raw = tmp_path / "raw"
        write_calibration(raw, FILTER="../../../x\\y")
        write_frame(raw / "light.fits", data=level(520, 1, 10), FILTER="../../../x\\y")
        reduce(raw, output)
        names = [path.name for path in (output / "calibration").iterdir()]
        assert len(names) == 3
        assert not [path for path in tmp_path.iterdir() if path.name not in ("raw", "reduced")]
