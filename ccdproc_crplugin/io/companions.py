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
from ccdproc_crplugin.io.ccd import open_frame
from ccdproc_crplugin.io.hdus import is_flat
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.io.quality import bad_of_plane
from ccdproc_crplugin.io.structure import OF_MASKS


def companion(given: Any, ccd: CCDData, name: str) -> CCDData | None:
    """A dark or bias, read if a path is given; without a unit of its own it has that of the frame."""
    if given is None or isinstance(given, CCDData):
        return given
    if not isinstance(given, str | os.PathLike):
        raise CosmicRayError("; expected a CCDData or a path.", parameter=(name, type(given).__name__))
    with open_frame(given) as file:
        return file.read(None if file.header.get("BUNIT") else ccd.unit)


def bad_pixel_mask(given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Bad pixels as bool, shape (ny, nx), from an array or from a FITS file; None if none are given."""
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        return check_mask(given, shape, "mask of bad pixels")
    return read_bad_pixels(given, shape)


def read_bad_pixels(
    path: str | os.PathLike, shape: tuple[int, ...], what: str = "the file of bad pixels"
) -> np.ndarray:
    """
    The bad pixels of a FITS file as bool, shape (ny, nx); ``what`` it is, for messages.

    They are those of its extension ``BPM``, ``MASK`` or ``DQ``, or else those that are not 0 in its first image.
    """
    with open_hdus(path, expansion=OF_MASKS) as hdus:
        images = [hdu for hdu in hdus if hdu.is_image and hdu.shape]
        named = [hdu for name in ("BPM", "MASK", "DQ") for hdu in images if hdu.name == name]
        plane = next((hdu for hdu in (*named, *images) if hdu.shape[-2:] == shape and is_flat(hdu)), None)
        bad = None if plane is None else bad_of_plane(plane, hdus[0].header)
    if bad is None:
        found = f"images of shape {', '.join(str(hdu.shape) for hdu in images)}" if images else "no image"
        raise CosmicRayError(
            f"Found {found} in {what} {str(as_path(path))!r}; expected the shape of the frame, {shape}."
        )
    return bad
