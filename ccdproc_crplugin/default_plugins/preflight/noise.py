# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Notes 1 to 5 by photon transfer: the noise of the frame against what its level, gain and read noise make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.noise_budget import NoiseBudget, noise_budget
from ccdproc_crplugin.default_plugins.preflight.sample import electron_blocks, readnoise_blocks, variance_blocks
from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.frames.gain_and_noise import Electronics
from ccdproc_crplugin.frames.header import value_of
from ccdproc_crplugin.frames.pedestal import Pedestal
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.plugins.model import Finding

#: The variance may be this many times too large or too small: headers round gain and read noise.
TOLERANCE = 1.3
#: Beyond this the search goes wrong.
FAILED = 2.0
#: A level within this many standard deviations of a pixel's noise counts as zero.
NO_LEVEL = 0.25
#: A level so many standard deviations below zero is no sky that was subtracted alone.
BELOW_ZERO = 3.0
#: No chip's pixels scatter more in their response.
LARGEST_RESPONSE = 0.06
#: With this many blocks, every other one is enough to measure the noise to a per cent.
MANY_BLOCKS = 128
#: Gains are seldom wrong by more.
LARGEST_GAIN_FACTOR = 12.0
#: A dark current of more electrons would leave little of the full well to the light.
LARGEST_DARK = 20_000.0
#: Read noises are seldom wrong by more.
LARGEST_READNOISE_FACTOR = 4.0
#: A factor beyond this has seldom a single cause.
LIKELY_FACTOR = 4.0
#: Two numbers within this factor of each other are the same.
SAME = 1.25
#: Largest error of a slope, relative, that tells causes apart.
SLOPE_ERROR = 0.2


@dataclass(frozen=True)
class Cause:
    """What may be wrong: the note it breaks, its name, what to do (see `advice`), and what would decide."""

    note: int | None
    name: str
    fix: str
    test: str = ""
    unlikely: bool = False


@dataclass(frozen=True)
class Known:
    """What is known of a frame beside its noise."""

    corrected: frozenset[str]
    gain: float  # electron/adu; 1 for a frame in electron
    in_electron: bool
    pedestal_card: float | None = None  # adu, as the header has it

    def amount(self, electrons: float) -> str:
        """A number of electrons, in adu too if the frame is in adu."""
        return f"{electrons:.0f} electron" + ("" if self.in_electron else f" ({electrons / self.gain:.0f} adu)")

    def divided(self, factor: float) -> str:
        """What to do if the frame has too many electrons by a factor, see `advice`."""
        if self.in_electron:
            return f"divide the frame by {factor:.3g}" if factor > 1 else f"multiply the frame by {1 / factor:.3g}"
        return f"give {{gain={self.gain / factor:.3g}}}"


UNKNOWN = Cause(4, "the gain, the read noise or a correction is wrong", "look at the gain, the read noise and the bias")


def check_noise(
    ccd: CCDData,
    *,
    gain: u.Quantity | None,
    readnoise: u.Quantity | None,
    dark: Any,
    electronics: Electronics | None = None,
    extra_variance: np.ndarray | None = None,
    pedestal: Pedestal | None = None,
) -> Finding:
    """Compare the scatter of neighbouring pixels with the noise that level, gain and read noise make."""
    if gain is None or readnoise is None:
        return Finding("noise", "ok", "not measured: gain or read noise is not known")
    known = _known(ccd, float(np.median(gain.value)), pedestal)
    by_pixel: Any = readnoise.to_value(u.electron)
    if electronics is not None:  # amplifiers may differ
        gain, by_pixel = electronics.gain * u.electron / u.adu, readnoise_blocks(electronics.readnoise)
        if extra_variance is not None and isinstance(by_pixel, np.ndarray):
            by_pixel = electronics.lowest_readnoise  # what a pixel has above it is in the extra variance
    blocks = electron_blocks(ccd, gain)
    every = 2 if len(blocks) >= MANY_BLOCKS else 1
    if pedestal is not None:
        blocks = blocks - (take_blocks(pedestal.level) if isinstance(pedestal.level, np.ndarray) else pedestal.level)
    variance = variance_blocks(ccd, gain)
    extra = None if extra_variance is None else take_blocks(extra_variance)
    chosen: list[Any] = [
        part[::every] if isinstance(part, np.ndarray) else part for part in (blocks, by_pixel, variance, extra)
    ]
    budget = noise_budget(*chosen)
    if budget is None:
        return Finding("noise", "ok", "not measured: too few good pixels")
    if budget.smooth and budget.ratio < 1:
        return Finding("noise", "ok", "not measured: neighbouring pixels share their noise, as after resampling")
    if budget.ratio / (1 + budget.error) > TOLERANCE:
        return _finding(budget, _causes(budget, known, _causes_of_more), _explained_by_response(budget, known))
    if budget.ratio * (1 + budget.error) < 1 / TOLERANCE:
        return _finding(budget, _causes(budget, known, _causes_of_less), warn_only=False)
    if budget.readnoise == 0:
        return Finding("noise", "warn", "A read noise of 0 is no camera's.", 4, 0, None, advice("give {readnoise}"))
    return Finding("noise", "ok", _measurement(budget), None, *_compared(budget))


def _known(ccd: CCDData, gain: float, pedestal: Pedestal | None) -> Known:
    card: Any = value_of(ccd.meta, "PEDESTAL") if pedestal is None else None
    number = isinstance(card, int | float) and not isinstance(card, bool) and math.isfinite(card) and card != 0
    return Known(corrections(ccd.meta), gain, ccd.unit.is_equivalent(u.electron), abs(float(card)) if number else None)


def _causes(budget: NoiseBudget, known: Known, of: Callable[[NoiseBudget, Known], Iterator[Cause]]) -> list[Cause]:
    """The causes in the order of their likelihood; an uncertainty is one only where it is not photons and read-out."""
    causes: list[Cause] = []
    if budget.by_uncertainty:
        modelled = replace(budget, expected=budget.modelled, ratio=budget.variance / max(budget.modelled, 1e-9))
        if not _same(budget.expected, budget.modelled):
            name = "large" if budget.ratio < 1 else "small"
            fix = "make the uncertainty with ccdproc.create_deviation"
            causes.append(Cause(4, f"the uncertainty is too {name}", fix))
            if 1 / TOLERANCE < modelled.ratio < TOLERANCE:
                return causes
        budget = modelled
    causes += sorted(of(budget, known), key=lambda cause: cause.unlikely)
    return causes


def _same(a: float, b: float) -> bool:
    return 1 / SAME < a / max(b, 1e-9) < SAME


def _finding(budget: NoiseBudget, causes: list[Cause], warn_only: bool) -> Finding:
    ratio = max(budget.ratio, 1 / max(budget.ratio, 1e-9))
    causes = causes or [UNKNOWN]
    fixes = [cause.fix for cause in causes]
    if budget.by_uncertainty and "uncertainty" not in fixes[0]:
        fixes[-1] += ", and then make the uncertainty anew (ccdproc.create_deviation)"
    return Finding(
        "noise",
        "warn" if warn_only or ratio < FAILED else "fail",
        f"The {_measurement(budget)}: {_in_words(causes)}.",
        causes[0].note,
        *_compared(budget),
        advice(fixes[0] if len(fixes) == 1 else "; ".join(f"({n}) {fix}" for n, fix in enumerate(fixes, start=1))),
    )


def _in_words(causes: list[Cause]) -> str:
    """The causes, numbered if there are several, each with what decides whether it is the one."""
    if len(causes) == 1:
        return causes[0].name
    told = [f"({n}) {cause.name}" + (f", if {cause.test}" if cause.test else "") for n, cause in enumerate(causes, 1)]
    return f"one of these, the likeliest first: {'; '.join(told)}"


def _measurement(budget: NoiseBudget) -> str:
    source = "the uncertainty says" if budget.by_uncertainty else "level and read noise make"
    source = source if budget.extra == 0 else source.replace("level", "level, what was subtracted")
    expected = math.sqrt(budget.expected)
    return f"noise is {math.sqrt(budget.variance):.3g} electron where {source} {expected:.3g}"


def _compared(budget: NoiseBudget) -> tuple[u.Quantity, u.Quantity]:
    return tuple(round(math.sqrt(value), 2) * u.electron for value in (budget.variance, budget.expected))


def _causes_of_less(budget: NoiseBudget, known: Known) -> Iterator[Cause]:
    """Why there may be less noise than expected."""
    told = budget.slope_error < SLOPE_ERROR * max(budget.slope, 0.5)  # false where there is no slope
    gain_factor = _gain_factor(budget)
    photons = budget.level > 0.3 * budget.expected
    if budget.readnoise**2 > TOLERANCE * budget.variance:
        most = math.sqrt(budget.variance)
        yield Cause(
            4,
            f"the read noise given, {budget.readnoise:.3g} electron, is more than all of the noise",
            f"give {{readnoise={most:.3g}}} or less",
            f"the difference of two bias frames scatters by {math.sqrt(2) * most:.2g} electron or less",
        )
    as_pedestal = not told or abs(budget.slope - 1) < abs(budget.slope - gain_factor)
    if photons and as_pedestal and "bias" not in known.corrected:
        pedestal = budget.level - max(budget.variance - budget.readnoise**2 - budget.extra, 0)
        yield _bias(pedestal, known)
    left = budget.variance - max(budget.level, 0) - budget.extra
    readnoise = math.sqrt(max(left, 1.0))
    if left > (1 / TOLERANCE - 1) * budget.variance and budget.readnoise > math.sqrt(TOLERANCE) * readnoise:
        yield Cause(
            4,
            "the read noise given is too large",
            f"give {{readnoise={readnoise:.3g}}}",
            f"the difference of two bias frames scatters by {math.sqrt(2) * readnoise:.2g} electron",
        )
    if gain_factor < 1 and not (told and as_pedestal):
        few = "the frame holds fewer electrons than there were"
        yield Cause(
            5,
            f"{few} (gain too small by a factor of {1 / gain_factor:.2g}, adu taken for electrons, a rate)"
            if photons
            else "the gain is too small",
            known.divided(gain_factor),
            _growth(gain_factor),
            unlikely=gain_factor < 1 / LIKELY_FACTOR,
        )
    several = "the frame is an average of several, or smoothed"
    n_frames = max(budget.modelled, 1e-9) / max(budget.variance, 1e-9)
    yield Cause(
        None,
        several,
        "clean the frames it was made of",
        f"it would be the average of about {n_frames:.0f}" if n_frames > 1.5 else "",
        unlikely=True,
    )


def _bias(pedestal: float, known: Known) -> Cause:
    """A bias that is left in; PEDESTAL on record is one if it fits."""
    card = known.pedestal_card
    if card is not None and _same(pedestal, card * known.gain):
        name = f"the pedestal of {card:.0f} adu that the header records (PEDESTAL) is left in"
        return Cause(1, name, f"subtract {known.amount(card * known.gain)}", f"PEDESTAL = {card:.0f}")
    return Cause(
        1,
        f"a bias of about {known.amount(pedestal)} is left in",
        "subtract the bias",
        f"a bias frame has a median of {known.amount(pedestal)}",
    )


def _causes_of_more(budget: NoiseBudget, known: Known) -> Iterator[Cause]:
    """Why there may be more noise than expected."""
    missing = budget.variance - budget.expected
    factor = _gain_factor(budget)
    sigma = math.sqrt(budget.variance)
    if budget.level < NO_LEVEL * sigma:
        below = max(-budget.level, 0)
        yield Cause(
            3,
            "the sky was subtracted" + (", and more than the sky" if below > BELOW_ZERO * sigma else ""),
            f"add about {known.amount(missing + below)}" + ("" if below > BELOW_ZERO * sigma else ", the sky it had"),
            f"before, the sky had a level of {known.amount(missing)}",
        )
    told = budget.slope_error < SLOPE_ERROR * max(budget.slope, 0.5)
    response = 2 * budget.ratio - 1  # slope where the pixels' response differs; with a wrong gain it is the ratio
    as_constant = not told or abs(budget.slope - 1) < min(
        abs(budget.slope - budget.ratio), abs(budget.slope - response)
    )
    as_response = not told or abs(budget.slope - response) < abs(budget.slope - budget.ratio)
    dark = _dark(missing, known, not told and "dark" not in known.corrected and factor < LIKELY_FACTOR)
    possible = missing < LARGEST_DARK
    if as_constant and budget.extra == 0 and possible:
        yield dark
    otherwise = told and (as_constant or (as_response and "flat" not in known.corrected))
    if not possible or (factor < LARGEST_GAIN_FACTOR and not otherwise):
        yield Cause(
            5,
            f"the gain is too large or applied twice (by {factor:.2g})",
            known.divided(factor),
            _growth(factor),
            unlikely=factor > LIKELY_FACTOR and not _same(factor, known.gain),
        )
    if as_response and _explained_by_response(budget, known):
        share = math.sqrt(missing) / budget.level
        yield Cause(
            2,
            f"a pixel response of {share:.1%} was not flat-fielded",
            "divide by the flat field",
            f"the pixels of the flat scatter by {share:.1%}",
        )
    readnoise = math.sqrt(budget.readnoise**2 + missing)
    if missing > 0.25 * budget.variance and readnoise < LARGEST_READNOISE_FACTOR * max(budget.readnoise, 5):
        yield Cause(
            4,
            f"the read noise is about {readnoise:.2g} electron",
            f"give {{readnoise={readnoise:.3g}}}",
            f"the difference of two bias frames scatters by {math.sqrt(2) * readnoise:.2g} electron",
        )


def _growth(factor: float) -> str:
    return f"from faint to bright parts the variance grows by {factor:.2g} for each electron of light"


def _dark(missing: float, known: Known, unlikely: bool) -> Cause:
    """A dark that was subtracted, whose photons are gone but not their noise."""
    recorded = ", as the header records" if "dark" in known.corrected else ""
    return Cause(
        1,
        f"a dark current of about {known.amount(missing)} was subtracted{recorded}, and its noise remained",
        "give the dark that was subtracted ({dark})",
        f"the dark of this exposure has a level of {known.amount(missing)}",
        unlikely,
    )


def _gain_factor(budget: NoiseBudget) -> float:
    """By how much the gain is too large if nothing else is wrong: f in variance = f level + (f read noise)^2."""
    level, square = max(budget.level, 1e-6), budget.readnoise**2
    return 2 * budget.variance / (level + math.sqrt(level**2 + 4 * square * budget.variance))


def _explained_by_response(budget: NoiseBudget, known: Known) -> bool:
    """Whether pixels of differing response may make all of the noise."""
    missing = budget.variance - budget.expected
    return "flat" not in known.corrected and missing > 0 and math.sqrt(missing) < LARGEST_RESPONSE * budget.level
