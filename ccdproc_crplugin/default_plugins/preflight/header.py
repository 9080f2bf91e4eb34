# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the header: kind of frame, unit, corrections on record, overscan."""

from __future__ import annotations

import math
from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, Wording, as_fix
from ccdproc_crplugin.frames.gain_and_noise import is_calibrated
from ccdproc_crplugin.frames.header import frame_kind, value_of
from ccdproc_crplugin.frames.pedestal import names_overscan, overscan_of
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.plugins.model import Finding

#: Where the number of frames stands that were combined.
NUMBER_COMBINED = ("NCOMBINE", "NCOMBIN", "STACKCNT")

#: What to do where the error does not say it.
GIVE_FIGURES = "Give the frame its unit, its gain and its read noise."


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
    ccd: CCDData,
    *,
    gain: u.Quantity | None,
    readnoise: u.Quantity | None,
    dark: Any,
    trouble: CosmicRayError | None = None,
) -> Finding:
    """Check note 5: the frame is in adu or electron, and gain and read noise are known."""
    if gain is not None:
        return Finding("unit", "ok", f"frame in {ccd.unit}, gain {gain:.4g}, read noise {readnoise:.4g}", note=5)
    return Finding(
        "unit",
        "fail",
        "neither gain nor read noise is known" if trouble is None else Wording(trouble.without_advice),
        note=5,
        measured=str(ccd.unit),
        expected="adu or electron",
        fix=as_fix(trouble.advice if trouble is not None and trouble.advice else GIVE_FIGURES),
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
    bunit = str(value_of(ccd.meta, "BUNIT") or "").strip()
    unit = bunit.lower()
    if would_apply and _is_brightness(bunit):
        return Finding(
            "records",
            "warn",
            f"BUNIT says {bunit}, but the frame is in {ccd.unit}: numbers that are no counts do not tell their noise.",
            5,
            str(ccd.unit),
            unit,
            "clean the frame before its flux calibration, or convert it to electrons",
        )
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


def _is_brightness(name: str) -> bool:
    """Whether a unit is one of light as it comes from the sky, such as MJy/sr."""
    numerator, *below = name.split("/")  # FITS has one slash, and astropy warns of more
    try:
        return is_calibrated(u.Unit(f"{numerator} / ({' '.join(below)})" if below else name))
    except (TypeError, ValueError):
        return False


def check_overscan(ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any) -> Finding | None:
    """Check that the overscan is subtracted and cut off."""
    if not names_overscan(ccd.meta):
        return None
    overscan = overscan_of(ccd)
    if overscan is None:
        return Finding("overscan", "ok", "the overscan was cut off", 1)
    if overscan.has_bias:
        return Finding(
            "overscan",
            "warn",
            f"The overscan, which sees no light, is at {overscan.level:.5g} {ccd.unit}: the bias was not subtracted. "
            "The search takes this level for a pedestal without photon noise.",
            1,
            overscan.level,
            0,
            "subtract overscan or bias (ccdproc.subtract_overscan, ccdproc.subtract_bias), then trim",
        )
    fix = "cut it off with ccdproc.trim_image: where it begins the frame has a step"
    return Finding("overscan", "warn", "The frame still has its overscan.", None, ccd.shape, overscan.light, fix)
