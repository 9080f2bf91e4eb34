# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Values that hold for sections of a frame, such as the gain of each amplifier.

A section is text in FITS notation: ``[x1:x2, y1:y2]`` with the first pixel 1 and both ends included, or ``*`` for a
whole axis. Several values in one text are ``SECTION=VALUE`` pairs with semicolons between them.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError

#: Rows and columns of a section, counted from 0.
Section = tuple[slice, slice]

#: What a value for each section is, for messages.
EXPECTED = "a section in FITS notation, such as '[1:1024, 1:2048]'"

#: A frame of more sections than this is described as a map.
MOST_SECTIONS = 64

_RANGE = r"(\*|\d+\s*:\s*\d+)"
_SECTION = re.compile(rf"\s*\[\s*{_RANGE}\s*,\s*{_RANGE}\s*\]\s*")
_PAIR = re.compile(r"\s*(\[[^\[\]=;]*\])\s*=\s*([^\s;\[\]=]+)\s*")


def read_section(text: object) -> Section | None:
    """Rows and columns of a section in FITS notation, which may run backwards; None for other text."""
    found = _SECTION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    columns, rows = map(_slice, found.groups())
    return None if columns is None or rows is None else (rows, columns)


def _slice(words: str) -> slice | None:
    if words == "*":
        return slice(0, None)
    first, last = sorted(int(word) for word in words.split(":"))
    return slice(first - 1, last) if first > 0 else None


def read_pairs(text: object) -> dict[str, float] | None:
    """The values of sections from ``SECTION=VALUE`` pairs with semicolons between them, None if they are none."""
    if not isinstance(text, str):
        return None
    pairs = [_PAIR.fullmatch(pair) for pair in text.strip().rstrip(";").split(";")]
    try:
        return {pair[1]: float(pair[2]) for pair in pairs}  # type: ignore[index]
    except (TypeError, ValueError):
        return None


def as_pairs(values: Mapping[str, Any]) -> str:
    """The values of sections as text that `read_pairs` reads."""
    return "; ".join(f"{section}={value!r}" for section, value in values.items())


def check_sections(name: str, values: Mapping[str, Any]) -> dict[str, Section]:
    """The sections of a mapping to values; refused if one is no section, or if two overlap."""
    if not values:
        raise CosmicRayError(f"; expected {EXPECTED}, with its value.", parameter=(name, "{}"))
    sections = {}
    for text in values:
        section = read_section(text)
        if section is None:
            raise CosmicRayError(f" with the section {text!r}; expected {EXPECTED}.", parameter=(name, "{...}"))
        sections[text] = section
    for (one, first), (other, second) in itertools.combinations(sections.items(), 2):
        if _overlap(first, second):
            raise CosmicRayError(
                f" with the sections {one} and {other}, which overlap; expected one value for each pixel.",
                parameter=(name, "{...}"),
            )
    return sections


def _overlap(first: Section, second: Section) -> bool:
    pairs = zip(first, second, strict=True)
    return all(max(a.start, b.start) < min(_stop(a), _stop(b)) for a, b in pairs)


def _stop(part: slice) -> float:
    return math.inf if part.stop is None else part.stop


def map_of_sections(name: str, values: Mapping[str, float], shape: tuple[int, int]) -> np.ndarray:
    """A value for each pixel, float64 (ny, nx); refused unless the sections fill the frame."""
    ny, nx = shape
    filled = np.full(shape, np.nan)
    for text, section in check_sections(name, values).items():
        if not is_within(section, shape):
            raise CosmicRayError(
                f" with the section {text} for a frame of shape {shape}; expected a part of [1:{nx}, 1:{ny}].",
                parameter=(name, "{...}"),
            )
        filled[section] = values[text]
    missing = np.isnan(filled)
    if missing.any():
        y, x = np.argwhere(missing)[0]
        raise CosmicRayError(
            f" without a value for {np.count_nonzero(missing)} of {filled.size} pixels, the first at x = {x + 1}, "
            f"y = {y + 1}; expected sections that fill the frame, [1:{nx}, 1:{ny}].",
            parameter=(name, "{...}"),
        )
    return filled


def is_within(section: Section, shape: tuple[int, int]) -> bool:
    """Whether a section lies in a frame."""
    return all(part.start < size and (part.stop or size) <= size for part, size in zip(section, shape, strict=True))


def sections_of(values: np.ndarray) -> dict[str, float] | None:
    """The sections of constant value, (ny, nx), as text, None if there are too many to be amplifiers."""
    rows, columns = _starts(values), _starts(values.T)
    if (len(rows) - 1) * (len(columns) - 1) > MOST_SECTIONS:
        return None
    return {
        f"[{x + 1}:{x_end}, {y + 1}:{y_end}]": float(values[y, x])
        for y, y_end in itertools.pairwise(rows)
        for x, x_end in itertools.pairwise(columns)
    }


def _starts(values: np.ndarray) -> list[int]:
    """The rows at which values change, the first row, and the number of rows."""
    changed = np.flatnonzero((values[1:] != values[:-1]).any(axis=1)) + 1
    return [0, *changed.tolist(), len(values)]
