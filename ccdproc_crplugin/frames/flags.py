# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bits of ``flags`` of a cleaned frame."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

from ccdproc_crplugin import plugins

if TYPE_CHECKING:
    import numpy as np
    from astropy.nddata import CCDData


class PixelFlag(IntFlag):
    """
    The bits of ``flags`` (uint8) of a cleaned frame.
    """

    COSMIC_RAY = 1
    SATURATED = 2
    #: masked, not finite, or known to be bad
    BAD = 4
    NOT_SEARCHED = 8
    #: the trail of a satellite or an aeroplane, masked but not repaired; 32, 64 and 128 are for plugins, see `Flag`
    TRAIL = 16


def flag_bits() -> dict[str, int]:
    """The bits of the flags by name, those of the host and those that plugins claim."""
    return {
        **{str(flag.name): flag.value for flag in PixelFlag},
        **{name: flag.bit for name, flag in plugins.flags().items()},
    }


def flags_of(ccd: CCDData) -> np.ndarray | None:
    """The flags of a frame if they are those of `PixelFlag`, uint8 (ny, nx); None otherwise."""
    import numpy as np

    flags = ccd.flags
    known = isinstance(flags, np.ndarray) and flags.dtype == np.uint8 and flags.shape == ccd.data.shape
    return flags if known else None


def known_trails(ccd: CCDData) -> np.ndarray | None:
    """The good pixels of a frame that are flagged as trails, bool (ny, nx); None if its header names no such flag."""
    flags = flags_of(ccd)
    if flags is None or f"{PixelFlag.TRAIL.name}=" not in str(ccd.meta.get("CRFLAGS", "")):
        return None
    return is_flagged(flags, PixelFlag.TRAIL) & ~is_flagged(flags, PixelFlag.BAD)


def is_flagged(flags: np.ndarray, bits: int) -> np.ndarray:
    """Where any of some bits is set: bool, of the shape of ``flags``."""
    import numpy as np

    found = flags & int(bits)
    return np.not_equal(found, 0, out=found.view(bool)) if found.dtype.itemsize == 1 else found != 0


def change_flags(flags: np.ndarray, y: np.ndarray, x: np.ndarray, *, add: int = 0, remove: int = 0) -> None:
    """Set and clear bits at the pixels y and x, shape (n,), in place; ``flags`` is uint8."""
    flags[y, x] = (flags[y, x] & (0xFF & ~int(remove))) | int(add)
