# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The record of removed pixels, written to HDUs of a FITS file and read from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.nddata import FlagCollection

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.io.hdus import FIRST_FLAGS, FIRST_MASK, HOT, PIXELS
from ccdproc_crplugin.kernels.labels import label_pixels


def removed_hdus(record: RemovedPixels) -> list[Any]:
    """The table CRPIXELS, that of hot pixels put back, then mask and flags before the cleaning, as far as needed."""
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


def read_removed(table: fits.BinTableHDU, companions: Iterable[Any], shape: tuple[int, int]) -> RemovedPixels:
    """The record of the pixels removed from a frame, which is one of the HDUs that belong to the frame."""
    rows, facts = table.data, table.header
    dtype = _number_dtype(facts["CRDTYPE"])
    uncertainty, kind = None, ""
    if "uncertainty" in rows.names:
        kind = facts["CRUKIND"]
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
    _check_record(record, shape)
    return record


def _read_hot(hdu: fits.BinTableHDU) -> np.ndarray:
    return np.column_stack([hdu.data["y"], hdu.data["x"]]).astype(np.int32)


def _number_dtype(text: str) -> np.dtype:
    """The dtype of numbers that a file names."""
    if not re.fullmatch(r"[<>=|][iuf]\d{1,2}", text):
        raise CosmicRayError(f"Found the dtype {text!r} in {PIXELS}; expected one of numbers, such as '<f4'.")
    return np.dtype(text)


def _check_record(record: RemovedPixels, shape: tuple[int, int]) -> None:
    """Refuse a damaged table."""
    ny, nx = shape
    inside = (record.y >= 0) & (record.y < ny) & (record.x >= 0) & (record.x < nx)
    if record.put_back is not None:
        inside = np.append(inside, ((record.put_back >= 0) & (record.put_back < shape)).all())
    sound = inside.all() and (np.diff(record.y.astype(np.int64) * nx + record.x) > 0).all()
    if not sound or not np.array_equal(record.label, label_pixels(record.y, record.x, shape)):
        raise CosmicRayError(
            f"Found a table {PIXELS} that does not fit the frame; expected its rows in reading order, each pixel once."
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
