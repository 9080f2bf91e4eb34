# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pixels far below all that lies around them are found, and nothing that optics or noise can make."""

import numpy as np
import pytest
from scipy.special import erf

from ccdproc_crplugin.kernels.low_pixels import beyond_saturation, far_below
from ccdproc_crplugin.simulate import simulate_frame

READNOISE = 5.0


def sky(level=1000.0, shape=(120, 140), seed=0, noise=READNOISE):
    rng = np.random.default_rng(seed)
    return (rng.poisson(level, shape) + rng.normal(0, noise, shape)).astype(np.float32)


def lines(fwhm, offset, period):
    """Light (ny, nx) of lines along the columns whose profile has a sum of 1, integrated over each pixel."""
    x = np.arange(200.0)
    scale = np.sqrt(2) * fwhm / 2.3548
    centres = np.arange(10, 200, period) + offset
    profile = sum((erf((x - c + 0.5) / scale) - erf((x - c - 0.5) / scale)) / 2 for c in centres)
    return np.broadcast_to(profile, (120, 200))


@pytest.mark.parametrize(
    "hole",
    [
        np.s_[60, 70],
        np.s_[0, 70],
        np.s_[60, 0],
        np.s_[1, 1],
        np.s_[60:63, 70:73],
        np.s_[60:64, 70:74],
        np.s_[:, 70],
        np.s_[40:, 70],
        np.s_[:, 70:72],
        np.s_[:, 70:74],
        np.s_[60, :],
        np.s_[60:62, :],
        np.s_[60, 20:30],
        np.s_[:, 1],
        np.s_[-2, :],
    ],
    ids=str,
)
def test_dead_pixels_columns_rows_and_clusters_are_found(hole):
    data = sky()
    data[hole] = 3.0
    dead = np.zeros(data.shape, dtype=bool)
    dead[hole] = True
    assert np.array_equal(far_below(data, READNOISE), dead)


@pytest.mark.parametrize(("level", "depth"), [(500, 8000), (20, 1428), (5000, 5000), (150, 300)])
def test_a_pixel_far_below_the_sky_is_found(level, depth):
    data = sky(level)
    data[50, 60] -= depth
    assert np.argwhere(far_below(data, READNOISE)).tolist() == [[50, 60]]


def test_holes_wider_than_four_pixels_are_not_found_even_in_part():
    data = sky()
    data[50:55, 60:65] = 0
    assert far_below(data, READNOISE) is None


@pytest.mark.parametrize("fwhm", [1.5, 2.2, 4.0])
@pytest.mark.parametrize("n_stars", [100, 3000])
def test_nothing_is_found_in_a_field_of_stars(fwhm, n_stars):
    frame = simulate_frame((300, 300), fwhm=fwhm, n_stars=n_stars, n_galaxies=20, seed=int(10 * fwhm) + n_stars)
    assert far_below(frame.ccd.data.astype(np.float32), READNOISE) is None


@pytest.mark.parametrize("fwhm", [1.8, 2.0, 3.0])
@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("level", [500.0, 3000.0, 20000.0])
def test_absorption_lines_are_not_holes(fwhm, offset, level):
    scene = level * (1 - 0.9 * lines(fwhm, offset, 31))
    rng = np.random.default_rng(1)
    data = (rng.poisson(scene) + rng.normal(0, READNOISE, scene.shape)).astype(np.float32)
    for turned in (data, np.ascontiguousarray(data.T)):
        found = far_below(turned, READNOISE)
        assert found is None or found.mean() < 5e-4


@pytest.mark.parametrize("period", [5, 6, 8])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_gaps_between_fibres_are_not_holes(period, offset):
    scene = 20000 * lines(2.0, offset, period)
    rng = np.random.default_rng(2)
    data = (rng.poisson(scene) + rng.normal(0, READNOISE, scene.shape)).astype(np.float32)
    assert far_below(data, READNOISE) is None


def test_a_mosaic_of_colours_has_no_holes():
    y, x = np.indices((120, 140))
    red, green = (y % 2 == 0) & (x % 2 == 0), (y + x) % 2 == 1
    rng = np.random.default_rng(3)
    data = rng.poisson(np.where(red, 500.0, np.where(green, 2000.0, 1200.0))).astype(np.float32)
    assert far_below(data, READNOISE) is None


@pytest.mark.parametrize("gain", [0.1, 10.0, 100.0])
def test_a_wrong_gain_does_not_make_pixels_low(gain):
    assert far_below(np.float32(gain) * sky(300), READNOISE) is None


def test_a_pixel_whose_dark_was_noisy_is_not_low():
    data = sky(100)
    data[50, 60] -= 300
    extra = np.zeros_like(data)
    assert far_below(data, READNOISE, extra=extra)[50, 60]
    extra[50, 60] = 100.0**2
    assert far_below(data, READNOISE, extra=extra) is None


def test_the_variance_of_the_frame_counts():
    data = sky(100)
    data[50, 60] -= 300
    assert far_below(data, READNOISE, np.full_like(data, 100.0**2)) is None


def test_each_pixel_may_have_a_read_noise_of_its_own():
    data = sky(100)
    data[50, [30, 100]] -= 300
    noises = np.where(np.arange(140) < 70, READNOISE, 100.0) * np.ones(data.shape)
    assert np.argwhere(far_below(data, noises)).tolist() == [[50, 30]]


def test_pixels_that_are_not_finite_hide_nothing():
    data = sky()
    data[50, 60], data[50, 61], data[49, 60] = 0, np.nan, np.inf
    assert far_below(data, READNOISE)[50, 60]


def test_a_frame_without_pixels_to_compare_with_has_no_holes():
    assert far_below(np.zeros((5, 5), dtype=np.float32), READNOISE) is None
    assert far_below(np.full((20, 20), np.nan, dtype=np.float32), READNOISE) is None


def test_values_that_no_detector_reads_out_are_known_by_the_saturation_level():
    data = sky()
    data[3, 4], data[5, 6], data[7, 8] = 1e10, 60000 * 1.5, -1e10
    assert np.argwhere(beyond_saturation(data, 60000.0)).tolist() == [[3, 4]]
    assert beyond_saturation(data, np.inf) is None
