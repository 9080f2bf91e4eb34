# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bits of ``flags`` of a cleaned frame."""

from enum import IntFlag

__all__ = ["PixelFlag"]


class PixelFlag(IntFlag):
    """
    The bits of ``flags`` (uint8) of a cleaned frame.
    """

    COSMIC_RAY = 1
    SATURATED = 2
    #: masked or not finite before the cleaning
    BAD_ON_INPUT = 4
    NOT_SEARCHED = 8
