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


def test_options_say_what_tells_groups_apart(night, capsys):
    for number, path in enumerate(sorted(night.glob("bias*.fits"))):
        fits.setval(path, "INSTRUME", value=f"camera {number % 2}")
        fits.setval(path, "ROTATOR", value=number // 3)
    main(["combine", "raw", "--quiet", "--group-by", "ROTATOR", "--group-ignore", "INSTRUME"])
    names = {path.name for path in (night.parent / "calibration").iterdir()}
    assert names == {"bias_gain2_0.fits", "bias_gain2_1.fits"}
    capsys.readouterr()
    assert main(["combine", "raw", "--flat-scale", "chip"]) == 2
    assert "--flat-scale" in capsys.readouterr().err


def test_a_wrong_name_is_refused(night, capsys):
    assert main(["combine", "raw", "--quiet", "--group-ignore", "fylter"]) == 1
    assert "--group-ignore" in capsys.readouterr().err


def test_warnings_name_the_options(night, capsys):
    for k in range(3):
        write_raw(night / f"dark_{k}.fits", "dark", **{"CCD-TEMP": 10.0})
    for k in range(2, 6):
        fits.setval(night / f"bias_{k}.fits", "CCD-TEMP", value=-20.0)
    (night / "bias_1.fits").unlink(missing_ok=True)
    main(["combine", "raw", "--quiet"])
    err = capsys.readouterr().err
    assert "no combined bias is subtracted" in err
    assert "--temperature-tolerance" in err
    assert "temperature_tolerance" not in err
