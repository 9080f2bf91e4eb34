# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames that belong to a frame and are given as CCDData, array or path: its dark, its bias, its bad pixels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.checks import check_mask
from ccdproc_crplugin.io.atomic import as_path
from ccdproc_crplugin.io.ccd import open_frame, open_hdus


def companion(given: Any, ccd: CCDData, name: str) -> CCDData | None:
    """A dark or bias, read if a path is given; without a unit of its own it has that of the frame."""
    if given is None or isinstance(given, CCDData):
        return given
    if not isinstance(given, str | os.PathLike):
        raise CosmicRayError("; expected a CCDData or a path.", parameter=(name, type(given).__name__))
    with open_frame(given) as file:
        return file.read(None if file.header.get("BUNIT") else ccd.unit)


def bad_pixel_mask(given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Bad pixels as bool, shape (ny, nx): an array, or a FITS file whose first image is not 0 there."""
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        return check_mask(given, shape, "mask of bad pixels")
    with open_hdus(given) as hdus:
        image = next((hdu.data for hdu in hdus if hdu.is_image and hdu.data is not None), None)
    if image is None or image.shape != shape:
        found = "no image" if image is None else f"an image of shape {image.shape}"
        raise CosmicRayError(
            f"Found {found} in the file of bad pixels {str(as_path(given))!r}; expected the shape of the frame, "
            f"{shape}."
        )
    return np.asarray(image != 0)
