# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How much of a raw flat is saturated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.gain_and_noise import ADU_LIKE


@dataclass(frozen=True)
class SaturationLevel:
    """The level from which pixels of a raw frame are saturated."""

    value: float  # in the unit of the frame
    source: str  # the keyword of the header, or what else it is
    unit: u.Unit


@dataclass(frozen=True)
class Saturation:
    """How much of a frame is saturated."""

    share: float  # of the good pixels
    level: SaturationLevel

    def __str__(self) -> str:
        percent = f"{100 * self.share:.2g}" if self.share < 0.99 else f"{math.floor(100 * self.share)}"
        return f"{percent} % of its pixels at or above {self.level.value:g} {self.level.unit} ({self.level.source})"


def saturation_level(
    meta: fits.Header, unit: u.Unit, dtype: np.dtype, zero: float = 0.0, *, given: float | None = None
) -> SaturationLevel | None:
    """The level given (in ``unit``) or of the header (adu), or the largest number of the type if that is lower."""
    levels = []
    found = header.saturation(meta)
    adu = next((adu for adu in ADU_LIKE if unit.is_equivalent(adu)), None)
    if given is not None:
        levels.append(SaturationLevel(given, "given", unit))
    elif found is not None and adu is not None:
        levels.append(SaturationLevel(found.value.value / unit.to(adu), found.keyword, unit))
    if dtype.kind in "iu":
        levels.append(SaturationLevel(np.iinfo(dtype).max + zero, "the largest number of its type", unit))
    return min(levels, key=lambda level: level.value, default=None)


def measure_saturation(numbers: np.ndarray, level: SaturationLevel | None, zero: float = 0.0) -> Saturation | None:
    """Count the saturated ones of the good pixels of a raw frame, of which ``zero`` is not added yet."""
    if level is None:
        return None
    lowest, n_good = level.value - zero, numbers.size
    if numbers.dtype.kind in "iu":
        limits = np.iinfo(numbers.dtype)
        lowest = math.ceil(min(max(lowest, limits.min), limits.max))
    else:
        n_good = int(np.count_nonzero(np.isfinite(numbers)))
    if not n_good:
        return None
    # a number of the same type is compared many times faster than one that all would be converted to
    n_saturated = np.count_nonzero(numbers >= numbers.dtype.type(lowest))
    return Saturation(n_saturated / n_good, level)
