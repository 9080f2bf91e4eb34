"""
Colour mosaics: the word of the user, the word of the header, and the pixels.
"""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.frames.mosaic import check_mosaic, mosaic_of
from tests.helpers.mosaic_frames import mosaic_frame


@pytest.fixture(scope="module")
def mosaic():
    return mosaic_frame((256, 256))


@pytest.fixture(scope="module")
def monochrome():
    return mosaic_frame((256, 256), pattern=None)


@pytest.mark.parametrize("keyword", ["BAYERPAT", "COLORTYP", "FILTER"])
@pytest.mark.parametrize("word", ["RGGB", "rggb", " RGGB ", "'RGGB'"])
def test_the_header_names_the_pattern(mosaic, keyword, word):
    found = mosaic_of(mosaic.ccd(**{keyword: word}))
    assert (found.pattern, found.source) == ("RGGB", keyword)
    assert found.names == ("R", "G1", "G2", "B")


@pytest.mark.parametrize("meta", [{}, {"FILTER": "R"}, {"FILTER": "CLEAR"}, {"FILTER": "BLUE"}, {"COLORTYP": 0}])
def test_other_words_name_none(mosaic, meta):
    assert mosaic_of(mosaic.ccd(**meta)).pattern is None


@pytest.mark.parametrize(
    ("x", "y", "pattern"), [(0, 0, "RGGB"), (1, 0, "GRBG"), (0, 1, "GBRG"), (1, 1, "BGGR"), (3, 0, "GRBG")]
)
def test_the_offset_of_the_first_pixel_is_honoured(mosaic, x, y, pattern):
    assert mosaic_of(mosaic.ccd(BAYERPAT="RGGB", XBAYROFF=x, YBAYROFF=y)).claimed == pattern


def test_an_offset_that_is_no_number_counts_for_none(mosaic):
    assert mosaic_of(mosaic.ccd(BAYERPAT="RGGB", XBAYROFF="unknown")).pattern == "RGGB"


def test_the_header_of_a_fits_file_will_do(mosaic):
    ccd = mosaic.ccd()
    ccd.meta = fits.Header({"BAYERPAT": "GBRG"})
    assert mosaic_of(ccd).pattern == "GBRG"


def test_pixels_without_the_pattern_contradict_the_header(monochrome):
    found = mosaic_of(monochrome.ccd(BAYERPAT="RGGB"))
    assert found.pattern is None
    assert (found.claimed, found.source) == ("RGGB", "BAYERPAT")


def test_the_word_of_the_user_goes_before_the_pixels(monochrome, mosaic):
    assert mosaic_of(monochrome.ccd(), "rggb").pattern == "RGGB"
    assert mosaic_of(mosaic.ccd(BAYERPAT="RGGB"), "GBRG").pattern == "GBRG"


@pytest.mark.parametrize("given", [False, "none", "NONE"])
def test_the_user_may_deny_a_mosaic(mosaic, given):
    assert mosaic_of(mosaic.ccd(BAYERPAT="RGGB"), given).pattern is None


@pytest.mark.parametrize("given", [True, 1, "RGB", "RGGBB", "XXXX", "GGGG", ["R", "G", "G", "B"]])
def test_other_words_are_refused(given):
    with pytest.raises(CosmicRayError, match="colours of the first 2 x 2 pixels"):
        check_mosaic(given)


def test_planes_are_numbered_where_the_greens_are_on_the_other_diagonal(mosaic):
    ccd = mosaic.ccd(BAYERPAT="RGGB")
    ccd.data = np.ascontiguousarray(ccd.data[:, 1:])
    found = mosaic_of(ccd)
    assert found.misplaced
    assert found.names == ("1", "2", "3", "4")


def test_a_frame_too_small_to_tell_is_taken_for_what_its_header_says():
    assert mosaic_of(mosaic_frame((10, 10), n_stars=0, density=0).ccd(BAYERPAT="RGGB")).pattern == "RGGB"


def test_a_single_row_is_no_mosaic():
    assert mosaic_of(mosaic_frame((1, 64), n_stars=0, density=0).ccd(BAYERPAT="RGGB")).pattern is None
