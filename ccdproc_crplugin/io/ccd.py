# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames read from FITS files and written to them, with their flags and removed values."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.utils.exceptions import AstropyUserWarning

from ccdproc_crplugin.errors import CosmicRayError, check_bool
from ccdproc_crplugin.frames.cards import set_card
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.flags import flags_of
from ccdproc_crplugin.frames.removed import attach, is_cleaned
from ccdproc_crplugin.frames.saturation import attach_saturated
from ccdproc_crplugin.io.atomic import as_path, atomic_write, ending_of
from ccdproc_crplugin.io.hdus import (
    COMPANIONS,
    FLAGS,
    PIXELS,
    companions,
    complete_header,
    errors_of,
    flat,
    image_index,
    image_indices,
    inherit,
    is_flat,
    unit_as_it_came,
    unit_of,
    warn_of_unit,
)
from ccdproc_crplugin.io.mask_file import mask_hdus
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.io.packing import write_packed
from ccdproc_crplugin.io.quality import bad_of_plane, quality_planes, saturated_of_plane
from ccdproc_crplugin.io.removed_table import read_removed, removed_hdus
from ccdproc_crplugin.io.wcs_cards import parted, restore_cards

#: Endings under which a frame is written.
WRITABLE = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")

#: Kinds of uncertainty by the name that `CCDData.write` notes in UTYPE.
UNCERTAINTIES = {kind.__name__: kind for kind in (StdDevUncertainty, VarianceUncertainty, InverseVariance)}


def read_ccd(path: str | os.PathLike, *, unit: Any = None, hdu: int | None = None) -> CCDData:
    """
    Read a frame, raw or cleaned.

    Parameters
    ----------
    path : path
        A FITS file.
    unit : Unit, str or None
        Unit of the frame. `None` means that of ``BUNIT``; integers without ``BUNIT`` are taken for adu.
    hdu : int or None
        Which HDU holds the frame. `None` means the only two-dimensional image; masks, variances and the like do not
        count.

    Returns
    -------
    `~astropy.nddata.CCDData`
        The frame with its mask and uncertainty; a frame that `write_ccd` wrote has its flags and removed values too.
        Bad pixels of an extension ``BPM`` or ``DQ`` are masked.
        The header of an extension is completed from the primary header.

    Raises
    ------
    CosmicRayError
        If the file does not exist, holds no image or more than one, or does not say the unit.

    Examples
    --------
    >>> from astropy.utils.data import get_pkg_data_filename
    >>> from ccdproc_crplugin import read_ccd
    >>> raw = read_ccd(get_pkg_data_filename("data/a8280271.fits", package="ccdproc.tests"))
    >>> raw.shape, str(raw.unit)
    ((520, 536), 'adu')
    """
    with open_frame(path, hdu=hdu) as file:
        return file.read(unit)


def read_header(path: str | os.PathLike, *, hdu: int | None = None) -> fits.Header:
    """The header of a frame: its own cards, then those of the primary header that it lacks."""
    with open_frame(path, hdu=hdu) as file:
        return file.header


def frame_indices(path: str | os.PathLike) -> list[int]:
    """The HDUs of a file that hold frames; at least one."""
    with open_hdus(path) as hdus:
        return image_indices(hdus, as_path(path))


@contextmanager
def open_frame(path: str | os.PathLike, *, hdu: int | None = None) -> Iterator[FrameFile]:
    """Open the file of a frame once, for its header and then for the frame."""
    with open_hdus(path) as hdus:
        yield FrameFile(as_path(path), hdus, image_index(hdus, as_path(path), hdu))


@dataclass(frozen=True)
class FrameFile:
    """An open file, and which of its HDUs holds the frame."""

    path: Path
    hdus: fits.HDUList
    index: int

    @property
    def header(self) -> fits.Header:
        """Own cards of the frame, then those of the primary header that it lacks."""
        return inherit(self.hdus, self.index)

    def read(self, unit: Any = None) -> CCDData:
        """The frame with mask, uncertainty, flags and removed values, as `read_ccd` returns it."""
        index = self.index
        if index == 0 and not self.hdus[0].shape:  # as CCDData.read does
            index = image_indices(self.hdus, self.path)[0]
        image = self.hdus[index]
        unit = unit_in_force(image, self.path, unit)
        belonging = companions(self.hdus, index)
        beside = {hdu.name: hdu for hdu in reversed(belonging)}
        data = flat(image.data)
        meta, wcs = parted(image.header, self.hdus)
        ccd = CCDData(data, unit=unit, meta=meta, wcs=wcs)
        if index:
            complete_header(ccd, self.hdus[0].header)
        if "MASK" in beside:
            _check_shape(beside["MASK"], data.shape)
            ccd.mask = bad_of_plane(beside["MASK"], self.header)
        for plane in self._quality_planes():
            bad = bad_of_plane(plane, self.header)
            ccd.mask = bad if ccd.mask is None else ccd.mask | bad
            saturated = saturated_of_plane(plane, self.header)
            if saturated is not None:
                attach_saturated(ccd, saturated)
        if "UNCERT" in beside:
            _check_shape(beside["UNCERT"], data.shape)
            kind = UNCERTAINTIES.get(beside["UNCERT"].header.get("UTYPE"), StdDevUncertainty)
            ccd.uncertainty = kind(flat(beside["UNCERT"].data))
        elif (errors := errors_of(self.hdus, index)) is not None:
            ccd.uncertainty = StdDevUncertainty(errors)
        if "PSFIMAGE" in beside:
            ccd.psf = beside["PSFIMAGE"].data
        attach_companions(ccd, belonging)
        return ccd

    def _quality_planes(self) -> list[Any]:
        return quality_planes(self.hdus, self.index, len(image_indices(self.hdus, self.path)))

    def holds_mask_of(self, ccd: CCDData) -> bool:
        """Whether the planes of quality in the file give the mask of a frame."""
        bad = [bad_of_plane(plane, self.header) for plane in self._quality_planes()]
        mask = mask_of(ccd)
        return bool(bad) and mask is not None and np.array_equal(np.logical_or.reduce(bad), mask)

    def holds_uncertainty_of(self, ccd: CCDData) -> bool:
        """Whether an extension ERR gives the uncertainty of a frame."""
        errors = errors_of(self.hdus, self.index)
        is_std = isinstance(ccd.uncertainty, StdDevUncertainty)
        return errors is not None and is_std and np.array_equal(errors, ccd.uncertainty.array, equal_nan=True)


def attach_companions(ccd: CCDData, belonging: list[Any]) -> None:
    """Attach flags and removed values to a frame from the HDUs that belong to it."""
    beside = {hdu.name: hdu for hdu in reversed(belonging)}
    if FLAGS in beside:
        ccd.flags = _flags_of(beside[FLAGS], ccd.data.shape)
    if PIXELS in beside:
        attach(ccd, read_removed(beside[PIXELS], belonging, ccd))


def _flags_of(hdu: Any, shape: tuple[int, ...]) -> np.ndarray:
    _check_shape(hdu, shape)
    if hdu.data.dtype != np.uint8:
        raise CosmicRayError(f"Found flags of dtype {hdu.data.dtype} in {FLAGS}; expected uint8, as they are written.")
    return np.array(hdu.data)


def _check_shape(hdu: Any, shape: tuple[int, ...]) -> None:
    """Refuse a companion that does not have the shape of the frame."""
    if not hdu.is_image or hdu.shape[-2:] != shape or not is_flat(hdu):
        found = f"of shape {hdu.shape}" if hdu.is_image else "that is a table"
        raise CosmicRayError(f"Found an extension {hdu.name} {found}; expected an image of the frame's shape, {shape}.")


def unit_in_force(hdu: Any, path: Path, given: Any) -> u.Unit:
    """The unit that a user gives for an image, or else that of its header."""
    if given is None:
        return unit_of(hdu, path)
    unit = given_unit(given)
    warn_of_unit(hdu, path, unit)
    return unit


def given_unit(unit: Any) -> u.Unit:
    """The unit that a user names for a frame."""
    try:
        if isinstance(unit, str | u.UnitBase):
            return u.Unit(unit)
        raise TypeError("neither text nor a unit")
    except (TypeError, ValueError) as err:
        message = ", which is no unit; expected 'adu' or 'electron'."
        raise CosmicRayError(message, parameter=("unit", repr(unit))) from err


def write_ccd(ccd: CCDData, path: str | os.PathLike, overwrite: bool = False, *, mask_only: bool = False) -> Path:
    """
    Write a frame with its flags and removed values.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, cleaned or not.
    path : path
        The file to write: ``.fits``, ``.fits.gz`` or ``.fits.fz`` (also ``.fit``, ``.fts``). With ``.fz`` each image
        is compressed without loss in an extension of its own, and the frame is HDU 1.
    overwrite : bool
        Whether an existing file may be replaced.
    mask_only : bool
        Whether only the mask is written: an image (uint8) that is 1 at masked pixels and 0 at the others, with the WCS
        of the frame, and its flags as extension ``CRFLAGS``.

    Returns
    -------
    `~pathlib.Path`
        The path.

    Raises
    ------
    CosmicRayError
        If the file exists already, or FITS can't hold the frame.

    Notes
    -----
    `CCDData.read` reads the primary HDU, ``MASK`` and ``UNCERT``. Further extensions are ``CRFLAGS`` (the flags, see
    `PixelFlag`) and ``CRPIXELS`` (a table with a row for each removed pixel: y, x, label, removed value, repaired
    value and original uncertainty). The file is written under a temporary name in the same folder and then renamed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin import write_ccd
    >>> ccd = CCDData(np.zeros((9, 9), dtype=np.float32), unit="adu")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_ccd(ccd, f"{folder}/frame.fits").name
    'frame.fits'
    """
    path = as_path(path)
    ending_of(path, WRITABLE)
    check_bool("mask_only", mask_only)
    return write_hdus(mask_hdus(ccd) if mask_only else to_hdus(ccd), path, overwrite)


def write_hdus(hdus: fits.HDUList, path: Path, overwrite: bool = False, *, in_place: bool = False) -> Path:
    """Write HDUs to a file, packed as its ending says; ``in_place`` is that of `atomic_write`."""
    with atomic_write(path, overwrite, in_place=in_place) as temporary:
        write_packed(hdus, temporary, path.name)
    return path


def to_hdus(ccd: CCDData) -> fits.HDUList:
    """The HDUs of a frame, its flags and removed values included."""
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(f"Found {type(ccd).__name__}; expected a CCDData.")
    _check_storable("data", ccd.data)
    if ccd.uncertainty is not None:
        _check_storable("an uncertainty", np.asarray(ccd.uncertainty.array))
    try:
        hdus = _main_hdus(ccd)
        hdus.verify("exception")
        extensions = _extensions(ccd)
    except (ValueError, TypeError, KeyError, fits.VerifyError) as err:
        if isinstance(err, CosmicRayError):
            raise
        raise CosmicRayError(f"Found a frame that FITS can't hold: {err}") from err
    if hdus[0].header.get("EXTNAME", "").upper() in COMPANIONS | {PIXELS}:
        del hdus[0].header["EXTNAME"]
    hdus.extend(extensions)
    return hdus


def _main_hdus(ccd: CCDData) -> fits.HDUList:
    """The HDUs that `CCDData.write` writes, with the axes of length 1 and the cards of the WCS as they came."""
    hdus = ccd.to_hdu()
    header = hdus[0].header
    restore_cards(header, ccd)
    came = unit_as_it_came(ccd)
    if came and came != header["BUNIT"] and is_cleaned(ccd):
        set_card(header, "CRBUNIT", came)
    if ccd.data.dtype.kind == "f":
        header.remove("BLANK", ignore_missing=True)
    n_axes, n_ones = ccd.meta.get("NAXIS"), 0
    if isinstance(n_axes, int) and ccd.data.ndim == 2 < n_axes:
        ones = [ccd.meta.get(f"NAXIS{axis}") == 1 for axis in range(3, n_axes + 1)]
        n_ones = len(ones) if all(ones) else 0
    for hdu in hdus if n_ones else ():
        if hdu.shape == ccd.data.shape:
            hdu.data = hdu.data.reshape((1,) * n_ones + hdu.shape)
    return hdus


def _extensions(ccd: CCDData) -> list[Any]:
    """The HDUs that `CCDData.write` does not write: flags and removed values."""
    return flag_hdus(ccd) + removed_hdus(ccd)


def flag_hdus(ccd: CCDData) -> list[Any]:
    """The HDU of the flags of a frame; none, with a warning, if they are others than those of `PixelFlag`."""
    flags = flags_of(ccd)
    if flags is not None:
        return [fits.ImageHDU(flags, name=FLAGS)]
    if ccd.flags is not None:
        found = f"dtype {ccd.flags.dtype}" if isinstance(ccd.flags, np.ndarray) else f"type {type(ccd.flags).__name__}"
        warnings.warn(
            f"The flags were not written: Found flags of {found}; expected an array of uint8, see PixelFlag.",
            AstropyUserWarning,
            stacklevel=2,
        )
    return []


def _check_storable(what: str, array: np.ndarray) -> None:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if not ((kind in "iu" and size <= 8 and array.dtype != np.int8) or (kind == "f" and size in (4, 8))):
        raise CosmicRayError(
            f"Found {what} of dtype {array.dtype}, which FITS does not have; expected float32, float64 or integers of "
            "8 (unsigned) to 64 bits. Convert with astype."
        )
