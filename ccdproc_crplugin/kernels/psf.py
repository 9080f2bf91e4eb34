# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Profiles of a star, to convolve a frame with."""

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["PSF_MODELS", "gaussian_psf", "moffat_psf", "psf_kernel"]

#: Profiles that have a name.
PSF_MODELS = ("gauss", "gaussx", "gaussy", "moffat")

_FWHM_OF_SIGMA = 2.35482  # 2 sqrt(2 ln 2)


def _offsets(size, center):
    """Distances of a row of pixels from the profile's centre, in pixels."""
    return np.arange(size) - ((size - 1) / 2 if center is None else center)


def _normalised(profile):
    kernel = profile.astype(np.float32)
    kernel /= kernel.sum()
    return kernel


def gaussian_psf(fwhm, size=7, *, axis=None, center=None):
    """
    A Gaussian star.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixels.
    size : int
        Width and height of the kernel, pixels.
    axis : {None, "x", "y"}
        Round, or falling off only along x or only along y as a spectrum does.
    center : float or None
        Where on both axes the star is, pixels; None is the kernel's middle.

    Returns
    -------
    numpy.ndarray of shape (size, size)
        The kernel, float32; its sum is 1.

    Examples
    --------
    >>> from ccdproc_crplugin.kernels.psf import gaussian_psf
    >>> kernel = gaussian_psf(2.5)
    >>> kernel.shape, int(kernel.argmax())
    ((7, 7), 24)
    """
    x = np.tile(_offsets(size, center), (size, 1))
    y = x.T
    sigma2 = float(np.float32(fwhm) * np.float32(fwhm)) / _FWHM_OF_SIGMA / _FWHM_OF_SIGMA
    if axis == "x":
        return _normalised(np.exp(-0.5 * x * x / sigma2))
    if axis == "y":
        return _normalised(np.exp(-0.5 * y * y / sigma2))
    return _normalised(np.exp(-0.5 * (x * x + y * y) / sigma2))


def moffat_psf(fwhm, size=7, *, beta=4.765, center=None):
    """
    A star with the wings that the atmosphere gives it.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixels.
    size : int
        Width and height of the kernel, pixels.
    beta : float
        Moffat's exponent; 4.765 is what turbulence theory gives.
    center : float or None
        Where on both axes the star is, pixels; None is the kernel's middle.

    Returns
    -------
    numpy.ndarray of shape (size, size)
        The kernel, float32; its sum is 1.

    References
    ----------
    Moffat 1969, A&A, 3, 455; Trujillo et al. 2001, MNRAS, 328, 977.

    Examples
    --------
    >>> from ccdproc_crplugin.kernels.psf import moffat_psf
    >>> float(moffat_psf(2.5).sum().round(3))
    1.0
    """
    beta = float(np.float32(beta))
    x = np.tile(_offsets(size, center), (size, 1))
    r = np.sqrt(x * x + x.T * x.T)
    alpha = float(np.float32(fwhm)) / 2.0 / np.sqrt(np.power(2.0, 1.0 / beta) - 1.0)
    return _normalised(np.power(1.0 + r * r / alpha / alpha, -beta))


def psf_kernel(model, fwhm, size=7, beta=4.765, *, center=None):
    """
    A star of a profile that has a name.

    Parameters
    ----------
    model : {"gauss", "gaussx", "gaussy", "moffat"}
        The profile.
    fwhm : float
        Full width at half maximum, pixels.
    size : int
        Width and height of the kernel, pixels.
    beta : float
        Moffat's exponent.
    center : float or None
        Where on both axes the star is, pixels; None is the kernel's middle.

    Returns
    -------
    numpy.ndarray of shape (size, size)
        The kernel, float32; its sum is 1.

    Raises
    ------
    CosmicRayError
        The profile is unknown, or its width or size is not above 0.

    Examples
    --------
    >>> from ccdproc_crplugin.kernels.psf import psf_kernel
    >>> psf_kernel("moffat", 2.5, 9).shape
    (9, 9)
    """
    if model not in PSF_MODELS:
        raise CosmicRayError(f"psfmodel: found {model!r}, expected one of {', '.join(PSF_MODELS)}; choose one of them")
    if not (fwhm > 0 and size >= 1):
        raise CosmicRayError(
            f"psffwhm, psfsize: found {fwhm!r} and {size!r}, expected a width above 0 and 1 pixel or more; raise them"
        )
    if model == "moffat":
        return moffat_psf(fwhm, size, beta=beta, center=center)
    axis = {"gauss": None, "gaussx": "x", "gaussy": "y"}[model]
    return gaussian_psf(fwhm, size, axis=axis, center=center)
