# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the header: kind of frame, unit, corrections on record, overscan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.records import corrections, section
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.header import frame_kind, value_of
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.kernels.statistics import robust_std
from ccdproc_crplugin.plugins.model import Finding

#: Where the number of frames stands that were combined.
NUMBER_COMBINED = ("NCOMBINE", "NCOMBIN", "STACKCNT")
#: Where an overscan may stand, and where the light.
OVERSCAN_SECTIONS = ("BIASSEC", "BIASSEC1")
LIGHT_SECTIONS = ("TRIMSEC", "DATASEC")
#: An overscan at more than so many standard deviations of its pixels still has its bias.
NO_BIAS = 3.0


def check_kind(ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any) -> Finding:
    """Check that the frame is one exposure of the sky."""
    kind = frame_kind(ccd.meta)
    if kind in ("bias", "dark", "flat"):
        return Finding(
            "kind",
            "fail",
            f"The header says that this is a {kind} frame.",
            measured=kind,
            expected="light",
            fix="combine several, which takes the cosmic rays out",
        )
    n_combined = _number_combined(ccd)
    if n_combined > 1:
        return Finding(
            "kind",
            "fail",
            f"The header says that {n_combined:.0f} frames were combined, whose noise is not that of one exposure.",
            note=4,
            measured=n_combined,
            expected=1,
            fix="clean the frames it was made of, or combine them with rejection of outliers",
        )
    cleaned = ", cleaned already" if is_cleaned(ccd) else ""
    return Finding("kind", "ok", f"kind of frame: {kind}{cleaned}", measured=kind, expected="light")


def _number_combined(ccd: CCDData) -> float:
    for keyword in NUMBER_COMBINED:
        try:
            number = float(value_of(ccd.meta, keyword))
        except (TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(number):
            return number
    return 1


def check_unit(
    ccd: CCDData, *, gain: u.Quantity | None, readnoise: u.Quantity | None, dark: Any, trouble: str | None = None
) -> Finding:
    """Check note 5: the frame is in adu or electron, and gain and read noise are known."""
    if gain is not None:
        return Finding("unit", "ok", f"frame in {ccd.unit}, gain {gain:.4g}, read noise {readnoise:.4g}", note=5)
    return Finding(
        "unit",
        "fail",
        "neither gain nor read noise is known" if trouble is None else trouble,
        note=5,
        measured=str(ccd.unit),
        expected="adu or electron",
        fix="give the frame its unit, its gain and its read noise",
    )


def check_records(ccd: CCDData, *, gain: u.Quantity | None, readnoise: Any, dark: Any) -> Finding:
    """Check that the corrections on record agree with the unit of the frame."""
    made = corrections(ccd.meta)
    told = f"corrections on record: {', '.join(sorted(made)) or 'none'}"
    would_apply = gain is not None and not ccd.unit.is_equivalent(u.electron) and abs(gain.value - 1) > 0.01
    if would_apply and "gain" in made:
        return Finding(
            "records",
            "fail",
            f"The header records a gain correction, but the frame is in {ccd.unit}: the gain would be applied twice.",
            5,
            str(ccd.unit),
            "electron",
            "set the unit of the frame to electron and leave the gain out",
        )
    unit = str(value_of(ccd.meta, "BUNIT") or "").strip().lower()
    if would_apply and unit in ("electron", "electrons", "e-", "e"):
        return Finding(
            "records",
            "warn",
            f"BUNIT says {unit}, but the frame is in {ccd.unit}: the gain may be applied twice.",
            5,
            str(ccd.unit),
            unit,
            "set the unit of the frame to what its numbers are",
        )
    return Finding("records", "ok", told)


def check_overscan(ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any) -> Finding | None:
    """Check that the overscan is subtracted and cut off."""
    overscan = _first_section(ccd, OVERSCAN_SECTIONS)
    if overscan is None:
        return None
    light = _first_section(ccd, LIGHT_SECTIONS)
    if "trim" in corrections(ccd.meta) or light is None or not _is_beside(light, ccd.shape):
        return Finding("overscan", "ok", "the overscan was cut off", 1)
    level, scatter = _level(ccd, overscan)
    if level > NO_BIAS * scatter > 0:
        return Finding(
            "overscan",
            "fail",
            f"The overscan, which sees no light, is at {level:.5g} {ccd.unit}: the bias was not subtracted.",
            1,
            level,
            0,
            "subtract overscan or bias (ccdproc.subtract_overscan, ccdproc.subtract_bias), then trim",
        )
    fix = "cut it off with ccdproc.trim_image: where it begins the frame has a step"
    return Finding("overscan", "warn", "The frame still has its overscan.", None, ccd.shape, _size(light), fix)


def _first_section(ccd: CCDData, keywords: tuple[str, ...]) -> tuple[slice, slice] | None:
    return next(filter(None, (section(ccd.meta, keyword) for keyword in keywords)), None)


def _is_beside(light: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    """Whether the frame has pixels beside the section that saw light, along one of its axes."""
    return any(part.stop <= size and part.stop - part.start < size for part, size in zip(light, shape, strict=True))


def _size(light: tuple[slice, slice]) -> tuple[int, int]:
    return tuple(part.stop - part.start for part in light)


def _level(ccd: CCDData, overscan: tuple[slice, slice]) -> tuple[float, float]:
    """Median and robust scatter of the good pixels of the overscan, NaN where it has none."""
    values = np.asarray(ccd.data[overscan], dtype=np.float64)
    mask = mask_of(ccd)
    values = values[np.isfinite(values) if mask is None else np.isfinite(values) & ~mask[overscan]]
    if values.size == 0:
        return math.nan, math.nan
    level = float(np.median(values))
    return level, max(float(robust_std(values, level)), 1e-9)
