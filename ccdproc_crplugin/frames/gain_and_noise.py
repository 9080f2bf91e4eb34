# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Gain, read noise and saturation level of a frame: as given, or from its header."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header

#: Units that mean adu.
ADU_LIKE = (u.adu, u.DN, u.count)

#: No camera has a smaller gain (electron/adu), nor one larger than its inverse.
SMALLEST_GAIN = 1e-9

#: Where the gain of a frame in electron comes from.
IN_ELECTRON = "frame in electron"

#: What each figure may be.
EXPECTED = {
    "gain": "a Quantity in electron/adu or a number meaning that",
    "readnoise": "a Quantity in electron or adu or a number meaning electron",
    "saturation": "a Quantity in adu or electron or a number in the unit of the frame",
}


@dataclass(frozen=True)
class Electronics:
    """Gain, read noise and saturation level, and where each was found: a header keyword, or words."""

    factor: float  # electron per unit of the frame
    gain: float  # electron/adu; 1 for a frame in electron
    readnoise: float  # electron
    saturation: float  # electron; infinite if not known
    gain_source: str
    readnoise_source: str
    saturation_source: str

    @property
    def in_electron(self) -> bool:
        """Whether the frame is in electron, so that no gain is applied."""
        return self.gain_source == IN_ELECTRON


def electronics_of(
    ccd: CCDData, *, gain: Any = None, readnoise: Any = None, saturation: Any = None, meta: Mapping | None = None
) -> Electronics:
    """Take gain, read noise and saturation level as given, or else from the header; ``meta`` is the header if read."""
    meta = ccd.meta if meta is None else meta
    gain, readnoise, saturation = (_from_keyword(value, ccd.meta) for value in (gain, readnoise, saturation))
    per_unit, in_electron = _unit_of(ccd)
    gain, gain_source = _gain_of(meta, gain, in_electron)
    readnoise, readnoise_source = _readnoise_of(meta, readnoise, gain, in_electron)
    saturation, saturation_source = _saturation_of(meta, saturation, gain, per_unit, in_electron)
    return Electronics(per_unit * gain, gain, readnoise, saturation, gain_source, readnoise_source, saturation_source)


def check_figures(*, gain: Any = None, readnoise: Any = None, saturation: Any = None) -> None:
    """Refuse figures that are wrong for every frame."""
    given = {"gain": gain, "readnoise": readnoise, "saturation": saturation}
    plain = {name: value for name, value in given.items() if not hasattr(value, "value_from")}
    electronics_of(CCDData([[0.0]], unit=u.adu, meta={"GAIN": 1.0, "RDNOISE": 1.0}), **plain)


def electrons_per_unit(ccd: CCDData, gain: u.Quantity) -> float:
    """How many electrons one unit of a frame is; the gain in electron/adu, 1 for a frame in electron."""
    return _unit_of(ccd)[0] * gain.to_value(u.electron / u.adu)


def factor_of(other: CCDData, electronics: Electronics, meta: Mapping) -> float | np.ndarray:
    """How many electrons one unit of a bias or dark is, with the electronics of the frame whose header is ``meta``."""
    per_unit, in_electron = _unit_of(other)
    if in_electron:
        return per_unit
    if not electronics.in_electron:
        return per_unit * electronics.gain
    found = header.gain(meta) or header.gain(other.meta)
    if found is None:
        raise CosmicRayError(
            f"Found a calibration frame in {other.unit} and a frame in {'electron'}, and no gain in their headers "
            f"(looked for {', '.join(header.KEYWORDS['gain'])}); expected one unit.",
            "Multiply the calibration frame by the gain.",
        )
    return per_unit * found.value.value


def _unit_of(ccd: CCDData) -> tuple[float, bool]:
    """How many adu or electrons one unit of the frame is, and whether it is in electron."""
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
                    f"Found a frame in {unit}, a rate; expected adu or electron, in which the noise can be known.",
                    "Multiply by the exposure time, ccd.multiply(exposure * u.s), before the cleaning.",
                )
    raise CosmicRayError(
        f"Found a frame in unit {str(unit) or 'dimensionless'!r}; expected adu or electron.",
        "Set ccd.unit, or convert.",
    )


def _gain_of(meta: Mapping, given: Any, in_electron: bool) -> tuple[float, str]:
    if in_electron:
        if given is not None:
            raise CosmicRayError(
                " for a frame in electron; expected no gain, because it is applied already.",
                "Leave {gain} out, or set ccd.unit to adu if the frame is in adu.",
                parameter=("gain", str(given)),
            )
        return 1.0, IN_ELECTRON
    if given is None:
        return _from_header(header.gain(meta), "gain", "electron/adu")
    number = _number("gain", _per_adu(given) if isinstance(given, u.Quantity) else given)
    if not SMALLEST_GAIN < number < 1 / SMALLEST_GAIN:
        raise _wrong("gain", given, f"a positive number, {EXPECTED['gain']}")
    return number, "given"


def _per_adu(gain: u.Quantity) -> Any:
    for adu in ADU_LIKE:
        if gain.unit.is_equivalent(u.electron / adu):
            return gain.to_value(u.electron / adu)
    inverted = gain.unit.is_equivalent(u.adu / u.electron)
    raise _wrong("gain", gain, "electron/adu", "Give its inverse." if inverted else "")


def _readnoise_of(meta: Mapping, given: Any, gain: float, in_electron: bool) -> tuple[float, str]:
    if given is None:
        return _from_header(header.readnoise(meta), "readnoise", "electron")
    number = _number("readnoise", _in_electron("readnoise", given, gain, in_electron))
    if not 0 <= number < math.inf:
        raise _wrong("readnoise", given, f"0 or more, {EXPECTED['readnoise']}")
    return number, "given"


def _saturation_of(meta: Mapping, given: Any, gain: float, per_unit: float, in_electron: bool) -> tuple[float, str]:
    if given is None:
        return _saturation_of_header(meta, gain, in_electron)
    number = _number("saturation", _in_electron("saturation", given, gain, in_electron))
    number = number if isinstance(given, u.Quantity) else number * gain * per_unit
    if not number > 0:
        raise _wrong("saturation", given, f"a positive number, {EXPECTED['saturation']}")
    return number, "given"


def _saturation_of_header(meta: Mapping, gain: float, in_electron: bool) -> tuple[float, str]:
    """The header's level in electron; the header has the raw frame's level, in adu, also after a gain correction."""
    found = header.saturation(meta)
    if found is not None and in_electron:
        applied = header.gain(meta)
        gain = math.nan if applied is None else applied.value.value
    if found is None or math.isnan(gain):
        return math.inf, "not known"
    return found.value.value * gain, found.keyword


def _from_keyword(value: Any, meta: Mapping) -> Any:
    """The value of a `ccdproc.Keyword` in the header; any other value as it is."""
    if not hasattr(value, "value_from"):
        return value
    try:
        return value.value_from(meta)
    except KeyError as err:
        raise CosmicRayError(f"Found no {value.name!r} in the header; expected the keyword given.") from err


def _from_header(found: header.HeaderValue | None, name: str, unit: str) -> tuple[float, str]:
    if found is None:
        keywords = ", ".join(header.KEYWORDS[name])
        raise CosmicRayError(
            f"Found no {name}, neither as a parameter nor in the header (looked for {keywords}); expected it in "
            f"{unit}.",
            f"Give {{{name}}}.",
        )
    return found.value.value, found.keyword


def _in_electron(name: str, value: Any, gain: float, in_electron: bool) -> Any:
    """A Quantity in electron or adu as a number of electrons; any other value as it is."""
    if not isinstance(value, u.Quantity):
        return value
    if value.unit.is_equivalent(u.electron):
        return value.to_value(u.electron)
    for adu in ADU_LIKE:
        if value.unit.is_equivalent(adu):
            if in_electron:
                raise CosmicRayError(" for a frame in electron; expected electron.", parameter=(name, str(value)))
            return value.to_value(adu) * gain
    raise _wrong(name, value, "a Quantity in electron or adu")


def _number(name: str, value: Any) -> float:
    """One real number, which may be an array without dimensions, as a float."""
    number = value[()] if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) else value
    if isinstance(number, np.ndarray):
        raise _wrong(name, value, f"one value for the whole frame, {EXPECTED[name]}")
    try:
        if isinstance(number, Real) and not isinstance(number, bool):
            return float(number)
    except OverflowError:
        pass
    raise _wrong(name, value, EXPECTED[name])


def _wrong(name: str, given: Any, expected: str, advice: str = "") -> CosmicRayError:
    shown = str(given) if isinstance(given, u.Quantity) else repr(given)
    return CosmicRayError(f"; expected {expected}.", advice, parameter=(name, shown))
