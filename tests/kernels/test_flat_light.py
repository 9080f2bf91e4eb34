# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The level of a flat is that of its lit pixels, however many are dark."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.flat_light import light_level, unlit_pixels


def flat(shape=(200, 200), level=20000.0, seed=0):
    y, x = np.indices(shape)
    vignetted = 1 - 0.3 * ((y / shape[0] - 0.5) ** 2 + (x / shape[1] - 0.5) ** 2)
    return np.random.default_rng(seed).normal(level * vignetted, 30).astype(np.float32)


@pytest.mark.parametrize(("statistic", "of_all"), [("mean", np.mean), ("median", np.median)])
def test_the_level_of_an_ordinary_flat_is_the_statistic_of_all_its_pixels(statistic, of_all):
    assert light_level(flat(), statistic) == pytest.approx(of_all(flat()), rel=1e-6)


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.6, 0.95])
def test_dark_pixels_do_not_count(statistic, share):
    values = flat()
    dark = np.random.default_rng(1).random(values.shape) < share
    values[dark] = np.random.default_rng(2).normal(0, 10, values.shape)[dark]
    level = light_level(values, statistic)
    assert level == pytest.approx(light_level(flat(), statistic), rel=1e-3)
    assert np.array_equal(unlit_pixels(values, level), dark)


def test_dead_rows_in_the_middle_of_a_vignetted_flat_leave_its_level_as_it_is():
    values = flat()
    values[95:105] = 3
    assert light_level(values) == pytest.approx(light_level(flat()), rel=3e-4)


def test_pixels_that_are_not_finite_are_dark_and_do_not_count():
    values = flat()
    values[3], values[5] = np.nan, np.inf
    assert light_level(values) == pytest.approx(light_level(flat()), rel=1e-3)
    assert unlit_pixels(values, 20000.0)[[3, 5]].all()


def test_hot_pixels_do_not_make_the_others_dark():
    values = flat()
    values[::40, ::40] = 1e7
    assert not unlit_pixels(values, light_level(values)).any()


@pytest.mark.parametrize("values", [np.zeros((5, 5)), np.full((5, 5), -3.0), np.full((5, 5), np.nan), np.zeros((0, 5))])
def test_a_flat_without_light_has_no_level(values):
    assert np.isnan(light_level(values))
