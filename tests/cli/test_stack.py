# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr stack``.
"""

import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main

from ..helpers.exposures import expose, scene

TRACK = [((30 + i, 40 + i), 1500) for i in range(6)]


@pytest.fixture
def pair(here):
    for number, hits in enumerate((TRACK, ())):
        ccd = CCDData(expose(scene(), number, hits), unit="electron", meta={"RDNOISE": 5.0, "IMAGETYP": "light"})
        crp.write_ccd(ccd, here / f"m31_{number}.fits")
    return here


def test_each_exposure_is_written_under_its_own_name(pair, capsys):
    assert main(["stack", "m31_0.fits", "m31_1.fits", "--output-dir", "out"]) == 0
    assert [path.name for path in sorted((pair / "out").iterdir())] == ["m31_0.fits", "m31_1.fits"]
    assert crp.read_ccd(pair / "out" / "m31_0.fits").meta["CRNPIX"] >= len(TRACK)
    assert "m31_1.fits" in capsys.readouterr().out


def test_the_offsets_and_the_combined_frame(pair):
    options = ["--offsets", "0,0", "0,0", "--combined", "mean.fits", "-p", "sigma=6"]
    assert main(["stack", "m31_*.fits", "-o", "out", *options]) == 0
    assert crp.read_ccd(pair / "mean.fits").data[30, 40] < 1000


def test_one_exposure_is_wrong_usage(pair, capsys):
    assert main(["stack", "m31_0.fits"]) == 2
    assert "expected two or more" in capsys.readouterr().err


def test_offsets_may_be_negative(pair):
    assert main(["stack", "m31_0.fits", "m31_1.fits", "-o", "out", "--offsets", "0,0", "-0.5,.5"]) == 0


@pytest.mark.parametrize("name", ["out/m31_0.fits", "mean.txt", "nofolder/mean.fits"])
def test_a_combined_frame_that_cannot_be_written_is_refused_at_once(pair, name):
    assert main(["stack", "m31_0.fits", "m31_1.fits", "-o", "out", "--overwrite", "--combined", name]) == 2
    assert not (pair / "out").exists()


@pytest.mark.parametrize("options", [["--offsets", "0,0"], ["--detector", "lacosmic"], ["-p", "sigclip=5"]])
def test_wrong_options_are_wrong_usage(pair, options):
    assert main(["stack", "m31_0.fits", "m31_1.fits", *options]) == 2


def test_existing_files_are_kept(pair, capsys):
    assert main(["stack", "m31_0.fits", "m31_1.fits", "-o", "."]) == 2
    assert "m31_0.fits" in capsys.readouterr().err
