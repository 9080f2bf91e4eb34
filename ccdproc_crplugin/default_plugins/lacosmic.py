# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L.A.Cosmic, this project's default detector."""

from __future__ import annotations

from numbers import Real

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels import engine, lacosmic
from ccdproc_crplugin.kernels.edges import structured_edges
from ccdproc_crplugin.kernels.options import SIGCLIP
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
    sigclip=SIGCLIP,
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
    """Find cosmic rays by their sharp edges, which no optics can make."""
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
    """The hits but for those on edges that are lines of their own, and what was not searched with those edges."""
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
    """The ``objlim`` that suits the frame, and the stellar width it comes from, if any (pix)."""
    if fsmode == "convolve":
        return CONVOLVE_OBJLIM, None
    if sepmed:
        return SEPARABLE_OBJLIM, None
    level = saturation if np.isfinite(saturation) else None
    fwhm = stellar_width(data, mask=mask if mask.any() else None, saturation=level)
    return objlim_for_width(fwhm), fwhm


@hookimpl
def ccdcr_detectors():
    """Register the detector."""
    yield Detector("lacosmic", "L.A.Cosmic: Laplacian edge detection", detect, references=("2001PASP..113.1420V",))
