# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The record of removed pixels, written to HDUs of a FITS file and read from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData, FlagCollection

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.removed import RemovedPixels, check_flags, is_restorable, removed_pixels
from ccdproc_crplugin.io.hdus import FIRST_FLAGS, FIRST_MASK, HOT, PIXELS
from ccdproc_crplugin.kernels.labels import label_pixels

#: The columns of the table, and the kinds of numbers in them, as `numpy.dtype.kind`.
COLUMNS = {
    "y": "iu",
    "x": "iu",
    "label": "iu",
    "removed": "iuf",
    "repaired": "iuf",
    "uncertainty": "iuf",
    "by_hand": "b",
}
OPTIONAL = ("uncertainty", "by_hand")

#: Card of the table with a checksum of the whole record.
CHECK = "CRCHECK"


def removed_hdus(ccd: CCDData) -> list[Any]:
    """The table CRPIXELS, that of hot pixels put back, then mask and flags before the cleaning, as far as needed."""
    if not is_restorable(ccd):
        return []
    record = removed_pixels(ccd)
    check_flags(ccd, record)
    return [
        _table_hdu(record),
        *_hot_hdus(record.put_back),
        *_first_mask_hdus(record.mask),
        *_first_flags_hdus(record.flags),
    ]


def _table_hdu(record: RemovedPixels) -> fits.BinTableHDU:
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
    facts[CHECK] = (record.fingerprint, "checksum of the record")
    rows = np.rec.fromarrays(list(columns.values()), dtype=[(name, column.dtype) for name, column in columns.items()])
    return fits.BinTableHDU(rows, facts, name=PIXELS)


def _hot_hdus(put_back: np.ndarray | None) -> list[fits.BinTableHDU]:
    if put_back is None:
        return []
    rows = np.rec.fromarrays(list(put_back.astype(np.int32).T), dtype=[("y", np.int32), ("x", np.int32)])
    return [fits.BinTableHDU(rows, name=HOT)]


def _first_mask_hdus(mask: np.ndarray | None) -> list[fits.ImageHDU]:
    return [] if mask is None else [fits.ImageHDU(mask.astype(np.uint8), name=FIRST_MASK)]


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


def _widened(values: np.ndarray) -> np.ndarray:
    """The same values in a dtype that FITS has."""
    return values.astype({"int8": "int16", "float16": "float32"}.get(values.dtype.name, values.dtype))


def read_removed(table: fits.BinTableHDU, companions: Iterable[Any], ccd: CCDData) -> RemovedPixels:
    """The record of the pixels removed from a frame, which was read from the file; ``companions`` belong to it."""
    _check_table(table)
    rows, facts = table.data, table.header
    dtype = _number_dtype(facts["CRDTYPE"])
    uncertainty, kind = None, ""
    if "uncertainty" in rows.names:
        kind = _uncertainty_kind(facts.get("CRUKIND"))
        uncertainty = np.array(rows["uncertainty"], dtype=_number_dtype(kind.split()[1]))
    companions = list(companions)
    first_mask = next((np.array(hdu.data).astype(bool) for hdu in companions if hdu.name == FIRST_MASK), None)
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
        flags=_read_first_flags([hdu for hdu in companions if hdu.name == FIRST_FLAGS]),
        by_hand=np.array(rows["by_hand"], dtype=bool) if "by_hand" in rows.names else None,
        put_back=next((_read_hot(hdu) for hdu in companions if hdu.name == HOT), None),
        mask=first_mask,
    )
    _check_record(record, ccd)
    if CHECK in facts and facts[CHECK] != record.fingerprint:
        raise _damaged("the values that its checksum was made from")
    return record


def _check_table(table: Any) -> None:
    """Refuse a table with columns or facts of the wrong kind."""
    names = table.columns.names if isinstance(table, fits.BinTableHDU) else []
    missing = [name for name in COLUMNS if name not in names and name not in OPTIONAL]
    if missing:
        raise _damaged(f"the column {missing[0]!r}")
    for name, kind in COLUMNS.items():
        if name in names and (table.data[name].ndim != 1 or table.data[name].dtype.kind not in kind):
            raise _damaged(f"a number in each row of the column {name!r}")
    for keyword, wanted in (("CRDTYPE", str), ("CRUNIT", str), ("CRHADMSK", bool)):
        if not isinstance(table.header.get(keyword), wanted):
            raise _damaged(f"the card {keyword} as it was written")


def _uncertainty_kind(text: Any) -> str:
    words = str(text).split()
    if len(words) != 2 or words[0] not in ("std", "var", "ivar"):
        raise _damaged("the card CRUKIND as it was written")
    return str(text)


def _read_hot(hdu: fits.BinTableHDU) -> np.ndarray:
    return np.column_stack([hdu.data["y"], hdu.data["x"]]).astype(np.int32)


def _number_dtype(text: str) -> np.dtype:
    """The dtype of numbers that a file names."""
    if not re.fullmatch(r"[<>=|](?:[iu][1248]|f[248])", text):
        raise CosmicRayError(f"Found the dtype {text!r} in {PIXELS}; expected one of numbers, such as '<f4'.")
    return np.dtype(text)


def _check_record(record: RemovedPixels, ccd: CCDData) -> None:
    """Refuse a record that does not fit the frame, its flags or its header."""
    shape = ny, nx = ccd.data.shape
    inside = (record.y >= 0) & (record.y < ny) & (record.x >= 0) & (record.x < nx)
    if record.put_back is not None:
        inside = np.append(inside, ((record.put_back >= 0) & (record.put_back < shape)).all())
    sound = inside.all() and (np.diff(record.y.astype(np.int64) * nx + record.x) > 0).all()
    if not sound or not np.array_equal(record.label, label_pixels(record.y, record.x, shape)):
        raise _damaged("its rows in reading order, each pixel once")
    first_flags = record.flags.values() if isinstance(record.flags, FlagCollection) else [record.flags]
    if any(plane is not None and plane.shape != shape for plane in (record.mask, *first_flags)):
        raise _damaged(f"the mask and the flags before the cleaning in the shape of the frame, {ny} x {nx}")
    n_pixels = ccd.meta.get("CRNPIX", len(record))
    if n_pixels != len(record):
        raise _damaged(f"as many rows as CRNPIX = {n_pixels!r} says, not {len(record)}")
    try:
        check_flags(ccd, record)
    except CosmicRayError as err:
        raise _damaged("a row for each pixel that CRFLAGS has as hit by a cosmic ray") from err


def _damaged(expected: str) -> CosmicRayError:
    return CosmicRayError(
        f"Found a table {PIXELS} that does not fit the frame; expected {expected}. Nothing can be restored from it: "
        "take a copy of the file that is whole, or clean the raw frame again."
    )


def _read_first_flags(stored: list[Any]) -> np.ndarray | FlagCollection | None:
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
