# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Units as headers spell them: in ``BUNIT``, behind a number, or in the comment of a card."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from astropy import units as u

from ccdproc_crplugin.frames import dialects
from ccdproc_crplugin.frames.entries import HeaderValue, value_of

#: Units of the numbers that a raw frame holds; one is as good as another.
ADU_LIKE = (u.adu, u.DN, u.count)

_SAME = [
    *u.temperature(),
    *((unit, u.adu) for unit in ADU_LIKE[1:]),
    *((u.electron / unit, u.electron / u.adu) for unit in ADU_LIKE[1:]),
]

#: A number, perhaps with Fortran's exponent, and what follows it.
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)\s*(.*)", re.DOTALL)

#: Where a comment names a unit: in brackets, or after "in".
_IN_COMMENT = (re.compile(r"\[([^\]]+)\]"), re.compile(r"\(([^)]+)\)"), re.compile(r"\bin ([a-z][a-z /-]*)", re.I))

#: Parts of a unit that say per what area it is, or of what detector; they do not change its size here.
_PER_PIXEL = re.compile(r"\s*/\s*(pix(el)?|rms)\b|\brms\b", re.I)


def unit_named(text: str, meta: Mapping) -> u.UnitBase | None:
    """The unit that a text means in the dialects of a header; None if it means none."""
    spelled = _PER_PIXEL.sub("", text.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u"))
    words = _words(meta)
    whole = words.get(_bare(spelled))
    if whole is not None:
        return whole
    parts = [words.get(_bare(part)) for part in re.split(r"/|\bper\b", spelled, flags=re.I)]
    of, per = parts if len(parts) == 2 else (None, None)
    return None if of is None or per is None else of / per


def _words(meta: Mapping) -> dict[str, u.UnitBase]:
    """The unit that each word means; of two dialects the first counts."""
    holding = dialects.dialects_of(lambda keyword: value_of(meta, keyword))
    return _read_words(tuple((unit, tuple(names)) for dialect in holding for unit, names in dialect.units.items()))


@lru_cache(maxsize=32)
def _read_words(units: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, u.UnitBase]:
    words: dict[str, u.UnitBase] = {}
    for unit, names in units:
        for name in names:
            words.setdefault(_bare(name), u.Unit(unit))
    return words


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9/]", "", text.lower())


def number_and_unit(entry: HeaderValue, meta: Mapping) -> tuple[float, u.UnitBase | None, bool]:
    """
    The number of a card, NaN if it has none, its unit, and whether the value itself names it.

    The unit stands behind the number (``'1.7 e/ADU'``) or in the comment; None means that neither names one.
    """
    value = entry.value
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value.strip())
        if found is None:
            return math.nan, None, False
        number = float(found[1].upper().replace("D", "E"))
        if found[2].strip():
            unit = unit_named(found[2], meta)
            return (number if unit is not None else math.nan), unit, True
    else:
        number = as_number(value)
    return number, _unit_in_comment(entry.comment, meta), False


def _unit_in_comment(comment: str, meta: Mapping) -> u.UnitBase | None:
    for pattern in _IN_COMMENT if comment else ():
        found = pattern.search(comment)
        unit = unit_named(found[1], meta) if found else None
        if unit is not None:
            return unit
    return None


def as_number(value: Any) -> float:
    """A value as a float, NaN if it is not a number."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def quantity_in(entry: HeaderValue, wanted: u.UnitBase, meta: Mapping) -> float:
    """
    The number of a card in a wanted unit, NaN if it has none.

    A number without a unit is in the wanted one; so is one whose comment names a unit of another kind.
    """
    number, unit, is_in_value = number_and_unit(entry, meta)
    if unit is None or not math.isfinite(number):
        return number
    for candidate, inverse in ((unit, False), (1 / unit, True)):
        try:
            converted = (1 / number if inverse else number) * candidate
            return float(converted.to_value(wanted, equivalencies=_SAME))
        except (u.UnitConversionError, ZeroDivisionError):
            continue
    return math.nan if is_in_value else number
