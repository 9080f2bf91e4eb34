# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic, this project's default detector.
"""

from __future__ import annotations

from numbers import Real

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels import engine, lacosmic
from ccdproc_crplugin.kernels.edges import structured_edges
from ccdproc_crplugin.kernels.psf import psf_kernel
from ccdproc_crplugin.kernels.refine import grow_events
from ccdproc_crplugin.kernels.stellar_width import objlim_for_width, stellar_width
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector

__all__ = ["detect"]

#: What to give for ``sigclip`` to have it chosen.
AUTO = "auto"

#: ``objlim`` of the separable medians and of the matched filter, for which there is no rule by stellar width.
SEPARABLE_OBJLIM = 5.0
CONVOLVE_OBJLIM = 2.0


def detect(
    data,
    *,
    mask,
    variance,
    readnoise,
    saturation,
    sigclip=5.0,
    sigfrac=0.3,
    objlim=None,
    niter=4,
    sepmed=False,
    edges="search",
    grow=True,
    background=None,
    fsmode="median",
    psfmodel="gauss",
    psffwhm=2.5,
    psfsize=7,
    psfk=None,
    psfbeta=4.765,
    threads=None,
):
    """
    Find cosmic rays by their sharp edges, which no optics can make.

    Parameters
    ----------
    data : `~numpy.ndarray` of float32, shape (ny, nx)
        The frame, in electron, its sky included.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        True at bad pixels. They are filled from the good ones around, so that they neither hide a cosmic
        ray beside them nor look like one.
    variance : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        Variance of the frame, in electron squared; `None` means that of the photons and of the read-out.
    readnoise, saturation : float
        In electron.
    sigclip : float or "auto"
        How many times the noise the Laplacian of a cosmic ray exceeds. ``"auto"`` chooses it for this frame, as
        `~ccdproc_crplugin.cr_tune` does, and ``objlim`` too unless that is given.
    sigfrac : float
        Share of ``sigclip`` that suffices beside a cosmic ray.
    objlim : float or None
        Least contrast between the Laplacian and the fine structure; higher spares sharper stars. `None`
        takes 1.25 + 10 / FWHM**3, between 1.5 and 5, for the stellar width measured in the frame (pix), and
        3 where there are too few stars to measure; with ``sepmed=True`` it is 5, with
        ``fsmode="convolve"`` it is 2.
    niter : int
        Most iterations.
    sepmed : bool
        Separable medians, as astroscrappy has them, instead of true ones: wrong on sharp stars.
    edges : {"search", "skip"}
        Search the frame up to its border, or leave the outermost pixels out as astroscrappy does. An edge of
        which a tenth of a line is found is the chip's own structure, and counts as not searched.
    grow : bool
        Grow the events into their faint wings while a neighbour stands significantly above the sky around.
    background : `~numpy.ndarray` or None, shape (ny, nx)
        Something sharp that is no cosmic ray, such as a spectrum's sky lines, in electron.
    fsmode : {"median", "convolve"}
        Fine structure by medians, or by a matched filter of the star's profile.
    psfmodel : {"gauss", "gaussx", "gaussy", "moffat"}
        Profile for ``fsmode="convolve"``.
    psffwhm : float
        Its full width at half maximum (pix).
    psfsize : int
        Side of its kernel (pix).
    psfk : `~numpy.ndarray` or None
        A kernel of one's own.
    psfbeta : float
        Exponent of the Moffat profile.
    threads : int or None
        Threads; `None` means as many as the process may use. The result does not depend on them.

    Returns
    -------
    Detection
        The mask, and which pixels were not searched.

    References
    ----------
    van Dokkum, P. G. 2001, PASP, 113, 1420, section 3.
    """
    automatic = isinstance(sigclip, str) and sigclip == AUTO
    _check(niter, sigfrac=sigfrac, **({} if automatic else {"sigclip": sigclip}))
    info = {}
    search = {
        "background": background,
        "sepmed": sepmed,
        "edges": edges,
        "fsmode": fsmode,
        "psf_kernel": psf_kernel(psfmodel, psffwhm, psfsize, psfbeta) if psfk is None else psfk,
        "threads": threads,
    }
    frame = {"variance": variance, "readnoise": readnoise, "saturation": saturation}
    given, fwhm = objlim, None
    if objlim is None:
        objlim, fwhm = _choose_objlim(data, mask, saturation, sepmed, fsmode)
    if automatic:
        from ccdproc_crplugin.tuning.limits import choose_limits

        limits = choose_limits(data, mask=mask, fwhm=fwhm, objlim=objlim, vary_objlim=given is None, **frame, **search)
        sigclip, objlim = limits.sigclip, limits.objlim
        info = {"sigclip": sigclip, "auto": limits.reason}
    found = lacosmic(
        np.where(mask, np.nan, data) if mask.any() else data,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        niter=niter,
        **frame,
        **search,
    )
    hits, not_searched = _without_structured_edges(found.mask, found.not_searched)
    if grow:
        hits = grow_events(data, hits, readnoise=readnoise, bad=mask)
    info |= {"objlim": float(objlim), "engine": engine().name}
    if fwhm is not None:
        info["fwhm"] = round(fwhm, 2)
    return Detection(hits, info=info, not_searched=not_searched)


def _without_structured_edges(hits, not_searched):
    """
    The hits but for those on edges that are lines of their own, and what was not searched with those edges.
    """
    edges = structured_edges(hits)
    if edges is None:
        return hits, not_searched
    return hits & ~edges, edges if not_searched is None else edges | not_searched


def _check(niter, **limits):
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, Real) or value <= 0:
            automatic = f" or {AUTO!r}" if name == "sigclip" else ""
            raise CosmicRayError(f"Found {name}={value!r}; expected a positive number{automatic}.")
    if isinstance(niter, bool) or not isinstance(niter, int | np.integer) or niter < 1:
        raise CosmicRayError(f"Found niter={niter!r}; expected a whole number, 1 or more.")


def _choose_objlim(data, mask, saturation, sepmed, fsmode):
    """
    The ``objlim`` that suits the frame, and the stellar width it comes from, if any (pix).
    """
    if fsmode == "convolve":
        return CONVOLVE_OBJLIM, None
    if sepmed:
        return SEPARABLE_OBJLIM, None
    level = saturation if np.isfinite(saturation) else None
    fwhm = stellar_width(data, mask=mask if mask.any() else None, saturation=level)
    return objlim_for_width(fwhm), fwhm


@hookimpl
def ccdcr_detectors():
    """
    Register the detector.
    """
    yield Detector("lacosmic", "L.A.Cosmic: Laplacian edge detection", detect, references=("2001PASP..113.1420V",))
