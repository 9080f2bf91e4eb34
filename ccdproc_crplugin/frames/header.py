# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Values of a header in the dialects of cameras and observatories.

There is a look-up for each quantity. It returns the first usable value with its keyword, or None. Every one takes a
header, a plain mapping or, to read the cards once for several look-ups, the result of `read_header`. Which keywords
are tried is decided by the dialects in use, see `ccdproc_crplugin.Dialect`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from astropy import units as u

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.entries import FrameHeader, HeaderValue, entries, keywords, read_header, value_of
from ccdproc_crplugin.frames.kinds import frame_kind, kind_of, named_by_object
from ccdproc_crplugin.frames.sections import Section, read_section
from ccdproc_crplugin.frames.units import ADU_LIKE, as_number, number_and_unit, quantity_in
from ccdproc_crplugin.plugins.model import KINDS, QUANTITIES

__all__ = [
    "KINDS",
    "QUANTITIES",
    "FrameHeader",
    "HeaderValue",
    "altitude",
    "amplifier",
    "binning",
    "bit_depth",
    "camera",
    "central_wavelength",
    "detector",
    "disperser",
    "exposure",
    "filter_name",
    "filters",
    "frame_kind",
    "frame_name",
    "gain",
    "gain_setting",
    "keywords",
    "kind_of",
    "named_by_object",
    "object_name",
    "offset",
    "overscan_by_amplifier",
    "overscan_section",
    "pedestal",
    "pixel_size",
    "read_header",
    "readnoise",
    "readout_mode",
    "saturation",
    "slit",
    "temperature",
    "texts",
    "trim_section",
    "value_of",
]

#: A gain outside of this range (electron/adu) is a setting of the camera.
PLAUSIBLE_GAIN = (0.005, 60.0)

PER_ADU = u.electron / u.adu

#: Positions of a wheel, or of a slit, with nothing in the beam: lower case, without blanks and punctuation.
_OPEN = re.compile(
    r"(open|clear|empty).*|.*out|(free|none|no|air|hole|unfiltered|mirror|no(filter|grism|grating|slit))\d*"
)

#: Texts that say nothing.
_SAYS_NOTHING = ("", "na", "nan", "null", "unknown", "undefined", "undef", "primary", "compressedimage")

#: A section of a chip that runs forwards.
_SECTION = re.compile(r"\s*\[\s*(\d{1,6})\s*:\s*(\d{1,6})\s*,\s*(\d{1,6})\s*:\s*(\d{1,6})\s*\]\s*")

#: A binning factor, below 1000.
_FACTOR = re.compile(r"(?<![-\d])[1-9]\d{0,2}(?!\d)")


def frame_name(meta: Mapping) -> str:
    """The name of the file or the object, for messages; "" if the header has neither."""
    name = _text(meta, "name") or _text(meta, "object")
    return "" if name is None else name.value


def object_name(meta: Mapping) -> str:
    """What the frame shows; "" if the header does not say it."""
    name = _text(meta, "object")
    return "" if name is None else name.value


def gain(meta: Mapping) -> HeaderValue | None:
    """The gain, a Quantity in electron/adu; refused if there are only values outside of `PLAUSIBLE_GAIN`."""
    lowest, highest = PLAUSIBLE_GAIN
    setting = None
    for found in _numbers(meta, "gain", PER_ADU):
        if lowest <= found.value <= highest:
            return replace(found, value=found.value * PER_ADU)
        setting = setting or (found if found.value > 0 else None)
    if setting is None:
        return None
    raise CosmicRayError(
        f"Found {setting.keyword} = {setting.value:g} in the header; expected a gain between {lowest:g} and "
        f"{highest:g} electron/adu, so this looks like a setting of the camera.",
        "Give {gain} in electron/adu.",
    )


def gain_setting(meta: Mapping) -> float | None:
    """The first number under a keyword of the gain, be it electron/adu or a setting; it only tells frames apart."""
    for quantity in ("gain", "gain_setting"):
        for found in _numbers(meta, quantity):
            return found.value
    return None


def readnoise(meta: Mapping) -> HeaderValue | None:
    """The read noise, a Quantity in electron."""
    return _in_electron(meta, "readnoise")


def saturation(meta: Mapping) -> HeaderValue | None:
    """The saturation level, a Quantity in adu, the unit of the raw frame."""
    return _in_adu(meta, "saturation")


def pedestal(meta: Mapping) -> HeaderValue | None:
    """The level without light, a Quantity in adu, which programs note with a minus sign."""
    for found in _numbers(meta, "pedestal"):
        if found.value < 0:
            return replace(found, value=-found.value * u.adu)
    return None


def exposure(meta: Mapping) -> HeaderValue | None:
    """The exposure time, a Quantity in s, 0 s included."""
    for found in _numbers(meta, "exposure", u.s):
        if found.value >= 0:
            return replace(found, value=found.value * u.s)
    return None


def pixel_size(meta: Mapping) -> HeaderValue | None:
    """The side of a pixel, a Quantity in micron; a header in mm or m is recognised, as pixels have 1 to 100 micron."""
    for found in _numbers(meta, "pixel_size", u.micron):
        for unit in (u.micron, u.mm, u.m):
            size = (found.value * unit).to(u.micron)
            if 1 <= size.value <= 100:
                return replace(found, value=size)
    return None


def altitude(meta: Mapping) -> HeaderValue | None:
    """The height of the observatory above sea level, a Quantity in m."""
    return _positive(meta, "altitude", u.m)


def temperature(meta: Mapping) -> HeaderValue | None:
    """The temperature of the detector, a Quantity in deg_C; values from 100 to 400 are taken for kelvin."""
    for found in _numbers(meta, "temperature", u.deg_C):
        degrees = round(found.value - 273.15, 6) if 100 < found.value < 400 else round(found.value, 6)
        if -200 <= degrees <= 100:
            return replace(found, value=degrees * u.deg_C)
    return None


def filters(meta: Mapping) -> HeaderValue | None:
    """
    The names of the filters in the beam, from all wheels of a camera: a tuple of str, empty if all are open or clear.

    None means that the header has no card of a filter.
    """
    return _in_beam(meta, "filter")


def filter_name(meta: Mapping) -> HeaderValue | None:
    """The name of the filter, several joined by "+"; without a filter, the word in the header for an open position."""
    found = filters(meta)
    return found and HeaderValue("+".join(found.value) or next(iter(texts(meta, "filter").values())), found.keyword)


def disperser(meta: Mapping) -> HeaderValue | None:
    """The names of the grating, grism or prism in the beam, a tuple of str as for `filters`."""
    return _in_beam(meta, "disperser")


def slit(meta: Mapping) -> HeaderValue | None:
    """The names or widths of the slit, decker or mask, a tuple of str as for `filters`."""
    return _in_beam(meta, "slit")


def central_wavelength(meta: Mapping) -> HeaderValue | None:
    """The central wavelength of a spectrograph, or the tilt of its grating; a number that only tells frames apart."""
    return next((found for found in _numbers(meta, "central_wavelength") if found.value > 0), None)


def camera(meta: Mapping) -> HeaderValue | None:
    """The name of the camera or instrument."""
    return _first_text(meta, "camera")


def detector(meta: Mapping) -> HeaderValue | None:
    """The name of the detector or chip."""
    return _first_text(meta, "detector")


def amplifier(meta: Mapping) -> HeaderValue | None:
    """The name of the amplifier, or of the amplifiers, that read the frame."""
    return _first_text(meta, "amplifier")


def readout_mode(meta: Mapping) -> HeaderValue | None:
    """The name of the read-out mode or speed."""
    return _text(meta, "readout_mode")


def offset(meta: Mapping) -> HeaderValue | None:
    """The offset (black level) that was set in the camera, a number."""
    return next(_numbers(meta, "offset"), None)


def bit_depth(meta: Mapping) -> HeaderValue | None:
    """The number of bits of the camera's converter."""
    return next((found for found in _numbers(meta, "bit_depth") if found.value > 0), None)


def binning(meta: Mapping) -> HeaderValue | None:
    """The binning factors along x and y, two int."""
    for entry in entries(meta, "binning"):
        words = entry.value if isinstance(entry.value, str) else f"{as_number(entry.value):.0f}"
        factors = [int(factor) for factor in _FACTOR.findall(words)]
        if len(factors) in (1, 2):
            return HeaderValue((factors[0], factors[-1]), entry.keyword)
    x, y = _factor(meta, "binning_in_x"), _factor(meta, "binning_in_y")
    if x is None:
        return y and HeaderValue((y.value,) * 2, y.keyword)
    keyword = x.keyword if y is None else f"{x.keyword}, {y.keyword}"
    return HeaderValue((x.value, x.value if y is None else y.value), keyword)


def trim_section(meta: Mapping) -> HeaderValue | None:
    """The part of a raw frame that was exposed to the sky, text in FITS notation."""
    return _section(meta, "trim")


def overscan_section(meta: Mapping) -> HeaderValue | None:
    """
    The overscan of a raw frame, text in FITS notation.

    Where the header has no section but counts the columns or rows of the overscan, these lie behind the part that was
    exposed to the sky.
    """
    return (
        _section(meta, "overscan")
        or _behind_trim(meta, 0, "overscan_columns")
        or _behind_trim(meta, 1, "overscan_rows")
    )


def _behind_trim(meta: Mapping, axis: int, quantity: str) -> HeaderValue | None:
    """The part behind the exposed one along an axis (0: x, 1: y), if the header says how wide an overscan is."""
    count = _positive(meta, quantity, u.dimensionless_unscaled)
    exposed = trim_section(meta)
    section = None if exposed is None else read_section(exposed.value)
    if count is None or exposed is None or section is None:
        return None
    size = [as_number(value_of(meta, f"NAXIS{number}")) for number in (1, 2)]
    first = [1, 1]
    first[axis] = section[1 - axis].stop + 1
    if not (all(map(math.isfinite, size)) and first[axis] + count.value - 1 <= size[axis]):
        return None
    text = f"[{first[0]}:{size[0]:.0f}, {first[1]}:{size[1]:.0f}]"
    return HeaderValue(text, f"{count.keyword}, {exposed.keyword}")


def overscan_by_amplifier(meta: Mapping) -> list[tuple[Section, Section]]:
    """
    The overscan of each amplifier, and the part of the frame that it reads; empty if the header names one overscan.

    Where the part behind the exposed one is several times as wide as the header counts for an overscan, as in frames of
    the Kast spectrograph, so many amplifiers read equal parts of the chip, side by side, and their overscans lie behind
    them in the same order.
    """
    if _section(meta, "overscan") is not None:
        return []
    axis, quantity = next(
        (found for found in ((0, "overscan_columns"), (1, "overscan_rows")) if _behind_trim(meta, *found)), (0, "")
    )
    behind = _behind_trim(meta, axis, quantity) if quantity else None
    exposed, overscan = trim_section(meta), behind and read_section(behind.value)
    count = _positive(meta, quantity, u.dimensionless_unscaled) if quantity else None
    chip = exposed and read_section(exposed.value)
    if not (overscan and chip and count):
        return []
    n_amplifiers, rest = divmod(overscan[1 - axis].stop - overscan[1 - axis].start, int(count.value))
    if n_amplifiers < 2 or rest or (chip[1 - axis].stop - chip[1 - axis].start) % n_amplifiers:
        return []
    return list(zip(*(_cut(section, 1 - axis, n_amplifiers) for section in (overscan, chip)), strict=True))


def _cut(section: Section, axis: int, n_parts: int) -> list[Section]:
    """A section cut into equal parts along an axis of the array."""
    first, length = section[axis].start, (section[axis].stop - section[axis].start) // n_parts
    parts = [slice(first + part * length, first + (part + 1) * length) for part in range(n_parts)]
    return [(part, section[1]) if axis == 0 else (section[0], part) for part in parts]


def _section(meta: Mapping, quantity: str) -> HeaderValue | None:
    for entry in entries(meta, quantity):
        found = _SECTION.fullmatch(str(entry.value))
        x1, x2, y1, y2 = map(int, found.groups()) if found else (0, 0, 0, 0)
        if 1 <= x1 <= x2 and 1 <= y1 <= y2:
            return HeaderValue(entry.value.strip(), entry.keyword)
    return None


def texts(meta: Mapping, quantity: str) -> dict[str, str]:
    """Every value of a quantity that says something, as text by keyword, such as all cards that name the camera."""
    found = {entry.keyword: _as_text(entry.value) for entry in entries(meta, quantity)}
    return {keyword: text for keyword, text in found.items() if _bare(text) not in _SAYS_NOTHING}


def _first_text(meta: Mapping, quantity: str) -> HeaderValue | None:
    return next((HeaderValue(text, keyword) for keyword, text in texts(meta, quantity).items()), None)


def _in_beam(meta: Mapping, quantity: str) -> HeaderValue | None:
    """The names under all keywords of a quantity without open positions, each once, and their keywords."""
    found = texts(meta, quantity)
    if not found:
        return None
    names: dict[str, str] = {}
    for keyword, text in found.items():
        for name in filter(None, map(str.strip, re.split(r"[,;|]", text))):
            if not _OPEN.fullmatch(_bare(name)):
                names.setdefault(name, keyword)
    return HeaderValue(tuple(names), ", ".join(dict.fromkeys(names.values())) or next(iter(found)))


def _as_text(value: Any) -> str:
    """A value as text without blanks around it; a float without the digits in which settings scatter."""
    return f"{value:.4g}" if isinstance(value, float) else str(value).strip()


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


def _factor(meta: Mapping, quantity: str) -> HeaderValue | None:
    found = next((found for found in _numbers(meta, quantity) if found.value > 0), None)
    return replace(found, value=int(found.value)) if found and 1 <= found.value < 1000 else None


def _positive(meta: Mapping, quantity: str, unit: u.UnitBase) -> HeaderValue | None:
    found = next((found for found in _numbers(meta, quantity, unit) if found.value > 0), None)
    return found and replace(found, value=found.value * unit)


def _in_electron(meta: Mapping, quantity: str) -> HeaderValue | None:
    """A level above 0 in electron; one that its card states in adu is multiplied by the gain."""
    return _level(meta, quantity, u.electron, lambda level, per_adu: level * per_adu)


def _in_adu(meta: Mapping, quantity: str) -> HeaderValue | None:
    """A level above 0 in adu; one that its card states in electron is divided by the gain."""
    return _level(meta, quantity, u.adu, lambda level, per_adu: level / per_adu)


def _level(
    meta: Mapping, quantity: str, unit: u.UnitBase, convert: Callable[[float, float], float]
) -> HeaderValue | None:
    for entry in entries(meta, quantity):
        number, stated, _ = number_and_unit(entry, meta)
        if not (math.isfinite(number) and number > 0):
            continue
        if _is_other(stated, unit):
            per_adu = _known_gain(meta)
            if per_adu is None:
                continue
            number = convert(number, per_adu)
        return HeaderValue(number * unit, entry.keyword)
    return None


def _is_other(stated: u.UnitBase | None, wanted: u.UnitBase) -> bool:
    """Whether a level is stated in adu where electrons are wanted, or the other way round."""
    return stated in (ADU_LIKE if wanted == u.electron else (u.electron,))


def _known_gain(meta: Mapping) -> float | None:
    try:
        found = gain(meta)
    except CosmicRayError:
        return None
    return None if found is None else found.value.value


def _numbers(meta: Mapping, quantity: str, unit: u.UnitBase | None = None) -> Iterator[HeaderValue]:
    """The finite numbers of a quantity, in a unit if one is wanted."""
    for entry in entries(meta, quantity):
        number = as_number(entry.value) if unit is None else quantity_in(entry, unit, meta)
        if math.isfinite(number):
            yield HeaderValue(number, entry.keyword)


def _text(meta: Mapping, quantity: str) -> HeaderValue | None:
    """The first value of a quantity that is not blank, as text without blanks around it."""
    for entry in entries(meta, quantity):
        text = str(entry.value).strip()
        if text:
            return HeaderValue(text, entry.keyword)
    return None
