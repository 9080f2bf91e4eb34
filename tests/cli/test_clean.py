# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr clean``.
"""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import clean, main

from ..helpers.raw_frames import write_raw


def test_a_folder(night, capsys):
    assert main(["clean", "raw", "--quiet"]) == 0
    assert sorted(path.name for path in (night.parent / "cleaned").iterdir()) == ["light_1.fits", "light_2.fits"]
    out, err = capsys.readouterr()
    assert "2 cleaned, 1 skipped, 0 failed" in out
    assert "bias_1.fits: skipped: a bias frame" in err


def test_what_it_writes_is_what_the_method_gives(night):
    main(["clean", "raw/light_1.fits", "-o", "out"])
    expected = crp.read_ccd(night / "light_1.fits").clean_cosmic_rays()
    written = crp.read_ccd("out/light_1.fits")
    np.testing.assert_array_equal(written.data, expected.data)
    np.testing.assert_array_equal(written.flags, expected.flags)


def test_patterns_and_files_each_once(night, capsys):
    assert main(["clean", "raw/light*", "raw/light_1.fits", "raw"]) == 0
    assert "2 cleaned, 1 skipped" in capsys.readouterr().out


def test_nothing_is_overwritten_unless_told(night, capsys):
    main(["clean", "raw/light_1.fits"])
    assert main(["clean", "raw/light_1.fits"]) == 1
    assert "Give --overwrite" in capsys.readouterr().err
    assert main(["clean", "raw/light_1.fits", "--overwrite"]) == 0


def test_the_input_is_never_the_output(night, capsys):
    before = (night / "light_1.fits").read_bytes()
    assert main(["clean", "raw/light_1.fits", "-o", "raw", "--overwrite"]) == 1
    assert "expected another" in capsys.readouterr().err
    assert (night / "light_1.fits").read_bytes() == before


def test_nor_is_another_input(night, capsys):
    write_raw(night / "light_2.fits")
    before = (night / "light_2.fits").read_bytes()
    main(["clean", "raw/light_2.FIT", "raw/light_2.fits", "-o", "raw", "--overwrite"])
    assert "Found an input at 'raw/light_2.fits'" in capsys.readouterr().err
    assert (night / "light_2.fits").read_bytes() == before


def test_two_inputs_of_one_name_do_not_overwrite_each_other(night, capsys):
    write_raw(night / "light_1.fit")
    assert main(["clean", "raw", "--overwrite"]) == 1
    assert "was written for another input already" in capsys.readouterr().err


def test_one_bad_file_costs_only_itself(night, capsys):
    (night / "light_0.fits").write_text("no FITS at all")
    write_raw(night / "light_4.fits", data=np.ones((3, 20, 20), dtype="u2"))
    assert main(["clean", "raw"]) == 1
    out, err = capsys.readouterr()
    assert "2 cleaned, 1 skipped, 2 failed" in out
    assert "light_0.fits: failed: Found 'raw/light_0.fits', which can't be read" in err
    assert "light_4.fits: failed: Found no two-dimensional image" in err


def test_a_frame_of_no_known_kind_is_skipped_with_a_hint(here, capsys):
    write_raw(here / "mine.fits", "")
    assert main(["clean", "mine.fits"]) == 1
    assert "does not say what kind of frame it is; --kind light takes it" in capsys.readouterr().err
    assert main(["clean", "mine.fits", "--any-kind"]) == 0
    assert (here / "cleaned" / "mine.fits").exists()


def test_options_reach_the_detector(night):
    main(["clean", "raw/light_1.fits", "--detector", "median", "-p", "thresh=7", "-p", "gbox=3", "--gain", "3"])
    header = fits.getheader("cleaned/light_1.fits")
    assert "thresh=7, mbox=11, gbox=3" in "".join(header["HISTORY"])
    assert (header["CRGAIN"], header["CRDETECT"]) == (3, "median")


def test_sigclip_has_an_option_of_its_own(night):
    main(["clean", "raw/light_1.fits", "--sigclip", "8", "-p", "sepmed=True"])
    assert fits.getheader("cleaned/light_1.fits")["CRSIGCLP"] == 8


@pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
def test_files_can_be_packed(night, ending):
    assert main(["clean", "raw/light_1.fits", "--ending", ending]) == 0
    assert crp.read_ccd(f"cleaned/light_1{ending}").meta["CRNEVENT"] == 3


def test_a_hostile_name_stays_inside_the_output(here):
    write_raw(here / "..;rm -rf *.fits")
    assert main(["clean", "..;rm -rf *.fits"]) == 0
    assert [path.name for path in (here / "cleaned").iterdir()] == ["..;rm -rf *.fits"]


@pytest.mark.parametrize("name", ["frame_hdu=1.fits", "restore_cosmic_rays.fits", "force=True.fits"])
def test_a_name_like_an_option_is_printed_as_it_is(here, capsys, name):
    (here / name).write_text("no frame")
    assert main(["clean", name]) == 1
    assert f"{name}: failed: Found '{name}'" in capsys.readouterr().err


def test_a_parameter_is_named_as_an_option(night, capsys):
    main(["clean", "raw/light_1.fits"])
    assert main(["clean", "cleaned/light_1.fits", "-o", "again"]) == 1
    assert "Give --force to clean it again, or ccdcr restore first." in capsys.readouterr().err


def test_a_file_is_opened_once(night):
    code = (
        "import sys; opened = []; from ccdproc_crplugin.cli import main;"
        "sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == 'open' else None);"
        "main(['clean', 'raw/light_1.fits', '--quiet']);"
        "print([str(path) for path in opened].count('raw/light_1.fits'))"
    )
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "1"


def test_control_characters_do_not_reach_the_terminal(here, capsys):
    (here / "a\x1b[31m.fits").write_text("no")
    main(["clean", "a\x1b[31m.fits"])
    assert "\x1b[31m" not in capsys.readouterr().err.replace("\x1b[2K", "")


def test_clean_says_why_it_cannot_judge_the_number_of_events(frames, tmp_path, capsys):
    main(["clean", str(frames / "frame_001.fits"), "-o", str(tmp_path), "--quiet"])
    assert "cannot tell: no pixel size" in capsys.readouterr().out


def test_clean_takes_auto(frames, tmp_path):
    assert main(["clean", str(frames / "frame_001.fits"), "-o", str(tmp_path), "--sigclip", "auto", "--quiet"]) == 0
    header = fits.getheader(tmp_path / "frame_001.fits")
    assert 3 <= header["CRSIGCLP"] <= 20


def test_sigclip_is_a_number_or_auto(frames, capsys):
    assert main(["clean", str(frames / "frame_001.fits"), "--sigclip", "best"]) == 2
    assert "--sigclip" in capsys.readouterr().err


def test_a_parameter_of_the_detector_is_named_as_such(night, capsys):
    assert main(["clean", "raw/light_1.fits", "-p", "niter=0"]) == 2
    assert "-p niter=0" in capsys.readouterr().err


def test_a_calibration_frame_that_has_no_unit_is_skipped_all_the_same(here, capsys):
    write_raw(here / "bias.fits", "zero", data=np.ones((30, 30), dtype="f4"))
    assert main(["clean", "bias.fits"]) == 1
    assert "bias.fits: skipped: a bias frame" in capsys.readouterr().err


def test_the_repairs_offered_are_those_there_are():
    from ccdproc_crplugin.cleaning.repairs import REPAIRS

    assert (*REPAIRS, "none") == clean.REPAIRS


class TestAmplifiers:
    SECTIONS = "[1:30, *]=2; [31:60, *]=3"

    def test_gain_and_read_noise_may_be_sections_or_a_file(self, night):
        fits.writeto("noise.fits", np.repeat([[5.0, 8.0]], 30, axis=1) * np.ones((50, 1)))
        assert main(["clean", "raw/light_1.fits", "--gain", self.SECTIONS, "--readnoise", "noise.fits"]) == 0
        header = fits.getheader("cleaned/light_1.fits")
        assert (header["CRGAIN"], header["CRRDNOIS"]) == (2.5, 6.5)

    @pytest.mark.parametrize("value", ["nonsense", "[1:30]=2", "[1:30,*]=2; [20:60,*]=3", "raw"])
    def test_anything_else_is_wrong_usage(self, night, value, capsys):
        assert main(["clean", "raw/light_1.fits", "--gain", value]) == 2
        assert "argument --gain: " in capsys.readouterr().err

    def test_a_file_without_an_image_is_wrong_usage(self, night, capsys):
        fits.PrimaryHDU().writeto("empty.fits")
        assert main(["clean", "raw/light_1.fits", "--gain", "empty.fits"]) == 2
        assert "Found no two-dimensional image" in capsys.readouterr().err

    def test_sections_that_do_not_fit_cost_the_frame(self, night, capsys):
        assert main(["clean", "raw/light_1.fits", "--gain", "[1:30,*]=2; [31:40,*]=3"]) == 1
        assert "Found --gain {...} without a value for 1000 of 3000 pixels" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["check", "tune", "segments"])
    def test_the_other_commands_take_them_too(self, night, command):
        assert main([command, "raw/light_1.fits", "--gain", self.SECTIONS, "--readnoise", "[*,*]=5"]) in (0, 1)


class TestMaskFiles:
    def test_one_frame_has_its_mask_in_a_file(self, night):
        assert main(["clean", "raw/light_1.fits", "--write-mask", "mask.fits"]) == 0
        np.testing.assert_array_equal(fits.getdata("mask.fits") == 1, crp.read_ccd("cleaned/light_1.fits").mask)

    def test_several_have_theirs_in_a_folder(self, night):
        assert main(["clean", "raw", "--write-mask", "masks", "--ending", ".fits.gz"]) == 0
        written = sorted(path.name for path in (night.parent / "masks").iterdir())
        assert written == ["light_1_mask.fits.gz", "light_2_mask.fits.gz"]

    def test_one_file_for_several_is_wrong_usage(self, night, capsys):
        assert main(["clean", "raw", "--write-mask", "mask.fits"]) == 2
        assert "for the masks of 3 frames; expected a folder. Give a name without .fits" in capsys.readouterr().err
        assert not (night.parent / "cleaned").exists()

    def test_it_replaces_no_file_unless_told(self, night, capsys):
        (night.parent / "mask.fits").write_text("mine")
        assert main(["clean", "raw/light_1.fits", "--write-mask", "mask.fits"]) == 1
        assert "there already" in capsys.readouterr().err
        assert (night.parent / "mask.fits").read_text() == "mine"

    def test_without_its_folder_nothing_is_done(self, night, capsys):
        assert main(["clean", "raw/light_1.fits", "--output", "new", "--write-mask", "missing/mask.fits"]) == 2
        assert "Found no folder 'missing'" in capsys.readouterr().err
        assert not (night.parent / "new" / "light_1.fits").exists()

    def test_it_compares_as_the_frame_that_it_was_written_with(self, night, capsys):
        assert main(["clean", "raw/light_1.fits", "--write-mask", "mask.fits"]) == 0
        capsys.readouterr()
        assert main(["compare", "mask.fits", "cleaned/light_1.fits"]) == 0
        n_pixels = crp.read_ccd("cleaned/light_1.fits").meta["CRNPIX"]
        assert capsys.readouterr().out.splitlines()[1].split() == ["pixels", str(n_pixels), "0", "0"]

    @pytest.mark.parametrize("target", ["raw/light_1.fits", "cleaned/light_1.fits"])
    def test_it_replaces_neither_input_nor_result(self, night, target):
        before = (night / "light_1.fits").read_bytes()
        assert main(["clean", "raw/light_1.fits", "--write-mask", target, "--overwrite"]) == 1
        assert (night / "light_1.fits").read_bytes() == before


class TestProtect:
    def test_a_section_and_a_file_are_spared(self, night):
        mask = np.zeros((50, 60), dtype="u1")
        mask[28:33, 38:43] = 1
        fits.writeto("core.fits", mask)
        assert main(["clean", "raw/light_1.fits", "--protect", "[10:15, 8:13]", "--protect", "core.fits"]) == 0
        assert fits.getheader("cleaned/light_1.fits")["CRNEVENT"] == 1

    def test_a_file_that_does_not_exist_is_wrong_usage(self, night, capsys):
        assert main(["clean", "raw/light_1.fits", "--protect", "none.reg"]) == 2
        assert "argument --protect" in capsys.readouterr().err

    def test_growth_by_a_number_of_pixels(self, night):
        main(["clean", "raw/light_1.fits", "-p", "grow=1"])
        assert fits.getheader("cleaned/light_1.fits")["CRNPIX"] > 40


def test_too_little_memory_is_one_line(night, capsys, monkeypatch):
    def out_of_memory(*_, **__):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr("ccdproc_crplugin.events.segments.cr_segments", out_of_memory)
    assert main(["segments", "raw/light_1.fits"]) == 1
    assert "ccdcr: Found too little memory (Unable to allocate 9 TiB)" in capsys.readouterr().err
