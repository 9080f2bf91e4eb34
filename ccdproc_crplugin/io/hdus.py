# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The HDUs of an open FITS file: which of them hold frames, masks and flags, and their headers and units."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, HeaderWarning, check_whole
from ccdproc_crplugin.frames.entries import entries
from ccdproc_crplugin.frames.gain_and_noise import same_unit
from ccdproc_crplugin.frames.units import unit_named
from ccdproc_crplugin.io.inputs import is_first_warning

#: Extensions that `CCDData.write` does not know: flags, removed pixels, flags and mask before the cleaning, and the hot
#: pixels that were put back.
FLAGS = "CRFLAGS"
PIXELS = "CRPIXELS"
FIRST_FLAGS = "CRFLAGS0"
FIRST_MASK = "CRMASK0"
HOT = "CRHOT"
N_FRAMES = "NFRAMES"  # of a combined frame: how many frames went into each pixel

#: Names of images that belong to a frame but are not frames.
COMPANIONS = frozenset(
    {
        "MASK",
        "UNCERT",
        "PSFIMAGE",
        FLAGS,
        FIRST_FLAGS,
        FIRST_MASK,
        PIXELS,
        HOT,
        N_FRAMES,
        "VAR",
        "ERR",
        "DQ",
        "BPM",
        "SKYFIT",
        "WHT",
        "CTX",
        "CON",
        "MDF",
        "SAMP",
        "TIME",
        "AREA",
        "D2IMARR",
        "WCSDVARR",
    }
)

#: Starts of such names.
COMPANION_STARTS = ("VAR_", "ERR_", "DQ_")

#: The name of the frames where a file names them; its other images are no frames then.
FRAME = "SCI"

#: Extensions that are read and written together with a frame, the first three by `CCDData` too.
WITH_FRAME = ("MASK", "UNCERT", "PSFIMAGE", FLAGS, PIXELS, FIRST_FLAGS, FIRST_MASK, HOT)


def image_index(hdus: fits.HDUList, path: Path, hdu: int | None = None) -> int:
    """The HDU of the frame that a user chose, or of the only frame in a file."""
    if hdu is not None:
        check_whole("hdu", hdu, 0, len(hdus) - 1)
        if not hdus[hdu].is_image:
            raise CosmicRayError(
                f", which is a table in {str(path)!r}; expected an image.", parameter=("hdu", str(hdu))
            )
        return hdu
    frames = image_indices(hdus, path)
    if len(frames) > 1:
        names = ", ".join(f"{index} ({hdus[index].name or 'unnamed'})" for index in frames)
        raise CosmicRayError(
            f"Found {len(frames)} images in {str(path)!r}, HDU {names}; expected one.", "Choose with {hdu}."
        )
    return frames[0]


def image_indices(hdus: fits.HDUList, path: Path) -> list[int]:
    """The HDUs of a file that hold frames; at least one."""
    if frames := _plain_images(hdus):
        return frames
    shapes = ", ".join(str(hdu.shape) for hdu in hdus if hdu.is_image) or "none"
    raise CosmicRayError(
        f"Found no two-dimensional image in {str(path)!r} (image shapes, in NumPy order: {shapes}); expected one."
    )


def _plain_images(hdus: fits.HDUList) -> list[int]:
    images = [index for index, hdu in enumerate(hdus) if is_flat(hdu)]
    frames = [index for index in images if hdus[index].name not in COMPANIONS]
    frames = [index for index in frames if not hdus[index].name.startswith(COMPANION_STARTS)]
    return [index for index in frames if hdus[index].name == FRAME] or frames


def is_flat(hdu: Any) -> bool:
    """Whether an HDU is an image of two dimensions with pixels; further axes of length 1 do not count."""
    return hdu.is_image and len(hdu.shape) >= 2 and math.prod(hdu.shape[:-2]) == 1 and 0 not in hdu.shape


def flat(data: np.ndarray) -> np.ndarray:
    """The data of a flat image, shape (ny, nx)."""
    return data if data.ndim == 2 else data.reshape(data.shape[-2:])


def companions(hdus: fits.HDUList, index: int) -> list[Any]:
    """The HDUs that belong to a frame, such as its mask: where a file holds several frames, EXTVER names the frame."""
    several = len(_plain_images(hdus)) > 1
    return [hdu for hdu in hdus if hdu.name in WITH_FRAME and (not several or hdu.ver == index)]


def inherit(hdus: fits.HDUList, index: int) -> fits.Header:
    """A copy of the header of an HDU, then the cards of the primary header that it lacks."""
    header = hdus[index].header.copy()
    if index:
        header.extend(_inheritable(hdus[0].header), unique=True)
    return header


def errors_of(hdus: fits.HDUList, index: int) -> np.ndarray | None:
    """The standard deviations that an extension ERR gives for a frame; None without one, or if none can be used."""
    image, several = hdus[index], len(_plain_images(hdus)) > 1
    for hdu in hdus:
        belongs = hdu.name == "ERR" and hdu.is_image and (not several or hdu.ver == image.ver)
        if (
            not belongs
            or hdu.shape != image.shape
            or hdu.header.get("BUNIT", image.header.get("BUNIT")) != (image.header.get("BUNIT"))
        ):
            continue
        errors = flat(hdu.data)
        if errors.dtype.kind == "f" and (np.isfinite(errors) & (errors > 0)).any():
            return errors
    return None


def complete_header(ccd: CCDData, primary: fits.Header) -> None:
    """Add the cards of the primary header that a frame lacks, except those of its WCS."""
    in_wcs = set(ccd.wcs.to_header(relax=True)) if ccd.wcs is not None else set()
    cards = [card for card in _inheritable(primary).cards if card.keyword not in in_wcs]
    ccd.meta.extend(cards, unique=True)


def _inheritable(header: fits.Header) -> fits.Header:
    header = header.copy(strip=True)
    header.remove("EXTEND", ignore_missing=True)
    return header


def unit_of(hdu: Any, path: Path) -> u.Unit:
    """The unit of an image HDU whose data were not read yet: BUNIT, or adu for integers without it."""
    said = next((entry for entry in entries(hdu.header, "unit") if str(entry.value).strip()), None)
    if said is None:
        if hdu.header.get("BZERO") or np.issubdtype(_stored_dtype(hdu), np.integer):
            return u.adu
        raise CosmicRayError(
            f"Found floating-point data without BUNIT in {str(path)!r}; expected to know the unit.",
            "Give {unit='adu'} or {unit='electron'}.",
        )
    name = str(said.value).strip()
    try:
        return unit_named(name, hdu.header) or u.Unit(name)
    except ValueError as err:
        raise CosmicRayError(
            f"Found {said.keyword} = {name!r} in {str(path)!r}, which is no unit; expected adu or electron.",
            "Give {unit}.",
        ) from err


def warn_of_unit(hdu: Any, path: Path, given: u.UnitBase) -> None:
    """Warn, once in a run, if a unit that a user gives is another than that in the header of an image."""
    said = next((entry for entry in entries(hdu.header, "unit") if str(entry.value).strip()), None)
    if said is None:
        return
    with suppress(CosmicRayError):
        if not same_unit(unit_of(hdu, path), given) and is_first_warning("unit"):
            warnings.warn(
                f"Found {said.keyword} = {str(said.value).strip()!r} in {str(path)!r}, but the unit {given} is given; "
                "expected one unit. The one that is given counts.",
                HeaderWarning,
                stacklevel=2,
            )


def unit_as_it_came(ccd: CCDData) -> str:
    """BUNIT as the header of a frame spells it; empty if it has none, or one that is not the unit of the frame."""
    name = str(ccd.meta.get("BUNIT", "")).strip()
    with suppress(ValueError, TypeError):
        if name and (unit_named(name, ccd.meta) or u.Unit(name)) == ccd.unit:
            return name
    return ""


def _stored_dtype(hdu: Any) -> np.dtype:
    return np.dtype({8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}[hdu.header["BITPIX"]])
