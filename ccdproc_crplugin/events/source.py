# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The cosmic rays of a frame, taken from a mask, from an earlier cleaning, or from a detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.cleaning.detection import choose_detector, find_cosmic_rays
from ccdproc_crplugin.cleaning.repairs import estimate, estimates
from ccdproc_crplugin.errors import CosmicRayError, check_choice
from ccdproc_crplugin.frames.cards import gain_in_force, saturated_pixels
from ccdproc_crplugin.frames.checks import check_mask
from ccdproc_crplugin.frames.electrons import to_electrons
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from ccdproc_crplugin.frames.gain_and_noise import Figure, at, electronics_of
from ccdproc_crplugin.frames.level import on_one_level
from ccdproc_crplugin.frames.mosaic import NO_COLOURS, Mosaic, mosaic_of
from ccdproc_crplugin.frames.removed import is_cleaned, is_restorable, removed_pixels
from ccdproc_crplugin.frames.saturation import with_saturation
from ccdproc_crplugin.frames.subtracted import calibration_of, calibration_with, dark_electrons
from ccdproc_crplugin.io.companions import bad_pixel_mask, companion
from ccdproc_crplugin.kernels.noise_events import NOISE_EVENTS
from ccdproc_crplugin.kernels.pixels import true_pixels


@dataclass(frozen=True, eq=False)
class EventSource:
    """The pixels hit, and the frame before and after the cleaning; arrays of shape (ny, nx)."""

    mask: np.ndarray
    raw: np.ndarray  # in the unit of the frame, as cleaned
    cleaned: np.ndarray
    bad: np.ndarray  # bad or saturated pixels
    factor: Figure  # charge for one unit of the frame
    unit: u.Unit  # of the charge
    saturated: np.ndarray | None = None  # saturated pixels; None if the level is not known
    dark: np.ndarray | None = None  # what was subtracted, electron; None if not known
    readnoise: Figure = 0.0  # electron; of use with a dark only
    mosaic: Mosaic = NO_COLOURS
    frame_unit: u.Unit | None = None  # of the frame before and after the cleaning
    noise: float | None = None  # events to expect from noise alone, if the search said so

    @property
    def surroundings(self) -> np.ndarray:
        """The cleaned frame in the unit of the charge, of a mosaic less the sky of each colour."""
        return on_one_level(self.mosaic, self.cleaned * self.factor)


def find_events(
    ccd: CCDData,
    mask: Any,
    detector: str,
    parameters: dict[str, Any],
    dark: CCDData | None = None,
    scale_dark: bool = False,
) -> EventSource:
    """Take the cosmic rays from a mask, from the record or the flags of a cleaned frame, or from a detector."""
    if mask is not None:
        source = _from_mask(ccd, mask, parameters)
    elif is_cleaned(ccd):
        _refuse_search(detector, parameters)
        source = _from_record(ccd) if is_restorable(ccd) else _from_flags(ccd)
    else:
        source = _from_detector(ccd, detector, parameters, dark, scale_dark)
    return replace(_with_dark(source, ccd, dark, scale_dark, parameters), frame_unit=ccd.unit)


def _with_dark(source: EventSource, ccd: CCDData, dark: CCDData | None, scale: bool, known: Mapping) -> EventSource:
    """The events with the dark that was subtracted from their frame: a given one, or that of the night."""
    if dark is None and (source.unit != u.electron or calibration_of(ccd).fitting(ccd.shape).dark is None):
        return source
    given = {name: known.get(name) for name in ("gain", "readnoise")}
    in_force = {"gain": gain_in_force(ccd), "readnoise": ccd.meta.get("CRRDNOIS")}
    electronics = electronics_of(
        ccd, **{name: in_force[name] if value is None else value for name, value in given.items()}
    )
    calibration = calibration_with(ccd, dark, scale, electronics)
    electrons = dark_electrons(calibration.dark, ccd, electronics, calibration.scale_dark)
    return replace(source, dark=electrons, readnoise=electronics.readnoise)


def _refuse_search(detector: str, parameters: dict[str, Any]) -> None:
    """Refuse the parameters of a search for a frame that was cleaned already."""
    given = [*parameters, *["detector"] * (detector != "lacosmic")]
    if given:
        raise CosmicRayError(
            f"Found {given[0]!r} for a frame that was cleaned already, whose events are those of its flags.",
            "Leave it out, or {restore_cosmic_rays()} first.",
        )


def _from_record(ccd: CCDData) -> EventSource:
    record = removed_pixels(ccd)
    mask = np.zeros(ccd.data.shape, dtype=bool)
    mask[record.y, record.x] = True
    raw = np.array(ccd.data, dtype=float)
    raw[record.y, record.x] = record.removed
    charge, saturated = _charge_unit(ccd, {}), saturated_pixels(ccd)
    return EventSource(mask, raw, ccd.data, _bad(ccd, mask), *charge, saturated, mosaic=mosaic_of(ccd))


def _from_flags(ccd: CCDData) -> EventSource:
    """The cosmic rays of a cleaned frame whose removed values are lost: their pixels without their charge."""
    if not isinstance(ccd.flags, np.ndarray):
        raise CosmicRayError(
            "Found a cleaned frame without its flags; expected its flags or a mask.",
            "A slice or a copy does not carry flags; read_ccd reads them from the file of the cleaned frame.",
        )
    mask = is_flagged(ccd.flags, PixelFlag.COSMIC_RAY)
    raw = np.array(ccd.data, dtype=float)
    raw[mask] = np.nan
    charge, saturated = _charge_unit(ccd, {}), saturated_pixels(ccd)
    return EventSource(mask, raw, ccd.data, _bad(ccd, mask), *charge, saturated, mosaic=mosaic_of(ccd))


def _from_mask(ccd: CCDData, mask: Any, parameters: dict[str, Any]) -> EventSource:
    mask = check_mask(mask, ccd.data.shape)
    parameters = dict(parameters)
    mosaic = mosaic_of(ccd, parameters.pop("mosaic", None))
    unknown = sorted(set(parameters) - {"gain", "readnoise", "saturation"})
    if unknown:
        raise CosmicRayError(
            f"Found the parameter {unknown[0]!r} together with mask=, where no detector runs.", "Leave it out."
        )
    bad = _bad(ccd, mask)
    factor, unit = _charge_unit(ccd, parameters)
    cleaned = _repaired(ccd.data, mask, bad, mosaic, factor)
    return EventSource(mask, ccd.data, cleaned, bad, factor, unit, _saturated(ccd), mosaic=mosaic)


def _from_detector(
    ccd: CCDData, detector: str, parameters: dict[str, Any], dark: CCDData | None, scale_dark: bool
) -> EventSource:
    parameters = dict(parameters)
    known = {name: parameters.pop(name, None) for name in ("gain", "readnoise", "saturation")}
    mosaic = mosaic_of(ccd, parameters.pop("mosaic", None))
    bias = companion(parameters.pop("bias", None), ccd, "bias")
    bad_pixels = bad_pixel_mask(parameters.pop("bad_pixels", None), ccd.shape)
    refine = parameters.pop("refine", True)
    axis = parameters.pop("dispersion_axis", None)
    check_choice("dispersion_axis", axis, (0, 1, None))
    chosen, parameters = choose_detector(detector, parameters)
    electronics = with_saturation(ccd, electronics_of(ccd, **known))
    calibration = calibration_with(ccd, dark, scale_dark, electronics)
    frame = to_electrons(
        ccd,
        electronics,
        calibration=calibration,
        bias=bias,
        bad_pixels=bad_pixels,
        dispersion_axis=axis,
        mosaic=mosaic,
    )
    found = find_cosmic_rays(ccd, frame, chosen, parameters, refine=refine)
    y, x = true_pixels(found.mask)
    cleaned = np.array(ccd.data, dtype=float)
    cleaned[y, x] = frame.in_unit_of_frame(estimates(frame, found, y, x, found.mask | frame.bad)[0], y, x)
    return EventSource(
        found.mask,
        ccd.data,
        cleaned,
        frame.bad,
        electronics.factor,
        u.electron,
        frame.saturated,
        mosaic=mosaic,
        noise=found.parameters.get(NOISE_EVENTS),
    )


def _repaired(data: np.ndarray, mask: np.ndarray, bad: np.ndarray, mosaic: Mosaic, factor: Figure) -> np.ndarray:
    """The frame with new values for the pixels hit; ``factor`` makes electrons of it."""
    y, x = true_pixels(mask)
    cleaned = np.array(data, dtype=float)
    values = estimate(cleaned * factor, y, x, mask | bad, mosaic=mosaic, readnoise=0.0)[0]
    cleaned[y, x] = values / at(factor, (y, x))
    return cleaned


def _bad(ccd: CCDData, mask: np.ndarray) -> np.ndarray:
    """Pixels that are not finite, masked for another reason than a cosmic ray, or saturated."""
    bad = ~np.isfinite(ccd.data)
    if ccd.mask is not None:
        bad = bad | (np.asarray(ccd.mask, dtype=bool) & ~mask)
    if isinstance(ccd.flags, np.ndarray) and is_cleaned(ccd):
        bad = bad | is_flagged(ccd.flags, PixelFlag.SATURATED)
    return bad


def _saturated(ccd: CCDData) -> np.ndarray | None:
    """The saturated pixels of a cleaned frame; None for any other."""
    return saturated_pixels(ccd) if is_cleaned(ccd) else None


def _charge_unit(ccd: CCDData, parameters: Mapping[str, Any]) -> tuple[Figure, u.Unit]:
    """Factor from the frame's unit to that of the charge, and the latter: electron if the gain is known."""
    if "CRGAIN" in ccd.meta and "gain" not in parameters:
        parameters = {**parameters, "gain": gain_in_force(ccd)}
    try:
        electronics = electronics_of(ccd, **{"readnoise": 0, **parameters})
    except CosmicRayError:
        if "gain" in parameters:
            raise
        return 1.0, ccd.unit
    return electronics.factor, u.electron
