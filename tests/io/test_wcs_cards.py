# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The WCS keeps the form in which it came: CD matrix, SIP terms, tables of distortion, comments.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import ccdproc_crplugin as crp

from ..helpers.fits_bytes import header, sky

WCS_CARDS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 10.0,
    "CRVAL2": 20.0,
    "CRPIX1": 25.0,
    "CRPIX2": 20.0,
}
CD = {"CD1_1": -1e-4, "CD1_2": 2e-6, "CD2_1": 2e-6, "CD2_2": 1e-4}
PC = {"PC1_1": 1.0, "PC1_2": 0.01, "PC2_1": 0.01, "PC2_2": 1.0, "CDELT1": -1e-4, "CDELT2": 1e-4}
ROTA = {"CDELT1": -1e-4, "CDELT2": 1e-4, "CROTA2": 3.0}
SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_0_2": 1e-6, "B_2_0": 1e-6}


@pytest.mark.parametrize("form", [CD, PC, ROTA, CD | SIP], ids=["CD", "PC", "CROTA", "SIP"])
@pytest.mark.parametrize("cleaned", [False, True])
def test_the_cards_are_written_as_they_came(tmp_path, form, cleaned):
    fits.writeto(tmp_path / "in.fits", sky(), header(**(WCS_CARDS | form)))
    ccd = crp.read_ccd(tmp_path / "in.fits")
    written = fits.getheader(
        crp.write_ccd(ccd.clean_cosmic_rays(preflight="off") if cleaned else ccd, tmp_path / "out.fits")
    )
    assert {card: written[card] for card in WCS_CARDS | form} == WCS_CARDS | form
    others = {"CD1_1", "PC1_1", "CDELT1", "CROTA2"} - set(form)
    assert others & set(written) == set()


def test_cards_that_a_wcs_repeats_stay_those_of_the_frame(tmp_path):
    dates = {"DATE-OBS": "2024-03-01T02:03:04", "MJD-OBS": 60370.0855, "EQUINOX": 2000.0, "RADESYS": "FK5"}
    fits.writeto(tmp_path / "in.fits", sky(), header(**(WCS_CARDS | CD | dates)))
    cleaned = crp.read_ccd(tmp_path / "in.fits").clean_cosmic_rays(preflight="off")
    written = fits.getheader(crp.write_ccd(cleaned, tmp_path / "out.fits"))
    assert {card: written[card] for card in dates} == dates


def test_a_trimmed_frame_has_its_reference_pixel_moved_in_the_same_form(tmp_path):
    fits.writeto(tmp_path / "in.fits", sky(), header(**(WCS_CARDS | CD)))
    part = crp.read_ccd(tmp_path / "in.fits")[5:, 10:]
    written = fits.getheader(crp.write_ccd(part, tmp_path / "out.fits"))
    assert (written["CRPIX1"], written["CRPIX2"]) == (15, 15)
    assert {card: written[card] for card in CD} == CD


def test_another_wcs_is_written_as_it_is(tmp_path):
    fits.writeto(tmp_path / "in.fits", sky(), header(**(WCS_CARDS | CD)))
    ccd = crp.read_ccd(tmp_path / "in.fits")
    ccd.wcs.wcs.crval = [50, 60]
    assert WCS(fits.getheader(crp.write_ccd(ccd, tmp_path / "out.fits"))).wcs.crval.tolist() == [50, 60]


def test_tables_of_distortion_stay_in_use(tmp_path):
    cards = {"CPDIS1": "LOOKUP", "CPDIS2": "LOOKUP"}
    meta = header(**(WCS_CARDS | CD | cards))
    for axis in (1, 2):
        meta[f"DP{axis}.EXTVER"], meta[f"DP{axis}.NAXES"] = float(axis), 2.0
        meta[f"DP{axis}.AXIS.1"], meta[f"DP{axis}.AXIS.2"] = 1.0, 2.0
    tables = [fits.ImageHDU(np.full((4, 5), number, np.float32), name="WCSDVARR", ver=number) for number in (1, 2)]
    for table in tables:
        table.header.update(
            {"CRVAL1": 1.0, "CRVAL2": 1.0, "CRPIX1": 1.0, "CRPIX2": 1.0, "CDELT1": 10.0, "CDELT2": 10.0}
        )
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(sky(), meta, name="SCI"), *tables]).writeto(tmp_path / "in.fits")
    ccd = crp.read_ccd(tmp_path / "in.fits")
    with fits.open(tmp_path / "in.fits") as hdus:
        expected = WCS(hdus["SCI"].header, hdus).all_pix2world(3, 4, 0)
    np.testing.assert_array_equal(ccd.wcs.all_pix2world(3, 4, 0), expected)
