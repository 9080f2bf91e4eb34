# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the HDUs of an open FITS file are: frames, what goes with a frame, headers and units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["companion", "complete_header", "image_index", "image_indices", "inherit", "is_companion", "unit_of"]

#: Extensions beside those of `CCDData.write`.
FLAGS = "CRFLAGS"
PIXELS = "CRPIXELS"
FIRST_FLAGS = "CRFLAGS0"
N_FRAMES = "NFRAMES"  # of a combined frame: how many frames went into each pixel

#: Names of images that go with a frame and are none.
COMPANIONS = frozenset(
    {"MASK", "UNCERT", "PSFIMAGE", FLAGS, FIRST_FLAGS, N_FRAMES, "VAR", "ERR", "DQ", "SKYFIT", "WHT", "MDF"}
)

#: What `CCDData.read` reads beside a frame, and where it stands.
STANDARD_COMPANIONS = {"mask": "MASK", "uncertainty": "UNCERT", "psf": "PSFIMAGE"}

#: How header dialects spell the units of a frame, in lower case.
UNIT_NAMES = {
    "adu": u.adu,
    "adus": u.adu,
    "count": u.count,
    "counts": u.count,
    "dn": u.DN,
    "e-": u.electron,
    "e": u.electron,
    "electrons": u.electron,
    "electron": u.electron,
    "electrons/s": u.electron / u.s,
    "electron/s": u.electron / u.s,
    "e-/s": u.electron / u.s,
}


def image_index(hdus: fits.HDUList, path: Path) -> int:
    """The one image of a file, or the one that needs no choice."""
    frames = image_indices(hdus, path)
    if len(frames) > 1:
        names = ", ".join(f"{index} ({hdus[index].name or 'unnamed'})" for index in frames)
        raise CosmicRayError(
            f"Found {len(frames)} images in {str(path)!r}, HDU {names}; expected one.", "Choose with {hdu}."
        )
    return frames[0]


def image_indices(hdus: fits.HDUList, path: Path) -> list[int]:
    """The HDUs of a file that hold frames."""
    if frames := _plain_images(hdus):
        return frames
    shapes = ", ".join(str(hdu.shape) for hdu in hdus if hdu.is_image) or "none"
    raise CosmicRayError(
        f"Found no two-dimensional image in {str(path)!r} (image shapes, in NumPy order: {shapes}); expected one."
    )


def _plain_images(hdus: fits.HDUList) -> list[int]:
    images = [index for index, hdu in enumerate(hdus) if hdu.is_image and len(hdu.shape) == 2]
    return [index for index in images if hdus[index].name not in COMPANIONS]


def companion(hdus: fits.HDUList, name: str, index: int) -> str | tuple[str, int]:
    """What goes with one frame of a file."""
    return (name, index) if len(_plain_images(hdus)) > 1 else name


def is_companion(hdu: Any) -> bool:
    """Whether an HDU only goes with a frame."""
    return hdu.name in {*STANDARD_COMPANIONS.values(), FLAGS, FIRST_FLAGS, PIXELS}


def inherit(hdus: fits.HDUList, index: int) -> fits.Header:
    """The header of one HDU of a file."""
    header = hdus[index].header.copy()
    if index:
        header.extend(_inheritable(hdus[0].header), unique=True)
    return header


def complete_header(ccd: CCDData, primary: fits.Header) -> None:
    """Complete the header of an extension, but for cards that went into the WCS."""
    in_wcs = set(ccd.wcs.to_header(relax=True)) if ccd.wcs is not None else set()
    cards = [card for card in _inheritable(primary).cards if card.keyword not in in_wcs]
    ccd.meta.extend(cards, unique=True)


def _inheritable(header: fits.Header) -> fits.Header:
    header = header.copy(strip=True)
    header.remove("EXTEND", ignore_missing=True)
    return header


def unit_of(hdu: Any, path: Path) -> u.Unit:
    """The unit of an image that a file holds."""
    name = str(hdu.header.get("BUNIT", "")).strip()
    if not name:
        if hdu.header.get("BZERO") or np.issubdtype(_stored_dtype(hdu), np.integer):
            return u.adu
        raise CosmicRayError(
            f"Found floating-point data without BUNIT in {str(path)!r}; expected to know the unit.",
            "Give {unit='adu'} or {unit='electron'}.",
        )
    try:
        return UNIT_NAMES.get(name.lower()) or u.Unit(name)
    except ValueError as err:
        raise CosmicRayError(
            f"Found BUNIT = {name!r} in {str(path)!r}, which is no unit; expected adu or electron.",
            "Give {unit}.",
        ) from err


def _stored_dtype(hdu: Any) -> np.dtype:
    return np.dtype({8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}[hdu.header["BITPIX"]])
