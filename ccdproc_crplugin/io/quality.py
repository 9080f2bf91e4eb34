# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Planes of quality beside a frame: which of their pixels are bad, and which are saturated.

The bits of such a plane tell more than that a pixel is bad. Cosmic rays are what is searched for, and saturated pixels
are flagged as such: neither is bad. Where a camera says which bit forbids the use of a pixel, that bit alone
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io import fits

#: Names of planes of quality and of masks of bad pixels.
PLANES = ("DQ", "BPM")

#: Bits of a DQ plane that do not make a pixel bad, by the observatory or instrument named in the header.
NOT_BAD = {
    "HST": 256 | 2048 | 4096 | 8192,  # full well and converter saturated, cosmic rays of later and of own processing
    "GEMINI": 2 | 4 | 8,  # not linear, saturated, cosmic ray
}

#: Bits of a DQ plane that alone make a pixel bad.
BAD = {"JWST": 1, "ROMAN": 1}  # not to be used

#: Bits of a DQ plane that say that a pixel is saturated.
SATURATED = {"HST": 256 | 2048, "GEMINI": 4, "JWST": 2, "ROMAN": 2}

#: Planes named by cards of the header, such as MP_BAD = 0, that make a pixel bad.
BAD_PLANES = ("MP_BAD", "MP_NO_DATA", "MP_UNMASKEDNAN")


def quality_planes(hdus: fits.HDUList, index: int, n_frames: int) -> list[Any]:
    """The planes of quality of a frame: they have its shape and, where a file holds several frames, its EXTVER."""
    image = hdus[index]
    planes = [hdu for hdu in hdus if hdu.name in PLANES and hdu.is_image and hdu.shape == image.shape]
    return [hdu for hdu in planes if n_frames == 1 or hdu.ver == image.ver]


def bad_of_plane(plane: Any, header: Mapping) -> np.ndarray:
    """The bad pixels of a mask or plane of quality, bool; ``header`` is that of the frame or of the file."""
    values = np.asarray(plane.data)
    values = values.reshape(values.shape[-2:])
    if values.dtype.kind not in "iu":
        return np.asarray(values != 0)
    named = [plane.header[card] for card in BAD_PLANES if card in plane.header]
    if named or any(str(card).startswith("MP_") for card in plane.header):
        return (values & sum(1 << int(bit) for bit in set(named))) != 0
    if plane.name != "DQ":
        return values != 0
    observatory = _observatory(header)
    bits = BAD.get(observatory, ~np.int64(NOT_BAD.get(observatory, 0)))
    return (values.astype(np.int64) & bits) != 0


def saturated_of_plane(plane: Any, header: Mapping) -> np.ndarray | None:
    """The pixels that a plane of quality has as saturated, bool (ny, nx); None if its bits are not known."""
    bits = SATURATED.get(_observatory(header), 0)
    if "MP_SAT" in plane.header:
        bits = 1 << int(plane.header["MP_SAT"])
    values = np.asarray(plane.data)
    if not bits or plane.name != "DQ" or values.dtype.kind not in "iu":
        return None
    return (values.reshape(values.shape[-2:]).astype(np.int64) & bits) != 0


def _observatory(header: Mapping) -> str:
    """The observatory in the header by its name in `NOT_BAD` or `BAD`, or an empty text."""
    said = " ".join(str(header.get(card, "")) for card in ("TELESCOP", "OBSERVAT", "OBSERVATORY")).upper()
    return next((name for name in (*NOT_BAD, *BAD) if name in said.replace("-", " ").split()), "")
