# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr check``.
"""

import logging
import re

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import hit_frame


def test_check_passes_or_fails(night, here, capsys):
    assert main(["check", "raw/light_1.fits"]) == 0
    fits.writeto("none.fits", np.ones((9, 9), dtype="i2"))
    assert main(["check", "none.fits"]) == 1
    assert "what to do:" in capsys.readouterr().out


@pytest.fixture
def plain(here):
    """A frame of which the header says nothing: no unit, no gain, no read noise."""
    fits.writeto("plain.fits", hit_frame().data)


class TestMissingValues:
    def test_all_are_named_at_once_as_options(self, plain, capsys):
        assert main(["check", "plain.fits"]) == 1
        said = capsys.readouterr().err
        assert "Give --unit adu or --unit electron. Give --gain and --readnoise." in said

    def test_those_that_are_given_are_not(self, plain, capsys):
        main(["check", "plain.fits", "--unit", "adu", "--gain", "2"])
        said = capsys.readouterr().out
        assert "what to do: give --readnoise" in said
        assert "--gain" not in said

    @pytest.mark.parametrize("command", ["clean", "tune"])
    def test_the_other_commands_name_them_too(self, plain, command, capsys):
        assert main([command, "plain.fits", *(["--any-kind"] if command == "clean" else [])]) == 1
        said = capsys.readouterr().err
        assert all(option in said for option in ("--unit adu", "--gain", "--readnoise"))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_clean_refuses_does_not_pass(here, value, capsys):
    fits.writeto("bad.fits", np.full((30, 30), value), fits.Header({"BUNIT": "adu", "GAIN": 2.0, "RDNOISE": 5.0}))
    assert main(["check", "bad.fits"]) == 1
    assert "Found no good pixel in the frame: 900 of 900" in capsys.readouterr().out


def test_a_saturation_level_below_the_sky_fails(night, capsys):
    assert main(["check", "raw/light_1.fits", "--saturation", "100"]) == 1
    assert "what to do: give --saturation in the unit of the frame" in capsys.readouterr().out


def test_no_message_is_spelled_as_python(frames, capsys):
    assert main(["check", str(frames / "frame_001.fits"), "--readnoise", "60"]) == 1
    said = capsys.readouterr().out
    assert "give --readnoise " in said
    assert not re.search(r"\b(gain|readnoise|dark|ccd\.\w+)=", said)


def test_what_astropy_logs_is_not_shown(here, capsys):
    header = fits.Header({"BUNIT": "adu", "GAIN": 2.0, "RDNOISE": 5.0, "CTYPE1": "RA---XXX", "CTYPE2": "DEC--YYY"})
    header["CTYPE1A"] = "LINEAR"
    fits.writeto("odd.fits", hit_frame().data, header)
    main(["check", "odd.fits"])
    out, err = capsys.readouterr()
    assert "INFO" not in out + err
    assert "astropy" not in err


def test_the_level_of_the_log_is_put_back(night):
    level = logging.getLogger("astropy").level
    main(["check", "raw/light_1.fits"])
    assert logging.getLogger("astropy").level == level


class TestWhatIsShown:
    @pytest.fixture
    def noisy(self, tmp_path):
        """A frame without a kind, with too high a gain in its header."""
        sky = np.random.default_rng(1).poisson(3000, (200, 200)).astype("u2")
        fits.writeto(tmp_path / "noisy.fits", sky, fits.Header([("GAIN", 4.0), ("RDNOISE", 5.0)]))
        return str(tmp_path / "noisy.fits")

    def test_a_frame_that_clean_skips_is_a_warning(self, noisy, capsys):
        main(["check", noisy])
        assert re.search(r"kind +warn +ccdcr clean skips this frame: .*--kind light", capsys.readouterr().out)
        main(["check", noisy, "--kind", "light"])
        assert "skips" not in capsys.readouterr().out

    def test_each_cause_has_a_line(self, noisy, capsys):
        main(["check", noisy])
        lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
        assert [line[:3] for line in lines if line.startswith("(")] == ["(1)", "(2)", "(1)", "(2)"]
