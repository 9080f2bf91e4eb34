# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames to and from FITS files, with all that a cleaning knows.
"""

from __future__ import annotations

import gzip
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, FlagCollection
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.removed import RemovedPixels, attach, is_restorable, removed_pixels

__all__ = [
    "atomic_write",
    "frame_indices",
    "image_index",
    "inherit",
    "is_companion",
    "read_ccd",
    "read_header",
    "reading",
    "refuse_existing",
    "to_hdus",
    "unfinished",
    "unit_of",
    "write_ccd",
    "write_hdus",
]

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

#: Where the time stands in the header of what gzip packed, RFC 1952.
GZIP_TIME = np.arange(4, 8)

#: Endings under which a frame is written.
WRITABLE = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")

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
    path = _as_path(path)
    with reading(path), fits.open(path) as hdus:
        index = image_index(hdus, path) if hdu is None else hdu
        unit = unit_of(hdus[index], path) if unit is None else _given_unit(unit)
        # Where BUNIT says the same, an explicit unit would only be logged.
        said = str(unit) == str(hdus[index].header.get("BUNIT", "")).strip()
        names = {f"hdu_{name}": _companion(hdus, default, index) for name, default in STANDARD_COMPANIONS.items()}
        ccd = CCDData.read(path, hdu=index, unit=None if said else unit, **names)
        if index:
            _inherit(ccd, hdus[0].header)
        flags, pixels = (_companion(hdus, name, index) for name in (FLAGS, PIXELS))
        if flags in hdus:
            ccd.flags = np.array(hdus[flags].data)
        if pixels in hdus:
            attach(ccd, _read_record(hdus, index, ccd.data.shape))
    return ccd


def frame_indices(path: str | os.PathLike) -> list[int]:
    """
    The HDUs of a file that hold frames.

    Parameters
    ----------
    path : path
        A FITS file.

    Returns
    -------
    list of int
        Each two-dimensional image beside masks, variances and the like.

    Raises
    ------
    CosmicRayError
        If there is no such file or no image in it.
    """
    path = _as_path(path)
    with reading(path), fits.open(path) as hdus:
        return _frame_indices(hdus, path)


def _companion(hdus: fits.HDUList, name: str, index: int) -> str | tuple[str, int]:
    """
    What goes with one frame of a file: in a file of several, EXTVER is the HDU of the frame.
    """
    return (name, index) if len(_plain_images(hdus)) > 1 else name


def read_header(path: str | os.PathLike, *, hdu: int | None = None) -> fits.Header:
    """
    Read the header of a frame.

    Parameters
    ----------
    path : path
        A FITS file.
    hdu : int or None
        Which HDU holds the frame, as for `read_ccd`.

    Returns
    -------
    `~astropy.io.fits.Header`
        The cards of the frame, then those of the primary header that it lacks.

    Raises
    ------
    CosmicRayError
        If there is no such file or no image in it.
    """
    path = _as_path(path)
    with reading(path), fits.open(path) as hdus:
        index = image_index(hdus, path) if hdu is None else hdu
        return inherit(hdus, index)


def inherit(hdus: fits.HDUList, index: int) -> fits.Header:
    """
    The header of one HDU of a file.

    Parameters
    ----------
    hdus : `~astropy.io.fits.HDUList`
        The file.
    index : int
        Which HDU.

    Returns
    -------
    `~astropy.io.fits.Header`
        A copy of its cards, then those of the primary header that it lacks.
    """
    header = hdus[index].header.copy()
    if index:
        header.extend(_inheritable(hdus[0].header), unique=True)
    return header


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """
    Turn whatever a damaged file raises into an error that names the file.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    CosmicRayError
        Whatever was raised inside.
    """
    try:
        yield
    except CosmicRayError:
        raise
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a FITS file.") from err
    except Exception as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, which can't be read ({type(err).__name__}: {err}); expected a whole FITS file."
        ) from err


def image_index(hdus: fits.HDUList, path: Path) -> int:
    """
    The one image of a file, or the one that needs no choice.

    Parameters
    ----------
    hdus : `~astropy.io.fits.HDUList`
        The file.
    path : `~pathlib.Path`
        Its name.

    Returns
    -------
    int
        Which HDU.

    Raises
    ------
    CosmicRayError
        If there is none, or more than one.
    """
    frames = _frame_indices(hdus, path)
    if len(frames) > 1:
        names = ", ".join(f"{index} ({hdus[index].name or 'unnamed'})" for index in frames)
        raise CosmicRayError(
            f"Found {len(frames)} images in {str(path)!r}, HDU {names}; expected one. Choose with hdu=."
        )
    return frames[0]


def _frame_indices(hdus: fits.HDUList, path: Path) -> list[int]:
    if frames := _plain_images(hdus):
        return frames
    shapes = ", ".join(str(hdu.shape) for hdu in hdus if hdu.is_image) or "none"
    raise CosmicRayError(
        f"Found no two-dimensional image in {str(path)!r} (image shapes, in NumPy order: {shapes}); expected one."
    )


def is_companion(hdu: Any) -> bool:
    """
    Whether an HDU only goes with a frame.

    Parameters
    ----------
    hdu : HDU
        Part of a FITS file.

    Returns
    -------
    bool
        True for the mask, uncertainty, flags and removed values that `write_ccd` writes.
    """
    return hdu.name in {*STANDARD_COMPANIONS.values(), FLAGS, FIRST_FLAGS, PIXELS}


def _plain_images(hdus: fits.HDUList) -> list[int]:
    images = [index for index, hdu in enumerate(hdus) if hdu.is_image and len(hdu.shape) == 2]
    return [index for index in images if hdus[index].name not in COMPANIONS]


def _inheritable(header: fits.Header) -> fits.Header:
    header = header.copy(strip=True)
    header.remove("EXTEND", ignore_missing=True)
    return header


def _inherit(ccd: CCDData, primary: fits.Header) -> None:
    """
    Complete the header of an extension, but for cards that went into the WCS.
    """
    in_wcs = set(ccd.wcs.to_header(relax=True)) if ccd.wcs is not None else set()
    cards = [card for card in _inheritable(primary).cards if card.keyword not in in_wcs]
    ccd.meta.extend(cards, unique=True)


def _given_unit(unit: Any) -> u.Unit:
    try:
        return u.Unit(unit)
    except (TypeError, ValueError) as err:
        raise CosmicRayError(f"Found unit={unit!r}, which is no unit; expected 'adu' or 'electron'.") from err


def unit_of(hdu: Any, path: Path) -> u.Unit:
    """
    The unit of an image that a file holds.

    Parameters
    ----------
    hdu : `~astropy.io.fits.PrimaryHDU` or another image HDU
        The image, whose data were not read yet.
    path : `~pathlib.Path`
        The file.

    Returns
    -------
    `~astropy.units.Unit`
        That of ``BUNIT``; adu for integers without it.

    Raises
    ------
    CosmicRayError
        If ``BUNIT`` is missing or no unit.
    """
    name = str(hdu.header.get("BUNIT", "")).strip()
    if not name:
        if hdu.header.get("BZERO") or np.issubdtype(_stored_dtype(hdu), np.integer):
            return u.adu
        raise CosmicRayError(
            f"Found floating-point data without BUNIT in {str(path)!r}; expected to know the unit. "
            "Give unit='adu' or unit='electron'."
        )
    try:
        return UNIT_NAMES.get(name.lower()) or u.Unit(name)
    except ValueError as err:
        raise CosmicRayError(
            f"Found BUNIT = {name!r} in {str(path)!r}, which is no unit; expected adu or electron. Give unit=."
        ) from err


def _stored_dtype(hdu: Any) -> np.dtype:
    return np.dtype({8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}[hdu.header["BITPIX"]])


def _read_record(hdus: fits.HDUList, index: int, shape: tuple[int, int]) -> RemovedPixels:
    table = hdus[_companion(hdus, PIXELS, index)]
    rows, facts = table.data, table.header
    dtype = _number_dtype(facts["CRDTYPE"])
    uncertainty, kind = None, ""
    if "uncertainty" in rows.names:
        kind = facts["CRUKIND"]
        uncertainty = np.array(rows["uncertainty"], dtype=_number_dtype(kind.split()[1]))
    record = RemovedPixels(
        y=np.array(rows["y"], dtype=np.int32),
        x=np.array(rows["x"], dtype=np.int32),
        label=np.array(rows["label"], dtype=np.int32),
        removed=np.array(rows["removed"], dtype=dtype),
        repaired=np.array(rows["repaired"]),
        uncertainty=uncertainty,
        uncertainty_kind=kind,
        dtype=dtype,
        unit=facts["CRUNIT"],
        had_mask=facts["CRHADMSK"],
        flags=_read_first_flags(hdus),
        by_hand=np.array(rows["by_hand"], dtype=bool) if "by_hand" in rows.names else None,
    )
    _check_record(record, shape)
    return record


def _number_dtype(text: str) -> np.dtype:
    """
    The dtype a file names, which must be one of plain numbers.
    """
    if not re.fullmatch(r"[<>=|][iuf]\d{1,2}", text):
        raise CosmicRayError(f"Found the dtype {text!r} in {PIXELS}; expected one of numbers, such as '<f4'.")
    return np.dtype(text)


def _check_record(record: RemovedPixels, shape: tuple[int, int]) -> None:
    """
    Refuse a table that somebody damaged.
    """
    ny, nx = shape
    inside = (record.y >= 0) & (record.y < ny) & (record.x >= 0) & (record.x < nx)
    sound = inside.all() and (np.diff(record.y.astype(np.int64) * nx + record.x) > 0).all()
    if not sound or not np.array_equal(record.label, label_pixels(record.y, record.x, shape)):
        raise CosmicRayError(
            f"Found a table {PIXELS} that does not fit the frame; expected its rows in reading order, each pixel once."
        )


def _read_first_flags(hdus: fits.HDUList) -> Any:
    stored = [hdu for hdu in hdus if hdu.name == FIRST_FLAGS]
    if not stored:
        return None
    arrays = [np.array(hdu.data).astype(_flag_dtype(hdu.header["CRDTYPE"])) for hdu in stored]
    if "CRFLNAME" not in stored[0].header:
        return arrays[0]
    collection = FlagCollection(shape=arrays[0].shape)
    for hdu, array in zip(stored, arrays, strict=True):
        collection[hdu.header["CRFLNAME"]] = array
    return collection


def _flag_dtype(text: str) -> np.dtype:
    return np.dtype(bool) if text == "|b1" else _number_dtype(text)


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
    path = _as_path(path)
    _refuse_ending(path)
    return write_hdus(to_hdus(ccd), path, overwrite)


def _refuse_ending(path: Path) -> None:
    if not path.name.lower().endswith(WRITABLE):
        raise CosmicRayError(f"Found the file name {path.name!r}; expected one that ends in {', '.join(WRITABLE)}.")


def write_hdus(hdus: fits.HDUList, path: Path, overwrite: bool = False) -> Path:
    """
    Write a file of several HDUs whole or not at all.

    Parameters
    ----------
    hdus : `~astropy.io.fits.HDUList`
        What to write.
    path : `~pathlib.Path`
        Where to, as for `write_ccd`. What is packed has no date in it, so that equal frames give equal files.
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    `~pathlib.Path`
        The path.

    Raises
    ------
    CosmicRayError
        If the file is there already, or can't be written.
    """
    name = path.name.lower()
    if name.endswith(".fz"):
        hdus = _compressed(hdus)
    with atomic_write(path, overwrite) as temporary, open(temporary, "wb") as stream:
        if name.endswith(".gz"):
            with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
                hdus.writeto(packed)
        else:
            hdus.writeto(stream)
        if name.endswith(".fz"):
            stream.flush()
            _clear_dates(temporary)
    return path


def _clear_dates(path: Path) -> None:
    """
    Take out the time that stands in the header of each tile that gzip packed, so that equal frames give equal files.
    """
    with fits.open(path, disable_image_compression=True, memmap=False) as hdus:
        starts = [_starts_of_tiles(hdu) for hdu in hdus if hdu.header.get("ZCMPTYPE", "").startswith("GZIP")]
    if starts:
        content = np.memmap(path, mode="r+")
        content[np.concatenate(starts)[:, np.newaxis] + GZIP_TIME] = 0
        content.flush()


def _starts_of_tiles(hdu: fits.BinTableHDU) -> np.ndarray:
    lengths, offsets = hdu.data.view(np.ndarray)["COMPRESSED_DATA"].astype(np.int64).T
    heap = hdu.header.get("THEAP", hdu.header["NAXIS1"] * hdu.header["NAXIS2"])
    return (hdu.fileinfo()["datLoc"] + heap + offsets)[lengths > 0]


def unfinished(path: Path) -> Path:
    """
    A name for what is not yet what it shall be.

    Parameters
    ----------
    path : `~pathlib.Path`
        What it shall be.

    Returns
    -------
    `~pathlib.Path`
        A hidden name in the same folder, under whose ending nobody takes what a killed run may leave for a frame.
    """
    return path.with_name(f".{secrets.token_hex(8)}.part")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """
    Have a file whole or not at all.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where the file shall stand.
    overwrite : bool
        Whether a file that is there may be replaced.

    Yields
    ------
    `~pathlib.Path`
        A name in the same folder to write to; it is renamed at the end, or removed after an error.

    Raises
    ------
    CosmicRayError
        If the file is there already, or its folder is not.
    """
    refuse_existing(path, overwrite)
    if not path.parent.is_dir():
        raise CosmicRayError(f"Found no folder {str(path.parent)!r}; expected one to write {path.name!r} into.")
    temporary = unfinished(path)
    try:
        yield temporary
        refuse_existing(path, overwrite)
        os.replace(temporary, path)
    except OSError as err:
        raise CosmicRayError(f"Found that {str(path)!r} can't be written: {err}.") from err
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _as_path(path: Any) -> Path:
    try:
        return Path(path)
    except TypeError as err:
        raise CosmicRayError(f"Found {path!r}; expected the name of a file.") from err


def refuse_existing(path: Path, overwrite: bool) -> None:
    """
    Refuse to replace a file, unless told.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where a file shall stand.
    overwrite : bool
        Whether one that is there may be replaced.

    Raises
    ------
    CosmicRayError
        If it may not.
    """
    if not overwrite and os.path.lexists(path):
        raise CosmicRayError(
            f"Found {str(path)!r} there already; expected a new name. Give overwrite=True to replace it."
        )


def to_hdus(ccd: CCDData) -> fits.HDUList:
    """
    A frame with all that a cleaning knows, as FITS has it.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.

    Returns
    -------
    `~astropy.io.fits.HDUList`
        As `write_ccd` writes it.

    Raises
    ------
    CosmicRayError
        If the frame holds what FITS can't.
    """
    check_frame_like(ccd)
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
    """
    What stands in the file beside that which `CCDData.write` writes.
    """
    hdus = []
    if isinstance(ccd.flags, np.ndarray) and ccd.flags.dtype == np.uint8:
        hdus.append(fits.ImageHDU(ccd.flags, name=FLAGS))
    if is_restorable(ccd):
        record = removed_pixels(ccd)
        hdus.append(_record_hdu(record))
        hdus += _first_flags_hdus(record.flags)
    return hdus


def check_frame_like(ccd: Any) -> None:
    """
    Refuse what is no CCDData.

    Parameters
    ----------
    ccd : object
        What is to be written.

    Raises
    ------
    CosmicRayError
        If it is something else.
    """
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(f"Found {type(ccd).__name__}; expected a CCDData.")


def _check_storable(what: str, array: np.ndarray) -> None:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if not ((kind in "iu" and size <= 8 and array.dtype != np.int8) or (kind == "f" and size in (4, 8))):
        raise CosmicRayError(
            f"Found {what} of dtype {array.dtype}, which FITS does not have; expected float32, float64 or integers of "
            "8 (unsigned) to 64 bits. Convert with astype."
        )


def _record_hdu(record: RemovedPixels) -> fits.BinTableHDU:
    columns = {
        "y": record.y,
        "x": record.x,
        "label": record.label,
        "removed": _widened(record.removed),
        "repaired": _widened(record.repaired),
    }
    facts = fits.Header()
    facts["CRDTYPE"] = (record.dtype.str, "dtype of the frame before the cleaning")
    facts["CRUNIT"] = (record.unit, "unit of the values")
    facts["CRHADMSK"] = (record.had_mask, "the frame had a mask")
    if record.uncertainty is not None:
        columns["uncertainty"] = _widened(record.uncertainty)
        facts["CRUKIND"] = (record.uncertainty_kind, "type and dtype of the uncertainty")
    if record.by_hand is not None:
        columns["by_hand"] = record.by_hand
    hdu = fits.table_to_hdu(Table(columns))
    hdu.header.extend(facts)
    hdu.name = PIXELS
    return hdu


def _widened(values: np.ndarray) -> np.ndarray:
    """
    The values in a dtype that a FITS table has and that holds each of them.
    """
    return values.astype({"int8": "int16", "float16": "float32"}.get(values.dtype.name, values.dtype))


def _first_flags_hdus(flags: Any) -> list[fits.ImageHDU]:
    if flags is None:
        return []
    collection = flags if isinstance(flags, FlagCollection) else {"": flags}
    hdus = []
    for version, (name, array) in enumerate(collection.items(), start=1):
        stored = array.astype(np.uint8) if array.dtype == bool else _widened(array)
        hdu = fits.ImageHDU(stored, name=FIRST_FLAGS, ver=version)
        hdu.header["CRDTYPE"] = (array.dtype.str, "dtype of the flags")
        if name:
            hdu.header["CRFLNAME"] = (name, "name of the flags")
        hdus.append(hdu)
    return hdus


def _compressed(hdus: fits.HDUList) -> fits.HDUList:
    packed = [_pack(hdu) if hdu.is_image and hdu.data is not None else hdu for hdu in hdus]
    return fits.HDUList(packed if packed[0] is hdus[0] else [fits.PrimaryHDU(), *packed])


def _pack(hdu: Any) -> fits.CompImageHDU:
    """
    An image compressed without loss: RICE takes integers of up to 32 bits, GZIP_2 the rest.
    """
    rice = hdu.data.dtype.kind in "iu" and hdu.data.dtype.itemsize <= 4
    return fits.CompImageHDU(
        hdu.data,
        hdu.header,
        name=hdu.name if hdu.name != "PRIMARY" else None,
        compression_type="RICE_1" if rice else "GZIP_2",
        quantize_level=0.0,
    )
