# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pixels that a search is to spare: a mask, sections, or regions in files."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.cleaning.regions import region_pixels
from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning, wrong_value
from ccdproc_crplugin.frames.checks import check_mask
from ccdproc_crplugin.frames.sections import is_within, read_section
from ccdproc_crplugin.io.companions import read_bad_pixels
from ccdproc_crplugin.io.remote import remote_path
from ccdproc_crplugin.io.selection import FITS_SUFFIXES

#: What ``protect`` may be.
EXPECTED = (
    "a mask of bool, a section such as '[1:100, 20:30]', a FITS file, a region file of DS9, a file with corners, or a "
    "list of these"
)


def check_protect(given: Any) -> None:
    """Refuse what is wrong for every frame: other types, and words that are neither a section nor a file."""
    for one in _each(given):
        if isinstance(one, np.ndarray) or read_section(one) is not None:
            continue
        if not isinstance(one, str | os.PathLike):
            raise wrong_value("protect", one, EXPECTED)
        if remote_path(one):
            if not str(one).lower().endswith(FITS_SUFFIXES):
                raise CosmicRayError(
                    "; expected a mask in a FITS file, as other files must lie on this machine.",
                    parameter=("protect", repr(str(remote_path(one)))),
                )
        elif not os.path.isfile(one):
            raise CosmicRayError(
                f"; expected {EXPECTED}. There is no such file.", parameter=("protect", repr(str(one)))
            )


def protected_pixels(given: Any, ccd: CCDData) -> np.ndarray | None:
    """The pixels that are not to be searched, bool (ny, nx); None if none are given."""
    check_protect(given)
    parts = [_pixels(one, ccd) for one in _each(given)]
    return np.logical_or.reduce(parts) if parts else None


def _each(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _pixels(one: Any, ccd: CCDData) -> np.ndarray:
    """The pixels of a mask, a section or a file."""
    if isinstance(one, np.ndarray):
        return check_mask(one, ccd.shape, "mask of protected pixels")
    if read_section(one) is not None:
        return _of_section(one, ccd.shape)
    if str(one).lower().endswith(FITS_SUFFIXES):
        return read_bad_pixels(one, ccd.shape, "the mask of protected pixels")
    pixels = region_pixels(ccd, Path(one))
    if not pixels.any():
        warnings.warn(
            f"Found no pixel of the frame in {str(one)!r}; nothing is protected there.", PreflightWarning, stacklevel=4
        )
    return pixels


def _of_section(text: str, shape: tuple[int, int]) -> np.ndarray:
    section = read_section(text)
    if section is None or not is_within(section, shape):
        raise CosmicRayError(
            f" for a frame of shape {shape}; expected a part of [1:{shape[1]}, 1:{shape[0]}].",
            parameter=("protect", repr(text)),
        )
    pixels = np.zeros(shape, dtype=bool)
    pixels[section] = True
    return pixels
