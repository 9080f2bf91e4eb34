# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a header says about a frame, from which cards, and what it does not say."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.amplifiers import figure_of_header
from ccdproc_crplugin.frames.mosaic import pattern_of_header
from ccdproc_crplugin.frames.records import corrections, records
from ccdproc_crplugin.frames.sections import is_within, read_section

#: What each kind of frame should say, the frames of no known kind included.
WANTED = {
    "bias": ("kind", "unit"),
    "dark": ("kind", "unit", "exposure"),
    "flat": ("kind", "unit", "filter"),
    "light": ("kind", "unit", "gain", "readnoise", "saturation", "exposure", "pixel_size", "altitude"),
}

#: The quantities without which a light frame can't be cleaned.
NEEDED = ("kind", "unit", "gain", "readnoise")

#: Keywords that may say something that was not found.
_LIKELY = {
    "gain": re.compile(r".*GAIN.*|.*CONAD.*|.*AD_VALUE"),
    "readnoise": re.compile(r".*NOIS.*|.*\bRON\b.*"),
    "saturation": re.compile(r".*SATUR.*|DATAMAX|.*FULLWELL.*"),
    "exposure": re.compile(r".*EXP.*TIME?.*|EXPOS.*|.*DIT"),
    "kind": re.compile(r".*(IMAGE?TYP|IMGTYP|OBSTYP|EXPTYP|FRAME).*"),
}


@dataclass(frozen=True)
class Row:
    """What a header says about one quantity: the value in words, and the keywords."""

    quantity: str
    value: str
    source: str


@dataclass(frozen=True)
class Summary:
    """What a header says, and the quantities that it does not say, each with cards that may say it."""

    rows: tuple[Row, ...]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def kind(self) -> str:
        """The kind of the frame."""
        return next((row.value for row in self.rows if row.quantity == "kind"), "unknown")

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Where each quantity was read from."""
        return tuple((row.quantity, row.source) for row in self.rows)


def summary_of(meta: Mapping, shape: tuple[int, int], unit: tuple[str, str] | None) -> Summary:
    """The summary of a frame from its header, its shape (ny, nx), and its unit with the source of this."""
    cards = header.read_header(meta)
    rows = (*_rows(cards, shape, unit), *_corrections(cards, corrections(meta)))
    found = {row.quantity for row in rows}
    in_electron = unit is not None and unit[0].startswith("electron")
    kind = header.frame_kind(cards)
    wanted = WANTED.get(kind, WANTED["light"] if kind == "unknown" else ("unit",))
    missing = [name for name in wanted if name not in found and not (name == "gain" and in_electron)]
    return Summary(rows, {name: tuple(_likely(cards, name)) for name in missing})


def _rows(meta: Mapping, shape: tuple[int, int], unit: tuple[str, str] | None) -> Iterator[Row]:
    kind = header.kind_of(meta)
    if kind.value != "unknown":
        alone = header.named_by_object(meta)
        yield Row("kind", kind.value, f"{alone} alone" if alone else _with_value(meta, kind.keyword))
    if unit is not None:
        yield Row("unit", *unit)
    for quantity in ("gain", "readnoise"):
        yield from _figure(meta, quantity, shape)
    for quantity, look_up in LOOK_UPS.items():
        found = look_up(meta)
        if found is not None:
            yield Row(quantity, _in_words(found.value) + _if_outside(found.value, shape), found.keyword)
    pattern, keyword = pattern_of_header(meta)
    if pattern:
        yield Row("mosaic", pattern, keyword)


def _corrections(meta: Mapping, made: frozenset[str]) -> Iterator[Row]:
    """The corrections that were made; ``meta`` has no history."""
    recorded = records(meta)
    if made:
        sources = dict.fromkeys(recorded.get(name, "CALSTAT or HISTORY") for name in sorted(made))
        yield Row("corrections", ", ".join(sorted(made)), ", ".join(sources))


def _names(quantity: str, meta: Mapping) -> header.HeaderValue | None:
    """All names that a header has for a camera, chip or amplifier, each once."""
    found = {text: keyword for keyword, text in reversed(header.texts(meta, quantity).items())}
    names = tuple(reversed(found))
    return header.HeaderValue(names, ", ".join(found[name] for name in names)) if names else None


LOOK_UPS: dict[str, Callable[[Mapping], header.HeaderValue | None]] = {
    "saturation": header.saturation,
    "pedestal": header.pedestal,
    "exposure": header.exposure,
    "temperature": header.temperature,
    "filter": header.filters,
    "disperser": header.disperser,
    "slit": header.slit,
    "central_wavelength": header.central_wavelength,
    "binning": header.binning,
    "camera": functools.partial(_names, "camera"),
    "detector": functools.partial(_names, "detector"),
    "amplifier": functools.partial(_names, "amplifier"),
    "readout_mode": header.readout_mode,
    "offset": header.offset,
    "bit_depth": header.bit_depth,
    "pixel_size": header.pixel_size,
    "altitude": header.altitude,
    "overscan": header.overscan_section,
    "trim": header.trim_section,
}


def _figure(meta: Mapping, quantity: str, shape: tuple[int, int]) -> Iterator[Row]:
    """The gain or the read noise, by amplifier if so."""
    unit = "electron/adu" if quantity == "gain" else "electron"
    try:
        by_amplifier = figure_of_header(meta, quantity, shape)
        plain = header.gain(meta) if quantity == "gain" else header.readnoise(meta)
    except CosmicRayError:
        return
    if by_amplifier is not None:
        values = np.unique(by_amplifier[0])
        words = f"{values[0]:.4g}" if values.size == 1 else f"{values[0]:.4g} to {values[-1]:.4g}, by amplifier"
        yield Row(quantity, f"{words} {unit}", by_amplifier[1])
    elif plain is not None:
        yield Row(quantity, f"{plain.value.value:.4g} {unit}", plain.keyword)


def _if_outside(value: Any, shape: tuple[int, int]) -> str:
    """What is wrong with a section that reaches out of the frame, in the words of the steps that need it."""
    section = read_section(value)
    if section is None or is_within(section, shape):
        return ""
    return f" for a frame of shape {shape}; expected a part of [1:{shape[1]}, 1:{shape[0]}]"


def _in_words(value: Any) -> str:
    if isinstance(value, u.Quantity):
        return f"{value.value:.6g} {value.unit}"
    if isinstance(value, tuple) and not value:
        return "none in the beam"
    if isinstance(value, tuple):
        return (" x " if isinstance(value[0], int) else " + ").join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_value(meta: Mapping, keywords: str) -> str:
    """Keywords with their values, as a header has them."""
    names = keywords.split(", ")
    return ", ".join(f"{name} = {str(header.value_of(meta, name)).strip()}" for name in names)


def _likely(meta: header.FrameHeader, quantity: str) -> Iterator[str]:
    """Cards that may say a quantity, with their comments."""
    pattern = _LIKELY.get(quantity)
    if pattern is None:
        return
    for keyword in meta:
        if pattern.fullmatch(keyword) and header.value_of(meta, keyword) is not None:
            comment = meta.comments[keyword].strip()
            yield f"{keyword} = {header.value_of(meta, keyword)}" + (f" / {comment}" if comment else "")
