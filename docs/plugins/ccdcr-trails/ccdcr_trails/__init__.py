# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Trails of satellites and aeroplanes: a detector that flags them, a reduction step, and a method that lists them.
"""

import copy

import numpy as np

from ccdcr_trails.search import LEAST_SIGNIFICANCE, find, flagged
from ccdcr_trails.table import NO_TRAILS, in_words, table_of
from ccdproc_crplugin import CosmicRayError, Detection, Detector, PixelFlag, Step, hookimpl
from ccdproc_crplugin.frames.header import disperser

__all__ = ["detect", "find_trails", "flag_trails"]

#: Brady (1998) for the transform, Press (2006) for its use on images, Stark et al. (2022) for trails found with it.
REFERENCES = (
    "10.1137/S0097539793256673",
    "10.1073/pnas.0609228103",
    "https://www.stsci.edu/files/live/sites/www/files/home/hst/instrumentation/acs/documentation/"
    "instrument-science-reports-isrs/_documents/isr2208.pdf",
)

#: What the history says of a frame of a spectrograph.
SPECTRUM = "not searched, a spectrum"


def detect(
    data,
    *,
    mask,
    variance,
    readnoise,
    saturation,
    header=None,
    background=None,
    least_significance=LEAST_SIGNIFICANCE,
):
    """
    Find the trails of satellites and aeroplanes, wings included.

    Parameters
    ----------
    data : numpy.ndarray of float32, shape (ny, nx)
        The frame, in electron.
    mask : numpy.ndarray of bool, shape (ny, nx)
        True at bad pixels.
    variance : numpy.ndarray of float32 or None, shape (ny, nx)
        In electron squared; not used, the noise is measured on the frame.
    readnoise, saturation : float
        In electron; not used.
    header : mapping or None
        The header. A frame with a grating, grism or prism in the beam is not searched.
    background : numpy.ndarray or None
        Sky lines and traces of a spectrum; a frame that has them is not searched.
    least_significance : float
        Least significance of a trail.

    Returns
    -------
    Detection
        The flag TRAIL, an empty mask (trails are no cosmic rays and are not repaired), and the trails in words.
    """
    nothing = np.zeros(data.shape, dtype=bool)
    if background is not None or _has_disperser(header or {}):
        return Detection(nothing, info={"trails": SPECTRUM}, not_searched=np.ones(data.shape, dtype=bool))
    found = find(data, mask, least_significance)
    return Detection(
        nothing,
        flags={"TRAIL": flagged(data.shape, found.trails)},
        info={"n_trails": len(found.trails), "trails": in_words(found.trails, data.shape)},
        not_searched=None if found.searched else np.ones(data.shape, dtype=bool),
    )


def find_trails(ccd, least_significance=LEAST_SIGNIFICANCE):
    """
    List the trails of satellites and aeroplanes.

    Parameters
    ----------
    ccd : astropy.nddata.CCDData
        The frame, of any unit.
    least_significance : float
        Least significance of a trail.

    Returns
    -------
    astropy.table.QTable
        A row a trail, the most significant first: ``angle`` from the rows towards the columns, ``offset`` of the centre
        of the frame from the line, the ends ``x0``, ``y0``, ``x1`` and ``y1``, ``length``, full ``width`` at half
        maximum, ``masked_width`` with the wings, ``brightness`` of the middle, ``significance`` and ``share`` of the
        chord through the frame. With celestial coordinates also the ``position_angle`` on the sky, from north to east.
    """
    check(least_significance=least_significance)
    return table_of(_found(ccd, least_significance).trails, ccd)


def flag_trails(ccd, *, least_significance=LEAST_SIGNIFICANCE):
    """
    Flag and mask the trails of satellites and aeroplanes.

    Parameters
    ----------
    ccd : astropy.nddata.CCDData
        The frame, before or after the removal of its cosmic rays.
    least_significance : float
        Least significance of a trail.

    Returns
    -------
    ccd : astropy.nddata.CCDData
        A new frame with the flag TRAIL, masked there, and the number of trails as NTRAILS in its header.
    tables : dict
        The trails, as ``trails``.
    """
    check(least_significance=least_significance)
    trails = _found(ccd, least_significance).trails
    made = copy.deepcopy(ccd)
    pixels = flagged(ccd.shape, trails)
    flags = np.zeros(ccd.shape, dtype=np.uint8)
    if isinstance(ccd.flags, np.ndarray) and ccd.flags.dtype == np.uint8:
        flags |= ccd.flags
    flags[pixels & (flags & PixelFlag.BAD == 0)] |= PixelFlag.TRAIL.value
    made.flags = flags
    if trails:
        made.mask = pixels if ccd.mask is None else ccd.mask | pixels
    known = [text for text in str(made.meta.get("CRFLAGS", "")).split(", ") if text and not text.startswith("TRAIL=")]
    made.meta["CRFLAGS"] = ", ".join(["TRAIL=16", *known])
    made.meta["NTRAILS"] = len(trails)
    return made, {"trails": table_of(trails, ccd)}


def _found(ccd, least_significance):
    """The trails of a frame; bad pixels are left out, the cosmic rays and trails that were masked before too."""
    data = np.ascontiguousarray(ccd.data, dtype=np.float32)
    bad = ~np.isfinite(data)
    if ccd.mask is not None:
        bad |= ccd.mask
    if _has_disperser(ccd.meta):
        return NO_TRAILS
    return find(np.where(bad, np.float32(0), data), bad, least_significance)


def _has_disperser(header):
    """Whether a header names a grating, grism or prism in the beam."""
    found = disperser(header)
    return found is not None and bool(found.value)


def check(*, least_significance, background=None):
    """Refuse values that make no sense."""
    number = isinstance(least_significance, int | float) and not isinstance(least_significance, bool)
    if not number or not 3 <= least_significance < np.inf:
        raise CosmicRayError(f"Found least_significance={least_significance!r}; expected a number of 3 or more.")


@hookimpl
def ccdcr_detectors():
    """Register the detector."""
    yield Detector(
        "trails",
        "trails of satellites and aeroplanes: flags and masks them, repairs nothing, finds no cosmic rays",
        detect,
        references=REFERENCES,
        check=check,
    )


@hookimpl
def ccdcr_steps():
    """Register the step."""
    yield Step(
        "flag_trails",
        "flag and mask trails of satellites and aeroplanes, with a table beside the frame",
        flag_trails,
        check=check,
        references=REFERENCES,
    )


@hookimpl
def ccdcr_methods():
    """Register the method."""
    yield find_trails
