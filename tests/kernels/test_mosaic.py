"""
The planes of a colour mosaic.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.mosaic import in_frame, join_planes, repair_planes, split_planes


@pytest.mark.parametrize("shape", [(4, 6), (5, 7), (2, 3)])
def test_the_planes_joined_are_the_frame(shape):
    frame = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    planes = split_planes(frame)
    assert all(plane.flags.c_contiguous for plane in planes)
    assert np.array_equal(join_planes(planes, shape), frame)


def test_a_pixel_of_a_plane_has_its_place_in_the_frame():
    frame = np.arange(30).reshape(5, 6)
    for number, plane in enumerate(split_planes(frame)):
        y, x = np.indices(plane.shape)
        assert np.array_equal(frame[in_frame(number, y, x)], plane)


def test_a_pixel_is_repaired_from_pixels_of_its_own_colour():
    frame = join_planes([np.full((10, 10), level, dtype=float) for level in (10, 20, 30, 40)], (20, 20))
    lost = np.zeros((20, 20), dtype=bool)
    lost[8:10, 8:10] = True
    values, scatter = repair_planes(frame, *np.nonzero(lost), lost)
    assert values.tolist() == [10, 20, 30, 40]
    assert not scatter.any()
