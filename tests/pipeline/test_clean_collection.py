# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The runner, with the one step of a collection.
"""

import gzip
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from ccdproc import ImageFileCollection

import ccdproc_crplugin as crp
from ccdproc_crplugin import Check, CosmicRayError, Detection, Detector, Step, hookimpl
from ccdproc_crplugin.io.ccd import frame_indices
from ccdproc_crplugin.pipeline.executors import Crew
from ccdproc_crplugin.pipeline.folder import locked
from ccdproc_crplugin.pipeline.log import caught_warnings

from ..helpers.hit_frames import same_bits
from ..helpers.nights import by_file, contents, n_results, write_frame, write_lights, write_mosaic


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    write_lights(folder)
    return folder


@pytest.fixture
def output(tmp_path):
    return tmp_path / "cleaned"


def clean(folder, output, **keywords):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return crp.clean_collection(paths, output, **{"n_workers": 1, **keywords})


class TestResult:
    def test_it_is_what_the_method_gives(self, raw, output):
        clean(raw, output, sigclip=6)
        expected = crp.read_ccd(raw / "light_2.fits").clean_cosmic_rays(sigclip=6)
        written = crp.read_ccd(output / "light_2.fits")
        assert same_bits(written.data.astype("f4"), expected.data)
        np.testing.assert_array_equal(written.flags, expected.flags)
        assert written.restore_cosmic_rays().data.dtype == np.uint16

    def test_the_table_has_a_row_a_frame(self, raw, output):
        write_frame(raw / "bias.fits", "zero")
        table = clean(raw, output, sigclip=6)
        assert by_file(table) == {"bias.fits": "skipped", **{f"light_{n}.fits": "done" for n in (1, 2, 3, 4)}}
        row = table[1]
        header = fits.getheader(output / row["output"])
        assert (row["kind"], row["detector"]) == ("light", "lacosmic")
        assert (row["n_pixels"], row["n_events"]) == (header["CRNPIX"], header["CRNEVENT"])
        assert row["n_events"] == 3
        assert row["parameters"] == '{"detector": "lacosmic", "sigclip": 6}'
        assert (row["input_hash"], row["settings_hash"]) == (header["CRINPUT"], header["CRSETTNG"])

    def test_the_table_is_written_too(self, raw, output):
        table = clean(raw, output)
        written = QTable.read(output / "night.ecsv")
        assert written.colnames == table.colnames
        assert by_file(written, "n_events") == by_file(table, "n_events")
        assert "light_1.fits: done" in (output / "night.log").read_text()

    def test_a_collection_of_ccdproc_will_do(self, raw, output):
        write_frame(raw / "late.FIT")
        table = crp.clean_collection(ImageFileCollection(raw), output, n_workers=1)
        assert by_file(table)["late.FIT"] == "done"
        assert (output / "late.fits").exists()

    def test_a_progress_bar_sees_each_frame(self, raw, output):
        seen = []

        def progress(rows, total):
            for row in rows:
                seen.append((row["file"], total))
                yield row

        clean(raw, output, progress=progress)
        assert seen == [(f"light_{number}.fits", 4) for number in (1, 2, 3, 4)]

    @pytest.mark.parametrize("name", ["a.fit", "a.FIT", "a.fts", "a.FITS", "a.fits.gz", "a.FIT.GZ", "a.fits.fz"])
    def test_frames_go_by_many_names(self, tmp_path, output, name):
        path = write_frame(tmp_path / "raw" / "a.fits")
        data = path.read_bytes()
        if name.lower().endswith(".gz"):
            data = gzip.compress(data)
        elif name.endswith(".fz"):
            with fits.open(path) as hdus:
                packed = fits.CompImageHDU(hdus[0].data, hdus[0].header)
                fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path, overwrite=True)
            data = path.read_bytes()
        path.unlink()
        (path.parent / name).write_bytes(data)
        assert by_file(clean(path.parent, output)) == {name: "done"}
        assert crp.read_ccd(output / "a.fits").meta["CRNEVENT"] == 3

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_results_may_be_packed(self, raw, output, ending):
        clean(raw, output, ending=ending)
        assert crp.read_ccd(output / f"light_1{ending}").meta["CRNEVENT"] == 3

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_packed_results_hold_no_date(self, raw, tmp_path, ending):
        for name in ("one", "two"):
            clean(raw, tmp_path / name, ending=ending)
            time.sleep(1.1)
        assert contents(tmp_path / "one") == contents(tmp_path / "two")


class TestLog:
    def test_other_logs_have_only_its_warnings(self, raw, output, caplog):
        (raw / "light_5.fits").write_text("no FITS")
        with caplog.at_level(logging.DEBUG):
            clean(raw, output)
        assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["light_5.fits"]
        assert {record.levelname for record in caplog.records} == {"WARNING"}
        assert "light_1.fits: done" in (output / "night.log").read_text()

    def test_two_runs_at_once_have_each_its_own(self, raw, tmp_path):
        write_frame(tmp_path / "other" / "alone.fits")
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(clean, (raw, tmp_path / "other"), (tmp_path / "one", tmp_path / "two")))
        one, two = ((tmp_path / name / "night.log").read_text() for name in ("one", "two"))
        assert "alone.fits" not in one
        assert "light_" not in two


class TestMosaics:
    @pytest.fixture
    def mosaic(self, raw):
        for path in raw.iterdir():
            path.unlink()
        return write_mosaic(raw / "mosaic.fits", 3)

    def test_each_chip_is_cleaned_where_it_stands(self, mosaic, output):
        assert clean(mosaic.parent, output)["n_events"].tolist() == [9]
        with fits.open(mosaic) as before, fits.open(output / "mosaic.fits") as after:
            assert [hdu.name for hdu in after][: len(before)] == [hdu.name for hdu in before]
            np.testing.assert_array_equal(after["SETUP"].data["a"], before["SETUP"].data["a"])
            assert after[0].header["TELESCOP"] == "test"
            assert "TELESCOP" not in after[1].header
            for chip in (1, 2, 3):
                assert after[chip].header["CHIP"] == chip
                assert after[chip].header["CRNEVENT"] == 3

    def test_each_chip_is_read_with_its_own_mask_and_removed_values(self, mosaic, output):
        clean(mosaic.parent, output)
        for chip in (1, 2, 3):
            expected = crp.read_ccd(mosaic, hdu=chip).clean_cosmic_rays()
            written = crp.read_ccd(output / "mosaic.fits", hdu=chip)
            np.testing.assert_array_equal(written.mask, expected.mask)
            np.testing.assert_array_equal(written.flags, expected.flags)
            np.testing.assert_array_equal(written.restore_cosmic_rays().data, crp.read_ccd(mosaic, hdu=chip).data)

    @pytest.mark.parametrize("primary_too", [False, True])
    @pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
    def test_they_may_be_packed(self, mosaic, output, ending, primary_too):
        if primary_too:
            with fits.open(mosaic, mode="update") as hdus:
                hdus[0].data = np.array(hdus[1].data)
        clean(mosaic.parent, output, ending=ending)
        path = output / f"mosaic{ending}"
        places = frame_indices(path)
        assert len(places) == 3 + primary_too
        for place, source in zip(places, frame_indices(mosaic), strict=True):
            raw, written = crp.read_ccd(mosaic, hdu=source), crp.read_ccd(path, hdu=place)
            expected = raw.clean_cosmic_rays()
            np.testing.assert_array_equal(written.data, expected.data)
            np.testing.assert_array_equal(written.mask, expected.mask)
            np.testing.assert_array_equal(written.restore_cosmic_rays().data, raw.data)
            assert written.meta["CRNEVENT"] == 3
        with fits.open(path) as hdus:
            np.testing.assert_array_equal(hdus["SETUP"].data["a"], [0, 1, 2])
            assert hdus["CHIP2"].header["CHIP"] == 2

    def test_packed_ones_are_read(self, mosaic, output):
        with fits.open(mosaic) as hdus:
            packed = [fits.CompImageHDU(hdu.data, hdu.header) for hdu in hdus[1:4]]
            fits.HDUList([hdus[0], *packed, hdus[4]]).writeto(mosaic.with_name("mosaic.fits.fz"))
        mosaic.unlink()
        assert clean(mosaic.parent, output)["n_events"].tolist() == [9]
        assert frame_indices(output / "mosaic.fits") == [1, 2, 3]


class TestBadFrames:
    def write_bad_frames(self, folder):
        whole = (folder / "light_1.fits").read_bytes()
        (folder / "cut.fits").write_bytes(whole[:-4000])
        (folder / "text.fits").write_text("no FITS at all")
        (folder / "empty.fits").write_bytes(b"")
        (folder / "lying.fits").write_bytes(
            whole.replace(b"NAXIS1  =                   60", b"NAXIS1  =               600000")
        )
        write_frame(folder / "nan.fits", data=np.full((50, 60), np.nan, "f4"), BUNIT="adu")
        write_frame(folder / "cube.fits", data=np.ones((2, 50, 60), "f4"))
        fits.PrimaryHDU(header=fits.Header({"IMAGETYP": "object"})).writeto(folder / "nodata.fits")
        return ["cut", "text", "empty", "lying", "nan", "cube", "nodata"]

    def test_each_costs_itself_alone_and_says_why(self, raw, output):
        bad = self.write_bad_frames(raw)
        table = clean(raw, output)
        status = by_file(table)
        assert [name for name in status if status[name] == "failed"] == sorted(f"{name}.fits" for name in bad)
        assert sorted(contents(output)) == [f"light_{number}.fits" for number in (1, 2, 3, 4)]
        reasons = by_file(table, "reason")
        assert all(reasons[f"{name}.fits"].startswith("Found") or "Found" in reasons[f"{name}.fits"] for name in bad)
        assert "no finite pixel" in reasons["nan.fits"]
        assert "cut.fits: failed" in (output / "night.log").read_text()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
    def test_a_pipe_or_a_device_is_refused_and_not_waited_for(self, raw, output):
        os.mkfifo(raw / "pipe.fits")
        (raw / "device.fits").symlink_to("/dev/zero")
        table = crp.clean_collection(
            [raw / name for name in ("light_1.fits", "pipe.fits", "device.fits")], output, n_workers=1
        )
        assert by_file(table) == {"light_1.fits": "done", "pipe.fits": "failed", "device.fits": "failed"}
        assert "which is no regular file" in by_file(table, "reason")["pipe.fits"]

    def test_a_frame_that_was_mended_is_done_on_the_next_run(self, raw, output):
        (raw / "light_5.fits").write_text("no FITS")
        assert by_file(clean(raw, output))["light_5.fits"] == "failed"
        (raw / "light_5.fits").unlink()
        write_frame(raw / "light_5.fits", seed=5)
        status = by_file(clean(raw, output))
        assert status.pop("light_5.fits") == "done"
        assert set(status.values()) == {"kept"}

    def test_two_inputs_of_one_stem_are_both_refused(self, raw, output):
        write_frame(raw / "light_1.FIT")
        table = clean(raw, output)
        assert {name for name, status in by_file(table).items() if status == "failed"} == {
            "light_1.FIT",
            "light_1.fits",
        }
        assert "expected names that differ" in by_file(table, "reason")["light_1.FIT"]
        assert not (output / "light_1.fits").exists()

    def test_paths_may_lead_up_and_down_again(self, raw, output, tmp_path, monkeypatch):
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        write_frame(tmp_path / "work" / "c.fits")
        table = crp.clean_collection(["../raw/light_1.fits", "not_there/../c.fits"], output, n_workers=1)
        assert by_file(table) == {"raw/light_1.fits": "done", "work/c.fits": "done"}

    def test_a_frame_that_is_named_twice_is_done_once(self, raw, output, monkeypatch):
        monkeypatch.chdir(raw)
        table = crp.clean_collection(["light_1.fits", "../raw/light_1.fits", raw / "light_1.fits"], output, n_workers=1)
        assert by_file(table) == {"light_1.fits": "done"}

    def test_what_is_no_path_is_refused(self, output):
        with pytest.raises(CosmicRayError, match="Found 5; expected the name of a file"):
            crp.clean_collection([5], output)

    def test_a_foreign_file_in_the_output_is_not_replaced(self, raw, output):
        output.mkdir()
        (output / "light_1.fits").write_text("precious")
        assert by_file(clean(raw, output))["light_1.fits"] == "failed"
        assert (output / "light_1.fits").read_text() == "precious"

    @pytest.mark.parametrize("name", ["a b [1].fits", "..;rm -rf *.fits", "$(x).fits", "ü\n.fits"])
    def test_strange_names_stay_inside_the_output(self, tmp_path, output, name):
        write_frame(tmp_path / "raw" / name, OBJECT="../../x")
        assert by_file(clean(tmp_path / "raw", output)) == {name: "done"}
        assert contents(output).keys() == {name}

    def test_a_link_in_the_output_does_not_lead_out_of_it(self, raw, output, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        write_frame(raw / "sub" / "light_9.fits")
        output.mkdir()
        (output / "sub").symlink_to(tmp_path / "elsewhere")
        assert "leads out of the output" in by_file(clean(raw, output), "reason")["sub/light_9.fits"]
        assert not list((tmp_path / "elsewhere").iterdir())


class TestAgain:
    def test_nothing_is_done_twice(self, raw, output):
        clean(raw, output)
        before = {path: path.stat().st_mtime_ns for path in output.glob("*.fits")}
        assert set(by_file(clean(raw, output)).values()) == {"kept"}
        assert {path: path.stat().st_mtime_ns for path in output.glob("*.fits")} == before

    def test_other_settings_do_all_again(self, raw, output):
        clean(raw, output)
        assert set(by_file(clean(raw, output, sigclip=6)).values()) == {"done"}
        assert set(by_file(clean(raw, output, sigclip=6)).values()) == {"kept"}

    def test_another_release_of_the_detector_does_all_again(self, raw, output, monkeypatch):
        clean(raw, output)
        monkeypatch.setattr("ccdproc_crplugin.pipeline.plan.version", lambda name: "99.0")
        assert set(by_file(clean(raw, output)).values()) == {"done"}

    def test_a_changed_input_is_done_again_even_with_its_old_date(self, raw, output):
        clean(raw, output)
        path = raw / "light_2.fits"
        dates = path.stat().st_atime_ns, path.stat().st_mtime_ns
        path.unlink()
        write_frame(path, seed=9)
        os.utime(path, ns=dates)
        status = by_file(clean(raw, output))
        assert [name for name in status if status[name] == "done"] == ["light_2.fits"]

    def test_a_lost_result_is_made_again(self, raw, output):
        clean(raw, output)
        before = contents(output)
        (output / "light_3.fits").unlink()
        assert by_file(clean(raw, output))["light_3.fits"] == "done"
        assert contents(output) == before

    @pytest.mark.parametrize("damage", [b"", b"\x00\xff rubbish", b"# %ECSV 1.0\n# ---\nfile\n1\n"])
    def test_a_damaged_table_costs_no_frame(self, raw, output, damage):
        clean(raw, output)
        (output / "night.ecsv").write_bytes(damage)
        assert set(by_file(clean(raw, output)).values()) == {"kept"}

    @pytest.mark.parametrize("seed", range(3))
    def test_a_killed_run_goes_on_and_ends_like_any_other(self, tmp_path, seed):
        raw, killed, whole = tmp_path / "raw", tmp_path / "killed", tmp_path / "whole"
        write_lights(raw, 12)
        clean(raw, whole)
        run = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(raw), str(killed), str(1 + seed % 2)], stderr=subprocess.DEVNULL
        )
        n_before = np.random.default_rng(seed).integers(1, 11)
        deadline = time.monotonic() + 60
        while n_results(killed) < n_before and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        run.send_signal(signal.SIGKILL)
        run.wait()
        done = {path: path.stat().st_mtime_ns for path in killed.glob("*.fits")}
        assert 1 <= len(done) <= 12
        table = clean(raw, killed)
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


class TestFolders:
    def test_two_runs_at_once_are_refused(self, raw, output):
        with locked(output), pytest.raises(CosmicRayError, match="another run at work"):
            clean(raw, output)
        assert set(by_file(clean(raw, output)).values()) == {"done"}

    def test_an_output_that_cannot_be_made_is_refused_at_once(self, raw, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(CosmicRayError, match="can't be written"):
            clean(raw, tmp_path / "file" / "cleaned")

    def test_a_full_disk_ends_the_run_and_loses_nothing(self, raw, output, monkeypatch):
        clean(raw, output)
        before = contents(output)
        (output / "light_2.fits").unlink()

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("astropy.io.fits.HDUList.writeto", full)
            with pytest.raises(CosmicRayError, match=r"No space left on device.*What is done so far is kept"):
                clean(raw, output)
        assert by_file(clean(raw, output)) == {f"light_{n}.fits": "done" if n == 2 else "kept" for n in (1, 2, 3, 4)}
        assert contents(output) == before

    def test_frames_are_never_written_over_themselves(self, raw):
        before = contents(raw)
        assert set(by_file(clean(raw, raw)).values()) == {"failed"}
        assert contents(raw) == before


class TestParameters:
    def test_a_wrong_parameter_is_refused_before_anything_is_touched(self, raw, output):
        with pytest.raises(CosmicRayError, match=r"'sigclop'.*Did you mean sigclip"):
            clean(raw, output, sigclop=5)
        assert not output.exists()

    @pytest.mark.filterwarnings("ignore:no FITS files")
    def test_an_empty_collection_is_refused(self, tmp_path, output):
        (tmp_path / "raw").mkdir()
        for nothing in ([], ImageFileCollection(tmp_path / "raw")):
            with pytest.raises(CosmicRayError, match=r"Found no file in the collection; expected .* \.fits, \.fit"):
                crp.clean_collection(nothing, output)
        assert not output.exists()

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"ending": ".foo"}, "Found ending='.foo'; expected one of: .fits"),
            ({"unit": "foo"}, "Found unit='foo', which is no unit"),
            ({"output": None}, "Found output=None; expected the name of a folder"),
            ({"progress": 5}, "Found progress=5; expected a function"),
        ],
    )
    def test_others_are_refused_before_too(self, raw, output, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            clean(raw, **{"output": output, **keywords})
        assert not output.exists()

    def test_an_unknown_detector_is_refused(self, raw, output):
        with pytest.raises(CosmicRayError, match="expected one of: lacosmic"):
            clean(raw, output, detector="nobody")

    @pytest.mark.parametrize("n_workers", [0, -1, 1.5, "two"])
    def test_workers_are_counted_in_whole_numbers(self, raw, output, n_workers):
        with pytest.raises(CosmicRayError, match="n_workers"):
            clean(raw, output, n_workers=n_workers)


class _Nothing:
    @hookimpl
    def ccdcr_detectors(self):
        yield Detector("nothing", "finds nothing", _find_nothing)

    @hookimpl
    def ccdcr_checks(self):
        yield Check("nothing", "looks at nothing", lambda ccd, *, gain, readnoise, dark: None)

    @hookimpl
    def ccdcr_refine(self, ccd, mask):
        return None


def _find_nothing(data, *, mask, variance, readnoise, saturation):
    return Detection(np.zeros(data.shape, bool))


@pytest.fixture
def serial(tmp_path):
    """Six frames, and what one process makes of them."""
    write_lights(tmp_path / "raw", 6)
    clean(tmp_path / "raw", tmp_path / "serial")
    return tmp_path


class TestExecutors:
    @pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_any_executor_gives_the_same_bytes(self, serial, output, pool):
        import multiprocessing

        context = {"mp_context": multiprocessing.get_context("spawn")} if pool is ProcessPoolExecutor else {}
        with pool(2, **context) as executor:
            clean(serial / "raw", output, executor=executor)
        assert contents(output) == contents(serial / "serial")

    @pytest.mark.usefixtures("warning_step")
    def test_threads_do_not_mix_up_the_warnings_of_their_frames(self, raw, output):
        night = {"night": {"input": str(raw), "output": str(output)}, "step": [{"name": "warn_by_name"}]}
        with ThreadPoolExecutor(2) as executor:
            crp.reduce_night(night, executor=executor)
        log = (output / "night.log").read_text()
        told = [line.partition("WARNING ")[2] for line in log.splitlines() if "WARNING" in line]
        assert sorted(told) == [f"light_{number}.fits: this is frame {number}" for number in (1, 2, 3, 4)]

    def test_a_script_without_a_guard_is_told_to_have_one(self, raw, output, tmp_path):
        script = tmp_path / "script.py"
        paths = [str(path) for path in sorted(raw.iterdir())]
        script.write_text(
            f"import ccdproc_crplugin as crp\ncrp.clean_collection({paths}, {str(output)!r}, n_workers=2)"
        )
        run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
        assert run.returncode == 1
        assert "Found a run that starts anew in each worker process" in run.stderr
        assert run.stderr.splitlines()[-1] == (
            "ccdproc_crplugin.errors.CosmicRayError: Found that worker processes die as they start; expected them to "
            "work. In a script, guard the main part with if __name__ == '__main__': or give n_workers=1."
        )
        assert "another run at work" not in run.stderr

    def test_an_executor_that_takes_nothing_is_refused(self, raw, output):
        closed = ThreadPoolExecutor(1)
        closed.shutdown()
        for executor in (closed, 3):
            with pytest.raises(CosmicRayError, match="Found an executor that takes no tasks"):
                clean(raw, output, executor=executor)

    def test_two_workers_give_the_same_bytes(self, serial, output):
        table = clean(serial / "raw", output, n_workers=2)
        assert set(by_file(table).values()) == {"done"}
        assert contents(output) == contents(serial / "serial")

    def test_a_detector_of_this_process_alone_works_without_asking_for_one_worker(self, serial, output):
        crp.plugins.register(_Nothing(), "nothing")
        try:
            table = clean(serial / "raw", output, detector="nothing", n_workers=None)
        finally:
            crp.plugins.unregister("nothing")
        assert set(by_file(table).values()) == {"done"}

    @pytest.mark.parametrize(
        ("keywords", "named"),
        [
            ({"detector": "nothing"}, "the detector 'nothing', the check 'nothing', the hook ccdcr_refine of 'mine'"),
            ({}, "the check 'nothing', the hook ccdcr_refine of 'mine'"),
        ],
    )
    def test_what_this_process_alone_knows_is_refused_for_more_workers(self, raw, output, keywords, named):
        crp.plugins.register(_Nothing(), "mine")
        try:
            with pytest.raises(CosmicRayError, match=rf"Found {named} registered in this process alone.*n_workers=1\."):
                clean(raw, output, n_workers=2, **keywords)
            assert not output.exists()
            assert set(by_file(clean(raw, output, n_workers=1, **keywords)).values()) == {"done"}
        finally:
            crp.plugins.unregister("mine")

    @pytest.fixture
    def warning_step(self, raw):
        """A step that warns of each frame, two frames at a time."""
        for number in (1, 2, 3, 4):
            fits.setval(raw / f"light_{number}.fits", "FRAME", value=number)
        two = threading.Barrier(2, timeout=30)

        def warn_by_name(ccd):
            two.wait()
            warnings.warn(f"this is frame {ccd.meta['FRAME']}", crp.PreflightWarning, stacklevel=1)
            warnings.warn("a card is odd", fits.verify.VerifyWarning, stacklevel=1)
            two.wait()
            return ccd

        class Warns:
            @hookimpl
            def ccdcr_steps(self):
                yield Step("warn_by_name", "", warn_by_name)

        crp.plugins.register(Warns(), "warns")
        yield
        crp.plugins.unregister("warns")

    @pytest.fixture
    def tasks_of_this_file(self, monkeypatch):
        """Workers can load what is defined here; the package is still the installed one, which stands before."""
        monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[2])])

    @pytest.mark.usefixtures("tasks_of_this_file")
    def test_a_worker_that_dies_costs_a_second_try(self, tmp_path):
        with Crew(n_workers=2) as crew:
            outcomes = dict(crew.do(_die_once, [str(tmp_path / f"{number}") for number in range(6)]))
        assert sorted(outcomes.values()) == sorted(outcomes)

    @pytest.mark.usefixtures("tasks_of_this_file")
    def test_a_task_that_kills_each_worker_is_given_up_and_no_other(self):
        with Crew(n_workers=2) as crew:
            outcomes = dict(crew.do(_die_of_three, range(6)))
        assert isinstance(outcomes.pop(3), CosmicRayError)
        assert outcomes == {number: number for number in (0, 1, 2, 4, 5)}


class TestCaughtWarnings:
    def test_a_thread_that_does_not_catch_is_left_alone(self):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with caught_warnings() as mine, ThreadPoolExecutor(1) as other:
                warnings.warn("mine", crp.PreflightWarning, stacklevel=1)
                other.submit(warnings.warn, "theirs", crp.PreflightWarning).result()
        assert mine == ["mine"]
        assert [str(item.message) for item in seen] == ["theirs"]

    def test_the_filters_of_other_threads_stay_in_force(self):
        with (
            caught_warnings() as mine,
            ThreadPoolExecutor(1) as other,
            pytest.raises(crp.PreflightWarning, match="theirs"),
        ):
            other.submit(warnings.warn, "theirs", crp.PreflightWarning).result()
        assert mine == []

    def test_afterwards_all_is_as_before(self):
        before = warnings.showwarning, list(warnings.filters)
        with caught_warnings() as outer:
            with caught_warnings() as inner:
                warnings.warn("inside", crp.PreflightWarning, stacklevel=1)
            warnings.warn("outside", crp.PreflightWarning, stacklevel=1)
        assert (outer, inner) == (["outside"], ["inside"])
        assert warnings.showwarning is before[0]
        assert [item for item in warnings.filters if item[2].__name__ != "_NeverWarned"] == before[1]

    def test_what_was_shown_before_is_caught_all_the_same(self):
        def warn():
            warnings.warn("again", crp.PreflightWarning, stacklevel=1)

        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("default")
            warn()
            with caught_warnings() as mine:
                warn()
        assert len(seen) == 1
        assert mine == ["again"]


def _die_once(path):
    try:
        with open(path, "x"):
            pass
    except FileExistsError:
        return path
    if path.endswith("2"):
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def _die_of_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
