# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The hot pixels of a night without a dark: listed, or put back.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.frames.removed import removed_pixels
from ccdproc_crplugin.pipeline import hot_pixels as module
from ccdproc_crplugin.pipeline.hot_pixels import HOT_TABLE, read_hot_pixels

from ..helpers.nights import (
    HOT,
    by_file,
    config,
    contents,
    subtract_bias,
    write_biases,
    write_frame,
    write_hot_light,
    write_hot_night,
)

LIGHT = "light_1.fits"


def reduce(raw, output, hot_pixels="flag", **keywords):
    night = config(raw, output, {"name": "clean_cosmic_rays", "preflight": "off"})
    night["night"]["hot_pixels"] = hot_pixels
    return crp.reduce_night(night, **{"n_workers": 1, **keywords})


def all_files(output):
    """The results and the table of hot pixels, which follow from the frames and the settings alone."""
    return {**contents(output), HOT_TABLE: (output / HOT_TABLE).read_bytes()}


def table_in(output):
    return Table.read(output / HOT_TABLE, format="ascii.ecsv")


def places(table):
    return list(zip(table["y"].tolist(), table["x"].tolist(), strict=True))


def removed_places(path):
    record = removed_pixels(crp.read_ccd(path))
    return set(zip(record.y.tolist(), record.x.tolist(), strict=True))


@pytest.fixture
def raw(tmp_path):
    return write_hot_night(tmp_path / "raw")


class TestFlag:
    def test_the_table_has_a_row_for_each_hot_pixel(self, raw, output):
        reduce(raw, output)
        table = table_in(output)
        assert places(table) == HOT
        assert table["n_frames"].tolist() == [4, 4, 4]
        np.testing.assert_allclose(table["rate"], 2 * 1500 / 60, rtol=0.05)  # electron/s, of 1500 adu in 60 s
        assert str(table["rate"].unit) == "electron / s"

    def test_its_meta_data_hold_rule_and_chips(self, raw, output):
        reduce(raw, output)
        meta = table_in(output).meta
        assert "3 frames or more" in meta["rule"]
        expected = {"camera": "", "hdu": 0, "binning": "", "shape": [50, 60], "n_frames": 4, "least": 3, "n_hot": 3}
        assert meta["chips"] == [expected]

    def test_the_night_counts_the_events_on_them(self, raw, output):
        table = reduce(raw, output)
        assert table["n_events"].tolist() == [4] * 4
        assert table["n_hot"].tolist() == [3] * 4

    def test_the_log_says_it(self, raw, output):
        reduce(raw, output)
        log = (output / "night.log").read_text()
        assert "hot pixels of 60 x 50 pixels: 3, flagged in 3 of 4 frames or more" in log
        assert "4 done; 16 events; 12 events on hot pixels" in log

    def test_the_frames_are_those_of_a_night_that_does_not_look(self, raw, tmp_path):
        reduce(raw, tmp_path / "flag")
        reduce(raw, tmp_path / "off", "off")
        for name in contents(tmp_path / "off"):
            one, other = (fits.open(tmp_path / folder / name) for folder in ("flag", "off"))
            with one, other:
                assert fits.FITSDiff(one, other, ignore_keywords=["CRSETTNG"]).identical

    def test_off_writes_no_table_and_removes_an_earlier_one(self, raw, output):
        reduce(raw, output)
        table = reduce(raw, output, "off")
        assert not (output / HOT_TABLE).exists()
        assert table["n_hot"].mask.all()

    def test_a_cleaned_collection_has_it_too(self, raw, output):
        table = crp.clean_collection(sorted(raw.iterdir()), output, n_workers=1, preflight="off")
        assert places(table_in(output)) == HOT
        assert table["n_hot"].tolist() == [3] * 4

    @pytest.mark.parametrize("n_lights", [1, 2])
    def test_fewer_than_three_frames_cannot_tell(self, tmp_path, output, n_lights):
        table = reduce(write_hot_night(tmp_path / "raw", n_lights), output)
        assert table["n_hot"].mask.all()
        assert len(table_in(output)) == 0
        assert f"can't be told from {n_lights} frames (it takes 3 or more)" in (output / "night.log").read_text()

    def test_cosmic_rays_alone_make_no_hot_pixel(self, tmp_path, output):
        for number in (1, 2, 3, 4):
            write_hot_light(tmp_path / "raw" / f"light_{number}.fits", number, hot=[(30, 4 * number)])
        table = reduce(tmp_path / "raw", output)
        assert table["n_hot"].tolist() == [0] * 4
        assert len(table_in(output)) == 0

    def test_a_night_without_a_cleaning_has_no_table(self, raw, output):
        write_biases(raw)
        subtract_bias(raw, output)
        assert not (output / HOT_TABLE).exists()

    def test_an_unknown_word_is_refused_with_its_line(self, raw, tmp_path):
        path = tmp_path / "night.toml"
        path.write_text(
            '[night]\ninput = "raw"\noutput = "out"\nhot_pixels = "on"\n[[step]]\nname = "clean_cosmic_rays"\n'
        )
        with pytest.raises(CosmicRayError, match=r"line 4: .*hot_pixels.*flag"):
            crp.reduce_night(path)


class TestChips:
    def test_cameras_are_kept_apart(self, tmp_path, output):
        write_hot_night(tmp_path / "raw", 3, INSTRUME="one")
        for number in (4, 5, 6):
            write_hot_light(tmp_path / "raw" / f"light_{number}.fits", number, hot=[(20, 20)], INSTRUME="two")
        table = reduce(tmp_path / "raw", output)
        assert [chip["camera"] for chip in table_in(output).meta["chips"]] == ["one", "two"]
        assert table_in(output)["camera"].tolist() == ["one"] * 3 + ["two"]
        assert table["n_hot"].tolist() == [3, 3, 3, 1, 1, 1]

    def test_binnings_are_kept_apart(self, tmp_path, output):
        write_hot_night(tmp_path / "raw", 2)
        write_hot_light(tmp_path / "raw" / "light_3.fits", 3, XBINNING=2, YBINNING=2)
        assert reduce(tmp_path / "raw", output)["n_hot"].mask.all()

    def test_the_chips_of_a_file_are_kept_apart(self, tmp_path, output):
        for number in (1, 2, 3):
            frames = []
            for chip in (1, 2):
                path = write_hot_light(tmp_path / "chip.fits", 2 * number + chip, hot=HOT[chip:])
                frames.append(fits.ImageHDU(fits.getdata(path), name=f"CHIP{chip}"))
                path.unlink()
            header = fits.Header({"IMAGETYP": "object", "GAIN": 2.0, "RDNOISE": 5.0, "EXPTIME": 60.0})
            (tmp_path / "raw").mkdir(exist_ok=True)
            fits.HDUList([fits.PrimaryHDU(header=header), *frames]).writeto(tmp_path / "raw" / f"light_{number}.fits")
        table = reduce(tmp_path / "raw", output, "restore")
        assert list(zip(table_in(output)["hdu"].tolist(), places(table_in(output)), strict=True)) == [
            (1, HOT[1]),
            (1, HOT[2]),
            (2, HOT[2]),
        ]
        assert (table["n_hot"].tolist(), table["n_events"].tolist()) == ([3] * 3, [2] * 3)
        before = all_files(output)
        assert set(by_file(reduce(tmp_path / "raw", output, "restore")).values()) == {"kept"}
        (output / HOT_TABLE).unlink()
        reduce(tmp_path / "raw", output, "restore")
        assert all_files(output) == before

    def test_packed_files_are_as_good(self, raw, output):
        night = config(raw, output, {"name": "clean_cosmic_rays", "preflight": "off"})
        night["night"].update(hot_pixels="restore", ending=".fits.fz")
        table = crp.reduce_night(night, n_workers=1)
        assert table["n_hot"].tolist() == [3] * 4
        before = all_files(output)
        (output / HOT_TABLE).unlink()
        crp.reduce_night(night, n_workers=1)
        assert all_files(output) == before


class TestRestore:
    def test_hot_pixels_are_as_they_were_and_cosmic_rays_are_gone(self, raw, output):
        reduce(raw, output, "restore")
        before, after = crp.read_ccd(raw / LIGHT), crp.read_ccd(output / LIGHT)
        where = tuple(np.transpose(HOT))
        np.testing.assert_array_equal(after.data[where], before.data[where])
        assert not after.mask[where].any()
        assert not after.flags[where].any()
        assert removed_places(output / LIGHT) == {(15, 5), (15, 6), (15, 7)}

    def test_header_and_table_say_how_many(self, raw, output):
        table = reduce(raw, output, "restore")
        header = fits.getheader(output / LIGHT)
        assert (header["CRNHOT"], header["CRNEVENT"], header["CRNPIX"]) == (3, 1, 3)
        assert "CREDITED" not in header
        assert (table["n_hot"].tolist(), table["n_events"].tolist()) == ([3] * 4, [1] * 4)
        assert table["n_bytes"].tolist() == [(output / name).stat().st_size for name in table["output"]]

    def test_the_file_remembers_which(self, raw, output):
        reduce(raw, output, "restore")
        assert removed_pixels(crp.read_ccd(output / LIGHT)).put_back.tolist() == [list(place) for place in HOT]

    def test_all_of_it_can_still_be_restored(self, raw, output):
        reduce(raw, output, "restore")
        restored = crp.read_ccd(output / LIGHT).restore_cosmic_rays()
        np.testing.assert_array_equal(restored.data, crp.read_ccd(raw / LIGHT).data)
        assert "CRNHOT" not in restored.meta

    def test_a_frame_without_them_is_not_written_again(self, raw, output):
        write_hot_light(raw / "light_5.fits", 5, hot=[(45, 9)])
        reduce(raw, output, "restore")
        assert "CRNHOT" not in fits.getheader(output / "light_5.fits")


class TestAgain:
    @pytest.mark.parametrize("mode", ["flag", "restore"])
    def test_finished_work_is_skipped(self, raw, output, mode, monkeypatch):
        first = reduce(raw, output, mode)
        before = all_files(output)
        monkeypatch.setattr(module, "read_votes", None)
        again = reduce(raw, output, mode)
        assert set(by_file(again).values()) == {"kept"}
        assert again["n_hot"].tolist() == first["n_hot"].tolist()
        assert all_files(output) == before

    @pytest.mark.parametrize("mode", ["flag", "restore"])
    def test_two_runs_write_the_same_bytes(self, raw, tmp_path, mode):
        for name in ("one", "two"):
            reduce(raw, tmp_path / name, mode)
        assert all_files(tmp_path / "one") == all_files(tmp_path / "two")

    def test_workers_write_the_same_bytes(self, raw, tmp_path):
        reduce(raw, tmp_path / "one", "restore")
        with ThreadPoolExecutor(2) as executor:
            reduce(raw, tmp_path / "two", "restore", n_workers=None, executor=executor)
        assert all_files(tmp_path / "one") == all_files(tmp_path / "two")

    @pytest.mark.parametrize("lost", [[HOT_TABLE], ["night.ecsv"], [HOT_TABLE, "night.ecsv"], [LIGHT, HOT_TABLE]])
    @pytest.mark.parametrize("mode", ["flag", "restore"])
    def test_what_is_lost_comes_back(self, raw, output, mode, lost):
        reduce(raw, output, mode)
        before = all_files(output)
        for name in lost:
            (output / name).unlink()
        table = reduce(raw, output, mode)
        assert table["n_hot"].tolist() == [3] * 4
        assert all_files(output) == before

    @pytest.mark.parametrize("n_done", [0, 1, 3, 4])
    def test_a_run_that_was_killed_while_it_put_back_goes_on(self, raw, tmp_path, monkeypatch, n_done):
        reduce(raw, tmp_path / "whole", "restore")
        put_back_in, done = module.put_back_in, []

        def killing(work):
            if len(done) == n_done:
                raise KeyboardInterrupt
            done.append(work)
            return put_back_in(work)

        with monkeypatch.context() as patch:
            patch.setattr(module, "put_back_in", killing)
            if n_done == 4:
                patch.setattr(module, "table_of_hot_pixels", lambda *_: killing(None))
            with pytest.raises(KeyboardInterrupt):
                reduce(raw, tmp_path / "killed", "restore")
        assert (tmp_path / "killed" / "night.jsonl").exists()
        table = reduce(raw, tmp_path / "killed", "restore")
        assert (table["n_hot"].tolist(), table["n_events"].tolist()) == ([3] * 4, [1] * 4)
        assert all_files(tmp_path / "killed") == all_files(tmp_path / "whole")

    @pytest.mark.parametrize("mode", ["flag", "restore"])
    def test_frames_that_come_later_change_the_others_as_well(self, raw, tmp_path, mode):
        (tmp_path / "later").mkdir()
        for number in (5, 6, 7):
            write_hot_light(raw / f"light_{number}.fits", number, hot=[*HOT[1:], (20, 5)])
        for number in (2, 3, 4, 5, 6, 7):
            os.rename(raw / f"light_{number}.fits", tmp_path / "later" / f"light_{number}.fits")
        for number in (2, 3, 4, 5, 6, 7):
            shutil.copy(tmp_path / "later" / f"light_{number}.fits", raw)
            table = reduce(raw, tmp_path / "grown", mode)
        whole = reduce(raw, tmp_path / "whole", mode)
        assert table["n_hot", "n_events", "n_pixels"].pformat() == whole["n_hot", "n_events", "n_pixels"].pformat()
        assert all_files(tmp_path / "grown") == all_files(tmp_path / "whole")

    def test_frames_that_are_gone_take_their_vote_along(self, raw, tmp_path):
        reduce(raw, tmp_path / "shrunk", "restore")
        (raw / "light_3.fits").unlink()
        (raw / "light_4.fits").unlink()
        table = reduce(raw, tmp_path / "shrunk", "restore")
        reduce(raw, tmp_path / "whole", "restore")
        assert table["n_events"].tolist() == [4, 4]
        for name in contents(tmp_path / "whole"):
            assert (tmp_path / "shrunk" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

    def test_another_setting_makes_the_frames_anew(self, raw, tmp_path):
        for mode in ("restore", "flag"):
            reduce(raw, tmp_path / "changed", mode)
        reduce(raw, tmp_path / "flag", "flag")
        assert all_files(tmp_path / "changed") == all_files(tmp_path / "flag")

    def test_a_damaged_table_is_written_anew(self, raw, output):
        reduce(raw, output)
        before = all_files(output)
        (output / HOT_TABLE).write_text("# %ECSV 1.0\nnothing")
        assert read_hot_pixels(output) == {}
        reduce(raw, output)
        assert all_files(output) == before


class TestEdited:
    """A result that somebody changed by hand stays as it is."""

    def edit(self, path, change):
        crp.write_ccd(change(crp.read_ccd(path)), path, overwrite=True)
        return path.read_bytes()

    @pytest.mark.parametrize("mode", ["flag", "restore"])
    def test_it_is_never_written_again(self, raw, output, mode):
        reduce(raw, output, "flag")
        edited = self.edit(output / LIGHT, lambda ccd: crp.restore_cosmic_rays(ccd, labels=[1]))
        table = reduce(raw, output, mode)
        assert (output / LIGHT).read_bytes() == edited
        assert by_file(table)[LIGHT] == "kept"
        assert by_file(table, "n_hot")[LIGHT] == 2

    def test_its_votes_count_but_not_those_of_pixels_added_by_hand(self, raw, output):
        for path in raw.iterdir():
            path.unlink()
        for number, hot in enumerate([HOT[:1], HOT[:2], HOT], start=1):
            write_hot_light(raw / f"light_{number}.fits", number, hot=hot)
        reduce(raw, output)
        assert places(table_in(output)) == [HOT[0]]
        mask = np.zeros((50, 60), dtype=bool)
        mask[HOT[1]] = True
        self.edit(output / LIGHT, lambda ccd: crp.add_cosmic_rays(ccd, mask))
        reduce(raw, output)
        assert places(table_in(output)) == [HOT[0]]

    def test_a_restored_hot_pixel_is_remembered_through_an_edit(self, raw, output):
        reduce(raw, output, "restore")
        mask = np.zeros((50, 60), dtype=bool)
        mask[45, 5] = True
        edited = self.edit(output / LIGHT, lambda ccd: crp.add_cosmic_rays(ccd, mask))
        table = reduce(raw, output, "restore")
        assert (output / LIGHT).read_bytes() == edited
        assert table_in(output)["n_frames"].tolist() == [4, 4, 4]
        assert by_file(table, "n_hot")[LIGHT] == 3


class TestFailures:
    def test_a_frame_that_fails_has_no_vote(self, raw, output):
        write_frame(raw / "light_5.fits", data=np.full((50, 60), 500, np.uint16), RDNOISE="none")
        table = reduce(raw, output)
        assert by_file(table)["light_5.fits"] == "failed"
        assert places(table_in(output)) == HOT

    def test_a_frame_that_is_flagged_all_over_has_no_vote(self, raw, output, monkeypatch):
        monkeypatch.setattr("ccdproc_crplugin.frames.hits.LARGEST_SHARE", 7 / 3000)
        hot = [*HOT, (2, 2), (2, 30), (33, 33)]
        write_hot_light(raw / "light_5.fits", 5, hot=hot)
        table = reduce(raw, output)
        assert table["n_hot"].mask.tolist() == [False, False, False, False, True]
        assert table_in(output).meta["chips"][0]["n_frames"] == 4
