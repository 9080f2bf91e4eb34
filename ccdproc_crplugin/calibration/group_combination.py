# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One combined frame from a group of calibration frames: the subtraction, the scales of flats, the combination."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from astropy.table import Table

from ccdproc_crplugin.calibration.choice import Subtraction, choose_subtraction
from ccdproc_crplugin.calibration.combined_frame import CombinedFrame, combined_header, write_combined
from ccdproc_crplugin.calibration.frame_stack import FrameStack
from ccdproc_crplugin.calibration.input_frames import InputFrame
from ccdproc_crplugin.calibration.key import CalibrationKey
from ccdproc_crplugin.calibration.saturation import measure_saturation, saturation_level
from ccdproc_crplugin.calibration.settings import CombineSettings, section_of_statistics
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.frames.sections import Section, is_within
from ccdproc_crplugin.kernels.combine import Combined, Stack, combine_stack, frame_median
from ccdproc_crplugin.kernels.engines import n_threads
from ccdproc_crplugin.kernels.flat_light import light_level, unlit_pixels

#: What is subtracted from frames of a kind.
SUBTRACTED = {"dark": ("bias",), "flat": ("bias", "dark")}

#: With fewer frames neither clipping nor a median can tell a cosmic ray from the other values.
LEAST_FRAMES = 3

#: Share of saturated pixels above which a flat is left out, because its median is saturated.
MOST_SATURATED = 0.5

#: Share of saturated pixels above which a flat is used with a warning.
NOTEWORTHY_SATURATED = 0.01

#: Share of unlit pixels above which a flat is scaled by the median of the others; they pull the median of all down.
MOST_UNLIT = 0.05

#: Pixels of a flat from which that share is taken.
SAMPLE = 1 << 16

#: Bytes per pixel of the result and of the frames to subtract: two images, a count, a mask, a bias and a dark.
BYTES_OF_RESULT = 4 + 4 + 2 + 1 + 4 + 4

#: Bytes to read at once: as much as fits a cache of the processor; more is not faster.
BYTES_OF_STRIPS = 16 << 20


def combine_frames(
    key: CalibrationKey,
    group: Iterable[InputFrame],
    target: Path,
    masters: Sequence[CombinedFrame],
    settings: CombineSettings,
) -> CombinedFrame | None:
    """Combine a group and write the result; None if no frame of it can be used."""
    with FrameStack(settings, target.parent) as stack:
        _fill(stack, group)
        if not stack.frames:
            return None
        subtraction, scales = _subtraction_and_scales(key, stack, masters)
        if not stack.frames:
            return None
        combined, inputs = _combine(stack, subtraction, scales, target.stem)
        good = np.asarray(inputs["n_bad"] < combined.image.size)
        stack.leave_out(["" if is_good else "found no finite pixel" for is_good in good])
        if not stack.frames:
            return None
        if len(stack.frames) < LEAST_FRAMES:
            few = f"{target.name} is made of {len(stack.frames)} of at least {LEAST_FRAMES} frames"
            warnings.warn(f"{few}; cosmic rays stay in it", CalibrationWarning, stacklevel=2)
        write_combined(
            target,
            combined,
            combined_header([frame.header for frame in stack.frames], key),
            unit=stack.frames[0].unit,
            inputs=inputs[good],
            masters=subtraction.masters,
            settings=settings,
            hdu=stack.frames[0].hdu,
        )
    # a header can't hold all that the key says, such as the name of the extension
    return CombinedFrame.of_file(target, lambda _: key)


def _fill(stack: FrameStack, group: Iterable[InputFrame]) -> None:
    for frame in group:
        try:
            stack.add(frame)
        except CosmicRayError as err:
            stack.settings.leave_out(frame.path, err)
    if stack.frames:
        stack.leave_out_strangers()


def _subtraction_and_scales(
    key: CalibrationKey, stack: FrameStack, masters: Sequence[CombinedFrame]
) -> tuple[Subtraction, np.ndarray | None]:
    """The frames to subtract, and the inverse medians of flats; flats that can't be used are left out."""
    masters = _without_those_subtracted(key, stack, masters)
    if not stack.frames:
        return Subtraction(), None
    subtraction = choose_subtraction(key, stack, masters)
    if key.kind != "flat":
        return subtraction, None
    scales = _inverse_medians(stack, subtraction)
    shares = [0.0 if frame.saturation is None else frame.saturation.share for frame in stack.frames]
    if max(shares) > MOST_SATURATED:
        reasons = (f"found {frame.saturation}; expected a flat below saturation" for frame in stack.frames)
        stack.leave_out([why if share > MOST_SATURATED else "" for why, share in zip(reasons, shares, strict=True)])
        # the choice of the dark depends on the exposures of the flats that stay
        return _subtraction_and_scales(key, stack, masters) if stack.frames else (subtraction, scales[:0])
    for frame, share in zip(stack.frames, shares, strict=True):
        if share > NOTEWORTHY_SATURATED:
            message = f"{frame.path.name} has {frame.saturation}; there the combined flat may be too low"
            warnings.warn(message, CalibrationWarning, stacklevel=2)
    lit = np.isfinite(scales)
    stack.leave_out(
        ["" if is_lit else "found a flat whose median is not positive; expected light in it" for is_lit in lit]
    )
    return subtraction, scales[lit]


def _without_those_subtracted(
    key: CalibrationKey, stack: FrameStack, masters: Sequence[CombinedFrame]
) -> list[CombinedFrame]:
    """The combined frames that may be subtracted: nothing is, that the headers of the frames say was subtracted."""
    left = [master for master in masters if master.key.kind in SUBTRACTED.get(key.kind, ())]
    for kind in dict.fromkeys(master.key.kind for master in left):
        made = [kind in corrections(frame.header) for frame in stack.frames]
        if all(made):
            left = [master for master in left if master.key.kind != kind]
        elif any(made):
            reason = f"found that its header records the correction for {kind}, unlike those of other frames"
            stack.leave_out([reason if is_made else "" for is_made in made])
    return left


def _inverse_medians(stack: FrameStack, subtraction: Subtraction) -> np.ndarray:
    """1 / median of each flat, NaN where that is not positive; also measures the saturation of the frames it reads."""
    whole = slice(0, stack.shape[0])
    factors = subtraction.factors(stack)
    section = _section_of_statistics(stack)

    def inverse_median(number: int) -> float:
        numbers = stack.read(slice(number, number + 1), whole)
        frame = stack.frames[number]
        if frame.saturation is None:
            plane, given = stack.planes[number], stack.settings.saturation
            level = saturation_level(frame.header, frame.unit, plane.dtype, plane.zero, given=given)
            frame.saturation = measure_saturation(numbers, level, stack.zero)
        factor = None if factors is None else factors[number : number + 1]
        values = Stack(numbers, stack.zero, subtraction.bias_image, subtraction.dark_image, factor)
        median = _median_of_lit(values, section)
        return 1.0 / median if median > 0 else float("nan")

    of_a_frame = stack.shape[0] * stack.shape[1] * (stack.dtype.itemsize + 4)
    with ThreadPoolExecutor(max(1, min(n_threads(), stack.settings.memory // of_a_frame))) as pool:
        return np.array(list(pool.map(inverse_median, range(len(stack.frames)))))


def _section_of_statistics(stack: FrameStack) -> Section | None:
    """The section from which the level of flats is taken; refused if it does not lie in the frames."""
    given = stack.settings.statistics_section
    if given is None:
        return None
    section = section_of_statistics(given)
    if not is_within(section, stack.shape):
        n_rows, n_columns = stack.shape
        raise CosmicRayError(
            f" for frames of shape {stack.shape}; expected a part of [1:{n_columns}, 1:{n_rows}].",
            parameter=("statistics_section", repr(given)),
        )
    return section


def _median_of_lit(stack: Stack, section: Section | None) -> float:
    """The median of the one flat of a stack, without its unlit pixels if they are too many to be a few dead ones."""
    if section is not None:
        values = stack.values(0, section)
        return light_level(values, "median") if _has_dark_part(values) else float(np.nanmedian(values))
    step = max(1, math.isqrt(stack.stored.size // SAMPLE))
    if _has_dark_part(stack.values(0, (slice(None, None, step), slice(None, None, step)))):
        return light_level(stack.values(0), "median")
    return frame_median(stack)


def _has_dark_part(sample: np.ndarray) -> bool:
    level = light_level(sample, "median")
    finite = np.isfinite(sample)
    n_unlit = np.count_nonzero(unlit_pixels(sample, level) & finite)
    return bool(level > 0 and n_unlit > MOST_UNLIT * np.count_nonzero(finite))


def _combine(
    stack: FrameStack, subtraction: Subtraction, scales: np.ndarray | None, name: str
) -> tuple[Combined, Table]:
    """The combination of a stack, and a table with a row a frame: file, scale (of flats), n_rejected, n_bad."""
    strips = stack.strips(_memory_for_strips(stack))
    combined = Combined.empty(len(stack.frames), stack.shape, dtype=">f4")
    factors = subtraction.factors(stack)
    progress = stack.settings.progress
    parts = strips if progress is None else progress(strips, desc=name)
    for rows, (_, numbers) in zip(parts, stack.read_ahead(strips), strict=True):
        offset, slope = (
            None if image is None else image[rows] for image in (subtraction.bias_image, subtraction.dark_image)
        )
        values = Stack(numbers, stack.zero, offset, slope, factors)
        combine_stack(values, stack.settings, scales=scales, out=combined.rows(rows))
    table = Table({"file": [frame.path.name for frame in stack.frames]})
    if scales is not None:
        table["scale"] = scales
    table["n_rejected"] = combined.n_rejected
    table["n_bad"] = combined.n_bad
    return combined, table


def _memory_for_strips(stack: FrameStack) -> int:
    """Bytes that are left for reading; refused if the memory is too small for a single row."""
    n_rows, n_columns = stack.shape
    memory = stack.settings.memory
    fixed = n_rows * n_columns * BYTES_OF_RESULT + stack.n_bytes
    least = 2 * len(stack.frames) * n_columns * stack.dtype.itemsize
    if memory < fixed + least:
        frames = f"{len(stack.frames)} frames of {n_rows} x {n_columns}"
        raise CosmicRayError(
            f"; expected at least {fixed + least:,} bytes for {frames}.",
            parameter=("memory_limit", f"{memory:,} bytes"),
        )
    return min(memory - fixed, BYTES_OF_STRIPS)
