# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Labels of connected pixels.
"""

import numpy as np
import pytest
from scipy import ndimage

from ccdproc_crplugin.kernels.labels import label_pixels


@pytest.mark.parametrize("connectivity", [4, 8])
def test_labels_are_those_of_scipy(connectivity):
    structure = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mask = rng.random(rng.integers(1, 30, 2)) < rng.random()
        y, x = np.nonzero(mask)
        expected, _ = ndimage.label(mask, structure=structure)
        np.testing.assert_array_equal(label_pixels(y, x, mask.shape, connectivity), expected[y, x])
