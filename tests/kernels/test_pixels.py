# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a mask is true."""

import numpy as np

from ccdproc_crplugin.kernels.pixels import true_pixels


def test_true_pixels_are_those_of_numpy():
    mask = np.random.default_rng(1).random((9, 7)) < 0.3
    assert all(np.array_equal(ours, numpys) for ours, numpys in zip(true_pixels(mask), np.nonzero(mask), strict=True))
