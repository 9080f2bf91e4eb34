# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Saturated stars and their bleed trails are told from saturated cosmic rays."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.saturated_stars import GROWTH, saturated_stars

LEVEL = 60000.0


def frame(*boxes):
    """A sky with boxes of saturated pixels."""
    data = np.full((60, 60), 100, dtype=np.float32)
    for box in boxes:
        data[box] = LEVEL
    return data


@pytest.mark.parametrize(
    "box",
    [np.s_[20:22, 20:22], np.s_[10:50, 30], np.s_[30, 10:50], np.s_[20:30, 20:30]],
    ids=["core", "trail along a column", "trail along a row", "large core"],
)
def test_a_star_is_masked_with_the_pixels_around(box):
    stars = saturated_stars(frame(box), LEVEL)
    y, x = np.nonzero(frame(box) == LEVEL)
    expected = np.zeros((60, 60), dtype=bool)
    expected[y.min() - GROWTH : y.max() + GROWTH + 1, x.min() - GROWTH : x.max() + GROWTH + 1] = True
    assert np.array_equal(stars, expected)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_saturated_cosmic_ray_is_not(n):
    data = frame()
    data[np.arange(20, 20 + n), np.arange(20, 20 + n)] = LEVEL
    assert saturated_stars(data, LEVEL) is None


def test_a_cosmic_ray_beside_a_star_stays_to_be_searched():
    stars = saturated_stars(frame(np.s_[20:24, 20:24], np.s_[40, 40]), LEVEL)
    assert stars[21, 21]
    assert not stars[40, 40]


def test_a_trail_is_one_with_the_core_it_leaves():
    stars = saturated_stars(frame(np.s_[28:32, 28:32], np.s_[0:60, 30]), LEVEL)
    assert stars[:, 30].all()


def test_nothing_is_saturated_below_an_infinite_level():
    assert saturated_stars(frame(np.s_[20:30, 20:30]), np.inf) is None
