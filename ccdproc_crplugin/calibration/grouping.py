# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which calibration frames are combined with each other, and the names of the combined frames."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import fmean

from ccdproc_crplugin.calibration.key import (
    CALIBRATION_KINDS,
    CARDS,
    SINGLE,
    TEMPERATURE_TOLERANCE,
    CalibrationKey,
    as_word,
)

#: Properties that the names of combined frames do not have unless they tell them apart.
NOT_IN_NAME = ("disperser", "slit", "wavelength", "offset", "bit_depth")


def group_names(keys: Iterable[CalibrationKey]) -> list[str]:
    """A name for each combined frame, without ending, such as ``dark_120s_2x2_-20C``; no two are alike."""
    by_name: dict[str, list[CalibrationKey]] = {}
    keys, taken = list(keys), set[str]()
    for key in keys:
        by_name.setdefault(key.name, []).append(key)
    return [free_name("_".join([key.name, *_telling_apart(key, by_name[key.name])]), taken) for key in keys]


def _telling_apart(key: CalibrationKey, alike: list[CalibrationKey]) -> list[str]:
    """The values that tell a key from others of the same name, as parts of a file name."""
    differing = [name for name in NOT_IN_NAME if len({getattr(other, name) for other in alike}) > 1]
    values = [getattr(key, name) for name in differing]
    for name in (*CARDS, "more"):
        numbers = Counter(card for other in alike for card in getattr(other, name))
        values += [card[1] for card in getattr(key, name) if numbers[card] < len(alike)][:2]
    return [word for value in values if value is not None and (word := as_word(value))]


def free_name(name: str, taken: set[str]) -> str:
    """A name that is not taken, with ``_2`` and so on if need be; it is added to ``taken``."""
    names = (name if number == 1 else f"{name}_{number}" for number in count(1))
    free = next(candidate for candidate in names if os.path.normcase(candidate) not in taken)
    taken.add(os.path.normcase(free))
    return free


def group_keys(
    keys: Mapping[Path, CalibrationKey], *, tolerance: float = TEMPERATURE_TOLERANCE
) -> dict[CalibrationKey, list[Path]]:
    """
    The groups of frames to combine, with mean temperature: bias, darks and flats, each from cold to warm.

    A frame that lacks a property belongs to the only group with which it agrees in all others; but flats without a
    known filter are a group of their own, as are frames without a known temperature.
    """
    alike: dict[CalibrationKey, dict[Path, float | None]] = {}
    for path, key in keys.items():
        if key.kind in CALIBRATION_KINDS:
            alike.setdefault(replace(key, temperature=None), {})[path] = key.temperature
    groups = {}
    joined = _joined(alike)
    for key in sorted(joined, key=_order):
        for temperature, paths in _by_temperature(joined[key], tolerance):
            groups[replace(key, temperature=temperature)] = [path for path in keys if path in paths]
    return groups


def unsure_of(key: CalibrationKey, members: Iterable[CalibrationKey]) -> dict[str, int]:
    """The names of the properties of a group that some of its frames do not know, and the number of these."""
    return dict(Counter(name for member in members for name in key.unsure(member)))


def _joined(
    alike: Mapping[CalibrationKey, dict[Path, float | None]],
) -> dict[CalibrationKey, dict[Path, float | None]]:
    """Groups that differ in nothing but what one of them does not know, joined where there is one to join alone."""
    joined: dict[CalibrationKey, dict[Path, float | None]] = {}
    for key in sorted(alike, key=_n_unknown):
        partners = [
            other
            for other in joined
            if (key.kind, key.exposure, key.filter) == (other.kind, other.exposure, other.filter)
            and not other.differences(key)
        ]
        if len(partners) == 1:
            joined[partners[0].united(key)] = joined.pop(partners[0]) | alike[key]
        else:
            joined[key] = alike[key]
    return joined


def _n_unknown(key: CalibrationKey) -> int:
    """How many properties are not known."""
    values = [getattr(key, name) for name in SINGLE] + [getattr(key, name) or None for name in CARDS]
    return [*values, *(value for _, value in key.more)].count(None)


def _order(key: CalibrationKey) -> tuple:
    values = (key.filter, key.binning, key.readout, key.disperser, key.slit, key.wavelength, key.gain)
    return (CALIBRATION_KINDS.index(key.kind), key.exposure or 0.0, *map(str, (*values, key)))


def _by_temperature(
    temperatures: Mapping[Path, float | None], tolerance: float
) -> list[tuple[float | None, set[Path]]]:
    """Groups of frames of similar temperature (deg_C), from cold to warm, each with its mean temperature."""
    known = {path: temperature for path, temperature in temperatures.items() if temperature is not None}
    unknown = temperatures.keys() - known.keys()
    groups: list[list[Path]] = []
    for path in sorted(known, key=lambda path: (known[path], path)):
        if not groups or known[path] - known[groups[-1][0]] > 2 * tolerance + 1e-9:
            groups.append([])
        groups[-1].append(path)
    found: list[tuple[float | None, set[Path]]] = [(None, unknown)] if unknown else []
    return [*found, *((round(fmean(known[path] for path in group), 3), set(group)) for group in groups)]
