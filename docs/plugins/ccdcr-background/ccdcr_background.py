# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The sky of a frame: a reduction step that subtracts it, and a method of CCDData that measures it.
"""

import warnings

import numpy as np

from ccdproc_crplugin import CosmicRayError, Step, hookimpl

#: Fewest boxes along a side; the sky of a smaller frame is one number.
FEWEST = 2


def subtract_background(ccd, *, box=64, n_sigma=3.0):
    """
    Subtract the sky, which may vary slowly over the frame.

    Parameters
    ----------
    ccd : astropy.nddata.CCDData
        The frame, after the removal of its cosmic rays: L.A.Cosmic needs the sky.
    box : int
        Side of the boxes in which the sky is measured (pix).
    n_sigma : float
        Limit of the clipping, in standard deviations.

    Returns
    -------
    astropy.nddata.CCDData
        A new frame, whose header has the median of the sky as SKYLEVEL.
    """
    check(box=box, n_sigma=n_sigma)
    sky = _sky(ccd, box, n_sigma)
    made = ccd.copy()
    dtype = ccd.data.dtype if ccd.data.dtype.kind == "f" else np.float32
    made.data = np.asarray(ccd.data - sky, dtype=np.dtype(dtype).newbyteorder("="))
    made.meta["SKYLEVEL"] = float(np.median(sky))
    return made


def background_level(ccd, box=64, n_sigma=3.0):
    """
    Median of the sky of a frame, a Quantity in the unit of the frame.

    Parameters
    ----------
    ccd : astropy.nddata.CCDData
        The frame.
    box : int
        Side of the boxes in which the sky is measured (pix).
    n_sigma : float
        Limit of the clipping, in standard deviations.
    """
    check(box=box, n_sigma=n_sigma)
    return float(np.median(_sky(ccd, box, n_sigma))) * ccd.unit


def _sky(ccd, box, n_sigma):
    """The sky at each pixel, float32 (ny, nx)."""
    from astropy.stats import SigmaClip, sigma_clipped_stats
    from photutils.background import Background2D

    data = np.asarray(ccd.data, dtype=np.float32)
    bad = ~np.isfinite(data) | (False if ccd.mask is None else ccd.mask)
    if min(data.shape) < FEWEST * box:
        return np.full(data.shape, sigma_clipped_stats(data, mask=bad, sigma=n_sigma)[1], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # boxes full of bad pixels are filled from their neighbours
        found = Background2D(data, box, mask=bad, sigma_clip=SigmaClip(n_sigma), exclude_percentile=50)
    return found.background.astype(np.float32)


def check(*, box=64, n_sigma=3.0):
    """Refuse values that make no sense."""
    if isinstance(box, bool) or not isinstance(box, int) or box < 8:
        raise CosmicRayError(f"Found box={box!r}; expected the side of a box in pixels, 8 or more.")
    if isinstance(n_sigma, bool) or not isinstance(n_sigma, int | float) or not n_sigma > 0:
        raise CosmicRayError(f"Found n_sigma={n_sigma!r}; expected a number above 0.")


@hookimpl
def ccdcr_steps():
    """Register the step."""
    yield Step(
        "subtract_background",
        "subtract the sky, which may vary slowly over the frame",
        subtract_background,
        check=check,
        references=("10.5281/zenodo.596036",),
    )


@hookimpl
def ccdcr_methods():
    """Register the method."""
    yield background_level
