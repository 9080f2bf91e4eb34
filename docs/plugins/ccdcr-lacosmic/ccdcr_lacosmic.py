# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic as the package lacosmic computes it, as a detector of ccdproc_crplugin.
"""

import functools
import logging
import os

import numpy as np

from ccdproc_crplugin import CosmicRayError, Detection, Detector, hookimpl

#: How lacosmic continues a frame beyond its border.
BORDER_MODES = ("mirror", "nearest", "reflect", "wrap")


def detect(
    data,
    *,
    mask,
    variance,
    readnoise,
    saturation,
    contrast=2.0,
    cr_threshold=5.0,
    neighbor_threshold=2.0,
    maxiter=4,
    border_mode="mirror",
):
    """
    Find cosmic rays with lacosmic.remove_cosmics.

    Parameters
    ----------
    data : numpy.ndarray of float32, shape (ny, nx)
        The frame, in electron.
    mask : numpy.ndarray of bool, shape (ny, nx)
        True at bad pixels.
    variance : numpy.ndarray of float32 or None, shape (ny, nx)
        In electron squared.
    readnoise : float
        In electron.
    saturation : float
        In electron; not used.
    contrast : float
        Least ratio of the Laplacian to the fine structure; higher for undersampled frames.
    cr_threshold : float
        Least Laplacian of a hit, in units of the noise.
    neighbor_threshold : float
        The same for the neighbours of a hit.
    maxiter : int
        Most iterations.
    border_mode : {"mirror", "nearest", "reflect", "wrap"}
        How the frame continues beyond its border.

    Returns
    -------
    Detection
        The mask and the cleaned frame.
    """
    if min(data.shape) < 2 or np.ptp(data) == 0:  # nothing to compare a pixel with
        return Detection(np.zeros(data.shape, dtype=bool), not_searched=np.ones(data.shape, dtype=bool))
    error = None if variance is None else np.sqrt(np.maximum(variance, 1e-6))
    cleaned, hit = _remove_cosmics()(
        data,
        contrast=contrast,
        cr_threshold=cr_threshold,
        neighbor_threshold=neighbor_threshold,
        error=error,
        mask=mask,
        effective_gain=1.0,
        readnoise=readnoise,
        maxiter=maxiter,
        border_mode=border_mode,
    )
    return Detection(hit & ~mask, cleaned=cleaned)


@functools.cache
def _remove_cosmics():
    """The function of lacosmic, whose news of each iteration is kept back from the log of astropy."""
    from astropy import log
    from lacosmic import remove_cosmics

    log.addFilter(_is_no_news_of_lacosmic)
    return remove_cosmics


def _is_no_news_of_lacosmic(record):
    return record.levelno > logging.INFO or f"{os.sep}lacosmic{os.sep}" not in record.pathname


def check(*, contrast, cr_threshold, neighbor_threshold, maxiter, border_mode):
    """Refuse values that make no sense."""
    numbers = {"contrast": contrast, "cr_threshold": cr_threshold, "neighbor_threshold": neighbor_threshold}
    for name, value in numbers.items():
        if not isinstance(value, int | float) or not value > 0:
            raise CosmicRayError(f"Found {name}={value!r}; expected a number above 0.")
    if not isinstance(maxiter, int) or maxiter < 1:
        raise CosmicRayError(f"Found maxiter={maxiter!r}; expected a whole number of 1 or more.")
    if border_mode not in BORDER_MODES:
        raise CosmicRayError(f"Found border_mode={border_mode!r}; expected one of: {', '.join(BORDER_MODES)}.")


@hookimpl
def ccdcr_detectors():
    """Register the detector."""
    yield Detector(
        "lacosmic-package",
        "L.A.Cosmic as the package lacosmic computes it",
        detect,
        references=("2001PASP..113.1420V",),
        check=check,
    )
