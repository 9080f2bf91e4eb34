# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The command line.
"""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import hit_frame, same_bits

HEADER = {"GAIN": 2.0, "RDNOISE": 5.0}


def write_raw(path, kind="Light Frame", data=None, **cards):
    data = hit_frame("uint16").data if data is None else data
    fits.writeto(path, data, fits.Header({"IMAGETYP": kind, **HEADER, **cards}))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def night(here):
    folder = here / "raw"
    folder.mkdir()
    write_raw(folder / "light_1.fits")
    write_raw(folder / "light_2.FIT")
    write_raw(folder / "bias_1.fits", "zero")
    return folder


class TestCombine:
    @pytest.fixture
    def night(self, night):
        for k in range(2, 6):
            write_raw(night / f"bias_{k}.fits", "zero")
        return night

    def test_the_calibration_frames_of_a_folder(self, night, capsys):
        assert main(["combine", "raw", "--quiet"]) == 0
        assert [path.name for path in (night.parent / "calibration").iterdir()] == ["bias_gain2.fits"]
        assert fits.getheader("calibration/bias_gain2.fits")["NCOMBINE"] == 5
        out, err = capsys.readouterr()
        assert out.split("\n")[2].split() == ["bias_gain2.fits", "5", "0"]
        assert err == ""

    def test_a_frame_that_is_left_out_is_named(self, night, capsys):
        write_raw(night / "bias_9.fits", "zero", data=np.ones((3, 3), dtype="u2"))
        (night / "broken.fits").write_text("nothing")
        assert main(["combine", "raw", "--quiet"]) == 1
        err = capsys.readouterr().err
        assert "bias_9.fits is left out: found 3 x 3 pixels" in err
        assert "broken.fits is left out" in err

    def test_nothing_is_overwritten_unless_told(self, night, capsys):
        main(["combine", "raw"])
        assert main(["combine", "raw"]) == 1
        assert "Give --overwrite" in capsys.readouterr().err
        assert main(["combine", "raw", "--overwrite", "--method", "median"]) == 0
        assert fits.getheader("calibration/bias_gain2.fits")["CRCOMBIN"] == "median"

    def test_light_frames_alone_are_nothing_to_combine(self, night, capsys):
        assert main(["combine", "raw/light_1.fits"]) == 1
        assert "Found no bias frame, dark or flat" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "words", [["nowhere"], ["raw", "--method", "mean"], ["raw", "--sigma-low", "-1"], ["raw", "--memory", "nan"]]
    )
    def test_wrong_usage(self, night, words):
        assert main(["combine", *words]) == 2


class TestClean:
    def test_a_folder(self, night, capsys):
        assert main(["clean", "raw", "--quiet"]) == 0
        assert sorted(path.name for path in (night.parent / "cleaned").iterdir()) == ["light_1.fits", "light_2.fits"]
        out, err = capsys.readouterr()
        assert "2 cleaned, 1 skipped, 0 failed" in out
        assert "bias_1.fits: skipped: a bias frame" in err

    def test_what_it_writes_is_what_the_method_gives(self, night):
        main(["clean", "raw/light_1.fits", "-o", "out"])
        expected = crp.read_ccd(night / "light_1.fits").clean_cosmic_rays()
        written = crp.read_ccd("out/light_1.fits")
        np.testing.assert_array_equal(written.data, expected.data)
        np.testing.assert_array_equal(written.flags, expected.flags)

    def test_patterns_and_files_each_once(self, night, capsys):
        assert main(["clean", "raw/light*", "raw/light_1.fits", "raw"]) == 0
        assert "2 cleaned, 1 skipped" in capsys.readouterr().out

    def test_nothing_is_overwritten_unless_told(self, night, capsys):
        main(["clean", "raw/light_1.fits"])
        assert main(["clean", "raw/light_1.fits"]) == 1
        assert "Give --overwrite" in capsys.readouterr().err
        assert main(["clean", "raw/light_1.fits", "--overwrite"]) == 0

    def test_the_input_is_never_the_output(self, night, capsys):
        before = (night / "light_1.fits").read_bytes()
        assert main(["clean", "raw/light_1.fits", "-o", "raw", "--overwrite"]) == 1
        assert "expected another" in capsys.readouterr().err
        assert (night / "light_1.fits").read_bytes() == before

    def test_nor_is_another_input(self, night, capsys):
        write_raw(night / "light_2.fits")
        before = (night / "light_2.fits").read_bytes()
        main(["clean", "raw/light_2.FIT", "raw/light_2.fits", "-o", "raw", "--overwrite"])
        assert "Found an input at 'raw/light_2.fits'" in capsys.readouterr().err
        assert (night / "light_2.fits").read_bytes() == before

    def test_two_inputs_of_one_name_do_not_overwrite_each_other(self, night, capsys):
        write_raw(night / "light_1.fit")
        assert main(["clean", "raw", "--overwrite"]) == 1
        assert "was written for another input already" in capsys.readouterr().err

    def test_one_bad_file_costs_only_itself(self, night, capsys):
        (night / "light_0.fits").write_text("no FITS at all")
        write_raw(night / "light_4.fits", data=np.ones((3, 20, 20), dtype="u2"))
        assert main(["clean", "raw"]) == 1
        out, err = capsys.readouterr()
        assert "2 cleaned, 1 skipped, 2 failed" in out
        assert "light_0.fits: failed: Found 'raw/light_0.fits', which can't be read" in err
        assert "light_4.fits: failed: Found no two-dimensional image" in err

    def test_a_frame_of_no_known_kind_is_skipped_with_a_hint(self, here, capsys):
        write_raw(here / "mine.fits", "")
        assert main(["clean", "mine.fits"]) == 0
        assert "does not say what kind of frame it is; --any-kind cleans it" in capsys.readouterr().err
        assert main(["clean", "mine.fits", "--any-kind"]) == 0
        assert (here / "cleaned" / "mine.fits").exists()

    def test_options_reach_the_detector(self, night):
        main(["clean", "raw/light_1.fits", "--detector", "median", "-p", "thresh=7", "-p", "gbox=3", "--gain", "3"])
        header = fits.getheader("cleaned/light_1.fits")
        assert "thresh=7, mbox=11, gbox=3" in "".join(header["HISTORY"])
        assert (header["CRGAIN"], header["CRDETECT"]) == (3, "median")

    def test_sigclip_has_an_option_of_its_own(self, night):
        main(["clean", "raw/light_1.fits", "--sigclip", "8", "-p", "sepmed=True"])
        assert fits.getheader("cleaned/light_1.fits")["CRSIGCLP"] == 8

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_files_can_be_packed(self, night, ending):
        assert main(["clean", "raw/light_1.fits", "--ending", ending]) == 0
        assert crp.read_ccd(f"cleaned/light_1{ending}").meta["CRNEVENT"] == 3

    def test_a_hostile_name_stays_inside_the_output(self, here):
        write_raw(here / "..;rm -rf *.fits")
        assert main(["clean", "..;rm -rf *.fits"]) == 0
        assert [path.name for path in (here / "cleaned").iterdir()] == ["..;rm -rf *.fits"]

    @pytest.mark.parametrize("name", ["frame_hdu=1.fits", "restore_cosmic_rays.fits", "force=True.fits"])
    def test_a_name_like_an_option_is_printed_as_it_is(self, here, capsys, name):
        (here / name).write_text("no frame")
        assert main(["clean", name]) == 1
        assert f"{name}: failed: Found '{name}'" in capsys.readouterr().err

    def test_a_parameter_is_named_as_an_option(self, night, capsys):
        main(["clean", "raw/light_1.fits"])
        assert main(["clean", "cleaned/light_1.fits", "-o", "again"]) == 1
        assert "Give --force to clean it again, or ccdcr restore first." in capsys.readouterr().err

    def test_a_file_is_opened_once(self, night):
        code = (
            "import sys; opened = []; from ccdproc_crplugin.cli import main;"
            "sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == 'open' else None);"
            "main(['clean', 'raw/light_1.fits', '--quiet']);"
            "print([str(path) for path in opened].count('raw/light_1.fits'))"
        )
        run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.splitlines()[-1] == "1"

    def test_control_characters_do_not_reach_the_terminal(self, here, capsys):
        (here / "a\x1b[31m.fits").write_text("no")
        main(["clean", "a\x1b[31m.fits"])
        assert "\x1b[31m" not in capsys.readouterr().err.replace("\x1b[2K", "")


class TestSegments:
    def test_it_lists_writes_and_draws(self, night, capsys):
        main(["clean", "raw/light_1.fits"])
        words = ["segments", "cleaned/light_1.fits", "-o", "events.ecsv", "--gallery", "events.png"]
        assert main(words) == 0
        assert len(QTable.read("events.ecsv")) == 3
        assert (night.parent / "events.png").read_bytes().startswith(b"\x89PNG")
        assert "CRSegments: 3 events" in capsys.readouterr().out
        assert main(words) == 2

    def test_a_raw_frame_is_searched(self, night, capsys):
        assert main(["segments", "raw/light_1.fits", "--detector", "median"]) == 0
        assert "3 events" in capsys.readouterr().out

    def test_no_event_is_no_error(self, here, capsys):
        write_raw(here / "flat.fits", data=np.full((30, 30), 100, dtype="u2"))
        assert main(["segments", "flat.fits", "--gallery", "page.png"]) == 0
        assert "no event to draw" in capsys.readouterr().out


class TestRestore:
    def test_everything_goes_back(self, night):
        main(["clean", "raw/light_1.fits"])
        assert main(["restore", "cleaned/light_1.fits", "back.fits"]) == 0
        assert same_bits(fits.getdata("back.fits").astype("u2"), fits.getdata("raw/light_1.fits").astype("u2"))

    def test_so_do_some_events(self, night, capsys):
        main(["clean", "raw/light_1.fits"])
        assert main(["restore", "cleaned/light_1.fits", "some.fits", "--labels", "1,3"]) == 0
        assert "1 events are still removed" in capsys.readouterr().out

    @pytest.mark.parametrize(("labels", "code", "message"), [("9", 1, "label 9"), ("a,b", 2, "numbers with commas")])
    def test_wrong_labels_are_refused(self, night, capsys, labels, code, message):
        main(["clean", "raw/light_1.fits"])
        assert main(["restore", "cleaned/light_1.fits", "some.fits", "--labels", labels]) == code
        assert message in capsys.readouterr().err
        assert not (night.parent / "some.fits").exists()


class TestOthers:
    def test_compare_counts(self, night, capsys):
        main(["clean", "raw/light_1.fits", "-o", "a"])
        main(["clean", "raw/light_1.fits", "-o", "b", "--detector", "median", "-p", "thresh=100"])
        capsys.readouterr()
        assert main(["compare", "a/light_1.fits", "b/light_1.fits"]) == 0
        assert " ".join(capsys.readouterr().out.split()) == "both only a only b pixels 7 1 0 events 2 1 0"

    def test_check_passes_or_fails(self, night, here, capsys):
        assert main(["check", "raw/light_1.fits"]) == 0
        fits.writeto("none.fits", np.ones((9, 9), dtype="i2"))
        assert main(["check", "none.fits"]) == 1
        assert "what to do:" in capsys.readouterr().out

    def test_plugins_are_listed(self, capsys):
        assert main(["plugins"]) == 0
        out = capsys.readouterr().out
        assert "engine" in out
        assert "median" in out

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["no-such-command"],
            ["clean"],
            ["clean", "nothing*here"],
            ["clean", ".", "--detector", "nobody"],
            ["clean", ".", "-p", "sigclp=4"],
            ["clean", ".", "-p", "sigclip"],
            ["clean", ".", "-p", "sigclip=4", "--sigclip", "5"],
            ["clean", "."],
            ["clean", ".", "--repair", "zap"],
            ["clean", ".", "--unit", "furlong"],
            ["segments", "."],
            ["segments", "gone.fits"],
            ["compare", "gone.fits", "gone.fits"],
            ["restore", "gone.fits", "out.fits"],
        ],
    )
    def test_wrong_usage_is_exit_code_2(self, here, capsys, words):
        assert main(words) == 2
        assert capsys.readouterr().err

    @pytest.mark.parametrize("command", ["clean", "segments", "check", "restore", "compare", "plugins", "demo"])
    def test_every_command_explains_itself(self, capsys, command):
        assert main([command, "--help"]) == 0
        assert "usage: ccdcr" in capsys.readouterr().out


class TestDemo:
    def test_it_cleans_the_real_frame_and_leaves_its_results(self, here, capsys):
        assert main(["demo"]) == 0
        out = capsys.readouterr().out
        cleaned = crp.read_ccd("ccdcr-demo/a8280271_cleaned.fits")
        events = QTable.read("ccdcr-demo/events.ecsv")
        assert cleaned.meta["CRNEVENT"] == len(events) > 10
        assert len(list((here / "ccdcr-demo" / "events").glob("event_*.png"))) == len(events)
        folders = [line.split()[1] for line in out.splitlines() if line.startswith(("night ", "reduced "))]
        assert [(here / folder).is_dir() for folder in folders] == [True, True]
        assert out.rstrip().endswith("ccdcr clean YOUR_FRAME.fits --output cleaned")

    def test_it_can_be_run_again(self, here):
        assert main(["demo"]) == main(["demo"]) == 0
