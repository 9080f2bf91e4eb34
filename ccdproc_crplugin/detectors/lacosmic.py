# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic, this project's default detector.
"""

from __future__ import annotations

from ccdproc_crplugin.detectors import astroscrappy
from ccdproc_crplugin.hookspecs import hookimpl
from ccdproc_crplugin.model import Detector

__all__ = ["detect"]


def detect(data, *, mask, variance, readnoise, saturation, sigclip=4.5, sigfrac=0.3, objlim=5.0, niter=4, sepmed=True):
    """
    Find cosmic rays by their sharp edges, which no optics can make.

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
    sigclip : float
        How many times the noise the Laplacian of a cosmic ray exceeds.
    sigfrac : float
        Share of ``sigclip`` that suffices beside a cosmic ray.
    objlim : float
        Least contrast between the Laplacian and the fine structure; higher spares sharper stars.
    niter : int
        Most iterations.
    sepmed : bool
        Separable medians instead of true ones: faster, and wrong on sharp stars.

    Returns
    -------
    Detection
        The mask, and which pixels were not searched.

    References
    ----------
    van Dokkum, P. G. 2001, PASP, 113, 1420.
    """
    return astroscrappy.detect(
        data,
        mask=mask,
        variance=variance,
        readnoise=readnoise,
        saturation=saturation,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        niter=niter,
        sepmed=sepmed,
    )


@hookimpl
def ccdcr_detectors():
    """
    Register the detector.
    """
    yield Detector("lacosmic", "L.A.Cosmic: Laplacian edge detection", detect, references=("2001PASP..113.1420V",))
