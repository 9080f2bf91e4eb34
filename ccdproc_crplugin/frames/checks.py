# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of a CCDData: its data, mask and uncertainty must fit one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin.errors import CosmicRayError

KNOWN_UNCERTAINTIES = (StdDevUncertainty, VarianceUncertainty, InverseVariance)

#: The largest integer up to which float64, the type of the result, holds every integer.
LARGEST_INTEGER = 2**53


def check_frame(ccd: CCDData) -> None:
    """Refuse anything but a CCDData of real numbers, shape (ny, nx), with a mask and an uncertainty that fit."""
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(
            f"Found {type(ccd).__name__}; expected a CCDData.", "Wrap an array with CCDData(array, unit='adu')."
        )
    data = ccd.data
    if not isinstance(data, np.ndarray):
        raise CosmicRayError(f"Found data of type {type(data).__name__}; expected a two-dimensional NumPy array.")
    if data.ndim != 2:
        raise CosmicRayError(
            f"Found data of shape {data.shape}; expected two dimensions, (ny, nx).", "Clean each plane of a cube."
        )
    if data.size == 0:
        raise CosmicRayError(f"Found an empty frame of shape {data.shape}; expected at least one pixel.")
    if data.dtype.kind not in "iuf":
        raise CosmicRayError(f"Found data of dtype {data.dtype}; expected integers or floating-point numbers.")
    check_whole_numbers(data)
    mask_of(ccd)
    if isinstance(ccd.uncertainty, KNOWN_UNCERTAINTIES):
        uncertainty_scale(ccd)


def check_whole_numbers(data: np.ndarray) -> None:
    """Refuse integers that float64 can't hold."""
    if data.dtype.kind in "iu" and data.dtype.itemsize == 8 and data.size:
        extreme = max(int(data.max()), -int(data.min()))
        if extreme > LARGEST_INTEGER:
            raise CosmicRayError(
                f"Found the value {extreme} in data of dtype {data.dtype}; expected at most 2**53, beyond which "
                "float64 can't hold every integer.",
                "Rescale the frame.",
            )


def check_mask(mask: Any, shape: tuple[int, ...], name: str = "mask") -> np.ndarray:
    """A mask argument as an array of bool, refused unless it has that dtype and shape."""
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != shape:
        raise CosmicRayError(f"Found a {name} of dtype {mask.dtype} and shape {mask.shape}; expected bool and {shape}.")
    return mask


def mask_of(ccd: CCDData) -> np.ndarray | None:
    """The mask of a frame as an array of bool, shape (ny, nx), if it has one; integers are taken for bool."""
    if ccd.mask is None:
        return None
    mask = np.asarray(ccd.mask)
    if mask.dtype.kind not in "biu":
        raise CosmicRayError(f"Found a mask of dtype {mask.dtype}; expected booleans, True at bad pixels.")
    if mask.shape not in ((), ccd.data.shape):
        raise CosmicRayError(f"Found a mask of shape {mask.shape}; expected that of the data, {ccd.data.shape}.")
    return np.broadcast_to(mask.astype(bool), ccd.data.shape)


def variance_of(ccd: CCDData) -> np.ndarray | None:
    """The variance of a frame's uncertainty, float64 (ny, nx), in the unit of the frame squared; None without one."""
    uncertainty = ccd.uncertainty
    if not isinstance(uncertainty, KNOWN_UNCERTAINTIES):
        return None
    array = np.asarray(uncertainty.array)
    if array.shape != ccd.data.shape:
        raise CosmicRayError(
            f"Found an uncertainty of shape {array.shape}; expected that of the data, {ccd.data.shape}."
        )
    check_whole_numbers(array)
    scale = uncertainty_scale(ccd)
    array = array.astype(np.float64)
    if isinstance(uncertainty, StdDevUncertainty):
        return (array * scale) ** 2
    if isinstance(uncertainty, VarianceUncertainty):
        return array * scale**2
    with np.errstate(divide="ignore"):
        return scale**2 / array


def uncertainty_scale(ccd: CCDData) -> float:
    """How many units of the frame one unit of its uncertainty, taken as a standard deviation, is."""
    uncertainty = ccd.uncertainty
    if uncertainty.unit is None:
        return 1.0
    power = {"std": 1, "var": 0.5, "ivar": -0.5}[uncertainty.uncertainty_type]
    try:
        return (uncertainty.unit**power).to(ccd.unit)
    except u.UnitConversionError as err:
        raise CosmicRayError(
            f"Found an uncertainty in {uncertainty.unit} for a frame in {ccd.unit}; expected the same unit."
        ) from err
