# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mask of a frame as a file of its own."""

from __future__ import annotations

import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.flags import flags_of
from ccdproc_crplugin.io.hdus import FLAGS

#: What the values of the image mean.
COMMENTS = ("mask: 1 at pixels that are not to be used, 0 at good ones", f"{FLAGS}: which of them are cosmic rays")


def mask_hdus(ccd: CCDData) -> fits.HDUList:
    """
    The HDUs of a mask file: the mask (uint8, 0 or 1) with the WCS of the frame, and the flags if there are some.

    It has no card that says what kind of frame it is, so that nobody takes it for one.
    """
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(f"Found {type(ccd).__name__}; expected a CCDData.")
    mask = mask_of(ccd)
    values = np.zeros(ccd.data.shape, np.uint8) if mask is None else mask.astype(np.uint8)
    header = fits.Header() if ccd.wcs is None else ccd.wcs.to_header()
    flags = flags_of(ccd)
    for comment in COMMENTS[: 1 if flags is None else 2]:
        header.add_comment(comment)
    hdus = fits.HDUList([fits.PrimaryHDU(values, header)])
    if flags is not None:
        hdus.append(fits.ImageHDU(flags, name=FLAGS))
    return hdus


def is_mask_file(hdus: fits.HDUList) -> bool:
    """Whether a file was written as that of a mask."""
    return COMMENTS[0] in hdus[0].header.get("COMMENT", [])
