# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Whether the saturation level is where pixels pile up.
"""

from __future__ import annotations

from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.electrons import electrons_per_unit, mask_of
from ccdproc_crplugin.kernels.pile_up import find_pile_up
from ccdproc_crplugin.model import Finding

__all__ = ["check_saturation"]

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
) -> Finding:
    """
    Compare the saturation level with the level at which bright pixels pile up.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    gain : Quantity or None
        In electron/adu.
    readnoise, dark : object
        Not looked at.
    saturation : Quantity or None
        The level given or found in the header, in electron.

    Returns
    -------
    Finding
        ``"warn"`` where they differ, or where pixels pile up and no level is known.
    """
    if gain is None:
        return Finding("saturation", "ok", "not measured: the gain is not known")
    pile = find_pile_up(ccd.data, mask=mask_of(ccd))
    per_unit = electrons_per_unit(ccd, gain)
    known = None if saturation is None else saturation.to_value(u.electron) / per_unit
    if pile is None:
        level = "no level known" if known is None else f"level {known:.5g} {ccd.unit}"
        return Finding("saturation", "ok", f"no pixels pile up, {level}", expected=known)
    found = f"Bright pixels pile up at {pile.level:.5g} {ccd.unit}"
    if known is None:
        problem = "and no saturation level is known"
    elif known > TOO_HIGH * pile.level:
        problem = f"but the saturation level is {known:.5g}, above it: saturated stars are not known as such"
    elif known * TOO_LOW < pile.level:
        problem = f"but the saturation level is {known:.5g}, far below: bright stars count as saturated"
    else:
        return Finding("saturation", "ok", f"{found[0].lower()}{found[1:]}", None, pile.level, known)
    fix = f"give saturation={0.98 * pile.level:.5g}, in the unit of the frame"
    return Finding("saturation", "warn", f"{found}, {problem}.", None, pile.level, known, fix)
