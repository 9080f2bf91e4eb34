# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Gain, read noise and saturation level of a frame: as given, or as its header has them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header

__all__ = ["Electronics", "check_figures", "electronics_of", "electrons_per_unit"]

#: Units that all say adu.
ADU_LIKE = (u.adu, u.DN, u.count)

#: No camera has a smaller gain (electron/adu), nor one larger than its inverse.
SMALLEST_GAIN = 1e-9


@dataclass(frozen=True)
class Electronics:
    """How a frame's numbers become electrons, and where each figure was found."""

    factor: float
    gain: float
    readnoise: float
    saturation: float
    gain_source: str
    readnoise_source: str
    saturation_source: str


def electronics_of(ccd: CCDData, *, gain: Any = None, readnoise: Any = None, saturation: Any = None) -> Electronics:
    """Find the gain, the read noise and the saturation level of a frame."""
    per_unit, in_electron = _unit_of(ccd)
    gain, gain_source = _gain_of(ccd.meta, gain, in_electron)
    readnoise, readnoise_source = _readnoise_of(ccd.meta, readnoise, gain, in_electron)
    saturation, saturation_source = _saturation_of(ccd.meta, saturation, gain, per_unit, in_electron)
    return Electronics(per_unit * gain, gain, readnoise, saturation, gain_source, readnoise_source, saturation_source)


def check_figures(*, gain: Any = None, readnoise: Any = None, saturation: Any = None) -> None:
    """Refuse figures that are wrong for every frame."""
    given = {"gain": gain, "readnoise": readnoise, "saturation": saturation}
    plain = {name: value for name, value in given.items() if not hasattr(value, "value_from")}
    electronics_of(CCDData([[0.0]], unit=u.adu, meta={"GAIN": 1.0, "RDNOISE": 1.0}), **plain)


def electrons_per_unit(ccd: CCDData, gain: u.Quantity) -> float:
    """How many electrons the unit of a frame is."""
    return _unit_of(ccd)[0] * gain.to_value(u.electron / u.adu)


def _unit_of(ccd: CCDData) -> tuple[float, bool]:
    """How many adu or electrons the unit of the frame is, and whether it is electrons."""
    unit = ccd.unit
    if unit is not None and not isinstance(unit, u.FunctionUnitBase):
        if unit.is_equivalent(u.electron):
            return unit.to(u.electron), True
        for adu in ADU_LIKE:
            if unit.is_equivalent(adu):
                return unit.to(adu), False
        for rate in (u.electron / u.s, *(adu / u.s for adu in ADU_LIKE)):
            if unit.is_equivalent(rate):
                raise CosmicRayError(
                    f"Found a frame in {unit}, a rate; expected adu or electron, in which the noise can be known. "
                    "Multiply by the exposure time, ccd.multiply(exposure * u.s), before the cleaning."
                )
    raise CosmicRayError(
        f"Found a frame in unit {str(unit) or 'dimensionless'!r}; expected adu or electron. Set ccd.unit, or convert."
    )


def _gain_of(meta: Mapping, gain: Any, in_electron: bool) -> tuple[float, str]:
    expected = "a Quantity in electron/adu or a number meaning that"
    gain = _from_keyword(gain, meta)
    if in_electron:
        if gain is not None:
            raise CosmicRayError(
                f"Found gain={gain} for a frame in electron, whose gain is applied already; leave gain out, "
                "or set ccd.unit to adu if the frame is in adu."
            )
        return 1.0, "frame in electron"
    if gain is None:
        found = header.gain(meta)
        if found is None:
            raise _not_found("gain", "electron/adu")
        return found.value.value, found.keyword
    if isinstance(gain, u.Quantity):
        per_adu = [u.electron / adu for adu in ADU_LIKE if gain.unit.is_equivalent(u.electron / adu)]
        if not per_adu:
            raise CosmicRayError(f"Found gain={gain}; expected electron/adu.{_inverted(gain)}")
        gain = gain.to_value(per_adu[0])
    return _positive("gain", _number("gain", gain, expected), expected), "given"


def _inverted(gain: u.Quantity) -> str:
    return " Give its inverse." if gain.unit.is_equivalent(u.adu / u.electron) else ""


def _readnoise_of(meta: Mapping, readnoise: Any, gain: float, in_electron: bool) -> tuple[float, str]:
    expected = "a Quantity in electron or adu or a number meaning electron"
    readnoise = _from_keyword(readnoise, meta)
    if readnoise is None:
        found = header.readnoise(meta)
        if found is None:
            raise _not_found("readnoise", "electron")
        return found.value.value, found.keyword
    if isinstance(readnoise, u.Quantity):
        readnoise = _in_electron("readnoise", readnoise, gain, in_electron)
    number = _number("readnoise", readnoise, expected)
    if not (math.isfinite(number) and number >= 0):
        raise CosmicRayError(f"Found readnoise={number:g}; expected 0 or more, {expected}.")
    return number, "given"


def _saturation_of(
    meta: Mapping, saturation: Any, gain: float, per_unit: float, in_electron: bool
) -> tuple[float, str]:
    expected = "a Quantity in adu or electron or a number in the unit of the frame"
    saturation = _from_keyword(saturation, meta)
    if saturation is None:
        return _saturation_of_header(meta, gain, in_electron)
    if isinstance(saturation, u.Quantity):
        saturation = _in_electron("saturation", saturation, gain, in_electron)
        number = _number("saturation", saturation, expected)
    else:
        number = _number("saturation", saturation, expected) * gain * per_unit
    if math.isnan(number) or number <= 0:
        raise CosmicRayError(f"Found saturation={number:g}; expected a positive number, {expected}.")
    return number, "given"


def _saturation_of_header(meta: Mapping, gain: float, in_electron: bool) -> tuple[float, str]:
    """The header's level, which is that of the raw frame, in adu, also after the gain was applied."""
    found = header.saturation(meta)
    if found is None:
        return math.inf, "not known"
    if not in_electron:
        return found.value.value * gain, found.keyword
    applied = header.gain(meta)
    if applied is None:
        return math.inf, "not known"
    return found.value.value * applied.value.value, found.keyword


def _from_keyword(value: Any, meta: Mapping) -> Any:
    """What a `ccdproc.Keyword` stands for, or the value as it is."""
    if not hasattr(value, "value_from"):
        return value
    try:
        return value.value_from(meta)
    except KeyError as err:
        raise CosmicRayError(f"Found no {value.name!r} in the header; expected the keyword given.") from err


def _not_found(name: str, unit: str) -> CosmicRayError:
    keywords = ", ".join(header.KEYWORDS[name])
    return CosmicRayError(
        f"Found no {name}, neither as a parameter nor in the header (looked for {keywords}); expected it in {unit}.",
        f"Give {{{name}}}.",
    )


def _in_electron(name: str, value: u.Quantity, gain: float, in_electron: bool) -> Any:
    """A Quantity in electron or adu as electrons."""
    if value.unit.is_equivalent(u.electron):
        return value.to_value(u.electron)
    for adu in ADU_LIKE:
        if value.unit.is_equivalent(adu):
            if in_electron:
                raise CosmicRayError(f"Found {name}={value} for a frame in electron; expected electron.")
            return value.to_value(adu) * gain
    raise CosmicRayError(f"Found {name}={value}; expected a Quantity in electron or adu.")


def _number(name: str, value: Any, expected: str) -> float:
    refused = bool | np.bool_ | np.ma.MaskedArray
    if isinstance(value, refused) or not isinstance(value, numbers.Real | np.ndarray):
        raise CosmicRayError(f"Found {name}={value!r}; expected {expected}.")
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "iuf":
        raise CosmicRayError(f"Found {name}={value!r}; expected one value for the whole frame, {expected}.")
    return float(number)


def _positive(name: str, value: float, expected: str) -> float:
    if not SMALLEST_GAIN < value < 1 / SMALLEST_GAIN:
        raise CosmicRayError(f"Found {name}={value:g}; expected a positive number, {expected}.")
    return value
