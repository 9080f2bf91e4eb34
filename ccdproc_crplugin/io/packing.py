# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""FITS files that are written plain, packed with gzip, or with each image compressed, as their ending says."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

#: Cards that are true for the bytes of one HDU alone.
CHECKSUMS = ("CHECKSUM", "DATASUM")

#: Bytes of the time in the header of a gzip stream, RFC 1952.
GZIP_TIME = np.arange(4, 8)


def write_packed(hdus: fits.HDUList, path: Path, name: str) -> None:
    """Write HDUs to ``path``, packed as the ending of ``name`` says; equal frames make equal files."""
    name = name.lower()
    tiled = name.endswith(".fz")
    hdus.update_extend()
    _renew_checksums(hdus, tiled)
    with open(path, "wb") as stream:
        if name.endswith(".gz"):
            with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
                hdus.writeto(packed)
        else:
            (_compressed(hdus) if tiled else hdus).writeto(stream)
    if tiled:
        _clear_dates(path)


def _renew_checksums(hdus: fits.HDUList, tiled: bool) -> None:
    """Make the checksums true that HDUs have, without a time; images that are compressed lose them."""
    for hdu in hdus:
        had = [keyword for keyword in CHECKSUMS if keyword in hdu.header]
        for keyword in had:
            del hdu.header[keyword]
        if had and not (tiled and hdu.is_image):
            hdu.add_checksum(when="of this HDU")


def _compressed(hdus: fits.HDUList) -> fits.HDUList:
    packed = [_pack(hdu) if hdu.is_image and hdu.data is not None else hdu for hdu in hdus]
    return fits.HDUList(packed if packed[0] is hdus[0] else [fits.PrimaryHDU(), *packed])


def _pack(hdu: Any) -> fits.CompImageHDU:
    """An image compressed without loss: RICE takes integers of up to 32 bits, GZIP_2 the rest."""
    rice = hdu.data.dtype.kind in "iu" and hdu.data.dtype.itemsize <= 4
    return fits.CompImageHDU(
        hdu.data,
        hdu.header,
        name=hdu.name if hdu.name != "PRIMARY" else None,
        compression_type="RICE_1" if rice else "GZIP_2",
        quantize_level=0.0,
    )


def _clear_dates(path: Path) -> None:
    """Set the time in the gzip header of each tile to zero, so that equal frames make equal files."""
    with fits.open(path, disable_image_compression=True, memmap=False) as hdus:
        starts = [_starts_of_tiles(hdu) for hdu in hdus if hdu.header.get("ZCMPTYPE", "").startswith("GZIP")]
    if starts:
        content = np.memmap(path, mode="r+")
        content[np.concatenate(starts)[:, np.newaxis] + GZIP_TIME] = 0
        content.flush()


def _starts_of_tiles(hdu: fits.BinTableHDU) -> np.ndarray:
    """Where in the file each tile that is not empty starts (bytes)."""
    lengths, offsets = hdu.data.view(np.ndarray)["COMPRESSED_DATA"].astype(np.int64).T
    heap = hdu.header.get("THEAP", hdu.header["NAXIS1"] * hdu.header["NAXIS2"])
    return (hdu.fileinfo()["datLoc"] + heap + offsets)[lengths > 0]
