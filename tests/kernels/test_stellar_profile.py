# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The profile that the stars of a frame share, measured from the frame itself.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.stellar_profile import FEWEST, measure_profile
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.simulate import Camera, Chip, simulate_frame

READNOISE = 6.0


def frame(fwhm, n_stars, *, sky=50.0, n_rays=0, chip=None, seed=1, **settings):
    camera = Camera(hot_fraction=0, readnoise=READNOISE, **({} if chip is None else {"chip": chip}))
    rays = {"n_muons": n_rays, "n_worms": n_rays, "n_spots": 2 * n_rays}
    return simulate_frame((400, 400), fwhm=fwhm, n_stars=n_stars, sky=sky, camera=camera, seed=seed, **rays, **settings)


def measured(data, **settings):
    return measure_profile(data, READNOISE, stellar_width(data), saturation=8e4, **settings)


@pytest.mark.parametrize("fwhm", [1.3, 1.6, 2.0])
@pytest.mark.parametrize(("n_stars", "tolerance"), [(60, 0.06), (400, 0.03)])
def test_width_and_slope_are_those_of_the_stars(fwhm, n_stars, tolerance):
    stars = measured(frame(fwhm, n_stars).ccd.data)
    assert stars.fwhm == pytest.approx(fwhm, rel=tolerance)
    assert stars.beta == pytest.approx(3.0, rel=4 * tolerance)


def test_cosmic_rays_do_not_change_it():
    stars = measured(frame(1.3, 100, n_rays=60).ccd.data)
    assert stars.fwhm == pytest.approx(1.3, rel=0.05)


def test_a_frame_with_too_few_stars_has_none():
    data = frame(1.3, FEWEST - 2).ccd.data
    assert measure_profile(data, READNOISE, 1.45) is None


@pytest.mark.parametrize("diffusion", [5.0, 5.4])
def test_the_charge_of_cosmic_rays_that_diffused_is_not_taken_for_stars(diffusion):
    spots = Chip(thickness=200.0, pixel_size=9.0, diffusion=diffusion)
    data = frame(1.3, 0, n_rays=300, chip=spots).ccd.data
    assert measure_profile(data, READNOISE, 1.25) is None


def test_saturated_stars_do_not_count():
    data = frame(1.6, 60).ccd.data
    clipped = np.minimum(data, 400)
    stars = measure_profile(clipped, READNOISE, stellar_width(data), saturation=400)
    assert stars is None or stars.fwhm == pytest.approx(1.6, rel=0.1)


def test_bad_pixels_do_not_count():
    data = frame(1.6, 200).ccd.data.copy()
    bad = np.random.default_rng(2).random(data.shape) < 0.002
    data[bad] = 3e4
    assert measured(data, mask=bad).fwhm == pytest.approx(1.6, rel=0.05)
