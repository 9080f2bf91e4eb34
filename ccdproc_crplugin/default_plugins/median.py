# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pixels that stand out against the median of their neighbourhood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import check_number, check_whole
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector


def detect(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None,
    readnoise: float,
    saturation: float,
    thresh: float = 5.0,
    mbox: int = 11,
    gbox: int = 0,
) -> Detection:
    """Flag the pixels that exceed the local median by a multiple of the local noise."""
    from scipy import ndimage

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


def check(*, thresh: float, mbox: int, gbox: int) -> None:
    """Refuse values that make no sense."""
    check_number("thresh", thresh, above=0)
    check_whole("mbox", mbox, 3)
    check_whole("gbox", gbox, 0)


@hookimpl
def ccdcr_detectors() -> Iterator[Any]:
    """Register the detector."""
    yield Detector(
        "median", "pixels far above the local median (ccdproc.cosmicray_median, local noise)", detect, check=check
    )
