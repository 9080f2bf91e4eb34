# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The four planes of a colour mosaic: those of a frame, and those of all that is known of its pixels."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.kernels.mosaic import PLANES


def split_known(known: Any, shape: tuple[int, int]) -> list[Any]:
    """
    What is known of a frame of this shape, for each plane.

    Arrays of the frame's shape, or of one row or column of it, are split; in mappings and dataclasses, and in CCDData,
    all that is within. Anything else is the same for all planes.
    """
    if isinstance(known, CCDData):
        return split_ccd(known) if known.data.shape == shape else [known] * len(PLANES)
    if isinstance(known, np.ndarray):
        return _split_array(known, shape)
    if dataclasses.is_dataclass(known) and not isinstance(known, type):
        fields = {field.name: getattr(known, field.name) for field in dataclasses.fields(known) if field.init}
        return [dataclasses.replace(known, **plane) for plane in split_known(fields, shape)]
    if isinstance(known, Mapping):
        parts = {name: split_known(value, shape) for name, value in known.items()}
        return [{name: planes[number] for name, planes in parts.items()} for number in range(len(PLANES))]
    return [known] * len(PLANES)


def _split_array(array: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    if array.ndim != 2 or any(own not in (1, size) for own, size in zip(array.shape, shape, strict=True)):
        return [array] * len(PLANES)
    planes = []
    for place in PLANES:
        step = tuple(slice(first * (own > 1), None, 2) for first, own in zip(place, array.shape, strict=True))
        planes.append(_read_only(np.array(array[step], order="C", subok=True)))
    return planes


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def split_ccd(ccd: CCDData) -> list[CCDData]:
    """The planes of a frame, without its WCS, each with the whole header."""
    mask = mask_of(ccd)
    uncertainty = None if ccd.uncertainty is None else np.asarray(ccd.uncertainty.array)
    planes = []
    for row, column in PLANES:
        plane = copy.copy(ccd)
        plane.wcs = None
        plane.uncertainty = None
        plane.data = np.ascontiguousarray(ccd.data[row::2, column::2])
        plane.mask = None if mask is None else np.ascontiguousarray(mask[row::2, column::2])
        flags = ccd.flags
        plane.flags = flags[row::2, column::2] if np.shape(flags) == ccd.data.shape else None
        if uncertainty is not None and uncertainty.shape == ccd.data.shape:
            part = np.ascontiguousarray(uncertainty[row::2, column::2])
            plane.uncertainty = type(ccd.uncertainty)(part, unit=ccd.uncertainty.unit)
        planes.append(plane)
    return planes
