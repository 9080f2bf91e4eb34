# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check of the saturation level against the level at which pixels pile up."""

from __future__ import annotations

from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.gain_and_noise import electrons_per_unit
from ccdproc_crplugin.frames.saturation import PILE_UP
from ccdproc_crplugin.kernels.pile_up import MARGIN, BrightEnd, measure_bright_end
from ccdproc_crplugin.plugins.model import Finding

#: The level may be this share above the pile: full wells differ, and flat fields move them.
TOO_HIGH = 1.05
#: And this many times below: many observatories give the end of linearity.
TOO_LOW = 1.5


def check_saturation(
    ccd: CCDData,
    *,
    gain: u.Quantity | None,
    readnoise: Any,
    dark: Any,
    saturation: u.Quantity | None = None,
    saturation_source: str = "",
) -> Finding:
    """Compare the saturation level with the level at which bright pixels pile up."""
    if gain is None:
        return Finding("saturation", "ok", "not measured: the gain is not known")
    bright = measure_bright_end(ccd.data, mask=mask_of(ccd))
    known = None if saturation is None else saturation.to_value(u.electron) / electrons_per_unit(ccd, gain)
    if saturation_source == PILE_UP and known is not None:
        return _measured(bright, known, str(ccd.unit))
    problem = _problem(bright, known, str(ccd.unit))
    if problem is None:
        level = "no level known" if known is None else f"level {known:.5g} {ccd.unit}"
        pile = "no pixels pile up" if bright.pile is None else f"pixels pile up at {bright.pile:.5g} {ccd.unit}"
        return Finding("saturation", "ok", f"{pile}, {level}", None, bright.pile, known)
    fix = advice("give {saturation} in the unit of the frame{python:, or a Quantity}")
    if bright.pile is not None:
        usable = (1 - MARGIN) * bright.pile if bright.level is None else bright.level
        fix = advice(f"give {{saturation={usable:.5g}}}, in the unit of the frame")
    status = "fail" if known is not None and known <= bright.sky else "warn"
    return Finding("saturation", status, problem, None, bright.high if bright.pile is None else bright.pile, known, fix)


def _measured(bright: BrightEnd, used: float, unit: str) -> Finding:
    """The finding about a level that was measured because none is known."""
    pile = used if bright.pile is None else bright.pile
    message = f"Bright pixels pile up at {pile:.5g} {unit}, and no saturation level is known: {used:.5g} is used."
    return Finding("saturation", "warn", message, None, pile, used, advice("give {saturation} if you know the level"))


def _problem(bright: BrightEnd, known: float | None, unit: str) -> str | None:
    """What is wrong with the level, or None."""
    if known is not None and known <= bright.sky:
        return f"The saturation level of {known:.5g} {unit} is below the sky at {bright.sky:.5g}."
    if known is not None and TOO_LOW * known < bright.high:
        return f"The saturation level is {known:.5g} {unit}, but pixels reach {bright.high:.5g}."
    if bright.pile is None:
        return None
    if known is None:
        return f"Bright pixels pile up at {bright.pile:.5g} {unit}, and no saturation level is known."
    if known > TOO_HIGH * bright.pile:
        return (
            f"Bright pixels pile up at {bright.pile:.5g} {unit}, but the saturation level is {known:.5g}: "
            "saturated stars are not known as such."
        )
    return None
