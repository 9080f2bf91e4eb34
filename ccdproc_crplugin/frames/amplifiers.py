# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Gain and read noise of each amplifier, from the cards of a header that has them.

Such a card has the name of the amplifier at its end (GAIN1, READNSEA, GTRON12) or in it (ESO DET OUT2 CONAD). Where
the amplifier lies is said by a section with the same end (DATASEC1, DSEC12), or by the convention of the instrument.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.io.fits import Header

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.entries import GIVEN
from ccdproc_crplugin.frames.sections import Section, is_within, map_of_sections, read_pairs, read_section

_NAME = r"(\d{1,2}|[A-H])"

#: The cards of each quantity that have the name of an amplifier.
_CARDS = {
    "gain": re.compile(rf"(?:E?GAIN|GTGAIN|ATODGN){_NAME}|(?:HIERARCH )?ESO DET OUT(\d+) CONAD"),
    "readnoise": re.compile(
        rf"(?:RDNOISE|READNSE|RON|GTRON|ENOISE){_NAME}|(?:RDNOIS|READNOI|READNOIS)(\d\d?)|"
        r"(?:HIERARCH )?ESO DET OUT(\d+) RON"
    ),
}

#: Cards of sections, before the name of the amplifier. Those of the frame may leave out its overscan ...
IN_FRAME = ("DATASEC", "DSEC", "TRIMSEC", "TSEC")
#: ... those of the chip hold for a frame without overscan and binning, which they fill.
ON_CHIP = ("CCDSEC", "CSEC")

#: Sections in the frame fill at least this share of it; the rest is overscan.
LEAST_SHARE = 2 / 3

#: Values that differ by less than this share, from the lowest to the highest, are one value.
AGREEMENT = 0.05

#: On these chips of HST (INSTRUME, DETECTOR) the amplifiers A and B read chip 1, C and D chip 2, one half each of the
#: columns of a full frame, from the left [1]_.
#:
#: .. [1] WFC3 Instrument Handbook, section 5.2.2; ACS Instrument Handbook, section 3.2.
HST_CHIPS = {("WFC3", "UVIS"), ("ACS", "WFC")}
HST_AMPLIFIERS = {1: "AB", 2: "CD"}


@dataclass(frozen=True)
class Amplifiers:
    """The values of one quantity by the name of the amplifier, and the keyword of each."""

    values: dict[str, float]
    keywords: dict[str, str]

    @property
    def first(self) -> str:
        """The keyword of the first amplifier."""
        return self.keywords[next(iter(self.values))]


def figure_of_header(meta: Mapping, quantity: str, shape: tuple[int, int]) -> tuple[float | np.ndarray, str] | None:
    """
    Gain (electron/adu) or read noise (electron) by amplifier, one value or (ny, nx), and its keyword.

    None means that the header has a plain card for the whole frame, or nothing.
    """
    given = _given_sections(meta, quantity)
    if given is not None:
        return map_of_sections(quantity, given.value, shape), given.keyword
    if _is_given(meta, quantity):
        return None
    found = _amplifiers(meta, quantity)
    if found is None:
        return None
    places = _places(meta, found.values, shape)
    by_pixel = None if places is None else _map(found.values, places, shape)
    if by_pixel is not None:
        return by_pixel, found.first
    if len(found.values) == 1 and _hst_amplifiers(meta):
        return next(iter(found.values.values())), found.first
    if len(found.values) < 2 or _has_plain_card(meta, quantity, found):
        return None
    lowest, highest = min(found.values.values()), max(found.values.values())
    if highest - lowest <= AGREEMENT * highest:
        return float(np.mean(list(found.values.values()))), f"{found.first}: mean"
    shown = ", ".join(f"{found.keywords[name]} = {value:g}" for name, value in found.values.items())
    raise CosmicRayError(
        f"Found {shown}, and no card that says where in the frame each amplifier lies; expected one value, or a "
        "section for each.",
        f"Give {{{quantity}}} with a value for each section.",
    )


def has_figure(meta: Mapping, quantity: str) -> bool:
    """Whether a header has values by amplifier, wherever these lie."""
    return _given_sections(meta, quantity) is not None or _amplifiers(meta, quantity) is not None


def _given_sections(meta: Mapping, quantity: str) -> header.HeaderValue | None:
    """The values of sections that were given for a run, in the card of the whole frame."""
    keyword = header.QUANTITIES[quantity]
    values = read_pairs(header.value_of(meta, keyword))
    return None if values is None else header.HeaderValue(values, keyword)


def _is_given(meta: Mapping, quantity: str) -> bool:
    """Whether the card of the whole frame was given for a run."""
    keyword = header.QUANTITIES[quantity]
    return isinstance(meta, Header) and keyword in meta and meta.comments[keyword] == GIVEN


def _amplifiers(meta: Mapping, quantity: str) -> Amplifiers | None:
    """The values above 0 of the amplifiers in use, None if there is no card or only that of one amplifier."""
    values, keywords = {}, {}
    for card in meta:
        found = _CARDS[quantity].fullmatch(str(card).upper())
        if found:
            name = found[found.lastindex or 0]
            keywords[name] = str(card)
            values[name] = _number(header.value_of(meta, str(card).upper()))
    in_use = _hst_amplifiers(meta) or values
    lowest, highest = header.PLAUSIBLE_GAIN if quantity == "gain" else (0, sys.float_info.max)
    usable = {
        name: value for name, value in values.items() if name in in_use and value > 0 and lowest <= value <= highest
    }
    return Amplifiers(usable, keywords) if usable and len(keywords) > 1 else None


def _number(value: object) -> float:
    """A value of a card as a float, NaN if it is no number."""
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _has_plain_card(meta: Mapping, quantity: str, amplifiers: Amplifiers) -> bool:
    found = header.gain(meta) if quantity == "gain" else header.readnoise(meta)
    return found is not None and found.keyword not in amplifiers.keywords.values()


def _hst_amplifiers(meta: Mapping) -> str:
    """The letters of the amplifiers that read this chip, as HST names them; "" if the header does not say."""
    letters = str(header.value_of(meta, "CCDAMP")).strip().upper()
    if not re.fullmatch("[A-D]+", letters):
        return ""
    return "".join(letter for letter in letters if letter in _on_hst_chip(meta)) or letters


def _on_hst_chip(meta: Mapping) -> str:
    chip = tuple(str(header.value_of(meta, keyword)).strip() for keyword in ("INSTRUME", "DETECTOR"))
    if chip in HST_CHIPS:
        return HST_AMPLIFIERS.get(header.value_of(meta, "CCDCHIP"), "")
    return ""


def _places(meta: Mapping, names: Mapping[str, float], shape: tuple[int, int]) -> dict[str, Section] | None:
    """Where each amplifier lies in the frame; None if that is not certain."""
    for prefix in (*IN_FRAME, *ON_CHIP):
        places = {name: read_section(header.value_of(meta, f"{prefix}{name}")) for name in names}
        known = {name: place for name, place in places.items() if place is not None}
        least = 1 if prefix in ON_CHIP else LEAST_SHARE
        if len(known) == len(names) > 1 and _fill(known, shape, least):
            return known
    return _halves(meta, names, shape)


def _fill(places: Mapping[str, Section], shape: tuple[int, int], least: float) -> bool:
    """Whether sections lie in the frame beside one another and fill enough of it."""
    if not all(is_within(place, shape) for place in places.values()):
        return False
    taken = np.zeros(shape, dtype=np.uint8)
    for place in places.values():
        taken[place] += 1
    return bool(taken.max() == 1 and np.count_nonzero(taken) >= least * taken.size)


def _halves(meta: Mapping, names: Mapping[str, float], shape: tuple[int, int]) -> dict[str, Section] | None:
    """The halves of a full frame of HST, from the left."""
    letters = _on_hst_chip(meta)
    if (
        header.value_of(meta, "SUBARRAY") is not False
        or len(letters) != 2
        or set(names) != set(letters)
        or shape[1] % 2
    ):
        return None
    middle = shape[1] // 2
    columns = (slice(0, middle), slice(middle, shape[1]))
    return {letter: (slice(0, shape[0]), part) for letter, part in zip(letters, columns, strict=True)}


def _map(values: Mapping[str, float], places: Mapping[str, Section], shape: tuple[int, int]) -> np.ndarray | None:
    """
    The value of the amplifier that read each pixel, float64 (ny, nx).

    An overscan is read by the amplifier of the pixels next to it. None means that one lies at no side of any.
    """
    filled = np.full(shape, np.nan)
    for name, place in places.items():
        filled[place] = values[name]
    _fill_gaps(filled.T)
    _fill_gaps(filled)
    return None if np.isnan(filled).any() else filled


def _fill_gaps(filled: np.ndarray) -> None:
    """Fill the rows that have no value at all with that of the nearest row that has one, in place."""
    empty = np.isnan(filled).all(axis=1)
    if not empty.any():
        return
    known = np.flatnonzero(~empty)
    rows = np.flatnonzero(empty)
    after = np.clip(np.searchsorted(known, rows), 0, len(known) - 1)
    before = np.clip(after - 1, 0, len(known) - 1)
    nearer = np.abs(known[after] - rows) < np.abs(known[before] - rows)
    filled[rows] = filled[np.where(nearer, known[after], known[before])]


def moved_sections(meta: Mapping, offset: tuple[int, int], shape: tuple[int, int]) -> dict[str, str]:
    """The cards of sections of amplifiers for a cut-out that begins at an offset (rows, columns) in the frame."""
    moved = {}
    for card in meta:
        found = re.fullmatch(rf"(?:{'|'.join(IN_FRAME)}){_NAME}", str(card).upper())
        section = read_section(header.value_of(meta, str(card).upper())) if found else None
        if section is not None:
            rows, columns = (
                (max(part.start - start, 0), min((part.stop or size + start) - start, size))
                for part, start, size in zip(section, offset, shape, strict=True)
            )
            moved[str(card)] = f"[{columns[0] + 1}:{columns[1]},{rows[0] + 1}:{rows[1]}]"
    return moved
