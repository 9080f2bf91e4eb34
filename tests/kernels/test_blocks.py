# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A sample of a frame in blocks."""

import numpy as np

from ccdproc_crplugin.kernels.blocks import quantiles, take_blocks


def test_blocks_are_32_pixels_wide_and_at_most_16_along_an_axis():
    assert take_blocks(np.zeros((100, 1000), dtype=np.uint16)).shape == (48, 32, 32)


def test_a_block_of_a_small_frame_is_as_narrow_as_the_frame():
    assert take_blocks(np.zeros((10, 64))).shape == (2, 10, 32)


def test_bad_pixels_do_not_count():
    frame = np.arange(32 * 32, dtype=float).reshape(32, 32)
    blocks = take_blocks(frame, bad=frame < 500)
    assert np.nanmin(blocks) == 500
    assert quantiles(blocks, 0.0)[0] >= 500
