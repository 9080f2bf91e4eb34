# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The choice of the combined bias, dark or flat that fits a frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from ccdproc_crplugin.calibration.combined_frame import CombinedFrame
from ccdproc_crplugin.calibration.frame_stack import FrameStack
from ccdproc_crplugin.calibration.key import CalibrationKey, exposure_of, same_exposure
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, Wording
from ccdproc_crplugin.frames.gain_and_noise import same_unit


class WithKey(Protocol):
    """A combined frame, in a file or only planned."""

    @property
    def key(self) -> CalibrationKey: ...  # noqa: D102


T = TypeVar("T", bound=WithKey)


def fitting_frames(
    combined: Iterable[T], kind: str, key: CalibrationKey, *, tolerance: float, any_exposure: bool
) -> list[T]:
    """
    The combined frames of a kind that fit frames of a key, ordered by distance in exposure, then in temperature.

    Frames that fit in what they know, but not certainly, come last, and only where nothing else is there to take.
    """

    def order(frame: T) -> tuple[int, float, float]:
        return len(frame.key.unsure(key)), frame.key.apart(key, "exposure"), frame.key.apart(key, "temperature")

    of_kind = [frame for frame in combined if frame.key.kind == kind]
    misfits = [frame.key.misfits(key, tolerance=tolerance, any_exposure=any_exposure) for frame in of_kind]
    fitting = [
        frame
        for frame, of_frame in zip(of_kind, misfits, strict=True)
        if not of_frame and _has_no_alternative(frame, key, of_kind, misfits)
    ]
    return sorted(fitting, key=order)


def _has_no_alternative(frame: T, key: CalibrationKey, others: Sequence[T], misfits: Sequence[Sequence[str]]) -> bool:
    """
    Whether what a combined frame or the frame to calibrate does not say leaves no choice.

    A flat without a known filter is of no use where there are flats whose filters are known. A frame without a known
    filter can be calibrated with the only flat, but not with one of several filters.
    """
    for name in frame.key.unsure(key):
        known = {
            other.key.value_of(name)
            for other, of_other in zip(others, misfits, strict=True)
            if set(of_other) <= {name, *other.key.keywords_of(name)}
        } - {None}
        if known and (frame.key.value_of(name) is None or len(known) > 1):
            return False
    return True


#: What takes a frame that differs in a property; others can be ignored.
CURES = {
    "exposure": "Give {scale=True} to subtract_dark to have a dark without its bias scaled to the exposure.",
    "temperature": "Give {temperature_tolerance} a larger value if that does no harm.",
    "filter": "",
}
IGNORED = "Name it in {group_ignore} if that does no harm."


def nothing_fits(combined: Iterable[WithKey], kind: str, key: CalibrationKey, **how: Any) -> tuple[str, str]:
    """Why the nearest combined frame of a kind does not fit, and the advice; both are "" without such a frame."""
    of_kind = [frame.key for frame in combined if frame.key.kind == kind]
    reasons = [(there.misfits(key, **how), there) for there in of_kind]
    names, nearest = min(reasons, key=lambda reason: len(reason[0]), default=([], None))
    if nearest is None:
        return "", ""
    seen = key.as_seen_by(kind)
    if not names:
        unsure = ", ".join(nearest.unsure(key))
        return f"{nearest.name} may not fit, because only one of the two says its {unsure}", IGNORED
    differing = ", ".join(f"{name} ({_said(nearest, name)}, and not {_said(seen, name)})" for name in names)
    return f"{nearest.name} differs in {differing}", CURES.get(names[0], IGNORED)


def _said(key: CalibrationKey, name: str) -> str:
    value = key.value_of(name)
    unit = {"exposure": " s", "temperature": " deg_C"}.get(name, "")
    return f"{value:g}{unit}" if isinstance(value, float) else str(value)


def doubt_about(frame: WithKey, key: CalibrationKey) -> str:
    """Which properties are not known of a combined frame, or of the frame that it is taken for; "" if all are."""
    names = frame.key.unsure(key)
    if not names:
        return ""
    lacking = [name for name in names if frame.key.value_of(name) is None]
    sentences = [f"its header does not say the {', '.join(lacking)}"] if lacking else []
    others = [f"{name} ({_said(frame.key, name)})" for name in names if name not in lacking]
    if others:
        sentences.append(f"the header of the frame does not say the {', '.join(others)}")
    return " and ".join(sentences)


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
        how: dict[str, Any] = {"tolerance": stack.settings.temperature_tolerance, "any_exposure": True}
        of_shape = [master for master in masters if master.shape == stack.shape]
        found = fitting_frames(of_shape, kind, key, **how)
        if not found:
            why, advice = nothing_fits(of_shape, kind, key, **how)
            if why:
                _warn(CosmicRayError(f"{key.name}: no combined {kind} is subtracted. {why}.", advice))
        return found

    biases = fitting("bias")
    dark = _nearest_dark(fitting("dark"), stack) if key.kind == "flat" else None
    # a dark with the bias still in it takes the place of both
    bias = biases[0] if biases and not (dark is not None and dark.has_bias) else None
    for master in filter(None, (bias, dark)):
        _check_unit(master, stack)
        doubt = doubt_about(master, key)
        if doubt:
            _warn(f"{key.name}: {master.path.name} is subtracted, though {doubt}")
    bias_image, dark_image = (None if master is None else master.read() for master in (bias, dark))
    return Subtraction(bias, dark, bias_image, dark_image)


def _warn(message: CosmicRayError | str) -> None:
    text = Wording(message.spelled) if isinstance(message, CosmicRayError) else message
    warnings.warn(text, CalibrationWarning, stacklevel=2)


def _check_unit(master: CombinedFrame, stack: FrameStack) -> None:
    unit = stack.frames[0].unit
    if not same_unit(master.unit, unit):
        raise CosmicRayError(
            f"Found {master.path.name} in {master.unit}, and frames to subtract it from in {unit}; expected one unit.",
            "Give {unit}, or convert them (ccdproc.gain_correct).",
        )


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
