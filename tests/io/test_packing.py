# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What is written is true: checksums are those of the bytes, and equal frames make equal files.
"""

import time

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp

from ..helpers.fits_bytes import header, sky


@pytest.fixture
def summed(tmp_path):
    """A file with checksums."""
    fits.writeto(tmp_path / "frame.fits", sky(), header(), checksum=True)
    return tmp_path / "frame.fits"


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
def test_checksums_are_true_or_absent(summed, tmp_path, ending):
    path = crp.write_ccd(crp.read_ccd(summed).clean_cosmic_rays(preflight="off"), tmp_path / f"out{ending}")
    with fits.open(path, checksum=True) as hdus:  # warns of one that is not true
        assert ("CHECKSUM" in hdus[0].header) is (ending != ".fits.fz")
        assert all(hdu.data is not None for hdu in hdus[1:])


def test_they_do_not_hold_the_time(summed, tmp_path):
    ccd = crp.read_ccd(summed)
    first = crp.write_ccd(ccd, tmp_path / "a.fits").read_bytes()
    time.sleep(1)
    assert crp.write_ccd(ccd, tmp_path / "b.fits").read_bytes() == first


def test_a_frame_without_them_gets_none(tmp_path):
    fits.writeto(tmp_path / "frame.fits", sky(), header())
    path = crp.write_ccd(crp.read_ccd(tmp_path / "frame.fits"), tmp_path / "out.fits")
    assert "CHECKSUM" not in fits.getheader(path)


@pytest.mark.filterwarnings("ignore:Invalid 'BLANK' keyword")
def test_blank_is_dropped_from_floating_point(tmp_path):
    pixels = sky("int16")
    pixels[0, 0] = -1
    fits.writeto(tmp_path / "frame.fits", pixels, header(BLANK=-1))
    ccd = crp.read_ccd(tmp_path / "frame.fits")
    assert ccd.data.dtype.kind == "f"
    assert "BLANK" not in fits.getheader(crp.write_ccd(ccd, tmp_path / "out.fits"))


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
def test_flags_need_no_mask(tmp_path, ending):
    ccd = crp.simulate_frame(shape=(40, 40)).ccd
    ccd.mask, ccd.flags = None, np.ones((40, 40), np.uint8)
    read = crp.read_ccd(crp.write_ccd(ccd, tmp_path / f"out{ending}"))
    assert read.mask is None
    assert (read.flags == 1).all()
