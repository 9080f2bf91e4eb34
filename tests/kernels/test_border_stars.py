# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars that the border of a frame cuts off are not cosmic rays."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import border_stars, lacosmic
from ccdproc_crplugin.kernels.border_stars import without_border_stars

SIZE, SKY, READNOISE = 350, 200.0, 5.0


def places(n, seed):
    """Where stars stand: two to three pixels inside of the four borders."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        along, inside = (number // 4 + 0.5) * SIZE / (n // 4) + rng.uniform(-3, 3), rng.uniform(2, 3)
        far = SIZE - 1 - inside
        yield [(inside, along), (far, along), (along, inside), (along, far)][number % 4]


def frame_of(stars, fwhm, seed=0):
    """Electrons, float32: bright stars on a sky."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((SIZE, SIZE))
    scene = np.full((SIZE, SIZE), SKY)
    for y0, x0 in stars:
        width = fwhm / 2.3548
        flux = 10 ** rng.uniform(4.3, 5.5)
        profile = np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (2 * width**2))
        scene += flux * profile / (2 * np.pi * width**2)
    return (rng.poisson(scene) + rng.normal(0, READNOISE, scene.shape)).astype(np.float32)


def searched(data):
    found = lacosmic(data, readnoise=READNOISE, sigclip=5.0, objlim=5.0, scores_above=5.0)
    return found.mask, without_border_stars(data, found.mask, found.scores, READNOISE, 5.0)


def n_touched(mask, stars):
    return sum(mask[max(round(y) - 3, 0) : round(y) + 4, max(round(x) - 3, 0) : round(x) + 4].any() for y, x in stars)


@pytest.mark.parametrize("fwhm", [1.6, 2.2, 3.0, 4.0])
def test_bright_stars_near_the_border_stay(fwhm):
    stars = list(places(60, seed=3))
    before, after = searched(frame_of(stars, fwhm))
    assert n_touched(after, stars) <= min(1, n_touched(before, stars))


def test_cosmic_rays_at_the_border_are_found_as_before():
    data = frame_of([], 3.0)
    for place in range(10, SIZE - 10, 12):
        data[[0, SIZE - 2], place] += 500
        data[place, [1, SIZE - 4]] += 500
    before, after = searched(data)
    assert before.sum() > 100
    assert np.array_equal(before, after)


def test_events_inside_are_left_alone():
    data = frame_of([], 3.0)
    data[100, 100:110] += 800
    data[0:3, 40] += 800
    before, after = searched(data)
    assert np.array_equal(before, after)


def test_a_small_frame_is_left_alone():
    data = np.full((9, 9), 100, dtype=np.float32)
    data[1, 1] += 3000
    before, after = searched(data)
    assert np.array_equal(before, after)


@pytest.mark.parametrize("side", range(4))
def test_the_fine_structure_of_a_pixel_does_not_depend_on_which_others_are_asked_for(side):
    rng = np.random.default_rng(side)
    data = rng.normal(200, 30, (60, 300)).astype(np.float32)
    data[rng.random(data.shape) < 0.05] += 3000
    y, x = np.indices(data.shape).reshape(2, -1)
    near = [y < border_stars.WIDTH, x < border_stars.WIDTH, y >= 60 - border_stars.WIDTH, x >= 300 - border_stars.WIDTH]
    y, x = y[near[side]], x[near[side]]
    chosen = rng.choice(len(y), 12, replace=False)
    together = border_stars._fine_structure(data, y, x)[chosen]
    np.testing.assert_array_equal(border_stars._fine_structure(data, y[chosen], x[chosen]), together)
