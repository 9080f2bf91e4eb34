"""
Whether pixels look like a colour mosaic.
"""

import numpy as np
import pytest
from scipy import ndimage

from ccdproc_crplugin.kernels.mosaic import join_planes, split_planes
from ccdproc_crplugin.kernels.mosaic_structure import levels_of_mosaic, measure_structure
from tests.helpers.mosaic_frames import mosaic_frame


@pytest.fixture(scope="module")
def mosaic():
    return mosaic_frame((400, 400), n_stars=60).data


@pytest.fixture(scope="module")
def monochrome():
    return mosaic_frame((400, 400), pattern=None, n_stars=60).data


def test_a_mosaic_shows_in_the_levels_of_its_planes(mosaic):
    found = measure_structure(mosaic)
    assert found.pattern == "levels"
    assert found.alike == "other"  # the two greens
    assert np.allclose(found.levels, (90, 160, 160, 60), rtol=0.02)


def test_a_mosaic_that_begins_a_pixel_later_has_its_greens_on_the_main_diagonal(mosaic):
    assert measure_structure(mosaic[:, 1:]).alike == "main"


def test_a_mosaic_divided_by_a_flat_that_makes_its_planes_equal_shows_in_their_noise(mosaic):
    equal = join_planes([plane / np.median(plane) for plane in split_planes(mosaic)], mosaic.shape)
    assert measure_structure(equal).pattern == "noise"


def test_a_mosaic_without_sky_shows_in_the_colours_of_its_stars():
    dark = mosaic_frame(skies=dict.fromkeys("RGB", 1.0), n_stars=300).data
    assert measure_structure(dark).pattern == "stars"


def test_a_monochrome_frame_has_no_pattern(monochrome):
    found = measure_structure(monochrome)
    assert (found.pattern, found.alike) == ("", "")


@pytest.mark.parametrize("fwhm", [1.3, 2.0, 5.0])
def test_nor_has_a_crowded_one(fwhm):
    assert measure_structure(mosaic_frame((256, 256), pattern=None, n_stars=600, fwhm=fwhm).data).pattern == ""


def test_nor_has_a_debayered_one(mosaic):
    green = ndimage.convolve(mosaic, np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32) / 4)
    debayered = mosaic.copy()
    debayered[::2, ::2], debayered[1::2, 1::2] = green[::2, ::2], green[1::2, 1::2]
    assert measure_structure(debayered).pattern == ""


def test_nor_has_a_binned_one(mosaic):
    assert measure_structure(sum(split_planes(mosaic))).pattern == ""


@pytest.mark.parametrize("axis", [0, 1])
def test_nor_has_one_whose_columns_or_rows_alternate(monochrome, axis):
    step = 3 * (np.indices(monochrome.shape)[axis] % 2)
    assert measure_structure(monochrome + step).pattern == ""
    assert levels_of_mosaic(monochrome + step) is None


def test_bad_pixels_do_not_count(mosaic, monochrome):
    bad = np.zeros(mosaic.shape, dtype=bool)
    bad[:, ::7] = True
    spoilt = np.where(bad, 1e6, mosaic)
    spoilt[3, 4] = np.nan
    assert measure_structure(spoilt, bad).pattern == "levels"


def test_too_few_pixels_cannot_tell():
    assert measure_structure(np.ones((8, 8))) is None
    assert levels_of_mosaic(np.ones((1, 500))) is None


def test_the_levels_alone_tell_of_a_mosaic_of_which_nothing_is_said(mosaic, monochrome):
    assert np.allclose(levels_of_mosaic(mosaic), (90, 160, 160, 60), rtol=0.02)
    assert levels_of_mosaic(monochrome) is None
