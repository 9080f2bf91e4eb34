# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Combining one group of calibration frames: the frames to subtract, the scales of flats, and the combination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, cast

import numpy as np
from astropy import units as u
from astropy.table import Table

from ccdproc_crplugin.calibration.combined_frame import CombinedFrame, fitting
from ccdproc_crplugin.calibration.frame_stack import FrameStack
from ccdproc_crplugin.calibration.grouping import CalibrationKey, same_exposure
from ccdproc_crplugin.calibration.input_frames import InputFrame
from ccdproc_crplugin.calibration.saturation import measure_saturation, saturation_level
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.kernels.combine import Combined, CombineOptions, Stack, combine_stack, frame_median
from ccdproc_crplugin.kernels.engines import n_threads

#: Bytes per pixel of the result and of the frames to subtract: two images, a count, a mask, a bias and a dark.
BYTES_OF_RESULT = 4 + 4 + 2 + 1 + 4 + 4

#: Bytes to read at once: as much as fits a cache of the processor; more is not faster.
BYTES_OF_STRIPS = 16 << 20


@dataclass(frozen=True)
class Subtraction:
    """The combined frames to subtract from the frames of a group, and their images."""

    bias: CombinedFrame | None = None
    dark: CombinedFrame | None = None
    bias_image: np.ndarray | None = field(default=None, repr=False)
    dark_image: np.ndarray | None = field(default=None, repr=False)

    @property
    def masters(self) -> dict[str, CombinedFrame]:
        """The combined frames by kind."""
        return {kind: master for kind, master in (("bias", self.bias), ("dark", self.dark)) if master is not None}

    def factors(self, group: Sequence[InputFrame]) -> list[float] | None:
        """The ratios of the exposures, with which the dark is multiplied; None for 1."""
        if self.dark is None or self.dark.has_bias:
            return None
        # a dark is only chosen where all of these exposures are known
        return [cast(float, exposure_of(frame)) / cast(float, self.dark.exposure) for frame in group]


def exposure_of(frame: InputFrame) -> float | None:
    """The exposure of a frame in seconds; None if its header does not have it."""
    exposure = header.exposure(frame.header)
    return None if exposure is None else float(exposure.value.to_value(u.s))


def choose_subtraction(
    key: CalibrationKey, stack: FrameStack, masters: Sequence[CombinedFrame], *, tolerance: float
) -> Subtraction:
    """
    Choose and read the frames to subtract: the bias from darks, bias and dark from flats.

    A dark with the bias still in it takes the place of both where the exposure is its own.
    """
    if key.kind == "bias":
        return Subtraction()
    alike: dict[str, Any] = {"unit": stack.frames[0].unit, "shape": stack.shape, "tolerance": tolerance}
    biases = fitting(masters, "bias", key, **alike)
    darks = fitting(masters, "dark", key, **alike) if key.kind == "flat" else []
    dark = _nearest_dark(darks, [exposure_of(frame) for frame in stack.frames])
    bias = biases[0] if biases and not (dark is not None and dark.has_bias) else None
    bias_image, dark_image = (None if master is None else master.read() for master in (bias, dark))
    return Subtraction(bias, dark, bias_image, dark_image)


def _nearest_dark(darks: Sequence[CombinedFrame], exposures: Sequence[float | None]) -> CombinedFrame | None:
    """The dark of the nearest exposure among those that can be subtracted."""
    known = [exposure for exposure in exposures if exposure is not None]
    if len(known) < len(exposures):
        return None
    usable = [
        dark
        for dark in darks
        if dark.exposure and (not dark.has_bias or all(same_exposure(dark.exposure, exposure) for exposure in known))
    ]
    return min(usable, key=lambda dark: abs((dark.exposure or 0.0) - fmean(known)), default=None)


def inverse_medians(stack: FrameStack, subtraction: Subtraction, memory: int) -> list[float]:
    """1 / median of each flat, NaN where that is not positive; also measures the saturation of the frames it reads."""
    whole = slice(0, stack.shape[0])
    factors = subtraction.factors(stack.frames)

    def inverse_median(number: int) -> float:
        numbers = stack.read(slice(number, number + 1), whole)
        frame = stack.frames[number]
        if frame.saturation is None:
            plane = stack.planes[number]
            level = saturation_level(frame.header, frame.unit, plane.dtype, plane.zero, given=stack.saturation)
            frame.saturation = measure_saturation(numbers, level, stack.zero)
        factor = None if factors is None else factors[number : number + 1]
        median = frame_median(Stack(numbers, stack.zero, subtraction.bias_image, subtraction.dark_image, factor))
        return 1.0 / median if median > 0 else float("nan")

    of_a_frame = stack.shape[0] * stack.shape[1] * (stack.dtype.itemsize + 4)
    with ThreadPoolExecutor(max(1, min(n_threads(), memory // of_a_frame))) as pool:
        return list(pool.map(inverse_median, range(len(stack.frames))))


def combine_frames(
    stack: FrameStack,
    subtraction: Subtraction,
    scales: Sequence[float] | np.ndarray | None,
    options: CombineOptions,
    *,
    progress: Callable | None = None,
    name: str = "",
) -> tuple[Combined, Table]:
    """The combination of a stack, and a table with a row a frame: file, scale (of flats), n_rejected, n_bad."""
    strips = stack.strips(memory_for_strips(stack))
    combined = Combined.empty(len(stack.frames), stack.shape, dtype=">f4")
    factors = subtraction.factors(stack.frames)
    parts = strips if progress is None else progress(strips, desc=name)
    for rows, (_, numbers) in zip(parts, stack.read_ahead(strips), strict=True):
        offset, slope = (
            None if image is None else image[rows] for image in (subtraction.bias_image, subtraction.dark_image)
        )
        combine_stack(
            Stack(numbers, stack.zero, offset, slope, factors), options, scales=scales, out=combined.rows(rows)
        )
    table = Table({"file": [frame.path.name for frame in stack.frames]})
    if scales is not None:
        table["scale"] = np.array(scales)
    table["n_rejected"] = combined.n_rejected
    table["n_bad"] = combined.n_bad
    return combined, table


def memory_for_strips(stack: FrameStack) -> int:
    """Bytes that are left for reading; refused if the memory is too small for a single row."""
    n_rows, n_columns = stack.shape
    fixed = n_rows * n_columns * BYTES_OF_RESULT + stack.n_bytes
    least = 2 * len(stack.frames) * n_columns * stack.dtype.itemsize
    if stack.memory < fixed + least:
        frames = f"{len(stack.frames)} frames of {n_rows} x {n_columns}"
        raise CosmicRayError(
            f"; expected at least {fixed + least:,} bytes for {frames}.",
            parameter=("memory_limit", f"{stack.memory:,} bytes"),
        )
    return min(stack.memory - fixed, BYTES_OF_STRIPS)
