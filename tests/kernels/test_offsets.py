# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How far the stars of one exposure lie from those of another.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.offsets import measure_offset

from ..helpers.exposures import expose, scene

GOOD = (np.zeros((80, 90), dtype=bool),) * 2


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.4, -3.4), (-11.0, 7.5)])
def test_the_offset_of_the_stars_is_measured(shift):
    measured = measure_offset(expose(scene(), 1), expose(scene(shift=shift), 2), GOOD)
    np.testing.assert_allclose(measured, shift, atol=0.15)


def test_hot_pixels_do_not_hide_a_shift():
    hot = [((7 * i % 80, 11 * i % 90), 5000) for i in range(40)]
    measured = measure_offset(expose(scene(), 1, hot), expose(scene(shift=(4, 2)), 2, hot), GOOD)
    np.testing.assert_allclose(measured, (4, 2), atol=0.2)


def test_without_stars_the_offset_is_not_known():
    assert measure_offset(expose(scene(n_stars=0), 1), expose(scene(n_stars=0), 2), GOOD) is None


def test_other_stars_do_not_agree():
    assert measure_offset(expose(scene(n_stars=6), 1), expose(scene(n_stars=6, seed=3), 2), GOOD) is None
