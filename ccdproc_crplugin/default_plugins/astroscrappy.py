# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L.A.Cosmic as astroscrappy computes it: the reference."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ccdproc_crplugin.kernels.options import ASTROSCRAPPY_SIGCLIP
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector

#: astroscrappy does not search the outermost pixels.
BORDER = 3


def detect(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None,
    readnoise: float,
    saturation: float,
    sigclip: float = ASTROSCRAPPY_SIGCLIP,
    sigfrac: float = 0.3,
    objlim: float = 5.0,
    niter: int = 4,
    sepmed: bool = True,
    cleantype: str = "meanmask",
    fsmode: str = "median",
    psfmodel: str = "gauss",
    psffwhm: float = 2.5,
    psfsize: int = 7,
    psfk: np.ndarray | None = None,
    psfbeta: float = 4.765,
    inbkg: np.ndarray | None = None,
    verbose: bool = False,
) -> Detection:
    """Find cosmic rays with `astroscrappy.detect_cosmics`."""
    import astroscrappy

    detect_cosmics = inspect.unwrap(astroscrappy.detect_cosmics)  # the real one, also while `accelerate` is on
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
def ccdcr_detectors() -> Iterator[Any]:
    """Register the detector."""
    yield Detector(
        "astroscrappy",
        "L.A.Cosmic as astroscrappy computes it; blind in the outer 3 pixels",
        detect,
        references=("2001PASP..113.1420V", "10.5281/zenodo.1482019"),
    )
