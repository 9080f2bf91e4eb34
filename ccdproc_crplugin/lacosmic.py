# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A drop-in for `astroscrappy.detect_cosmics`.

Change ``from astroscrappy import detect_cosmics`` to
``from ccdproc_crplugin.lacosmic import detect_cosmics``: the mask is the same,
and is computed faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_whole
from ccdproc_crplugin.kernels import LACosmicResult, lacosmic
from ccdproc_crplugin.kernels.options import ASTROSCRAPPY_SIGCLIP, OBJLIM, REPAIRS
from ccdproc_crplugin.kernels.psf import PSF_MODELS, psf_kernel

__all__ = ["PSF_MODELS", "NotAnImageError", "detect_cosmics"]


class NotAnImageError(CosmicRayError, TypeError):
    """A number where an image is expected; a `TypeError` too, as astroscrappy's is."""


def _psf_kernel(psfmodel: str, psffwhm: float, psfsize: int, psfbeta: float) -> np.ndarray:
    """Astroscrappy's profile, turned half a turn; an even kernel's centre is a pixel."""
    check_whole("psfsize", psfsize, 1)  # before it is divided by two
    kernel = psf_kernel(psfmodel, psffwhm, psfsize, psfbeta, center=psfsize // 2)
    return np.ascontiguousarray(kernel[::-1, ::-1])


def _number(value: Any) -> Any:
    """The number in an array without axes, and anything else unchanged."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _whole(value: Any) -> Any:
    """The same, with a float such as 4.0 as an int."""
    value = _number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _image(name: str, array: Any, shape: tuple[int, ...]) -> Any:
    """An array of the frame's shape; a single row or column is repeated."""
    if np.ndim(array) == 0:
        raise NotAnImageError(f"Found {name}={array!r}; expected an image.", "Fill an array of the frame's shape.")
    if np.ndim(array) != 2:
        raise CosmicRayError(f"Found {name} of shape {np.shape(array)}; expected the frame's {shape}.", "Reshape it.")
    return array if np.shape(array) == shape else np.broadcast_to(array, shape)


def _electrons(array: Any, factor: float) -> np.ndarray:
    """Counts times the gain, or squared counts times its square, float32."""
    if factor == 1.0:
        return np.ascontiguousarray(array, dtype=np.float32)
    return np.ascontiguousarray(array * factor, dtype=np.float32)


def _truth(mask: Any) -> np.ndarray:
    """A mask of any type as bool, with integers converted as astroscrappy does."""
    mask = np.asarray(mask)
    if mask.dtype == bool:
        return mask
    counted = np.empty(mask.shape, dtype=np.uint8)
    counted[:, :] = mask
    return counted.astype(bool)


def detect_cosmics(
    indat: Any,
    inmask: Any = None,
    inbkg: Any = None,
    invar: Any = None,
    sigclip: float = ASTROSCRAPPY_SIGCLIP,
    sigfrac: float = 0.3,
    objlim: float = 5.0,
    gain: float = 1.0,
    readnoise: float = 6.5,
    satlevel: float = 65536.0,
    niter: int = 4,
    sepmed: bool = True,
    cleantype: str = "meanmask",
    fsmode: str = "median",
    psfmodel: str = "gauss",
    psffwhm: float = 2.5,
    psfsize: int = 7,
    psfk: Any = None,
    psfbeta: float = 4.765,
    verbose: bool = False,
    *,
    variant: str = "astroscrappy",
) -> tuple[np.ndarray, np.ndarray]:
    """
    Find and repair cosmic rays as `astroscrappy.detect_cosmics` does.

    Parameters
    ----------
    indat : numpy.ndarray of shape (ny, nx)
        The frame, counts, sky included.
    inmask : numpy.ndarray of shape (ny, nx), or None
        True for a bad pixel.
    inbkg : numpy.ndarray of shape (ny, nx), or None
        Sharp structure that is not a cosmic ray, such as sky lines, counts.
    invar : numpy.ndarray of shape (ny, nx), or None
        Variance, counts squared.
    sigclip : float
        Least significance S' of a cosmic ray.
    sigfrac : float
        A neighbour of a cosmic ray needs ``sigfrac * sigclip``.
    objlim : float
        Least S'/F of a cosmic ray.
    gain : float
        Electrons per count.
    readnoise : float
        Read noise of a pixel, electrons.
    satlevel : float
        Saturation level, electrons.
    niter : int
        Largest number of iterations.
    sepmed : bool
        Separable medians instead of true ones.
    cleantype : {"median", "medmask", "meanmask", "idw"}
        How a cosmic ray's pixel is replaced. "median" is the median of the
        5x5 pixels around; astroscrappy's own returns uninitialised memory.
    fsmode : {"median", "convolve"}
        Fine structure from medians, or from a matched filter.
    psfmodel : {"gauss", "gaussx", "gaussy", "moffat"}
        The star's profile, for ``fsmode="convolve"``.
    psffwhm : float
        Its full width at half maximum, pixels.
    psfsize : int
        Width of its kernel, pixels.
    psfk : numpy.ndarray or None
        A kernel to use instead. Where its weights cancel to exactly zero,
        S'/F is not a number, and the result is not astroscrappy's.
    psfbeta : float
        Exponent of the Moffat profile.
    verbose : bool
        Print how many pixels were found.
    variant : {"astroscrappy", "iraf"}
        How pixels are replaced between the iterations: as astroscrappy does,
        or by the median of the author's IRAF task, in which a pixel that is
        lost counts as brighter than any other. With "iraf" the whole frame is
        searched, as that task does, its outermost pixels too.

    Returns
    -------
    crmask : numpy.ndarray of bool, shape (ny, nx)
        True for a cosmic ray's pixel.
    cleanarr : numpy.ndarray of float32, shape (ny, nx)
        The repaired frame, counts.

    Raises
    ------
    CosmicRayError
        An array's shape or a value doesn't fit.
    NotAnImageError
        An image is a single number.

    References
    ----------
    van Dokkum 2001, PASP, 113, 1420; McCully et al. 2018, Zenodo,
    doi:10.5281/zenodo.1482019.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin.lacosmic import detect_cosmics
    >>> frame = np.full((32, 32), 100.0, dtype=np.float32)
    >>> frame[10, 20] = 900.0
    >>> mask, cleaned = detect_cosmics(frame, gain=2.0)
    >>> np.argwhere(mask).tolist(), float(cleaned[10, 20])
    ([[10, 20]], 100.0)
    """
    sigclip, sigfrac, objlim, readnoise, satlevel = map(_number, (sigclip, sigfrac, objlim, readnoise, satlevel))
    check_choice("fsmode", fsmode, OBJLIM)
    check_choice("cleantype", cleantype, REPAIRS)
    if psfk is None and fsmode == "convolve":
        psfk = _psf_kernel(psfmodel, _number(psffwhm), _whole(psfsize), _number(psfbeta))
    gain = float(np.float32(gain))
    gain_squared = float(np.float32(gain) * np.float32(gain))
    frame = _image("indat", indat, np.shape(indat))
    data = _electrons(frame, gain)
    background = None if inbkg is None else _electrons(_image("inbkg", inbkg, data.shape), gain)
    variance = None if invar is None else _electrons(_image("invar", invar, data.shape), gain_squared)
    result = lacosmic(
        data,
        mask=None if inmask is None else _truth(_image("inmask", inmask, data.shape)),
        background=background,
        variance=variance,
        readnoise=readnoise,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        saturation=satlevel,
        niter=_whole(niter),
        sepmed=bool(sepmed),
        edges="search" if variant == "iraf" else "skip",
        variant=variant,
        repair=cleantype,
        fsmode=fsmode,
        psf_kernel=psfk,
    )
    if verbose:
        print(f"{np.count_nonzero(result.mask)} cosmic pixels after {result.n_iterations} iterations")
    return result.mask, _unscaled(result, data, background, gain)


def _unscaled(result: LACosmicResult, data: np.ndarray, background: np.ndarray | None, gain: float) -> np.ndarray:
    """The cleaned frame in counts, rounded where astroscrappy rounds."""
    cleaned = result.cleaned
    if background is not None:
        np.copyto(cleaned, (data - background) + background, where=~result.mask)
    if gain != 1.0:
        cleaned /= np.float32(gain)
    return cleaned
