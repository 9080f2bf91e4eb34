# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which calibration frames are combined with each other, by the properties that their headers contain."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any

from astropy import units as u

from ccdproc_crplugin.frames import header

#: The kinds of frame that are combined, in the order in which they are needed.
CALIBRATION_KINDS = ("bias", "dark", "flat")

#: How far the temperatures of frames of a group may lie from its middle, in deg_C. Dark current doubles every 6 to
#: 8 deg_C, so that 1 deg_C changes it by about a tenth.
TEMPERATURE_TOLERANCE = 1.0

#: Relative difference of two exposure times that count as the same: shutters are that exact.
EXPOSURE_TOLERANCE = 1e-3

#: Properties that are ignored for frames of a kind: a bias has no exposure, and no light falls on bias and dark.
NOT_COUNTED = {"bias": ("exposure", "filter"), "dark": ("filter",), "flat": ("exposure",)}


@dataclass(frozen=True)
class CalibrationKey:
    """The properties in which frames that are combined agree; None if unknown or ignored for their kind."""

    kind: str
    exposure: float | None = None  # s, to four digits
    filter: str | None = None
    binning: tuple[int, int] | None = None  # along x and y
    gain: float | None = None  # as in the header: electron/adu or a setting of the camera
    readout: str | None = None
    temperature: float | None = None  # deg_C

    def fits(
        self, frame: CalibrationKey, *, tolerance: float = TEMPERATURE_TOLERANCE, any_exposure: bool = False
    ) -> bool:
        """Whether a combined frame of this key calibrates a frame; unknown properties agree with any."""
        return (
            all(_agree(getattr(self, name), getattr(frame, name)) for name in ("filter", "binning", "gain", "readout"))
            and (any_exposure or same_exposure(self.exposure, frame.exposure))
            and _close(self.temperature, frame.temperature, tolerance)
        )

    def apart(self, frame: CalibrationKey, what: str) -> float:
        """
        How far the key lies from a frame's in exposure (s) or temperature (deg_C).

        Where only the frame's is known, the distance is infinite: a combined frame of known temperature is preferred.
        """
        mine, other = getattr(self, what), getattr(frame, what)
        if other is None:
            return 0.0
        return math.inf if mine is None else abs(mine - other)

    def as_seen_by(self, kind: str) -> CalibrationKey:
        """The key without the properties that are ignored for a combined frame of a kind."""
        ignored: dict[str, Any] = dict.fromkeys(NOT_COUNTED.get(kind, ()))
        return replace(self, **ignored)

    @property
    def name(self) -> str:
        """The name of the combined frame's file, without ending: ``dark_120s_2x2_-20C``."""
        parts = [
            self.kind,
            self.exposure is not None and f"{self.exposure:g}s",
            self.filter,
            self.binning is not None and "{}x{}".format(*self.binning),
            self.gain is not None and f"gain{self.gain:g}",
            self.readout,
            self.temperature is not None and f"{round(self.temperature):d}C",
        ]
        words = [re.sub(r"[^\w.+-]+", "-", str(part), flags=re.ASCII).strip("-.") for part in parts if part]
        if self.temperature is not None and round(self.temperature) < 0:
            words[-1] = "-" + words[-1]
        return "_".join(word[:40] for word in words if word)


def free_name(name: str, taken: set[str]) -> str:
    """A name that is not taken, with ``_2`` and so on if need be; it is added to ``taken``."""
    names = (name if number == 1 else f"{name}_{number}" for number in count(1))
    free = next(candidate for candidate in names if os.path.normcase(candidate) not in taken)
    taken.add(os.path.normcase(free))
    return free


def same_exposure(a: float | None, b: float | None) -> bool:
    """Whether two exposures (s) agree within the accuracy of a shutter, or one is unknown."""
    return a is None or b is None or math.isclose(a, b, rel_tol=EXPOSURE_TOLERANCE, abs_tol=1e-9)


def _agree(a: Any, b: Any) -> bool:
    return a is None or b is None or a == b


def _close(a: float | None, b: float | None, tolerance: float) -> bool:
    return a is None or b is None or abs(a - b) <= tolerance + 1e-9


def calibration_key(meta: Mapping) -> CalibrationKey:
    """The key that the header of a frame of any kind contains."""
    kind, exposure, temperature = header.frame_kind(meta), exposure_of(meta), header.temperature(meta)
    key = CalibrationKey(
        kind=kind,
        exposure=None if exposure is None else float(f"{exposure:.4g}"),
        filter=_value(header.filter_name(meta)),
        binning=_value(header.binning(meta)),
        gain=header.gain_setting(meta),
        readout=_value(header.readout_mode(meta)),
        temperature=None if temperature is None else float(temperature.value.to_value(u.deg_C)),
    )
    return key.as_seen_by(kind)


def exposure_of(meta: Mapping) -> float | None:
    """The exposure in seconds; None if the header does not have it."""
    exposure = header.exposure(meta)
    return None if exposure is None else float(exposure.value.to_value(u.s))


def _value(found: header.HeaderValue | None) -> Any:
    return None if found is None else found.value


def group_keys(
    keys: Mapping[Path, CalibrationKey], *, tolerance: float = TEMPERATURE_TOLERANCE
) -> dict[CalibrationKey, list[Path]]:
    """The groups of frames to combine, with mean temperature: bias, darks and flats, each from cold to warm."""
    alike: dict[CalibrationKey, dict[Path, float | None]] = {}
    for path, key in keys.items():
        if key.kind in CALIBRATION_KINDS:
            alike.setdefault(replace(key, temperature=None), {})[path] = key.temperature
    groups = {}
    for key in sorted(alike, key=_order):
        for temperature, paths in _by_temperature(alike[key], tolerance):
            groups[replace(key, temperature=temperature)] = [path for path in keys if path in paths]
    return groups


def _order(key: CalibrationKey) -> tuple:
    return (CALIBRATION_KINDS.index(key.kind), key.exposure or 0.0, *map(str, (key.filter, key.binning, key.readout)))


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
