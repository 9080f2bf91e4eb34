# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Profiles of a star, to convolve a frame with."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.errors import check_choice, check_number, check_whole

#: Names of the profiles.
PSF_MODELS = ("gauss", "gaussx", "gaussy", "moffat")

_FWHM_OF_SIGMA = 2.35482  # 2 sqrt(2 ln 2), rounded as in astroscrappy


def _offsets(size: int, center: float | None) -> np.ndarray:
    """Distances of a row of pixels from the profile's centre, in pixels."""
    return np.arange(size) - ((size - 1) / 2 if center is None else center)


def _normalised(profile: np.ndarray) -> np.ndarray:
    kernel = profile.astype(np.float32)
    kernel /= kernel.sum()
    return kernel


def gaussian_psf(fwhm: float, size: int = 7, *, axis: str | None = None, center: float | None = None) -> np.ndarray:
    """Gaussian star, float32 (size, size) with sum 1: round, or along the axis "x" or "y" alone as in a spectrum."""
    x = np.tile(_offsets(size, center), (size, 1))
    y = x.T
    sigma2 = float(np.float32(fwhm) * np.float32(fwhm)) / _FWHM_OF_SIGMA / _FWHM_OF_SIGMA
    if axis == "x":
        return _normalised(np.exp(-0.5 * x * x / sigma2))
    if axis == "y":
        return _normalised(np.exp(-0.5 * y * y / sigma2))
    return _normalised(np.exp(-0.5 * (x * x + y * y) / sigma2))


def moffat_psf(fwhm: float, size: int = 7, *, beta: float = 4.765, center: float | None = None) -> np.ndarray:
    """
    Star with the wings of atmospheric seeing, float32 (size, size) with sum 1.

    Moffat 1969, A&A, 3, 455; turbulence theory predicts beta = 4.765 (Trujillo et al. 2001, MNRAS, 328, 977).
    """
    beta = float(np.float32(beta))
    x = np.tile(_offsets(size, center), (size, 1))
    r = np.sqrt(x * x + x.T * x.T)
    alpha = float(np.float32(fwhm)) / 2.0 / np.sqrt(np.power(2.0, 1.0 / beta) - 1.0)
    return _normalised(np.power(1.0 + r * r / alpha / alpha, -beta))


def psf_kernel(
    model: str, fwhm: float, size: int = 7, beta: float = 4.765, *, center: float | None = None
) -> np.ndarray:
    """Star of one of `PSF_MODELS`, float32 (size, size) with sum 1; ``fwhm`` and ``center`` in pixels."""
    check_choice("psfmodel", model, PSF_MODELS)
    check_number("psffwhm", fwhm, above=0)
    check_whole("psfsize", size, 1)
    check_number("psfbeta", beta, above=0)
    if model == "moffat":
        return moffat_psf(fwhm, size, beta=beta, center=center)
    axis = {"gauss": None, "gaussx": "x", "gaussy": "y"}[model]
    return gaussian_psf(fwhm, size, axis=axis, center=center)
