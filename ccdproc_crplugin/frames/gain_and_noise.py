# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Gain, read noise and saturation level of a frame: as given, or from its header."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, joined_errors
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.amplifiers import figure_of_header
from ccdproc_crplugin.frames.sections import as_pairs, check_sections, map_of_sections, sections_of
from ccdproc_crplugin.frames.units import ADU_LIKE

#: No camera has a smaller gain (electron/adu), nor one larger than its inverse.
SMALLEST_GAIN = 1e-9

#: Where the gain of a frame in electron comes from.
IN_ELECTRON = "frame in electron"

#: One value for the whole frame, or one for each pixel, float32 (ny, nx).
Figure = float | np.ndarray

#: Figures that may differ from amplifier to amplifier.
BY_AMPLIFIER = ("gain", "readnoise")

#: What each figure may be.
EXPECTED = {
    "gain": (
        "a Quantity in electron/adu or a number meaning that, an array of the frame's shape, or sections with values"
    ),
    "readnoise": (
        "a Quantity in electron or adu or a number meaning electron, an array of the frame's shape, or sections with "
        "values"
    ),
    "saturation": "a Quantity in adu or electron or a number in the unit of the frame",
}


def same_unit(a: u.UnitBase, b: u.UnitBase) -> bool:
    """Whether two units are the same; the names of the numbers that a camera gives are."""
    return a == b or all(any(unit == adu for adu in ADU_LIKE) for unit in (a, b))


@dataclass(frozen=True)
class Electronics:
    """Gain, read noise and saturation level, and where each was found: a header keyword, or words."""

    factor: Figure  # electron per unit of the frame
    gain: Figure  # electron/adu; 1 for a frame in electron
    readnoise: Figure  # electron
    saturation: float  # electron, the lowest level if the gains differ; infinite if not known
    gain_source: str
    readnoise_source: str
    saturation_source: str
    saturation_map: np.ndarray | None = None  # electron, (ny, nx); None for one level

    def with_saturation(self, level: Figure, source: str) -> Electronics:
        """The same with another saturation level, electron."""
        if isinstance(level, np.ndarray):
            # Stars above the lowest level are spared everywhere; the flag goes by each pixel's own.
            return replace(self, saturation=float(level.min()), saturation_map=level, saturation_source=source)
        return replace(self, saturation=level, saturation_map=None, saturation_source=source)

    @property
    def in_electron(self) -> bool:
        """Whether the frame is in electron, so that no gain is applied."""
        return self.gain_source == IN_ELECTRON

    @property
    def median_gain(self) -> float:
        """The gain for those who take one value, electron/adu."""
        return _median(self.gain)

    @property
    def median_readnoise(self) -> float:
        """The read noise for those who take one value, electron."""
        return _median(self.readnoise)

    @property
    def lowest_readnoise(self) -> float:
        """The read noise that every pixel has at least, electron."""
        return self.readnoise if isinstance(self.readnoise, float) else float(self.readnoise.min())

    @property
    def median_saturation(self) -> float:
        """The saturation level where the gain is the median, electron; infinite if not known."""
        return self.saturation if self.saturation_map is None else _median(self.saturation_map)


def in_words(figure: Figure) -> float | str | np.ndarray:
    """A figure as the history shows it: a number, sections with values, or an array."""
    sections = sections_of(figure) if isinstance(figure, np.ndarray) else None
    return figure if sections is None else as_pairs({text: _rounded(value) for text, value in sections.items()})


def source_in_words(figure: Figure, source: str) -> str:
    """Where a figure was found, and for how many amplifiers it was."""
    if not isinstance(figure, np.ndarray):
        return source
    sections = sections_of(figure)
    return f"{source}: {'a map' if sections is None else f'{len(sections)} amplifiers'}"


def electronics_of(
    ccd: CCDData, *, gain: Any = None, readnoise: Any = None, saturation: Any = None, meta: Mapping | None = None
) -> Electronics:
    """
    Take gain, read noise and saturation level as given, or else from the header; ``meta`` is the header if read.

    Where something is missing, the error names all that is.
    """
    meta = ccd.meta if meta is None else meta
    gain, readnoise, saturation = (_from_keyword(value, ccd.meta) for value in (gain, readnoise, saturation))
    try:
        return _electronics_of(ccd, meta, gain, readnoise, saturation)
    except CosmicRayError as err:
        missing = list(_missing(ccd, meta, {"gain": gain, "readnoise": readnoise}))
        if err.parameter is not None or len(missing) < 2:
            raise
        raise joined_errors(missing) from err


def _electronics_of(ccd: CCDData, meta: Mapping, gain: Any, readnoise: Any, saturation: Any) -> Electronics:
    per_unit, in_electron = _unit_of(ccd)
    gain, gain_source = _gain_of(ccd, meta, gain, in_electron)
    readnoise, readnoise_source = _readnoise_of(ccd, meta, readnoise, gain, in_electron)
    saturation, saturation_source = _saturation_of(ccd, meta, saturation, gain, per_unit, in_electron)
    found = Electronics(per_unit * gain, gain, readnoise, math.inf, gain_source, readnoise_source, "")
    return found.with_saturation(saturation, saturation_source)


def _missing(ccd: CCDData, meta: Mapping, given: Mapping[str, Any]) -> Iterator[CosmicRayError]:
    """An error for each that is missing of the unit, the gain and the read noise."""
    unit, in_electron = ccd.unit, False
    try:
        in_electron = _unit_of(ccd)[1]
    except CosmicRayError as err:
        in_electron = unit is not None and unit.is_equivalent(u.electron / u.s)
        yield err
    given = {**given, "gain": 1.0} if in_electron else given
    yield from missing_figures(given, meta, ccd.meta, ccd.data.shape)


def missing_figures(
    given: Mapping[str, Any], meta: Mapping, cards: Mapping, shape: tuple[int, int]
) -> Iterator[CosmicRayError]:
    """
    An error for gain and for read noise if they are neither given nor in the header of a frame of this shape.

    ``meta`` is the header as read for values, ``cards`` the header itself, in which amplifiers have cards of their own.
    """
    units = {"gain": "electron/adu", "readnoise": "electron"}
    for name, find in (("gain", header.gain), ("readnoise", header.readnoise)):
        if given[name] is not None:
            continue
        try:
            if figure_of_header(cards, name, shape) is None:
                _from_header(find(meta), name, units[name], meta)
        except CosmicRayError as err:
            yield err


def gain_by_amplifier(ccd: CCDData, given: Any) -> u.Quantity | None:
    """The gain of a frame in adu (electron/adu) from sections or by the amplifiers of its header, None without them."""
    if isinstance(given, Mapping):
        return _gain_of(ccd, ccd.meta, given, False)[0] * u.electron / u.adu
    found = None if given is not None else figure_of_header(ccd.meta, "gain", ccd.data.shape)
    return None if found is None else _figure("gain", found[0], ccd.data.shape) * u.electron / u.adu


def check_figures(*, gain: Any = None, readnoise: Any = None, saturation: Any = None) -> None:
    """Refuse figures that are wrong for every frame."""
    for name, value in {"gain": gain, "readnoise": readnoise, "saturation": saturation}.items():
        if isinstance(value, Mapping) and name in BY_AMPLIFIER:
            check_sections(name, value)
            for each in value.values():
                check_figures(**{name: each})
        elif not hasattr(value, "value_from"):
            shape = np.shape(value) if np.ndim(value) == 2 else (1, 1)
            frame = CCDData(np.zeros(shape), unit=u.adu, meta={"GAIN": 1.0, "RDNOISE": 1.0})
            electronics_of(frame, **{name: value})


def at(figure: Figure, pixels: Any) -> Figure:
    """A figure at some pixels, given by any index of an array (ny, nx)."""
    return figure[pixels] if isinstance(figure, np.ndarray) else figure


def electrons_per_unit(ccd: CCDData, gain: u.Quantity) -> Figure:
    """How many electrons one unit of a frame is; the gain in electron/adu, 1 for a frame in electron."""
    return _unit_of(ccd)[0] * gain.to_value(u.electron / u.adu)


def factor_of(other: CCDData, electronics: Electronics, meta: Mapping) -> Figure:
    """How many electrons one unit of a bias or dark is, with the electronics of the frame whose header is ``meta``."""
    per_unit, in_electron = _unit_of(other)
    if in_electron:
        return per_unit
    if not electronics.in_electron:
        return per_unit * electronics.gain
    for cards in (meta, other.meta):
        by_amplifier = figure_of_header(cards, "gain", other.data.shape)
        if by_amplifier is not None:
            return per_unit * _figure("gain", by_amplifier[0], other.data.shape)
    found = header.gain(meta) or header.gain(other.meta)
    if found is None:
        raise CosmicRayError(
            f"Found a calibration frame in {other.unit} and a frame in {'electron'}, and no gain in their headers "
            f"(looked for {', '.join(header.keywords('gain', meta))}); expected one unit.",
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
        if is_rate(unit):
            raise CosmicRayError(
                f"Found a frame in {unit}, a rate; expected adu or electron, in which the noise can be known.",
                "Multiply it by its exposure time first, in Python with "
                'ccd.multiply(exposure * u.s, handle_meta="first_found"), which keeps the header; write_ccd writes it.',
            )
    if is_calibrated(unit):
        raise CosmicRayError(
            f"Found a frame in unit {str(unit)!r}; expected adu or electron, in which the noise can be known.",
            "Clean the frame before its flux calibration, or divide it by the calibration (such as PHOTMJSR) and "
            "multiply it by the exposure time and the gain. Another name for the unit does not make counts of it.",
        )
    raise CosmicRayError(
        f"Found a frame in unit {str(unit) or 'dimensionless'!r}; expected adu or electron.",
        "Give {unit='adu'} or {unit='electron'} when it is read{python:, or set ccd.unit}.",
    )


def is_rate(unit: Any) -> bool:
    """Whether a unit is one of counts per time, such as DN/s."""
    rates = (u.electron / u.s, *(adu / u.s for adu in ADU_LIKE))
    return isinstance(unit, u.UnitBase) and any(unit.is_equivalent(rate) for rate in rates)


def is_calibrated(unit: Any) -> bool:
    """Whether a unit is one of light, such as MJy/sr, erg/s/cm2 or mag: it has a physical type, as counts do not."""
    if unit is None or isinstance(unit, u.FunctionUnitBase):
        return unit is not None
    return isinstance(unit, u.UnitBase) and unit.physical_type not in ("unknown", "dimensionless")


def _gain_of(ccd: CCDData, meta: Mapping, given: Any, in_electron: bool) -> tuple[Figure, str]:
    if in_electron:
        if given is not None:
            raise CosmicRayError(
                " for a frame in electron; expected no gain, because it is applied already.",
                "Leave {gain} out, or give {unit='adu'} when the frame is read if it is in adu.",
                parameter=("gain", str(given)),
            )
        return 1.0, IN_ELECTRON
    shape = ccd.data.shape
    if given is None:
        by_amplifier = figure_of_header(ccd.meta, "gain", shape)
        if by_amplifier is not None:
            return _figure("gain", by_amplifier[0], shape), by_amplifier[1]
        return _from_header(header.gain(meta), "gain", "electron/adu", meta)
    given = _spread("gain", given, shape)
    number = _figure("gain", _per_adu(given) if isinstance(given, u.Quantity) else given, shape)
    wrong = ~((np.asarray(number) > SMALLEST_GAIN) & (np.asarray(number) < 1 / SMALLEST_GAIN))
    _refuse_where(wrong, "gain", number, given, "a positive number")
    return number, "given"


def _per_adu(gain: u.Quantity) -> Any:
    for adu in ADU_LIKE:
        if gain.unit.is_equivalent(u.electron / adu):
            return gain.to_value(u.electron / adu)
    inverted = gain.unit.is_equivalent(u.adu / u.electron)
    raise _wrong("gain", gain, "electron/adu", "Give its inverse." if inverted else "")


def _readnoise_of(ccd: CCDData, meta: Mapping, given: Any, gain: Figure, in_electron: bool) -> tuple[Figure, str]:
    shape = ccd.data.shape
    if given is None:
        by_amplifier = figure_of_header(ccd.meta, "readnoise", shape)
        if by_amplifier is not None:
            return _figure("readnoise", by_amplifier[0], shape), by_amplifier[1]
        return _from_header(header.readnoise(meta), "readnoise", "electron", meta)
    given = _spread("readnoise", given, shape)
    number = _figure("readnoise", _in_electron("readnoise", given, gain, in_electron), shape)
    wrong = ~((np.asarray(number) >= 0) & (np.asarray(number) < math.inf))
    _refuse_where(wrong, "readnoise", number, given, "0 or more")
    return number, "given"


def _saturation_of(
    ccd: CCDData, meta: Mapping, given: Any, gain: Figure, per_unit: float, in_electron: bool
) -> tuple[Figure, str]:
    if given is None:
        return _saturation_of_header(ccd, meta, gain, in_electron)
    number = _number("saturation", _in_electron("saturation", given, 1.0, in_electron))
    if not number > 0:
        raise _wrong("saturation", given, f"a positive number, {EXPECTED['saturation']}")
    if not isinstance(given, u.Quantity):
        return number * gain * per_unit, "given"
    return number if given.unit.is_equivalent(u.electron) else number * gain, "given"


def _saturation_of_header(ccd: CCDData, meta: Mapping, gain: Figure, in_electron: bool) -> tuple[Figure, str]:
    """The header's level in electron; the header has the raw frame's level, in adu, also after a gain correction."""
    found = header.saturation(meta)
    if found is None:
        return math.inf, "not known"
    applied = _applied_gain(ccd, meta) if in_electron else gain
    return (math.inf, "not known") if applied is None else (found.value.value * applied, found.keyword)


def _applied_gain(ccd: CCDData, meta: Mapping) -> Figure | None:
    """The gain in the header of a frame in electron, electron/adu; None if that is not certain."""
    try:
        found = gain_by_amplifier(ccd, None)
    except CosmicRayError:
        return None
    if found is not None:
        return found.value
    plain = header.gain(meta)
    return None if plain is None else plain.value.value


def _from_keyword(value: Any, meta: Mapping) -> Any:
    """The value of a `ccdproc.Keyword` in the header; any other value as it is."""
    if not hasattr(value, "value_from"):
        return value
    try:
        return value.value_from(meta)
    except KeyError as err:
        raise CosmicRayError(f"Found no {value.name!r} in the header; expected the keyword given.") from err


def _from_header(found: header.HeaderValue | None, name: str, unit: str, meta: Mapping) -> tuple[float, str]:
    if found is None:
        keywords = ", ".join(header.keywords(name, meta))
        raise CosmicRayError(
            f"Found no {name}, neither as a parameter nor in the header (looked for {keywords}); expected it in "
            f"{unit}.",
            f"Give {{{name}}}.",
        )
    return found.value.value, found.keyword


def _in_electron(name: str, value: Any, gain: Figure, in_electron: bool) -> Any:
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


def _spread(name: str, given: Any, shape: tuple[int, int]) -> Any:
    """Sections with values as an array or Quantity of the frame's shape; any other value as it is."""
    if not isinstance(given, Mapping):
        return given
    check_figures(**{name: given})
    unit = next((value.unit for value in given.values() if isinstance(value, u.Quantity)), None)
    try:
        values = {text: float(value if unit is None else value.to_value(unit)) for text, value in given.items()}
    except (AttributeError, u.UnitConversionError) as err:
        raise _wrong(name, given, "values in one unit") from err
    array = map_of_sections(name, values, shape)
    return array if unit is None else array * unit


def _figure(name: str, value: Any, shape: tuple[int, int]) -> Figure:
    """One real number, or a float32 array of the frame's shape if it has several values."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray) or value.ndim == 0:
        return _number(name, value)
    if value.shape != shape:
        raise _wrong(name, value, f"one value, or an array of the frame's shape {shape}")
    if value.dtype.kind not in "iuf":
        raise _wrong(name, value, EXPECTED[name])
    first = value.flat[0]
    return float(first) if (value == first).all() else value.astype(np.float32)


def _refuse_where(wrong: np.ndarray, name: str, number: Figure, given: Any, expected: str) -> None:
    """Refuse a figure that is wrong, or wrong on some pixels."""
    if not wrong.any():
        return
    if wrong.ndim == 0:
        raise _wrong(name, given, f"{expected}, {EXPECTED[name]}")
    raise CosmicRayError(
        f" with {np.asarray(number)[wrong][0]:g} on {np.count_nonzero(wrong)} of {wrong.size} pixels; expected "
        f"{expected} on each.",
        parameter=(name, _shown(given)),
    )


def _median(figure: Figure) -> float:
    return figure if isinstance(figure, float) else _rounded(float(np.median(figure)))


def _rounded(value: float) -> float:
    """A value of a float32 array without the digits that it does not hold."""
    return float(f"{value:.7g}")


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
    return CosmicRayError(f"; expected {expected}.", advice, parameter=(name, _shown(given)))


def _shown(given: Any) -> str:
    """A value for a message; an array by dtype and shape."""
    if isinstance(given, np.ndarray) and given.ndim == 2:
        return f"<{given.dtype} array {'x'.join(map(str, given.shape))}>"
    return str(given) if isinstance(given, u.Quantity) else repr(given)
