# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``--mosaic`` of ``ccdcr clean``, ``check``, ``tune`` and ``segments``.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin.cli import main
from tests.helpers.mosaic_frames import mosaic_frame


@pytest.fixture
def colour(here):
    mosaic_frame((200, 200), n_stars=20).ccd(IMAGETYP="light", BAYERPAT="RGGB").write("colour.fits")
    return here


def pattern(path):
    return fits.getheader(path).get("CRMOSAIC")


def test_the_header_is_read(colour, capsys):
    assert main(["clean", "colour.fits"]) == 0
    assert pattern("cleaned/colour.fits") == "RGGB"
    assert main(["check", "colour.fits"]) == 0
    assert "colour mosaic RGGB (from BAYERPAT)" in capsys.readouterr().out


def test_a_pattern_goes_before_it(colour):
    assert main(["clean", "colour.fits", "--mosaic", "gbrg"]) == 0
    assert pattern("cleaned/colour.fits") == "GBRG"


def test_none_turns_it_off(colour, capsys):
    assert main(["segments", "colour.fits", "--mosaic", "RGGB"]) == 0
    few = capsys.readouterr().out
    assert main(["segments", "colour.fits", "--mosaic", "none"]) == 0
    assert capsys.readouterr().out != few


def test_tuning_takes_it(colour, capsys):
    assert main(["tune", "colour.fits", "--mosaic", "RGGB"]) == 0
    assert "colour mosaic" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["clean", "check", "tune", "segments"])
def test_a_wrong_pattern_is_refused(colour, command, capsys):
    assert main([command, "colour.fits", "--mosaic", "RGB"]) != 0
    assert "colours of the first 2 x 2 pixels" in "".join(capsys.readouterr())
