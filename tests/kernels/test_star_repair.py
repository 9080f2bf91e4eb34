# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Lost pixels of stars come back with the light that the star has there.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import star_repair
from ccdproc_crplugin.kernels.repair import repair
from ccdproc_crplugin.kernels.star_repair import repair_with_profile
from ccdproc_crplugin.simulate.scene import moffat_psf

SKY, READNOISE = 150.0, 6.0
Y, X = np.mgrid[:130, :130]

# Stars that show the profile.
OTHERS = [(90 + 20 * row + 0.3 * column, 12 + 21 * column + 0.4 * row, 30_000) for row in (0, 1) for column in range(6)]


def scene(*stars, fwhm=2.0, seed=1):
    """Light and a frame of stars (y, x, flux) on a sky, electron."""
    psf = moffat_psf(fwhm)
    light = SKY + sum(flux * psf(X - x, Y - y) for y, x, flux in (*OTHERS, *stars))
    rng = np.random.default_rng(seed)
    return light, rng.poisson(light) + READNOISE * rng.standard_normal(light.shape)


def without(data, *pixels, fwhm=2.0):
    """Estimates of lost pixels, and their scatter; the lost ones have a wild value."""
    lost = np.zeros(data.shape, dtype=bool)
    lost[tuple(np.transpose(pixels))] = True
    y, x = np.nonzero(lost)
    return repair_with_profile(np.where(lost, 1e6, data), y, x, lost, readnoise=READNOISE, fwhm=fwhm)


@pytest.mark.parametrize(("fwhm", "within"), [(1.3, 0.3), (2.0, 0.15), (3.0, 0.1), (5.0, 0.1)])
def test_the_core_of_a_star_comes_back(fwhm, within):
    light, data = scene((40.2, 39.7, 20_000), fwhm=fwhm)
    (value,), _ = without(data, (40, 40), fwhm=fwhm)
    assert value == pytest.approx(light[40, 40], rel=within)


def test_the_mean_of_the_pixels_around_would_be_far_too_faint():
    light, data = scene((40.2, 39.7, 20_000))
    lost = (Y == 40) & (X == 40)
    (value,), _ = repair(data, np.array([40]), np.array([40]), lost)
    assert value < light[40, 40] / 3


def test_a_track_across_a_star_is_replaced_by_its_light():
    light, data = scene((40.2, 39.7, 20_000), fwhm=3.0)
    pixels = [(y, 30 + y // 4) for y in range(34, 47)]
    values, _ = without(data, *pixels, fwhm=3.0)
    np.testing.assert_allclose(values, light[tuple(np.transpose(pixels))], rtol=0.15, atol=25)


def test_two_stars_are_told_apart():
    light, data = scene((40.0, 40.0, 20_000), (40.0, 43.5, 15_000))
    (value,), _ = without(data, (40, 40))
    assert value == pytest.approx(light[40, 40], rel=0.3)


def test_beside_stars_the_sky_stays_sky():
    _, data = scene((40.0, 40.0, 20_000))
    (value,), _ = without(data, (60, 60))
    assert value == pytest.approx(SKY, abs=3 * np.sqrt(SKY) / 4)


def test_without_stars_it_is_the_plane():
    _, data = scene()
    lost = np.random.default_rng(2).random(data.shape) < 0.05
    y, x = np.nonzero(lost)
    found = repair_with_profile(data, y, x, lost, readnoise=READNOISE, fwhm=None)
    np.testing.assert_array_equal(found, repair(data, y, x, lost, "plane"))


def test_a_frame_with_one_star_does_not_tell_the_profile():
    _, data = scene((40.2, 39.7, 20_000))
    lost = (Y == 40) & (X == 40)
    y, x = np.nonzero(lost)
    data[75:] = SKY
    found = repair_with_profile(data, y, x, lost, readnoise=READNOISE, fwhm=2.0)
    np.testing.assert_array_equal(found, repair(data, y, x, lost, "plane"))


def test_what_is_no_star_gets_no_star():
    edge = np.where(X < 40, 5000.0, SKY)
    data = np.random.default_rng(1).poisson(edge) + 0.0
    (value,), _ = without(data, (40, 41))
    assert 0.5 * SKY < value < 5200


def test_the_scatter_is_that_of_the_good_pixels_about_the_star():
    _, data = scene((40.0, 40.0, 20_000))
    _, (scatter,) = without(data, (41, 41))
    assert 0.5 * np.sqrt(SKY + READNOISE**2) < scatter < 500


def test_a_variance_that_is_known_counts():
    _, data = scene((40.2, 39.7, 20_000))
    lost = (Y == 40) & (X == 40)
    y, x = np.nonzero(lost)
    settings = {"readnoise": READNOISE, "fwhm": 2.0}
    one, _ = repair_with_profile(data, y, x, lost, variance=np.maximum(data, 0) + 36, **settings)
    other, _ = repair_with_profile(data, y, x, lost, **settings)
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_it_does_not_matter_how_much_is_done_at_once(monkeypatch):
    _, data = scene((40.2, 39.7, 20_000), (20.0, 22.0, 9_000))
    pixels = [(40, 40), (39, 40), (20, 22), (21, 22), (60, 60)]
    whole = without(data, *pixels)
    monkeypatch.setattr(star_repair, "CHUNK", 1)
    np.testing.assert_allclose(without(data, *pixels), whole, rtol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (12, 5)])
def test_small_frames_are_repaired(shape):
    data = np.random.default_rng(1).normal(SKY, 12, shape)
    lost = np.zeros(shape, dtype=bool)
    lost[0, 0] = data.size > 1
    y, x = np.nonzero(lost)
    values, scatter = repair_with_profile(data, y, x, lost, readnoise=READNOISE, fwhm=3.0)
    assert np.isfinite([values, scatter]).all()
