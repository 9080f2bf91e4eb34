# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Notes 1 to 5 by photon transfer: the noise of the frame against what its level, gain and read noise make."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.noise_budget import NoiseBudget, noise_budget
from ccdproc_crplugin.default_plugins.preflight.sample import electron_blocks, readnoise_blocks, variance_blocks
from ccdproc_crplugin.frames.gain_and_noise import Electronics
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.plugins.model import Finding

#: The variance may be this many times too large or too small: headers round gain and read noise.
TOLERANCE = 1.3
#: Beyond this the search goes wrong.
FAILED = 2.0
#: A level within this many standard deviations of a pixel's noise counts as zero.
NO_LEVEL = 0.25
#: No chip's pixels scatter more in their response.
LARGEST_RESPONSE = 0.06
#: With this many blocks, every other one is enough to measure the noise to a per cent.
MANY_BLOCKS = 128
#: Gains are seldom wrong by more.
LARGEST_GAIN_FACTOR = 12.0
#: Read noises are seldom wrong by more.
LARGEST_READNOISE_FACTOR = 4.0
#: Largest error of a slope, relative, that tells causes apart.
SLOPE_ERROR = 0.2


@dataclass(frozen=True)
class Cause:
    """What may be wrong: the note it breaks, its name, and what to do."""

    note: int | None
    name: str
    fix: str


UNKNOWN = Cause(4, "the gain, the read noise or a correction is wrong", "look at the gain, the read noise and the bias")


def check_noise(
    ccd: CCDData,
    *,
    gain: u.Quantity | None,
    readnoise: u.Quantity | None,
    dark: Any,
    electronics: Electronics | None = None,
) -> Finding:
    """Compare the scatter of neighbouring pixels with the noise that level, gain and read noise make."""
    if gain is None or readnoise is None:
        return Finding("noise", "ok", "not measured: gain or read noise is not known")
    by_pixel: Any = readnoise.to_value(u.electron)
    if electronics is not None:  # amplifiers may differ
        gain, by_pixel = electronics.gain * u.electron / u.adu, readnoise_blocks(electronics.readnoise)
    blocks, variance = electron_blocks(ccd, gain), variance_blocks(ccd, gain)
    every = 2 if len(blocks) >= MANY_BLOCKS else 1
    variance = None if variance is None else variance[::every]
    by_pixel = by_pixel[::every] if isinstance(by_pixel, np.ndarray) else by_pixel
    budget = noise_budget(blocks[::every], by_pixel, variance)
    if budget is None:
        return Finding("noise", "ok", "not measured: too few good pixels")
    corrected = corrections(ccd.meta)
    if budget.smooth and budget.ratio < 1:
        return Finding("noise", "ok", "not measured: neighbouring pixels share their noise, as after resampling")
    if budget.ratio / (1 + budget.error) > TOLERANCE:
        return _finding(budget, list(_causes_of_more(budget, corrected)), _explained_by_response(budget, corrected))
    if budget.ratio * (1 + budget.error) < 1 / TOLERANCE:
        return _finding(budget, list(_causes_of_less(budget, corrected)), warn_only=False)
    if budget.readnoise == 0:
        return Finding("noise", "warn", "A read noise of 0 is no camera's.", 4, 0, None, "give the read noise")
    return Finding("noise", "ok", _measurement(budget), None, *_compared(budget))


def _finding(budget: NoiseBudget, causes: list[Cause], warn_only: bool) -> Finding:
    ratio = max(budget.ratio, 1 / max(budget.ratio, 1e-9))
    causes = causes or [UNKNOWN]
    names = " or ".join(cause.name for cause in causes)
    return Finding(
        "noise",
        "warn" if warn_only or ratio < FAILED else "fail",
        f"The {_measurement(budget)}: {names}{'; one frame does not tell which' if len(causes) > 1 else ''}.",
        causes[0].note,
        *_compared(budget),
        "; or ".join(cause.fix for cause in causes),
    )


def _measurement(budget: NoiseBudget) -> str:
    source = "the uncertainty says" if budget.by_uncertainty else "level and read noise make"
    expected = math.sqrt(budget.expected)
    return f"noise is {math.sqrt(budget.variance):.3g} electron where {source} {expected:.3g}"


def _compared(budget: NoiseBudget) -> tuple[u.Quantity, u.Quantity]:
    return tuple(round(math.sqrt(value), 2) * u.electron for value in (budget.variance, budget.expected))


def _causes_of_less(budget: NoiseBudget, corrected: frozenset[str]) -> Iterator[Cause]:
    """Why there may be less noise than expected."""
    if budget.by_uncertainty:
        yield Cause(4, "the uncertainty is too large", "make the uncertainty with ccdproc.create_deviation")
    told = budget.slope_error < SLOPE_ERROR * max(budget.slope, 0.5)  # false where there is no slope
    gain_factor = _gain_factor(budget)
    photons = budget.level > 0.3 * budget.expected
    as_pedestal = not told or abs(budget.slope - 1) < abs(budget.slope - gain_factor)
    if photons and as_pedestal and "bias" not in corrected:
        pedestal = budget.level - max(budget.variance - budget.readnoise**2, 0)
        yield Cause(1, f"a bias of about {pedestal:.0f} electron is left in", "subtract the bias")
    if budget.readnoise**2 > 0.3 * budget.expected:
        yield Cause(4, "the read noise given is too large", "give the read noise in electron")
    if not (told and as_pedestal):
        yield Cause(
            5,
            f"the frame holds fewer electrons than there were (gain too small by a factor of {1 / gain_factor:.2g}, "
            "adu taken for electrons, a rate)"
            if photons
            else "the gain is too small",
            "set the unit of the frame to what its numbers are, and give the gain in electron/adu",
        )
    yield Cause(None, "the frame is an average of several, or smoothed", "clean the frames it was made of")


def _causes_of_more(budget: NoiseBudget, corrected: frozenset[str]) -> Iterator[Cause]:
    """Why there may be more noise than expected."""
    if budget.by_uncertainty:
        yield Cause(4, "the uncertainty is too small", "make the uncertainty with ccdproc.create_deviation")
    missing = budget.variance - budget.expected
    if budget.level < NO_LEVEL * math.sqrt(budget.variance):
        yield Cause(3, "the sky was subtracted", f"add about {missing:.0f} electron, the sky it had")
    told = budget.slope_error < SLOPE_ERROR * max(budget.slope, 0.5)
    response = 2 * budget.ratio - 1  # slope where the pixels' response differs; with a wrong gain it is the ratio
    as_response = not told or abs(budget.slope - response) < abs(budget.slope - budget.ratio)
    if _gain_factor(budget) < LARGEST_GAIN_FACTOR and not (told and as_response and "flat" not in corrected):
        yield Cause(
            5,
            f"the gain is too large or applied twice (by {_gain_factor(budget):.2g})",
            "give the gain in electron/adu, or set the unit to electron where it was applied",
        )
    if as_response and _explained_by_response(budget, corrected):
        share = math.sqrt(missing) / budget.level
        yield Cause(2, f"a pixel response of {share:.1%} was not flat-fielded", "divide by the flat field")
    readnoise = math.sqrt(budget.readnoise**2 + missing)
    if missing > 0.25 * budget.variance and readnoise < LARGEST_READNOISE_FACTOR * max(budget.readnoise, 5):
        yield Cause(4, f"the read noise is about {readnoise:.2g} electron", "give the read noise in electron")


def _gain_factor(budget: NoiseBudget) -> float:
    """By how much the gain is too large if nothing else is wrong: f in variance = f level + (f read noise)^2."""
    level, square = max(budget.level, 1e-6), budget.readnoise**2
    return 2 * budget.variance / (level + math.sqrt(level**2 + 4 * square * budget.variance))


def _explained_by_response(budget: NoiseBudget, corrected: frozenset[str]) -> bool:
    """Whether pixels of differing response may make all of the noise."""
    missing = budget.variance - budget.expected
    return "flat" not in corrected and missing > 0 and math.sqrt(missing) < LARGEST_RESPONSE * budget.level
