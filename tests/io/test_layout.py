# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files of several frames: read from one opening, written in the layout that they came in.
"""

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin.io.layout import read_frames, write_frames

from ..helpers.hit_frames import hit_frame


@pytest.fixture
def mosaic(tmp_path):
    """A primary header, a chip, a table and another chip."""
    chips = [fits.ImageHDU(hit_frame().data, hit_frame().to_hdu()[0].header, name=f"CHIP{number}") for number in (1, 2)]
    table = fits.BinTableHDU(np.rec.fromarrays([np.arange(3)], names=["row"]), name="GUIDING")
    primary = fits.PrimaryHDU(header=fits.Header([("OBJECT", "M 31")]))
    fits.HDUList([primary, chips[0], table, chips[1]]).writeto(tmp_path / "mosaic.fits")
    return tmp_path / "mosaic.fits"


@pytest.fixture
def cleaned(mosaic):
    """The chips by their HDU, cleaned; before that each had flags of its own."""
    frames = read_frames(mosaic)
    for hdu, ccd in frames.items():
        ccd.flags = np.full(ccd.shape, hdu, dtype=np.uint8)
    return {hdu: crp.clean_cosmic_rays(ccd) for hdu, ccd in frames.items()}


def test_the_frames_have_the_number_of_their_hdu(mosaic):
    frames = read_frames(mosaic)
    assert list(frames) == [1, 3]
    assert {ccd.meta["OBJECT"] for ccd in frames.values()} == {"M 31"}


def test_the_other_hdus_stay_where_they_were(mosaic, cleaned, tmp_path):
    write_frames(cleaned, mosaic, tmp_path / "out.fits")
    with fits.open(tmp_path / "out.fits") as hdus:
        assert [hdu.name for hdu in hdus[:4]] == ["PRIMARY", "CHIP1", "GUIDING", "CHIP2"]
        assert {hdu.ver for hdu in hdus[4:]} == {1, 3}
        assert "OBJECT" not in hdus[1].header


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
def test_each_frame_is_restored_to_what_it_was(mosaic, cleaned, tmp_path, ending):
    write_frames(cleaned, mosaic, tmp_path / f"out{ending}")
    for hdu, ccd in read_frames(tmp_path / f"out{ending}").items():
        assert ccd.meta["CRNPIX"] == 8
        restored = ccd.restore_cosmic_rays()
        np.testing.assert_array_equal(restored.data, hit_frame().data)
        assert (restored.flags == hdu).all()
