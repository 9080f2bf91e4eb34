# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The check of a mask that is given as an argument.
"""

import numpy as np
import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.checks import check_mask


def test_a_mask_comes_back_as_an_array():
    assert check_mask([[True, False]], (1, 2)).tolist() == [[True, False]]


@pytest.mark.parametrize("mask", [np.ones((2, 3), dtype=bool), np.ones((3, 2)), [[1, 0], [0, 1], [1, 1]], None, "mask"])
def test_another_dtype_or_shape_is_refused(mask):
    with pytest.raises(CosmicRayError, match=r"^Found a region of dtype .* and shape .*; expected bool and \(3, 2\)"):
        check_mask(mask, (3, 2), "region")
