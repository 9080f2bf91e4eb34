# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a new frame takes over from the one it is made of."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin.frames.checks import uncertainty_scale

__all__ = ["copy_but_pixels", "enlarged_uncertainty", "result_dtype", "uncertainty_array"]


def copy_but_pixels(ccd: CCDData) -> CCDData:
    """A frame of the same class with header, WCS, PSF and uncertainty of its own; the other arrays are still shared."""
    new = copy.copy(ccd)
    new.meta = copy.deepcopy(ccd.meta)
    new.wcs = copy.deepcopy(ccd.wcs)
    new.psf = copy.deepcopy(ccd.psf)
    new.uncertainty = _copy_of_uncertainty(ccd)
    return new


def _copy_of_uncertainty(ccd: CCDData) -> Any:
    return None if ccd.uncertainty is None else type(ccd.uncertainty)(ccd.uncertainty, copy=True)


def result_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which repaired values of a frame are kept."""
    if dtype.kind == "f":
        return dtype
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def enlarged_uncertainty(ccd: CCDData, y: np.ndarray, x: np.ndarray, scatter: np.ndarray) -> Any:
    """The frame's uncertainty, nowhere smaller, at the repaired pixels at least the scatter."""
    uncertainty = ccd.uncertainty
    if not isinstance(uncertainty, StdDevUncertainty | VarianceUncertainty | InverseVariance):
        return _copy_of_uncertainty(ccd)
    array = np.array(uncertainty.array, dtype=result_dtype(uncertainty.array.dtype))
    scatter = scatter / uncertainty_scale(ccd)
    if isinstance(uncertainty, StdDevUncertainty):
        array[y, x] = np.fmax(array[y, x], scatter)
    elif isinstance(uncertainty, VarianceUncertainty):
        array[y, x] = np.fmax(array[y, x], scatter**2)
    else:
        with np.errstate(divide="ignore"):
            array[y, x] = np.fmin(array[y, x], 1 / scatter**2)
    return type(uncertainty)(array, unit=uncertainty.unit, copy=False)


def uncertainty_array(ccd: CCDData) -> np.ndarray | None:
    """The uncertainty of each pixel, if the frame has one."""
    array = None if ccd.uncertainty is None else np.asarray(ccd.uncertainty.array)
    return array if array is not None and array.shape == ccd.data.shape and array.dtype.kind in "iuf" else None
