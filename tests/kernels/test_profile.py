# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Profiles of stars and spots, and the fit of their sum to windows of 5 x 5 pixels.
"""

import numpy as np
import pytest
from photutils.psf import CircularGaussianPRF

from ccdproc_crplugin.kernels.profile import COLUMNS, ROWS, Windows, fit_sources, moffat_profile, spot_profile
from ccdproc_crplugin.simulate.scene import moffat_psf

PLACES = np.array([[0.0, 0.0], [0.31, -0.47], [-0.2, 0.11], [0.5, 0.5]])


def windows(light, noise=1.0):
    return Windows(light, np.full(light.shape, noise**-2), np.full(len(light), 1.0))


@pytest.mark.parametrize(("fwhm", "beta"), [(1.3, 3.0), (1.6, 4.765), (2.2, 2.5)])
def test_a_star_has_the_light_of_a_moffat_function_in_each_pixel(fwhm, beta):
    y, x = PLACES.T
    expected = moffat_psf(fwhm, beta)(COLUMNS - x[:, np.newaxis], ROWS - y[:, np.newaxis])
    assert np.allclose(moffat_profile(fwhm, beta).at(y, x)[0], expected, atol=4e-3)


@pytest.mark.parametrize("sigma", [0.25, 0.4])
def test_a_spot_has_the_charge_of_a_gaussian_in_each_pixel(sigma):
    y, x = PLACES.T
    gaussian = CircularGaussianPRF(fwhm=2.3548200450309493 * sigma)
    expected = gaussian(COLUMNS - x[:, np.newaxis], ROWS - y[:, np.newaxis])
    assert np.allclose(spot_profile(sigma).at(y, x)[0], expected, atol=4e-3)


def test_the_slopes_are_those_of_the_values():
    profile, (y, x), step = moffat_profile(1.5, 3.0), PLACES.T, 0.1
    _values, along_y, along_x = profile.at(y, x)
    assert np.allclose(along_y, (profile.at(y + step, x)[0] - profile.at(y - step, x)[0]) / (2 * step), atol=0.02)
    assert np.allclose(along_x, (profile.at(y, x + step)[0] - profile.at(y, x - step)[0]) / (2 * step), atol=0.02)


def test_a_stretched_star_is_longer_along_its_angle():
    light = moffat_profile(1.6, 3.0, (0.2, 0.0)).at(np.zeros(1), np.zeros(1))[0].reshape(5, 5)
    assert light[2, 1] == pytest.approx(light[2, 3])
    assert light[2, 3] > 1.1 * light[1, 2]


def test_a_star_is_found_where_it_is_with_its_flux_on_any_sky():
    profile, (y, x) = moffat_profile(1.4, 3.0), PLACES.T
    fit = fit_sources(windows(1000 * profile.at(y, x)[0] + 0.5), [profile], [0.6])
    assert np.allclose(fit.y[:, 0], y, atol=0.01)
    assert np.allclose(fit.x[:, 0], x, atol=0.01)
    assert np.allclose(fit.flux[:, 0], 1000, rtol=0.01)
    assert (fit.chi2 < 1).all()


def test_two_stars_are_found_where_they_are():
    profile = moffat_profile(1.4, 3.0)
    places = np.array([0.2, 1.6]), np.array([-0.3, 1.0])
    light = (np.array([1000, 600]) @ profile.at(*places)[0])[np.newaxis]
    fit = fit_sources(windows(light), [profile, profile], [1.7, 3.2])
    assert np.allclose(np.sort(fit.flux[0]), [600, 1000], rtol=0.05)
    assert fit.chi2[0] < 5


def test_no_source_has_a_negative_flux():
    profile = moffat_profile(1.4, 3.0)
    light = 1000 * profile.at(np.zeros(1), np.zeros(1))[0]
    light[0, 3] -= 300
    fit = fit_sources(windows(light), [profile, profile], [1.7, 3.2])
    assert (fit.flux >= 0).all()


def test_more_sources_never_fit_worse():
    rng = np.random.default_rng(1)
    profile, random = moffat_profile(1.4, 3.0), windows(rng.normal(0, 10, (50, 25)) + 30)
    one, two = (fit_sources(random, [profile] * n, [1.7, 3.2][:n]).chi2 for n in (1, 2))
    assert (two <= one).all()


def test_a_pixel_without_weight_does_not_count():
    profile = moffat_profile(1.4, 3.0)
    light = 1000 * profile.at(np.array([0.1]), np.array([0.2]))[0]
    clean = windows(light.copy())
    light[0, 7] = 1e6
    clean.weight[0, 7] = 0
    fit = fit_sources(Windows(light, clean.weight, clean.sky_weight), [profile], [0.6])
    assert fit.flux[0, 0] == pytest.approx(1000, rel=0.01)
