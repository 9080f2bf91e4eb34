# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How one exposure of a field predicts another.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.stack_match import Plane, fit_link, overlap, plain_link, predict

from ..helpers.exposures import READNOISE, expose, scene


def plane(data, offset=(0.0, 0.0), bad=None, **keywords):
    bad = np.zeros(data.shape, dtype=bool) if bad is None else bad
    return Plane(data, bad, np.zeros(data.shape, dtype=bool), READNOISE, offset, **keywords)


def fitted(one, other):
    link = plain_link(one, other)
    fit_link(link, one, other, np.zeros(one.data.shape, dtype=bool))
    return link


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-100, 0)])
def test_the_parts_that_show_one_field_are_equal_in_shape(shift):
    own, theirs = overlap(shift, (20, 30))
    field = np.arange(600).reshape(20, 30)
    assert field[own].shape == field[theirs].shape
    if field[own].size:
        np.testing.assert_array_equal(field[theirs] - field[own], shift[0] * 30 + shift[1])


def test_a_shift_by_whole_pixels_predicts_the_same_values():
    image = scene(n_stars=5)
    one, other = plane(image.astype(np.float32)), plane(np.roll(image, (3, 2), (0, 1)).astype(np.float32), (3.0, 2.0))
    told = predict(plain_link(one, other), one, other, np.array([20, 40]), np.array([30, 50]))
    np.testing.assert_allclose(told.level, image[[20, 40], [30, 50]], rtol=1e-3)


def test_the_transparency_is_measured():
    one, other = plane(expose(scene(), 1)), plane(expose(scene(light=0.5), 2))
    assert plain_link(one, other).transparency == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(("fwhm", "other_fwhm"), [(3.0, 3.6), (3.6, 3.0)])
def test_the_fit_explains_another_seeing(fwhm, other_fwhm):
    one, other = plane(expose(scene(fwhm=fwhm), 1)), plane(expose(scene(fwhm=other_fwhm), 2))
    link, unfitted = fitted(one, other), plain_link(one, other)
    y, x = np.nonzero(scene(fwhm=3.0) > 800)
    inside = (y > 3) & (y < 76) & (x > 3) & (x < 86)
    y, x = y[inside], x[inside]
    missed, missed_before = (np.std(one.data[y, x] - predict(a, one, other, y, x).level) for a in (link, unfitted))
    assert link.is_fitted
    assert missed < 0.5 * missed_before


def test_without_stars_nothing_is_fitted():
    one, other = (plane(expose(scene(n_stars=0), seed)) for seed in (1, 2))
    assert not fitted(one, other).is_fitted


def test_the_sky_may_differ():
    one, other = plane(expose(scene() + 300, 1)), plane(expose(scene(), 2))
    told = predict(fitted(one, other), one, other, np.array([2]), np.array([2]))
    assert told.level[0] == pytest.approx(500, abs=60)


def test_bad_pixels_are_filled_from_their_surroundings():
    data, bad = expose(scene(n_stars=0), 1), np.zeros((80, 90), dtype=bool)
    bad[10, 10], data[10, 10] = True, 1e6
    assert plane(data, bad=bad).filled[10, 10] == pytest.approx(200, abs=20)


def test_the_noise_of_a_pixel_is_that_of_what_is_expected_there():
    data = expose(scene(n_stars=0), 1, [((5, 5), 10_000)])
    given = plane(data, variance=np.maximum(data, 0) + np.float32(READNOISE**2))
    for one in (plane(data), given):
        noise2 = one.expected_noise2(np.array([5]), np.array([5]), np.array([200.0]))
        assert noise2[0] == pytest.approx(225, rel=0.1)


def test_pixels_are_filled_anew_each_time():
    bad = np.zeros((80, 90), dtype=bool)
    bad[20:24, 29] = True
    one = plane(expose(scene(), 1), bad=bad)
    before, noise2 = one.filled.copy(), one.noise2.copy()
    one.fill(np.array([20, 20]), np.array([30, 31]))
    assert (one.filled[20, 30:32] != before[20, 30:32]).all()
    assert not (one.filled != before)[30:].any()
    one.fill(np.zeros(0, dtype=int), np.zeros(0, dtype=int))
    np.testing.assert_array_equal(one.filled, before)
    np.testing.assert_array_equal(one.noise2, noise2)


def test_a_bad_pixel_beside_a_filled_one_does_not_draw_on_it():
    bad = np.zeros((80, 90), dtype=bool)
    bad[20, 29] = True
    data = expose(scene(n_stars=0), 1)
    data[20, 30:32] += 1e6
    one = plane(data, bad=bad)
    one.fill(np.array([20, 20]), np.array([30, 31]))
    assert one.filled[20, 29] == pytest.approx(200, abs=30)
