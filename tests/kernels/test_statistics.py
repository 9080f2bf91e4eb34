# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Robust statistics."""

import numpy as np
import pytest
from scipy.stats import norm

from ccdproc_crplugin.kernels.statistics import EXACT_STD_OF_MAD, STD_OF_MAD, finite_median, level_around, robust_std


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_finite_median_is_that_of_numpy_without_nan(axis, dtype):
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = rng.normal(100, 10, rng.integers(1, 12, 2)).astype(dtype)
        values[rng.random(values.shape) < 0.3] = np.nan
        has_values = np.isfinite(values).any(axis=axis)
        median = finite_median(values, axis)
        assert median.dtype == dtype
        assert np.array_equal(np.isnan(median), ~has_values)
        kept = np.compress(has_values, values, axis=1 - axis)
        np.testing.assert_array_equal(median[has_values], np.nanmedian(kept, axis=axis))


def test_the_robust_standard_deviation_hardly_sees_outliers():
    values = np.random.default_rng(2).normal(100, 10, 10_000)
    values[:100] = 1e6
    assert robust_std(values, np.median(values)) == pytest.approx(10, rel=0.05)


def test_both_factors_are_that_of_the_normal_distribution():
    assert pytest.approx(1 / norm.ppf(0.75), rel=1e-14) == EXACT_STD_OF_MAD
    assert round(EXACT_STD_OF_MAD, 4) == STD_OF_MAD


def test_the_level_around_follows_the_light_and_no_cosmic_ray():
    data = np.tile(np.linspace(10, 100, 50), (40, 1)).astype(np.float32)
    hit = data.copy()
    hit[20, 10:15] = 1e5
    hit[3, 3] = np.nan
    level = level_around(hit)
    assert level.shape == data.shape
    assert np.abs(level - data).max() < 10
    assert (level_around(-data) == 0).all()
