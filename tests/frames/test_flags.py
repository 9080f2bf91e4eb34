# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Bits of flags: which pixels have them, and how they are changed.
"""

import numpy as np

from ccdproc_crplugin.frames.flags import PixelFlag, change_flags, is_flagged


def test_a_pixel_is_flagged_if_it_has_any_of_the_bits():
    flags = np.array([[0, 1, 2], [4, 5, 8]], dtype=np.uint8)
    either = is_flagged(flags, PixelFlag.COSMIC_RAY | PixelFlag.BAD)
    assert either.tolist() == [[False, True, False], [True, True, False]]


def test_bits_of_some_pixels_are_set_and_cleared_and_the_others_stay():
    flags = np.array([[12, 12], [8, 130]], dtype=np.uint8)
    change_flags(flags, np.array([0, 1]), np.array([0, 1]), add=PixelFlag.COSMIC_RAY, remove=PixelFlag.NOT_SEARCHED)
    assert flags.dtype == np.uint8
    assert flags.tolist() == [[5, 12], [8, 131]]


def test_the_names_of_the_host_are_known_to_plugins():
    from ccdproc_crplugin.plugins.model import FREE_BITS, HOST_FLAGS

    assert tuple(flag.name for flag in PixelFlag) == HOST_FLAGS
    assert not set(FREE_BITS) & {flag.value for flag in PixelFlag}
