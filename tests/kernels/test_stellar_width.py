# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the measured stellar width and its ``objlim`` promise."""

import numpy as np
import pytest
from scipy.ndimage import convolve, median_filter

from ccdproc_crplugin.kernels.stellar_width import (
    HIGHEST_OBJLIM,
    LOWEST_OBJLIM,
    OBJLIM_WITHOUT_STARS,
    objlim_for_width,
    stellar_width,
)
from ccdproc_crplugin.simulate import THICK, THIN, Camera, simulate_frame
from ccdproc_crplugin.simulate.scene import moffat_psf

NO_RAYS = {"n_muons": 0, "n_worms": 0, "n_spots": 0}


def field(fwhm=3.0, *, chip=THIN, shape=(512, 512), n_stars=80, seed=1, **settings):
    """Electrons of a calibrated frame."""
    frame = simulate_frame(shape, fwhm=fwhm, n_stars=n_stars, camera=Camera(chip=chip), seed=seed, **settings)
    return frame.ccd.data


@pytest.mark.parametrize("chip", [THIN, THICK])
@pytest.mark.parametrize("sky", [5, 150, 3000])
@pytest.mark.parametrize("fwhm", [1.6, 2.0, 3.0, 5.0])
def test_width_is_measured_within_a_tenth_over_widths_skies_and_chips(fwhm, sky, chip):
    # At a sky of 3000 electrons most of the simulated stars drown: more of them are needed.
    n_stars = 80 if sky < 1000 else 400
    measured = stellar_width(field(fwhm, sky=sky, chip=chip, n_stars=n_stars))
    assert measured == pytest.approx(fwhm, rel=0.1)


@pytest.mark.parametrize("beta", [2.5, 4.8, 20.0])
def test_width_is_measured_within_a_tenth_over_wings(beta):
    assert stellar_width(field(3.0, beta=beta)) == pytest.approx(3.0, rel=0.1)


def test_stars_narrower_than_the_sampling_are_measured_as_narrow():
    assert 1.3 < stellar_width(field(1.3)) < 1.6


def test_crowded_field_has_the_width_of_its_stars():
    assert stellar_width(field(2.5, n_stars=750)) == pytest.approx(2.5, rel=0.1)


def test_galaxies_do_not_widen_the_stars():
    assert stellar_width(field(2.0, n_galaxies=20)) == pytest.approx(2.0, rel=0.1)


def test_five_times_the_cosmic_rays_do_not_narrow_the_stars():
    rays = {"n_muons": 40, "n_worms": 25, "n_spots": 40}
    assert stellar_width(field(4.0, **rays)) == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("chip", [THIN, THICK])
def test_cosmic_rays_alone_are_no_stars(chip):
    assert stellar_width(field(n_stars=0, chip=chip)) is None


def test_sky_lines_and_a_trace_are_no_stars():
    rng = np.random.default_rng(1)
    row, column = np.mgrid[0:512, 0:512]
    spectrum = 20 + 300 * np.exp(-0.5 * ((column - 250) / 2) ** 2)
    for line in range(20, 500, 37):
        spectrum += 10 * line * np.exp(-0.5 * ((row - line) / 1.5) ** 2)
    assert stellar_width(rng.poisson(spectrum).astype(np.float32)) is None


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (20, 20), (21, 21)])
def test_frame_too_small_for_stars_has_no_width(shape):
    assert stellar_width(np.ones(shape, dtype=np.float32)) is None


def test_frame_of_nan_alone_has_no_width():
    assert stellar_width(np.full((64, 64), np.nan, dtype=np.float32)) is None


def test_width_does_not_depend_on_unit_or_pedestal():
    data = field()
    assert stellar_width(data / 3 + 1000) == pytest.approx(stellar_width(data), rel=0.01)


def test_saturated_stars_are_left_out():
    stars = field(3.0, seed=2, flux_range=(30_000, 3e6))
    flattened = np.minimum(stars, 5_000)
    assert stellar_width(flattened, saturation=5_000) == pytest.approx(3.0, rel=0.1)


def test_masked_and_not_finite_pixels_are_left_out():
    data = field()
    mask = np.zeros(data.shape, dtype=bool)
    mask[200:205] = True
    data[200:205] = 1e6
    data[:, 300] = np.nan
    assert stellar_width(data, mask=mask) == pytest.approx(3.0, rel=0.1)


def test_frame_is_left_as_it_was():
    data = field()
    data.flags.writeable = False
    before = data.copy()
    stellar_width(data)
    np.testing.assert_array_equal(data, before)


def test_only_a_part_of_a_large_frame_is_read():
    data = np.full((8192, 8192), 100, dtype=np.uint16)
    read = []

    class Counting(np.ndarray):
        def __getitem__(self, key):
            part = super().__getitem__(key)
            if isinstance(key, tuple) and all(isinstance(axis, slice) for axis in key):
                read.append(part.size)
            return np.asarray(part)

    stellar_width(data.view(Counting))
    assert sum(read) <= 0.05 * data.size


def test_wide_stars_get_the_lowest_objlim_and_sharp_ones_the_highest():
    assert objlim_for_width(6.0) == LOWEST_OBJLIM
    assert objlim_for_width(1.2) == HIGHEST_OBJLIM


def test_objlim_falls_with_the_width():
    limits = [objlim_for_width(fwhm) for fwhm in np.linspace(1, 8, 50)]
    assert limits == sorted(limits, reverse=True)


def test_frame_without_stars_gets_the_stated_objlim():
    assert objlim_for_width(None) == OBJLIM_WITHOUT_STARS


@pytest.mark.parametrize("fwhm", [1.4, 1.6, 2.0, 3.0, 5.0])
def test_no_single_star_reaches_its_objlim(fwhm):
    """The peak's Laplacian over its fine structure, without noise, wherever the star falls in its pixel."""
    worst = max(contrast_of_star(fwhm, x, y) for x in np.linspace(0, 0.5, 4) for y in np.linspace(0, 0.5, 4))
    assert worst < objlim_for_width(fwhm)


def contrast_of_star(fwhm, x, y):
    """Ratio of half the Laplacian, less its median, to the fine structure at a star's peak."""
    psf = moffat_psf(fwhm, 3.0)
    psf.x_0, psf.y_0 = x, y
    position = np.arange(-12, 13)
    star = 1e5 * psf(*np.meshgrid(position, position))
    twice = np.kron(star, np.ones((2, 2)))
    laplacian = convolve(twice, np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]), mode="mirror").clip(0)
    laplacian = laplacian.reshape(25, 2, 25, 2).mean(axis=(1, 3)) / 2
    smooth = median_filter(star, 3)
    fine = smooth - median_filter(smooth, 7)
    peak = np.unravel_index(star.argmax(), star.shape)
    return (laplacian - median_filter(laplacian, 5))[peak] / fine[peak]


def test_field_of_gaussian_stars_of_a_pixel_and_a_third_is_known_to_be_sharp():
    assert objlim_for_width(stellar_width(field(1.3, beta=20.0))) == HIGHEST_OBJLIM


@pytest.mark.parametrize("share", [0.01, 0.08, 0.15])
@pytest.mark.parametrize("fwhm", [1.6, 3.0, 5.0])
def test_width_is_measured_between_many_masked_pixels(fwhm, share):
    data = field(fwhm)
    mask = np.random.default_rng(1).random(data.shape) < share
    data[mask] = 1e6
    assert stellar_width(data, mask=mask) == pytest.approx(fwhm, rel=0.1)


def test_cosmic_rays_between_masked_pixels_are_no_stars():
    data = field(n_stars=0)
    assert stellar_width(data, mask=np.random.default_rng(1).random(data.shape) < 0.08) is None
