# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames that belong to a frame, given as CCDData, array or path."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PixelFlag
from ccdproc_crplugin.io.companions import bad_pixel_mask, companion

SHAPE = (40, 30)


@pytest.fixture
def ccd():
    return CCDData(np.random.default_rng(2).normal(200, 15, SHAPE).astype("f4"), unit="electron")


def write(path, data, **cards):
    fits.PrimaryHDU(data, fits.Header(cards)).writeto(path)
    return path


def test_a_dark_may_be_a_path(ccd, tmp_path):
    path = write(tmp_path / "dark.fits", np.zeros(SHAPE, "f4"), BUNIT="electron")
    assert companion(path, ccd, "dark").unit == "electron"


def test_without_a_unit_it_has_that_of_the_frame(ccd, tmp_path):
    path = write(tmp_path / "dark.fits", np.zeros(SHAPE, "f4"))
    assert companion(str(path), ccd, "dark").unit == ccd.unit


@pytest.mark.parametrize("wrong", [5, np.zeros(SHAPE)])
def test_what_is_no_frame_is_refused(ccd, wrong):
    with pytest.raises(CosmicRayError, match=r"dark=.*expected a CCDData or a path"):
        crp.clean_cosmic_rays(ccd, readnoise=5, dark=wrong)


def test_bad_pixels_of_a_file_are_those_that_are_not_zero(tmp_path):
    bad = np.zeros(SHAPE, np.int16)
    bad[3, 4] = 7
    assert np.argwhere(bad_pixel_mask(write(tmp_path / "bad.fits", bad), SHAPE)).tolist() == [[3, 4]]


def test_bad_pixels_of_another_shape_are_refused(tmp_path):
    path = write(tmp_path / "bad.fits", np.zeros((9, 9), np.uint8))
    with pytest.raises(CosmicRayError, match=r"shape \(9, 9\) in the file of bad pixels"):
        bad_pixel_mask(path, SHAPE)


class TestCleaning:
    def test_bad_pixels_are_masked_and_flagged_and_keep_their_value(self, ccd):
        bad = np.zeros(SHAPE, bool)
        bad[20, 10] = True
        ccd.data[20, 10] = 9000
        cleaned = crp.clean_cosmic_rays(ccd, readnoise=5, saturation=1e5, bad_pixels=bad)
        assert cleaned.flags[20, 10] == PixelFlag.BAD
        assert cleaned.mask[20, 10]
        assert cleaned.data[20, 10] == 9000

    @pytest.mark.parametrize("masked", [False, True])
    def test_restoring_gives_the_first_mask_back(self, ccd, masked, tmp_path):
        ccd.mask = np.zeros(SHAPE, bool) if masked else None
        bad = np.zeros(SHAPE, bool)
        bad[20, 10] = True
        ccd.data[5, 5] = 9000
        cleaned = crp.clean_cosmic_rays(ccd, readnoise=5, saturation=1e5, bad_pixels=bad)
        crp.write_ccd(cleaned, tmp_path / "cleaned.fits")
        for frame in (cleaned, crp.read_ccd(tmp_path / "cleaned.fits")):
            restored = crp.restore_cosmic_rays(frame)
            assert (restored.mask is None) if not masked else not restored.mask.any()
            assert np.array_equal(restored.data, ccd.data)
