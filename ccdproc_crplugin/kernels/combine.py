# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A stack of frames into one, over plain arrays: average with sigma clipping, or median."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from ccdproc_crplugin.kernels.engines import engine as choose_engine
from ccdproc_crplugin.kernels.engines import n_threads
from ccdproc_crplugin.kernels.pixels import as_c_array

_ENGINES = {"c": "ccdproc_crplugin.kernels._combine", "numpy": "ccdproc_crplugin.kernels.numpy_combine"}
_STORAGES = {"f4": 0, "u2": 1, "i2": 2}  # as in src/stack.h


@dataclass(frozen=True)
class CombineOptions:
    """How a stack is combined; `combine_calibrations` explains the fields."""

    method: str = "average"
    sigma_low: float = 5.0
    sigma_high: float = 5.0
    n_iterations: int = 1
    clip_scaled: bool = True


@dataclass(frozen=True)
class Stack:
    """Frames as they are stored; their values are stored + zero - offset - factor * slope."""

    stored: np.ndarray  # (n, ...), float32, uint16 or int16 in any byte order
    zero: float = 0.0
    offset: np.ndarray | None = None  # float32 (...), such as a bias frame
    slope: np.ndarray | None = None  # float32 (...), such as a dark frame
    factors: Any = None  # (n,), None for 1
    _packed: tuple = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        dtype = self.stored.dtype
        if dtype.str[1:] not in _STORAGES:
            raise TypeError(f"Found frames stored as {dtype}; expected float32, uint16 or int16.")
        n_frames = len(self.stored)
        words = as_c_array(self.stored, dtype).reshape(-1).view(f"u{dtype.itemsize}")
        offset, slope = (
            None if plane is None else as_c_array(plane, np.float32).reshape(-1) for plane in (self.offset, self.slope)
        )
        factors = np.ones(n_frames) if self.factors is None else as_c_array(self.factors, np.float64)
        packed = (
            words,
            n_frames,
            words.size // n_frames if n_frames else 0,
            _STORAGES[dtype.str[1:]],
            not dtype.isnative,
            float(self.zero),
            offset,
            slope,
            factors,
        )
        object.__setattr__(self, "_packed", packed)

    def values(self, frame: int, part: Any = ...) -> np.ndarray:
        """The values of a part of a frame, float32."""
        values = self.stored[frame][part].astype(np.float32) + np.float32(self.zero)
        if self.offset is not None:
            values -= self.offset[part]
        if self.slope is not None:
            values -= np.float32(1 if self.factors is None else self.factors[frame]) * self.slope[part]
        return values


@dataclass(frozen=True)
class Combined:
    """The combination of a stack."""

    image: np.ndarray  # float32 in any byte order, NaN where no frame has a good pixel
    uncertainty: np.ndarray  # the same: standard deviation, or that from the median absolute deviation, over root n
    n_used: np.ndarray  # uint16, number of frames that went into each pixel
    n_rejected: np.ndarray  # int64 (n,), number of clipped pixels of each frame
    n_bad: np.ndarray  # int64 (n,), number of pixels of each frame that are not finite

    @classmethod
    def empty(cls, n_frames: int, shape: tuple[int, ...], *, dtype: Any = np.float32) -> Combined:
        """An empty result to fill; ``dtype`` is ">f4" for a FITS file."""
        return cls(
            np.empty(shape, dtype),
            np.empty(shape, dtype),
            np.empty(shape, np.uint16),
            np.zeros(n_frames, np.int64),
            np.zeros(n_frames, np.int64),
        )

    def rows(self, rows: slice) -> Combined:
        """Views of some rows, with the same arrays of counts."""
        return Combined(self.image[rows], self.uncertainty[rows], self.n_used[rows], self.n_rejected, self.n_bad)

    def _packed(self) -> tuple:
        arrays = (self.image, self.uncertainty, self.n_used, self.n_rejected, self.n_bad)
        return *(array.reshape(-1) for array in arrays), not self.image.dtype.isnative


def combine_stack(
    stack: Stack,
    options: CombineOptions | None = None,
    *,
    scales: Any = None,
    out: Combined | None = None,
    threads: int | None = None,
    engine: str | None = None,
) -> Combined:
    """Combine a stack; ``scales`` (n,) multiply the frames, and ``out`` is filled, its counts of pixels added to."""
    options = CombineOptions() if options is None else options
    if out is None:
        out = Combined.empty(len(stack.stored), stack.stored.shape[1:])
    scales = None if scales is None else as_c_array(scales, np.float64)
    settings = (
        options.method == "median",
        options.n_iterations,
        options.sigma_low,
        options.sigma_high,
        options.clip_scaled,
    )
    _load(engine).combine(stack._packed, scales, out._packed(), settings, n_threads(threads))
    return out


def frame_median(stack: Stack, frame: int = 0, *, engine: str | None = None) -> float:
    """The median of the finite pixels of a frame, NaN if there are none."""
    return _load(engine).median(stack._packed, frame)


def _load(engine: str | None) -> ModuleType:
    return import_module(_ENGINES[choose_engine(engine).name])
