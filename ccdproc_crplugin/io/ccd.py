# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames to and from FITS files, with all that a cleaning knows."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.removed import attach, is_restorable, removed_pixels
from ccdproc_crplugin.io.atomic import atomic_write
from ccdproc_crplugin.io.hdus import (
    COMPANIONS,
    FLAGS,
    PIXELS,
    STANDARD_COMPANIONS,
    companion,
    complete_header,
    image_index,
    image_indices,
    inherit,
    unit_of,
)
from ccdproc_crplugin.io.packing import write_packed
from ccdproc_crplugin.io.removed_table import read_removed, removed_hdus

__all__ = [
    "FrameFile",
    "as_path",
    "frame_indices",
    "given_unit",
    "open_frame",
    "read_ccd",
    "read_header",
    "reading",
    "to_hdus",
    "write_ccd",
    "write_hdus",
]

#: How a file begins that gzip packed.
GZIP_MAGIC = b"\x1f\x8b"

#: Endings under which a frame is written.
WRITABLE = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")


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
        Which HDU holds the frame. `None` means the only two-dimensional image beside masks, variances
        and the like.

    Returns
    -------
    `~astropy.nddata.CCDData`
        The frame with mask and uncertainty; for one written by `write_ccd`, with flags and removed values
        too. The header of an extension is completed from the primary one.

    Raises
    ------
    CosmicRayError
        If there is no such file, no image in it or more than one, or no unit to be found.

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
    """Read the header of a frame, completed from the primary one."""
    with open_frame(path, hdu=hdu) as file:
        return file.header


@contextmanager
def open_frame(path: str | os.PathLike, *, hdu: int | None = None) -> Iterator[FrameFile]:
    """Open the file of a frame once, for its header and then for the rest."""
    path = as_path(path)
    with reading(path), open(path, "rb") as stream, fits.open(stream) as hdus:
        yield FrameFile(path, stream, hdus, image_index(hdus, path) if hdu is None else hdu)


@dataclass(frozen=True)
class FrameFile:
    """A file that is open, and which of its HDUs holds the frame."""

    path: Path
    stream: BinaryIO
    hdus: fits.HDUList
    index: int

    @property
    def header(self) -> fits.Header:
        """The header of the frame, completed from the primary one."""
        return inherit(self.hdus, self.index)

    def read(self, unit: Any = None) -> CCDData:
        """Read the frame with mask, uncertainty, flags and removed values; see `read_ccd`."""
        hdus, index = self.hdus, self.index
        unit = unit_of(hdus[index], self.path) if unit is None else given_unit(unit)
        # Where BUNIT says the same, an explicit unit would only be logged.
        said = str(unit) == str(hdus[index].header.get("BUNIT", "")).strip()
        names = {f"hdu_{name}": companion(hdus, default, index) for name, default in STANDARD_COMPANIONS.items()}
        ccd = CCDData.read(self._content(), format="fits", hdu=index, unit=None if said else unit, **names)
        if index:
            complete_header(ccd, hdus[0].header)
        flags, pixels = (companion(hdus, name, index) for name in (FLAGS, PIXELS))
        if flags in hdus:
            ccd.flags = np.array(hdus[flags].data)
        if pixels in hdus:
            attach(ccd, read_removed(hdus, pixels, ccd.data.shape))
        return ccd

    def _content(self) -> BytesIO:
        """The file, unpacked, for a reader that opens and closes it by itself."""
        self.stream.seek(0)
        content = self.stream.read()
        return BytesIO(gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content)


def frame_indices(path: str | os.PathLike) -> list[int]:
    """The HDUs of a file that hold frames."""
    path = as_path(path)
    with reading(path), fits.open(path) as hdus:
        return image_indices(hdus, path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file raises into an error that names the file."""
    try:
        _refuse_irregular(path)
        yield
    except CosmicRayError:
        raise
    except FileNotFoundError as err:
        if os.path.islink(path):
            raise CosmicRayError(f"Found {str(path)!r}, a link that leads nowhere; expected a FITS file.") from err
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a FITS file.") from err
    except Exception as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, which can't be read ({type(err).__name__}: {err}); expected a whole FITS file."
        ) from err


def _refuse_irregular(path: Path) -> None:
    """Refuse a pipe or a device, which may have no end or never begin."""
    with suppress(OSError):  # opening it tells better what is wrong
        if not stat.S_ISREG(path.stat().st_mode):
            raise CosmicRayError(f"Found {str(path)!r}, which is no regular file; expected a FITS file.")


def as_path(path: Any) -> Path:
    """The name of a file."""
    try:
        return Path(path)
    except TypeError as err:
        raise CosmicRayError(f"Found {path!r}; expected the name of a file.") from err


def given_unit(unit: Any) -> u.Unit:
    """The unit that a user says a frame is in."""
    try:
        if isinstance(unit, str | u.UnitBase):
            return u.Unit(unit)
        raise TypeError("neither text nor a unit")
    except (TypeError, ValueError) as err:
        raise CosmicRayError(f"Found unit={unit!r}, which is no unit; expected 'adu' or 'electron'.") from err


def write_ccd(ccd: CCDData, path: str | os.PathLike, overwrite: bool = False) -> Path:
    """
    Write a frame with all that a cleaning knows.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, cleaned or not.
    path : path
        Where to: ``.fits``, ``.fits.gz`` or ``.fits.fz`` (``.fit``, ``.fts`` too). With ``.fz`` each image is
        compressed without loss in an extension of its own, and the frame is HDU 1.
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    `~pathlib.Path`
        The path.

    Raises
    ------
    CosmicRayError
        If the file is there already, or the frame holds what FITS can't.

    Notes
    -----
    `CCDData.read` reads the file: primary HDU, ``MASK``, ``UNCERT``. Beside them stand ``CRFLAGS`` (the flags,
    see `PixelFlag`) and ``CRPIXELS`` (a row a removed pixel: y, x, label, removed and repaired value and the
    uncertainty that stood there). It is written under a temporary name in the same folder and then renamed.

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
    _refuse_ending(path)
    return write_hdus(to_hdus(ccd), path, overwrite)


def _refuse_ending(path: Path) -> None:
    if not path.name.lower().endswith(WRITABLE):
        raise CosmicRayError(f"Found the file name {path.name!r}; expected one that ends in {', '.join(WRITABLE)}.")


def write_hdus(hdus: fits.HDUList, path: Path, overwrite: bool = False) -> Path:
    """Write a file of several HDUs whole or not at all."""
    with atomic_write(path, overwrite) as temporary:
        write_packed(hdus, temporary, path.name)
    return path


def to_hdus(ccd: CCDData) -> fits.HDUList:
    """A frame with all that a cleaning knows, as FITS has it."""
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(f"Found {type(ccd).__name__}; expected a CCDData.")
    _check_storable("data", ccd.data)
    if ccd.uncertainty is not None:
        _check_storable("an uncertainty", np.asarray(ccd.uncertainty.array))
    try:
        hdus = ccd.to_hdu()
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


def _extensions(ccd: CCDData) -> list[Any]:
    """What stands in the file beside that which `CCDData.write` writes."""
    hdus = []
    if isinstance(ccd.flags, np.ndarray) and ccd.flags.dtype == np.uint8:
        hdus.append(fits.ImageHDU(ccd.flags, name=FLAGS))
    if is_restorable(ccd):
        hdus += removed_hdus(removed_pixels(ccd))
    return hdus


def _check_storable(what: str, array: np.ndarray) -> None:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if not ((kind in "iu" and size <= 8 and array.dtype != np.int8) or (kind == "f" and size in (4, 8))):
        raise CosmicRayError(
            f"Found {what} of dtype {array.dtype}, which FITS does not have; expected float32, float64 or integers of "
            "8 (unsigned) to 64 bits. Convert with astype."
        )
