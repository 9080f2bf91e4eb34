# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The settings of a combination, checked before any file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.calibration.grouping import TEMPERATURE_TOLERANCE, CalibrationKey
from ccdproc_crplugin.errors import (
    CosmicRayError,
    check_bool,
    check_callable,
    check_choice,
    check_number,
    check_whole,
    wrong_value,
)
from ccdproc_crplugin.io.ccd import given_unit
from ccdproc_crplugin.kernels.combine import CombineOptions

__all__ = ["CombineSettings", "check_argument", "memory_of_machine"]

METHODS = ("average", "median")

#: Passes of the clipping beyond which no pixel has a value left to clip.
MOST_ITERATIONS = 1 << 20


@dataclass(frozen=True)
class CombineSettings:
    """The keywords of `combine_calibrations`, checked."""

    method: str = "average"
    sigma_low: float = 5.0
    sigma_high: float = 5.0
    n_iterations: int = 1
    clip_scaled: bool = True
    temperature_tolerance: float = TEMPERATURE_TOLERANCE  # deg_C
    subtract: bool = True
    masters: Iterable[str | os.PathLike] = ()
    keys: Mapping[str | os.PathLike, CalibrationKey] | None = None
    prepare: Callable[[CCDData], CCDData] | None = None
    saturation: float | None = None  # in the unit of the flats
    unit: Any = None
    hdu: int | None = None
    memory_limit: float | u.Quantity | None = None  # bytes
    overwrite: bool = False
    progress: Callable | None = None
    on_left_out: Callable[[Path, CosmicRayError | str], None] | None = None

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
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
        _ = self.memory, self.key_of_file, self.paths_of_masters

    @property
    def options(self) -> CombineOptions:
        """What the combining of the pixels needs."""
        return CombineOptions(
            method=self.method,
            sigma_low=float(self.sigma_low),
            sigma_high=float(self.sigma_high),
            n_iterations=min(self.n_iterations, MOST_ITERATIONS),
            clip_scaled=self.clip_scaled,
        )

    @property
    def reading(self) -> dict[str, Any]:
        """The keywords with which a file is read."""
        return {"unit": self.unit, "hdu": self.hdu}

    @property
    def memory(self) -> int:
        """Bytes that may be used."""
        if self.memory_limit is None:
            return memory_of_machine() // 4
        number = self.memory_limit
        if isinstance(number, u.Quantity):
            if not number.unit.is_equivalent(u.byte):
                raise CosmicRayError(f"Found memory_limit={number}; expected a Quantity in byte.")
            number = number.to_value(u.byte)
        check_number("memory_limit", number, 0, finite=False)
        return int(min(number, 1e18))

    @property
    def paths_of_masters(self) -> list[Path]:
        """The files of the combined frames that are given."""
        with suppress(TypeError):
            if not isinstance(self.masters, str | os.PathLike):
                return [Path(path) for path in self.masters]
        raise wrong_value("masters", self.masters, "a list of paths")

    @property
    def key_of_file(self) -> dict[Path, CalibrationKey]:
        """The keys that are given for files, in place of those from their headers."""
        with suppress(TypeError, AttributeError):
            by_path = {Path(path): key for path, key in (self.keys or {}).items()}
            if all(isinstance(key, CalibrationKey) for key in by_path.values()):
                return by_path
        raise wrong_value("keys", self.keys, "a mapping of paths to CalibrationKey")


def check_argument(name: str, value: Any) -> None:
    """Refuse a value that `combine_calibrations` would refuse for this keyword."""
    if name in {field.name for field in fields(CombineSettings)}:
        CombineSettings(**{name: value})


def memory_of_machine() -> int:
    """The memory of this machine, bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30  # Windows does not say it this way; any machine of today has so much
