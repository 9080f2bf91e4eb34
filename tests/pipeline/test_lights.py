# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Light frames and their results: mosaics, bad frames, and results that somebody edited, damaged or replaced.
"""

import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.io.ccd import frame_indices

from ..helpers.nights import (
    SHAPE,
    STEPS,
    by_file,
    clean,
    config,
    contents,
    hit_twice,
    level,
    level_of,
    reduce,
    subtract_bias,
    write_frame,
    write_lights,
    write_mosaic,
)


class TestMosaics:
    @pytest.fixture
    def mosaic(self, lights):
        for path in lights.iterdir():
            path.unlink()
        return write_mosaic(lights / "mosaic.fits", 3)

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

    def test_each_costs_itself_alone_and_says_why(self, lights, output):
        bad = self.write_bad_frames(lights)
        table = clean(lights, output)
        status = by_file(table)
        assert [name for name in status if status[name] == "failed"] == sorted(f"{name}.fits" for name in bad)
        assert sorted(contents(output)) == [f"light_{number}.fits" for number in (1, 2, 3, 4)]
        reasons = by_file(table, "reason")
        assert all(reasons[f"{name}.fits"].startswith("Found") or "Found" in reasons[f"{name}.fits"] for name in bad)
        assert "no finite pixel" in reasons["nan.fits"]
        assert "cut.fits: failed" in (output / "night.log").read_text()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
    def test_a_pipe_or_a_device_is_refused_and_not_waited_for(self, lights, output):
        os.mkfifo(lights / "pipe.fits")
        (lights / "device.fits").symlink_to("/dev/zero")
        table = crp.clean_collection(
            [lights / name for name in ("light_1.fits", "pipe.fits", "device.fits")], output, n_workers=1
        )
        assert by_file(table) == {"light_1.fits": "done", "pipe.fits": "failed", "device.fits": "failed"}
        assert "which is no regular file" in by_file(table, "reason")["pipe.fits"]

    def test_a_frame_that_was_mended_is_done_on_the_next_run(self, lights, output):
        (lights / "light_5.fits").write_text("no FITS")
        assert by_file(clean(lights, output))["light_5.fits"] == "failed"
        (lights / "light_5.fits").unlink()
        write_frame(lights / "light_5.fits", seed=5)
        status = by_file(clean(lights, output))
        assert status.pop("light_5.fits") == "done"
        assert set(status.values()) == {"kept"}

    def test_two_inputs_of_one_stem_are_both_refused(self, lights, output):
        write_frame(lights / "light_1.FIT")
        table = clean(lights, output)
        assert {name for name, status in by_file(table).items() if status == "failed"} == {
            "light_1.FIT",
            "light_1.fits",
        }
        assert "expected names that differ" in by_file(table, "reason")["light_1.FIT"]
        assert not (output / "light_1.fits").exists()

    def test_paths_may_lead_up_and_down_again(self, lights, output, tmp_path, monkeypatch):
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        write_frame(tmp_path / "work" / "c.fits")
        table = crp.clean_collection(["../raw/light_1.fits", "not_there/../c.fits"], output, n_workers=1)
        assert by_file(table) == {"raw/light_1.fits": "done", "work/c.fits": "done"}

    def test_a_frame_that_is_named_twice_is_done_once(self, lights, output, monkeypatch):
        monkeypatch.chdir(lights)
        table = crp.clean_collection(
            ["light_1.fits", "../raw/light_1.fits", lights / "light_1.fits"], output, n_workers=1
        )
        assert by_file(table) == {"light_1.fits": "done"}

    def test_what_is_no_path_is_refused(self, output):
        with pytest.raises(CosmicRayError, match="Found 5; expected the name of a file"):
            crp.clean_collection([5], output)

    def test_a_foreign_file_in_the_output_is_not_replaced(self, lights, output):
        output.mkdir()
        (output / "light_1.fits").write_text("precious")
        assert by_file(clean(lights, output))["light_1.fits"] == "failed"
        assert (output / "light_1.fits").read_text() == "precious"

    @pytest.mark.parametrize("name", ["a b [1].fits", "..;rm -rf *.fits", "$(x).fits", "ü\n.fits"])
    def test_strange_names_stay_inside_the_output(self, tmp_path, output, name):
        write_frame(tmp_path / "raw" / name, OBJECT="../../x")
        assert by_file(clean(tmp_path / "raw", output)) == {name: "done"}
        assert contents(output).keys() == {name}

    def test_a_link_in_the_output_does_not_lead_out_of_it(self, lights, output, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        write_frame(lights / "sub" / "light_9.fits")
        output.mkdir()
        (output / "sub").symlink_to(tmp_path / "elsewhere")
        assert "leads out of the output" in by_file(clean(lights, output), "reason")["sub/light_9.fits"]
        assert not list((tmp_path / "elsewhere").iterdir())


class TestFailedSteps:
    def test_lights_say_which_step_failed(self, raw, output):
        write_frame(raw / "small.fits", data=np.full((20, 20), 500, "uint16"))
        reason = by_file(reduce(raw, output), "reason")["small.fits"]
        assert reason.startswith("subtract_bias: ")
        assert "(50, 60)" in reason


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


class TestForeignFiles:
    def test_one_of_another_frame_in_its_place_is_made_anew(self, biased, output):
        write_frame(biased / "other.fits", data=level(2000))
        subtract_bias(biased, output)
        shutil.copy(output / "other.fits", output / "light.fits")
        assert by_file(subtract_bias(biased, output))["light.fits"] == "done"
        assert level_of(output / "light.fits") == pytest.approx(700, abs=2)

    def test_a_file_of_somebody_else_in_its_place_is_left_alone(self, biased, output):
        subtract_bias(biased, output)
        fits.writeto(output / "light.fits", np.full(SHAPE, 7, "i2"), overwrite=True)
        table = subtract_bias(biased, output)
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
