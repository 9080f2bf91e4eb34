# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pixels that stand out against the median of their neighbourhood."""

from __future__ import annotations

from numbers import Real

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector

__all__ = ["detect"]


def detect(data, *, mask, variance, readnoise, saturation, thresh=5.0, mbox=11, gbox=0):
    """Flag the pixels that exceed the local median by a multiple of the local noise."""
    from scipy import ndimage

    if isinstance(thresh, bool) or not isinstance(thresh, Real) or thresh <= 0:
        raise CosmicRayError(f"Found thresh={thresh!r}; expected a positive number.")
    _check_box("mbox", mbox, smallest=3)
    _check_box("gbox", gbox, smallest=0)
    median = ndimage.median_filter(data, size=mbox, mode="mirror" if min(data.shape) > mbox else "nearest")
    if variance is None:
        variance = np.maximum(median, 0) + np.float32(readnoise) ** 2
    else:
        variance = ndimage.median_filter(variance, size=mbox, mode="nearest")
    noise = np.sqrt(np.maximum(variance, np.finfo(np.float32).tiny))
    score = (data - median) / noise
    hits = (score > thresh) & ~mask
    if gbox > 1:
        hits = ndimage.maximum_filter(hits, size=gbox)
    return Detection(hits, score=score)


def _check_box(name, value, *, smallest):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < smallest:
        raise CosmicRayError(f"Found {name}={value!r}; expected a whole number of pixels, {smallest} or more.")


@hookimpl
def ccdcr_detectors():
    """Register the detector."""
    yield Detector("median", "pixels far above the local median (ccdproc.cosmicray_median, local noise)", detect)
