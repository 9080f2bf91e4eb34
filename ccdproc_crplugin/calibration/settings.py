# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The keywords of `ccdproc_crplugin.calibration.combine.combine_calibrations`, checked before any file is opened."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.calibration.key import TEMPERATURE_TOLERANCE, CalibrationKey, GroupRule
from ccdproc_crplugin.errors import (
    CalibrationWarning,
    CosmicRayError,
    check_bool,
    check_callable,
    check_choice,
    check_number,
    check_whole,
    wrong_value,
)
from ccdproc_crplugin.frames.sections import Section, read_section
from ccdproc_crplugin.io.ccd import given_unit
from ccdproc_crplugin.kernels.combine import CombineOptions

METHODS = ("average", "median")

#: What the flats have one scale for: all frames of a file, or each frame.
FLAT_SCALES = ("file", "frame")

#: More passes of the clipping than this change nothing: no pixel has so many values.
MOST_ITERATIONS = 1 << 20

#: Bytes; infinity becomes this.
MOST_MEMORY = 10**18


@dataclass(frozen=True)
class CombineSettings(CombineOptions):
    """The keywords of `combine_calibrations`, where they are explained; each is checked and brought to one type."""

    temperature_tolerance: float = TEMPERATURE_TOLERANCE
    group_by: Any = ()
    group_ignore: Any = ()
    statistics_section: str | None = None
    flat_scale: str = "file"
    subtract: bool = True
    masters: Iterable[Any] = ()  # becomes a list of Path
    keys: Mapping[Any, CalibrationKey] = field(default_factory=dict)  # becomes a dict by Path
    prepare: Callable[[CCDData], CCDData] | None = None
    saturation: float | None = None
    unit: Any = None
    hdu: int | None = None
    memory_limit: float | u.Quantity | None = None
    overwrite: bool = False
    progress: Callable | None = None
    on_left_out: Callable[[Path, CosmicRayError | str], None] | None = None

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("flat_scale", self.flat_scale, FLAT_SCALES)
        for name in ("sigma_low", "sigma_high", "temperature_tolerance"):
            check_number(name, getattr(self, name), 0, finite=False)
        check_whole("n_iterations", self.n_iterations, 0)
        for name in ("clip_scaled", "subtract", "overwrite"):
            check_bool(name, getattr(self, name))
        for name in ("prepare", "progress", "on_left_out"):
            check_callable(name, getattr(self, name))
        if self.saturation is not None:
            check_number("saturation", self.saturation, 0, finite=False)
        if self.unit is not None:
            given_unit(self.unit)
        if self.hdu is not None:
            check_whole("hdu", self.hdu)
        for name, value in (
            ("sigma_low", float(self.sigma_low)),
            ("sigma_high", float(self.sigma_high)),
            ("n_iterations", min(self.n_iterations, MOST_ITERATIONS)),
            ("masters", _paths_of_masters(self.masters)),
            ("keys", _keys_by_path(self.keys)),
        ):
            object.__setattr__(self, name, value)
        _n_bytes(self.memory_limit)
        GroupRule(self.group_by, self.group_ignore)
        if self.statistics_section is not None:
            section_of_statistics(self.statistics_section)

    @property
    def rule(self) -> GroupRule:
        """What tells groups apart."""
        return GroupRule(self.group_by, self.group_ignore)

    @property
    def memory(self) -> int:
        """How many bytes may be used for pixels."""
        return _n_bytes(self.memory_limit)

    def key_of(self, path: Path) -> Callable[[Mapping], CalibrationKey]:
        """A function of its header that returns the key of a file: the given one, or what the header contains."""
        given = self.keys.get(path)
        return self.rule.key_of if given is None else lambda _: given

    def leave_out(self, path: Path, reason: CosmicRayError | str) -> None:
        """Report a frame that is left out, by a warning unless a function is given for it."""
        if self.on_left_out is not None:
            self.on_left_out(path, reason)
        else:
            warnings.warn(f"{path.name} is left out: {reason}", CalibrationWarning, stacklevel=2)


def check_argument(name: str, value: Any) -> None:
    """Refuse a wrong value of a keyword of `combine_calibrations`."""
    if name in {keyword.name for keyword in fields(CombineSettings)}:
        CombineSettings(**{name: value})


def memory_of_machine() -> int:
    """The memory of this machine, in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30  # Windows has no sysconf; any machine of today has this much


def _n_bytes(memory_limit: Any) -> int:
    if memory_limit is None:
        return memory_of_machine() // 4
    number = memory_limit
    if isinstance(memory_limit, u.Quantity):
        if not memory_limit.unit.is_equivalent(u.byte):
            raise wrong_value("memory_limit", memory_limit, "a Quantity in byte")
        number = memory_limit.to_value(u.byte)
    check_number("memory_limit", number, 0, finite=False)
    return int(min(number, MOST_MEMORY))


def section_of_statistics(section: Any) -> Section:
    """A section in FITS notation, such as ``[101:500, *]``, as slices of rows and columns."""
    found = read_section(section)
    if found is None:
        raise wrong_value("statistics_section", section, "two ranges such as '[101:500, 1:512]'")
    return found


def _paths_of_masters(masters: Any) -> list[Path]:
    with suppress(TypeError):
        if not isinstance(masters, str | os.PathLike):
            return [Path(path) for path in masters]
    raise wrong_value("masters", masters, "a list of paths")


def _keys_by_path(keys: Any) -> dict[Path, CalibrationKey]:
    with suppress(TypeError, AttributeError):
        by_path = {Path(path): key for path, key in (keys or {}).items()}
        if all(isinstance(key, CalibrationKey) for key in by_path.values()):
            return by_path
    raise wrong_value("keys", keys, "a mapping of paths to CalibrationKey")
