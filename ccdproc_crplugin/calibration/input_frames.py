# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames that may be combined: their headers, and access to their pixels.

A plain frame stays in its file, from which its rows are read as they are stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.calibration.saturation import Saturation
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.ccd import unit_in_force
from ccdproc_crplugin.io.hdus import image_index, image_indices, inherit, is_flat
from ccdproc_crplugin.io.opening import is_packed, open_stream, reading, sound
from ccdproc_crplugin.io.quality import PLANES
from ccdproc_crplugin.io.remote import RemotePath

#: Data types by ``BITPIX`` whose pixels are combined as they are stored.
PLAIN: dict[int, np.dtype] = {16: np.dtype(">i2"), -32: np.dtype(">f4")}


@dataclass(eq=False)
class Plane(ABC):
    """The pixels of a frame: stored numbers of some type, to which ``zero`` is added."""

    shape: tuple[int, int]
    dtype: np.dtype
    zero: float = field(default=0.0, kw_only=True)

    @property
    def storage(self) -> tuple[str, float]:
        """The type of the stored numbers and ``zero``; planes that agree in it are read as they are stored."""
        return self.dtype.str, self.zero

    def read(self, rows: slice, out: np.ndarray) -> None:
        """Read some rows: the stored numbers if ``out`` has their type, else the values, float32."""
        if out.dtype == self.dtype:
            self._read_stored(rows, out)
            return
        stored = np.empty(out.shape, self.dtype)
        self._read_stored(rows, stored)
        np.add(stored, self.zero, out=out, casting="unsafe")

    @abstractmethod
    def _read_stored(self, rows: slice, out: np.ndarray) -> None:
        """Read the numbers of some rows as they are stored."""


@dataclass(eq=False)
class ArrayPlane(Plane):
    """Pixels in memory."""

    array: np.ndarray

    def _read_stored(self, rows: slice, out: np.ndarray) -> None:
        out[...] = self.array[rows]


@dataclass(eq=False)
class FilePlane(Plane):
    """Pixels in a file, in reading order from the byte ``start`` on; a file that is None is opened for each read."""

    path: Path
    file: FileIO | None
    start: int

    def _read_stored(self, rows: slice, out: np.ndarray) -> None:
        left = out.reshape(-1).view(np.uint8).data
        with reading(self.path), self._opened() as file:
            file.seek(self.start + rows.start * self.shape[1] * self.dtype.itemsize)
            while left:
                n_read = file.readinto(left)
                if not n_read:
                    raise CosmicRayError(
                        f"Found that {str(self.path)!r} became shorter; expected a file that stays as it is."
                    )
                left = left[n_read:]

    def _opened(self) -> AbstractContextManager[FileIO]:
        return open(self.path, "rb", buffering=0) if self.file is None else nullcontext(self.file)


@dataclass
class InputFrame:
    """A frame that may be combined."""

    path: Path
    header: fits.Header  # completed from the primary one
    unit: u.Unit
    hdu: int | None = None  # in a file of several frames
    plane: Plane | None = None  # None until the pixels are read or known to be plain
    saturation: Saturation | None = None  # None until it is measured

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if isinstance(self.plane, FilePlane) and self.plane.file is not None:
            self.plane.file.close()
            self.plane.file = None


def open_frames(
    path: Path, is_wanted: Callable[[fits.Header], bool], *, unit: Any = None, hdu: int | None = None
) -> list[InputFrame] | None:
    """
    Open the frames of a file, or the one in ``hdu``; None if the header of the first one is not wanted.

    A frame has a plane if its pixels can be read as they are stored.
    """
    with reading(path):
        file = open_stream(path, buffering=0)
        frames = None
        try:
            frames = _frames_of(file, path, is_wanted, unit, hdu)
        finally:
            if frames is None or len(frames) > 1 or frames[0].plane is None:
                file.close()
    if frames is not None and len(frames) == 1 and isinstance(frames[0].plane, FilePlane):
        frames[0].plane.file = file
    return frames


def _frames_of(
    file: FileIO, path: Path, is_wanted: Callable[[fits.Header], bool], unit: Any, hdu: int | None
) -> list[InputFrame] | None:
    hdus = fits.open(sound(file, path), memmap=False, lazy_load_hdus=True)
    packed = isinstance(path, RemotePath) or is_packed(file)
    indices = image_indices(hdus, path) if hdu is None else [image_index(hdus, path, hdu)]
    if not is_wanted(inherit(hdus, indices[0])):
        return None
    places = {index: index if len(indices) > 1 else hdu for index in indices}
    return [_look_into(hdus, index, path, unit, place, packed=packed) for index, place in places.items()]


def _look_into(hdus: fits.HDUList, index: int, path: Path, unit: Any, hdu: int | None, *, packed: bool) -> InputFrame:
    image = hdus[index]
    frame = InputFrame(path, inherit(hdus, index), unit_in_force(image, path, unit), hdu)
    if not is_flat(image):
        raise CosmicRayError(
            f"Found HDU {index} of {str(path)!r} with the shape {image.shape}; expected two dimensions."
        )
    stored_as_is = not packed and len(image.shape) == 2 and _is_plain(image)
    if stored_as_is and not any(name in hdus for name in ("MASK", *PLANES)):
        start: int = image.fileinfo()["datLoc"]
        dtype: np.dtype = PLAIN[image.header["BITPIX"]]
        frame.plane = FilePlane(image.shape, dtype, path, None, start, zero=float(image.header.get("BZERO", 0)))
    return frame


def _is_plain(image: Any) -> bool:
    """Whether the pixels can be combined as they are stored."""
    header = image.header
    zeros = {16: (0, 32768), -32: (0,)}.get(header["BITPIX"], ())
    return (
        not isinstance(image, fits.CompImageHDU)
        and header.get("BSCALE", 1) == 1
        and header.get("BZERO", 0) in zeros
        and ("BLANK" not in header or header["BITPIX"] < 0)
    )
