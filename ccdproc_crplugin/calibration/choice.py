# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The choice of the combined bias, dark or flat that fits a frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Protocol, TypeVar, cast

import numpy as np

from ccdproc_crplugin.calibration.combined_frame import CombinedFrame
from ccdproc_crplugin.calibration.frame_stack import FrameStack
from ccdproc_crplugin.calibration.grouping import CalibrationKey, exposure_of, same_exposure


class WithKey(Protocol):
    """A combined frame, in a file or only planned."""

    @property
    def key(self) -> CalibrationKey: ...  # noqa: D102


T = TypeVar("T", bound=WithKey)


def fitting_frames(
    combined: Iterable[T], kind: str, key: CalibrationKey, *, tolerance: float, any_exposure: bool
) -> list[T]:
    """The combined frames of a kind that fit frames of a key, ordered by distance in exposure, then in temperature."""

    def distance(frame: T) -> tuple[float, float]:
        return frame.key.apart(key, "exposure"), frame.key.apart(key, "temperature")

    of_kind = (frame for frame in combined if frame.key.kind == kind)
    return sorted((f for f in of_kind if f.key.fits(key, tolerance=tolerance, any_exposure=any_exposure)), key=distance)


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

    def factors(self, stack: FrameStack) -> list[float] | None:
        """The ratios of the exposures, with which the dark is multiplied; None for 1."""
        if self.dark is None or self.dark.has_bias:
            return None
        # a dark is only chosen where all of these exposures are known
        return [cast(float, exposure_of(frame.header)) / cast(float, self.dark.exposure) for frame in stack.frames]


def choose_subtraction(key: CalibrationKey, stack: FrameStack, masters: Sequence[CombinedFrame]) -> Subtraction:
    """Choose and read the frames to subtract: the bias from darks, bias and dark from flats."""
    if key.kind == "bias" or not stack.settings.subtract:
        return Subtraction()

    def fitting(kind: str) -> list[CombinedFrame]:
        alike = (master for master in masters if (master.unit, master.shape) == (stack.frames[0].unit, stack.shape))
        return fitting_frames(alike, kind, key, tolerance=stack.settings.temperature_tolerance, any_exposure=True)

    biases = fitting("bias")
    dark = _nearest_dark(fitting("dark"), stack) if key.kind == "flat" else None
    # a dark with the bias still in it takes the place of both
    bias = biases[0] if biases and not (dark is not None and dark.has_bias) else None
    bias_image, dark_image = (None if master is None else master.read() for master in (bias, dark))
    return Subtraction(bias, dark, bias_image, dark_image)


def _nearest_dark(darks: Sequence[CombinedFrame], stack: FrameStack) -> CombinedFrame | None:
    """The dark of the nearest exposure among those that can be subtracted."""
    exposures = [exposure_of(frame.header) for frame in stack.frames]
    known = [exposure for exposure in exposures if exposure is not None]
    if len(known) < len(exposures):
        return None
    usable = [
        dark
        for dark in darks
        if dark.exposure and (not dark.has_bias or all(same_exposure(dark.exposure, exposure) for exposure in known))
    ]
    return min(usable, key=lambda dark: abs((dark.exposure or 0.0) - fmean(known)), default=None)
