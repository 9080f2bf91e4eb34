# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The level of a frame that no light made: a bias that was not subtracted, or a constant that a program added.

It has no photon noise. The search works on the frame less its pedestal; the data keep their level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.checks import check_frame, mask_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics, factor_of
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.frames.sections import read_section
from ccdproc_crplugin.kernels.statistics import robust_std

#: An overscan at more than so many standard deviations of its pixels still has its bias.
NO_BIAS = 3.0

#: A pedestal on record is still in the frame if the frame's level is at least this share of it.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Pedestal:
    """A level without photons, and where it was found: "bias given", or a header keyword."""

    level: float | np.ndarray  # electron; (ny, nx) for a bias that was given, and where amplifiers differ in gain
    source: str


@dataclass(frozen=True)
class Overscan:
    """The overscan that a frame still has."""

    keyword: str
    level: float  # median of its good pixels in the unit of the frame, NaN where it has none
    scatter: float  # their robust standard deviation
    light: tuple[int, int]  # shape of the part that saw light

    @property
    def has_bias(self) -> bool:
        """Whether the bias was not subtracted."""
        return self.level > NO_BIAS * self.scatter > 0


def pedestal_of(ccd: CCDData, electronics: Electronics, bias: CCDData | None = None) -> Pedestal | None:
    """The pedestal of a frame: the ``bias`` that it still has, the level of its overscan, or that of its header."""
    if bias is not None:
        check_frame(bias)
        if bias.shape != ccd.shape:
            raise CosmicRayError(f"Found a bias of shape {bias.shape}; expected that of the frame, {ccd.shape}.")
        level = np.asarray(bias.data * np.float64(factor_of(bias, electronics, ccd.meta)), dtype=np.float32)
        return Pedestal(np.where(np.isfinite(level), level, np.float32(np.nanmedian(level))), "bias given")
    overscan = overscan_of(ccd)
    if overscan is not None and overscan.has_bias:
        return Pedestal(overscan.level * electronics.factor, overscan.keyword)
    return _of_header(ccd, electronics)


def _of_header(ccd: CCDData, electronics: Electronics) -> Pedestal | None:
    """The pedestal that a program added, if the frame still has it."""
    found = header.pedestal(ccd.meta)
    if found is None or electronics.in_electron:
        return None
    if np.nanmedian(ccd.data[::8, ::8]) < LEAST_SHARE * found.value.value:
        return None
    return Pedestal(found.value.value * electronics.factor, found.keyword)


def overscan_of(ccd: CCDData) -> Overscan | None:
    """The overscan that the header names, unless it was cut off."""
    found, exposed = header.overscan_section(ccd.meta), header.trim_section(ccd.meta)
    if found is None or exposed is None or "trim" in corrections(ccd.meta):
        return None
    overscan, light = read_section(found.value), read_section(exposed.value)
    if overscan is None or light is None or not _is_beside(light, ccd.shape):
        return None
    return Overscan(found.keyword, *_level(ccd, overscan), (_length(light[0]), _length(light[1])))


def _length(part: slice) -> int:
    return part.stop - part.start


def names_overscan(meta: Mapping) -> bool:
    """Whether a header names an overscan."""
    return header.overscan_section(meta) is not None


def _is_beside(light: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    """Whether the frame has pixels beside the section that saw light, along one of its axes."""
    return any(part.stop <= size and part.stop - part.start < size for part, size in zip(light, shape, strict=True))


def _level(ccd: CCDData, overscan: tuple[slice, slice]) -> tuple[float, float]:
    """Median and robust scatter of the good pixels of the overscan, NaN where it has none."""
    values = np.asarray(ccd.data[overscan], dtype=np.float64)
    mask = mask_of(ccd)
    values = values[np.isfinite(values) if mask is None else np.isfinite(values) & ~mask[overscan]]
    if values.size == 0:
        return math.nan, math.nan
    level = float(np.median(values))
    return level, max(float(robust_std(values, level)), 1e-9)
