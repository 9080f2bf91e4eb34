# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic as astroscrappy computes it: the reference.
"""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector

__all__ = ["detect"]

#: astroscrappy does not search the outermost pixels.
BORDER = 3


def detect(
    data,
    *,
    mask,
    variance,
    readnoise,
    saturation,
    sigclip=4.5,
    sigfrac=0.3,
    objlim=5.0,
    niter=4,
    sepmed=True,
    cleantype="meanmask",
    fsmode="median",
    psfmodel="gauss",
    psffwhm=2.5,
    psfsize=7,
    psfk=None,
    psfbeta=4.765,
    inbkg=None,
    verbose=False,
):
    """
    Find cosmic rays with `astroscrappy.detect_cosmics`.

    Parameters
    ----------
    data : `~numpy.ndarray` of float32, shape (ny, nx)
        The frame, in electron.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        True at bad pixels.
    variance : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        Variance of the frame, in electron squared.
    readnoise, saturation : float
        In electron.
    sigclip, sigfrac, objlim : float
        Limits on the Laplacian, on its neighbours and on the contrast to the fine structure.
    niter : int
        Most iterations.
    sepmed : bool
        Separable medians instead of true ones.
    cleantype : {"meanmask", "medmask", "median", "idw"}
        Repair between the iterations; how the result is repaired the host decides.
    fsmode : {"median", "convolve"}
        How the fine structure is made.
    psfmodel : {"gauss", "gaussx", "gaussy", "moffat"}
        Shape of the PSF for ``fsmode="convolve"``.
    psffwhm : float
        Its full width at half maximum (pix).
    psfsize : int
        Side of its kernel (pix).
    psfk : `~numpy.ndarray` or None
        A kernel of one's own.
    psfbeta : float
        Exponent of the Moffat profile.
    inbkg : `~numpy.ndarray` or None, shape (ny, nx)
        Background to subtract before the search, in electron.
    verbose : bool
        Whether astroscrappy prints its progress.

    Returns
    -------
    Detection
        The mask, and the outer 3 pixels as not searched.

    References
    ----------
    van Dokkum, P. G. 2001, PASP, 113, 1420; McCully, C., et al. 2018, Astro-SCRAPPY, Zenodo 1482019.
    """
    from astroscrappy import detect_cosmics

    not_searched = np.ones(data.shape, dtype=bool)
    not_searched[BORDER:-BORDER, BORDER:-BORDER] = False
    if not_searched.all():
        # On a frame that is all border astroscrappy writes beyond its arrays.
        return Detection(np.zeros(data.shape, dtype=bool), not_searched=not_searched)
    crmask, _ = detect_cosmics(
        np.array(data),
        inmask=np.array(mask),
        inbkg=None if inbkg is None else np.array(inbkg, dtype=np.float32),
        invar=None if variance is None else np.array(variance),
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        gain=1.0,
        readnoise=readnoise,
        satlevel=saturation,
        niter=niter,
        sepmed=sepmed,
        cleantype=cleantype,
        fsmode=fsmode,
        psfmodel=psfmodel,
        psffwhm=psffwhm,
        psfsize=psfsize,
        psfk=None if psfk is None else np.array(psfk, dtype=np.float32),
        psfbeta=psfbeta,
        verbose=verbose,
    )
    return Detection(crmask, not_searched=not_searched)


@hookimpl
def ccdcr_detectors():
    """
    Register the detector.
    """
    yield Detector(
        "astroscrappy",
        "L.A.Cosmic as astroscrappy computes it; blind in the outer 3 pixels",
        detect,
        references=("2001PASP..113.1420V", "10.5281/zenodo.1482019"),
    )
