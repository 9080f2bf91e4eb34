# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Many frames read a few rows at a time, so that memory is bounded whatever their number.

Frames that can't be read as they are stored (packed, scaled, masked, to be prepared) are converted first, and are kept
in memory, or in a scratch file where memory is short.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.calibration.input_frames import ArrayPlane, FilePlane, InputFrame, Plane
from ccdproc_crplugin.calibration.saturation import Saturation, measure_saturation, saturation_level
from ccdproc_crplugin.calibration.settings import CombineSettings
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.ccd import read_ccd

#: Plain frames whose files stay open; further ones are opened for each batch of rows.
MAX_OPEN = 200


def most_open() -> int:
    """How many files stay open, of those that the system allows to this process."""
    try:
        import resource

        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError, ValueError):  # Windows allows enough
        return MAX_OPEN
    return min(MAX_OPEN, allowed // 4) if allowed >= 0 else MAX_OPEN


class FrameStack(AbstractContextManager):
    """The frames of a group, read a few rows at a time; leaving the context closes the files."""

    def __init__(self, settings: CombineSettings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.frames: list[InputFrame] = []
        self._scratch: FileIO | None = None
        self.n_bytes = 0  # of the pixels that are kept in memory

    def __exit__(self, *_: Any) -> None:
        for frame in self.frames:
            frame.close()
        if self._scratch is not None:
            self._scratch.close()

    def add(self, frame: InputFrame) -> None:
        """Add a frame; its pixels are read and prepared if they can't be combined as they are stored."""
        prepare = self.settings.prepare
        if frame.plane is None or prepare is not None:
            frame.close()
            ccd = read_ccd(frame.path, unit=self.settings.unit, hdu=frame.hdu)
            frame.saturation = _saturation_of(ccd, self.settings.saturation)
            if prepare is not None:
                ccd = _prepared(prepare, ccd)
            frame.header, frame.unit = fits.Header(ccd.header), ccd.unit
            frame.plane = self._keep(_pixels(ccd))
        self.frames.append(frame)
        if len(self.frames) > most_open():
            frame.close()

    def _keep(self, pixels: np.ndarray) -> Plane:
        if self.n_bytes + pixels.nbytes <= self.settings.memory // 2:
            self.n_bytes += pixels.nbytes
            return ArrayPlane(pixels.shape, pixels.dtype, pixels)
        if self._scratch is None:
            # without a name where the system allows it, so that even a killed run leaves nothing
            self._scratch = tempfile.TemporaryFile(dir=self.folder, prefix=".", suffix=".part", buffering=0)  # noqa: SIM115
        start = self._scratch.seek(0, os.SEEK_END)
        left = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data
        while left:
            left = left[self._scratch.write(left) :]
        return FilePlane(pixels.shape, pixels.dtype, self.folder, self._scratch, start)

    def leave_out(self, reasons: Sequence[str]) -> None:
        """Remove and report the frames that have a reason; that of the others is empty."""
        for frame, reason in zip(self.frames, reasons, strict=True):
            if reason:
                frame.close()
                self.settings.leave_out(frame.path, reason)
        self.frames = [frame for frame, reason in zip(self.frames, reasons, strict=True) if not reason]

    def leave_out_strangers(self) -> None:
        """Leave out the frames whose shape or unit is not that of most."""
        found = [(_size(plane), frame.unit) for plane, frame in zip(self.planes, self.frames, strict=True)]
        most, _ = Counter(found).most_common(1)[0]
        message = f"found {{}} pixels in {{}}; expected {most[0]} in {most[1]}"
        self.leave_out(["" if likeness == most else message.format(*likeness) for likeness in found])

    @property
    def planes(self) -> list[Plane]:
        """The pixels of the frames."""
        return [frame.plane for frame in self.frames if frame.plane is not None]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frames."""
        return self.planes[0].shape

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers that `read` returns: the stored one if all frames have the same, else float32."""
        storages = {plane.storage for plane in self.planes}
        return self.planes[0].dtype if len(storages) == 1 else np.dtype(np.float32)

    @property
    def zero(self) -> float:
        """The number to add to those that `read` returns."""
        storages = {plane.storage for plane in self.planes}
        return self.planes[0].zero if len(storages) == 1 else 0.0

    def read(self, frames: slice, rows: slice, memory: np.ndarray | None = None) -> np.ndarray:
        """Read some rows of some frames, (n, rows, nx), into ``memory`` (1-d, of type `dtype`) if given."""
        chosen = self.planes[frames]
        shape = (len(chosen), rows.stop - rows.start, self.shape[1])
        memory = np.empty(math.prod(shape), self.dtype) if memory is None else memory[: math.prod(shape)]
        numbers = memory.reshape(shape)
        for plane, out in zip(chosen, numbers, strict=True):
            plane.read(rows, out)
        return numbers

    def strips(self, n_bytes: int) -> list[slice]:
        """The rows cut into batches of at least one, of which two are in memory at once, ``n_bytes`` for all frames."""
        n_rows, n_columns = self.shape
        of_a_row = len(self.frames) * n_columns * self.dtype.itemsize
        step = max(1, min(n_rows, n_bytes // (2 * of_a_row)))
        return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]

    def read_ahead(self, strips: list[slice]) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield batch after batch, valid until the next one; that is read in the meantime."""
        largest = len(self.frames) * strips[0].stop * self.shape[1]
        memories = [np.empty(largest, self.dtype) for _ in range(min(2, len(strips)))]
        everyone = slice(None)
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self.read, everyone, strips[0], memories[0])
            for number, strip in enumerate(strips):
                numbers = coming.result()
                if number + 1 < len(strips):
                    # the batch that is yielded now is in the other memory
                    coming = reader.submit(self.read, everyone, strips[number + 1], memories[(number + 1) % 2])
                yield strip, numbers


def _saturation_of(ccd: CCDData, given: float | None) -> Saturation | None:
    good = ccd.data if ccd.mask is None else ccd.data[np.broadcast_to(~np.asarray(ccd.mask), ccd.shape)]
    level = saturation_level(fits.Header(ccd.header), ccd.unit, ccd.data.dtype, given=given)
    return measure_saturation(good, level)


def _prepared(prepare: Callable[[CCDData], CCDData], ccd: CCDData) -> CCDData:
    try:
        prepared = prepare(ccd)
    except CosmicRayError:
        raise
    except Exception as err:
        raise CosmicRayError(f"Found that it can't be prepared ({type(err).__name__}: {err}).") from err
    if not isinstance(prepared, CCDData):
        raise CosmicRayError(f"Found {type(prepared).__name__} from prepare; expected a CCDData.")
    return prepared


def _pixels(ccd: CCDData) -> np.ndarray:
    """The pixels as they are combined: unmasked integers of 16 bits as they are, others float32 with bad ones NaN."""
    whole = ccd.mask is None or not np.any(ccd.mask)
    if whole and ccd.data.dtype in (np.uint16, np.int16):
        return ccd.data.astype(ccd.data.dtype.newbyteorder("="), copy=False)
    pixels = np.array(ccd.data, dtype=np.float32)
    if not whole:
        pixels[np.broadcast_to(ccd.mask, pixels.shape)] = np.nan
    if not np.isfinite(pixels).any():
        raise CosmicRayError("Found no finite pixel that is not masked.")
    return pixels


def _size(plane: Plane) -> str:
    return " x ".join(map(str, plane.shape))
