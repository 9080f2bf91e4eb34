# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A detector of cosmic rays: pixels that stick out of their neighbours.
"""

import numpy as np
from scipy.ndimage import median_filter

from ccdproc_crplugin import CosmicRayError, Detection, Detector, hookimpl

#: The eight pixels around one.
NEIGHBOURS = np.array([[True, True, True], [True, False, True], [True, True, True]])


def detect(data, *, mask, variance, readnoise, saturation, limit=8.0, share=0.2, box=7):
    """
    Flag the pixels that stand above the sky while their neighbours do not.

    Parameters
    ----------
    data : `~numpy.ndarray` of float32, shape (ny, nx)
        The frame, in electron.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        True at bad pixels.
    variance : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        Variance of the frame, in electron squared.
    readnoise : float
        In electron.
    saturation : float
        In electron; not used.
    limit : float
        How many times the noise a hit stands above the sky.
    share : float
        Largest share of the height of a hit that the median of its eight neighbours may have. For a star with a
        FWHM of 2.5 pixels it is one half.
    box : int
        Side of the box whose median is the sky (pix).

    Returns
    -------
    Detection
        The mask, and as score the height in units of the noise.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> data = rng.normal(200, 15, (40, 40)).astype(np.float32)
    >>> data[12, 20] += 1500
    >>> found = detect(data, mask=data < 0, variance=None, readnoise=5.0, saturation=np.inf)
    >>> np.argwhere(found.mask).tolist()
    [[12, 20]]
    """
    if box < 3:
        raise CosmicRayError(f"Found box={box!r}; expected the side of a box in pixels, 3 or more.")
    sky = median_filter(data, size=box, mode="reflect")
    if variance is None:
        variance = np.maximum(sky, 0) + readnoise**2
    else:
        # Where a cosmic ray hit, its own charge has made the variance larger than that of the sky.
        variance = median_filter(variance, size=box, mode="reflect")
    height = data - sky
    around = median_filter(height, footprint=NEIGHBOURS, mode="reflect")
    score = height / np.sqrt(np.maximum(variance, 1e-6))
    hit = (score > limit) & (around < share * height) & ~mask
    return Detection(hit, score=score)


@hookimpl
def ccdcr_detectors():
    """
    Register the detector.
    """
    yield Detector("threshold", "pixels that stick out of their neighbours; misses wide hits and faint rims", detect)
