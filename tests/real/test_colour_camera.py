# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A crowded frame of a colour camera with a lens, whose stars are hardly wider than a pixel.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp

pytestmark = pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")

#: What the header does not say.
KNOWN = {"gain": 1.5, "readnoise": 10}


@pytest.fixture(scope="module")
def ccd(request):
    return crp.read_ccd(request.getfixturevalue("real_data") / "cameras/panoptes_canon_rggb/unsolved.fits", unit="adu")


def test_it_is_taken_for_a_mosaic_that_begins_elsewhere_than_its_header_says(ccd):
    (found,) = [finding for finding in crp.cr_preflight(ccd, **KNOWN) if finding.check == "mosaic"]
    assert "colour mosaic rggb" in found.message.lower()
    assert "numbered in reading order" in found.message


def test_the_preflight_names_its_bias_of_2048_adu(ccd):
    (found,) = [finding for finding in crp.cr_preflight(ccd, **KNOWN) if finding.check == "noise"]
    assert "a bias of about 30" in found.message
    assert "too large" not in found.message


def test_few_of_its_stars_are_touched(ccd):
    cleaned = crp.clean_cosmic_rays(ccd, **KNOWN)
    assert cleaned.header["CRMOSAIC"] == "RGGB"
    assert cleaned.header["CRNPIX"] < 500  # 6853 when it was searched as one
    as_one = crp.clean_cosmic_rays(ccd, **KNOWN, mosaic=False)
    assert as_one.header["CRNPIX"] > 10 * cleaned.header["CRNPIX"]
    assert np.count_nonzero(cleaned.mask & (ccd.data > 6000)) < 10
