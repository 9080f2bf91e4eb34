# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Copies of a frame, and what a new frame takes over from the one that it is made of."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin.frames.checks import uncertainty_scale


def copy_but_pixels(ccd: CCDData) -> CCDData:
    """A frame of the same class with its own header, WCS, PSF and uncertainty; data, mask and flags are shared."""
    new = copy.copy(ccd)
    new.meta = copy.deepcopy(ccd.meta)
    new.wcs = copy.deepcopy(ccd.wcs)
    new.psf = copy.deepcopy(ccd.psf)
    new.uncertainty = _copy_of_uncertainty(ccd)
    return new


def _copy_of_uncertainty(ccd: CCDData) -> Any:
    return None if ccd.uncertainty is None else type(ccd.uncertainty)(ccd.uncertainty, copy=True)


def read_only(ccd: CCDData) -> CCDData:
    """A frame for a plugin: it has its own header and shares the arrays, which can't be changed through it."""
    view = copy.copy(ccd)
    view.meta = copy.deepcopy(ccd.meta)
    for name in ("data", "mask", "flags"):
        if isinstance(getattr(ccd, name), np.ndarray):
            setattr(view, name, _locked(getattr(ccd, name)))
    if ccd.uncertainty is not None and isinstance(ccd.uncertainty.array, np.ndarray):
        view.uncertainty = type(ccd.uncertainty)(_locked(ccd.uncertainty.array), unit=ccd.uncertainty.unit, copy=False)
    return view


def _locked(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def result_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of a cleaned frame: a floating dtype stays, integers become float32, above 16 bits float64."""
    if dtype.kind == "f":
        return dtype
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def enlarged_uncertainty(ccd: CCDData, y: np.ndarray, x: np.ndarray, scatter: np.ndarray) -> Any:
    """
    A new uncertainty, at the repaired pixels at least the scatter of the pixels that each repair drew on.

    y, x and scatter (standard deviation, unit of the frame) have shape (n,). An unknown kind is only copied.
    """
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
    """The numbers of an uncertainty of any kind, shape (ny, nx); None unless there is one for each pixel."""
    array = None if ccd.uncertainty is None else np.asarray(ccd.uncertainty.array)
    return array if array is not None and array.shape == ccd.data.shape and array.dtype.kind in "iuf" else None
