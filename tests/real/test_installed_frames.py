# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The real frames that ccdproc and astroscrappy install.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, VarianceUncertainty
from astropy.utils.data import get_pkg_data_filename

import ccdproc_crplugin as crp


def test_three_lines_clean_the_saao_frame_with_the_noise_of_its_header(saao_path):
    import ccdproc_crplugin  # noqa: F401

    ccd = CCDData.read(saao_path, unit="adu")
    cleaned = ccd.clean_cosmic_rays(preflight="off")
    assert (cleaned.header["CRGAIN"], cleaned.header["CRRDNOIS"]) == (1.9, 5.0)
    assert cleaned.header.comments["CRGAIN"].endswith("(GAIN)")
    assert 10 < cleaned.header["CRNEVENT"] < 60


def test_the_long_track_of_the_saao_frame_is_a_track(saao):
    table = saao.clean_cosmic_rays().cr_segments().table
    longest = table[np.argmax(table["length"])]
    assert longest["class"] == "track"
    assert (longest["x"].value, longest["y"].value) == pytest.approx((323, 121.6), abs=1)


def test_the_bright_stars_of_the_saao_frame_stay(saao):
    cleaned = saao.clean_cosmic_rays()
    y, x = np.unravel_index(np.argmax(np.where(cleaned.mask, 0, saao.data)), saao.shape)
    assert not cleaned.mask[y - 5 : y + 6, x - 5 : x + 6].any()


@pytest.fixture
def gmos():
    """The GMOS spectrum of astroscrappy's tests, in electron, with its variance."""
    with fits.open(get_pkg_data_filename("data/gmos.fits", package="astroscrappy.tests")) as hdus:
        return CCDData(
            hdus["SCI"].data.astype("f4"),
            unit="electron",
            uncertainty=VarianceUncertainty(hdus["VAR"].data.astype("f4")),
        ), hdus["SKYFIT"].data.astype("f4")


def test_the_tracks_of_the_gmos_spectrum_are_found_and_its_sky_lines_stay(gmos):
    ccd, sky = gmos
    cleaned = crp.clean_cosmic_rays(ccd, "astroscrappy", readnoise=4.4, inbkg=sky, saturation=1e6)
    largest = np.sort(crp.cr_segments(cleaned).areas)[-2:]
    assert largest.min() >= 10
    assert cleaned.mask.mean() < 0.02
