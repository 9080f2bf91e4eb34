# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Profiles of a star, to convolve a frame with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, wrong_value

__all__ = ["PSF_MODELS", "gaussian_psf", "moffat_psf", "psf_kernel"]

#: Profiles that have a name.
PSF_MODELS = ("gauss", "gaussx", "gaussy", "moffat")

_FWHM_OF_SIGMA = 2.35482  # 2 sqrt(2 ln 2)


def _offsets(size: int, center: Any) -> np.ndarray:
    """Distances of a row of pixels from the profile's centre, in pixels."""
    return np.arange(size) - ((size - 1) / 2 if center is None else center)


def _normalised(profile: Any) -> np.ndarray:
    kernel = profile.astype(np.float32)
    kernel /= kernel.sum()
    return kernel


def gaussian_psf(fwhm: float, size: int = 7, *, axis: Any = None, center: Any = None) -> np.ndarray:
    """A Gaussian star."""
    x = np.tile(_offsets(size, center), (size, 1))
    y = x.T
    sigma2 = float(np.float32(fwhm) * np.float32(fwhm)) / _FWHM_OF_SIGMA / _FWHM_OF_SIGMA
    if axis == "x":
        return _normalised(np.exp(-0.5 * x * x / sigma2))
    if axis == "y":
        return _normalised(np.exp(-0.5 * y * y / sigma2))
    return _normalised(np.exp(-0.5 * (x * x + y * y) / sigma2))


def moffat_psf(fwhm: float, size: int = 7, *, beta: float = 4.765, center: Any = None) -> np.ndarray:
    """A star with the wings that the atmosphere gives it."""
    beta = float(np.float32(beta))
    x = np.tile(_offsets(size, center), (size, 1))
    r = np.sqrt(x * x + x.T * x.T)
    alpha = float(np.float32(fwhm)) / 2.0 / np.sqrt(np.power(2.0, 1.0 / beta) - 1.0)
    return _normalised(np.power(1.0 + r * r / alpha / alpha, -beta))


def psf_kernel(model: Any, fwhm: float, size: int = 7, beta: float = 4.765, *, center: Any = None) -> np.ndarray:
    """A star of a profile that has a name."""
    if model not in PSF_MODELS:
        raise wrong_value("psfmodel", model, f"one of: {', '.join(PSF_MODELS)}")
    if not (fwhm > 0 and size >= 1):
        raise CosmicRayError(
            f"Found psffwhm={fwhm!r} and psfsize={size!r}; expected a width above 0 and a size of 1 pixel or more."
        )
    if model == "moffat":
        return moffat_psf(fwhm, size, beta=beta, center=center)
    axis = {"gauss": None, "gaussx": "x", "gaussy": "y"}[model]
    return gaussian_psf(fwhm, size, axis=axis, center=center)
