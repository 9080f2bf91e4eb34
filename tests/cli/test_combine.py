# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr combine``.
"""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin.cli import main

from ..helpers.raw_frames import write_raw


@pytest.fixture
def night(night):
    for k in range(2, 6):
        write_raw(night / f"bias_{k}.fits", "zero")
    return night


def test_the_calibration_frames_of_a_folder(night, capsys):
    assert main(["combine", "raw", "--quiet"]) == 0
    assert [path.name for path in (night.parent / "calibration").iterdir()] == ["bias_gain2.fits"]
    assert fits.getheader("calibration/bias_gain2.fits")["NCOMBINE"] == 5
    out, err = capsys.readouterr()
    assert out.split("\n")[2].split() == ["bias_gain2.fits", "5", "0"]
    assert err == ""


def test_a_frame_that_is_left_out_is_named(night, capsys):
    write_raw(night / "bias_9.fits", "zero", data=np.ones((3, 3), dtype="u2"))
    (night / "broken.fits").write_text("nothing")
    assert main(["combine", "raw", "--quiet"]) == 1
    err = capsys.readouterr().err
    assert "bias_9.fits is left out: found 3 x 3 pixels" in err
    assert "broken.fits is left out" in err


def test_nothing_is_overwritten_unless_told(night, capsys):
    main(["combine", "raw"])
    assert main(["combine", "raw"]) == 1
    assert "Give --overwrite" in capsys.readouterr().err
    assert main(["combine", "raw", "--overwrite", "--method", "median"]) == 0
    assert fits.getheader("calibration/bias_gain2.fits")["CRCOMBIN"] == "median"


def test_light_frames_alone_are_nothing_to_combine(night, capsys):
    assert main(["combine", "raw/light_1.fits"]) == 1
    assert "Found no bias frame, dark or flat" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["nowhere"], ["raw", "--method", "mean"], ["raw", "--sigma-low", "-1"], ["raw", "--memory", "nan"]]
)
def test_wrong_usage(night, words):
    assert main(["combine", *words]) == 2


def test_the_reason_names_options(night, capsys):
    write_raw(night / "bias_9.fits", "zero", data=np.ones((40, 50), dtype="f4"))
    assert main(["combine", "raw", "--quiet"]) == 1
    assert "Give --unit adu or --unit electron." in capsys.readouterr().err
