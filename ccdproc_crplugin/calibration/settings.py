# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What `ccdproc_crplugin.calibration.combine.combine_calibrations` may be given, looked at before any file is."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u

from ccdproc_crplugin.calibration.grouping import CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError, check_bool, check_callable
from ccdproc_crplugin.io.ccd import given_unit

__all__ = ["check_argument", "check_arguments", "keys_by_path", "memory_of_machine", "n_bytes", "paths_of_masters"]

METHODS = ("average", "median")


def check_argument(name: str, value: Any) -> None:
    """Refuse a value that `combine_calibrations` can do nothing with."""
    if name in CHECKS:
        CHECKS[name](name, value)


def check_arguments(**arguments: Any) -> None:
    """Refuse values that `combine_calibrations` can do nothing with."""
    for name, value in arguments.items():
        check_argument(name, value)


def n_bytes(memory_limit: float | u.Quantity | None) -> int:
    """How many bytes may be used."""
    if memory_limit is None:
        return memory_of_machine() // 4
    return int(min(_in_bytes(memory_limit), 1e18))


def memory_of_machine() -> int:
    """The memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30  # Windows does not say it this way; what any machine of today has


def paths_of_masters(masters: Iterable[str | os.PathLike]) -> list[Path]:
    """The files of combined frames."""
    with suppress(TypeError):
        if not isinstance(masters, str | os.PathLike):
            return [Path(path) for path in masters]
    raise CosmicRayError(f"Found masters={masters!r}; expected a list of paths.")


def keys_by_path(keys: Mapping[str | os.PathLike, CalibrationKey] | None) -> dict[Path, CalibrationKey]:
    """What is known of files better than from their headers."""
    with suppress(TypeError, AttributeError):
        by_path = {Path(path): key for path, key in (keys or {}).items()}
        if all(isinstance(key, CalibrationKey) for key in by_path.values()):
            return by_path
    raise CosmicRayError(f"Found keys={keys!r}; expected a mapping of paths to CalibrationKey.")


def _check_method(name: str, value: Any) -> None:
    if not isinstance(value, str) or value not in METHODS:
        raise CosmicRayError(f"Found method={value!r}; expected one of: {', '.join(METHODS)}.")


def _check_not_negative(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value) or value < 0:
        raise CosmicRayError(f"Found {name}={value!r}; expected a number that is not negative.")


def _check_level(name: str, value: Any) -> None:
    if value is not None:
        _check_not_negative(name, value)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise CosmicRayError(f"Found {name}={value!r}; expected a whole number, 0 or more.")


def _check_hdu(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer)):
        raise CosmicRayError(f"Found {name}={value!r}; expected the number of an HDU.")


def _check_unit(name: str, value: Any) -> None:
    if value is not None:
        given_unit(value)


def _check_memory(name: str, value: Any) -> None:
    if value is not None:
        _in_bytes(value)


def _in_bytes(memory_limit: Any) -> float:
    number = memory_limit
    if isinstance(memory_limit, u.Quantity):
        if not memory_limit.unit.is_equivalent(u.byte):
            raise CosmicRayError(f"Found memory_limit={memory_limit}; expected a Quantity in byte.")
        number = memory_limit.to_value(u.byte)
    _check_not_negative("memory_limit", number)
    return number


CHECKS: dict[str, Callable[[str, Any], None]] = {
    "method": _check_method,
    "sigma_low": _check_not_negative,
    "sigma_high": _check_not_negative,
    "n_iterations": _check_count,
    "clip_scaled": check_bool,
    "temperature_tolerance": _check_not_negative,
    "subtract": check_bool,
    "prepare": check_callable,
    "saturation": _check_level,
    "unit": _check_unit,
    "hdu": _check_hdu,
    "memory_limit": _check_memory,
    "overwrite": check_bool,
    "progress": check_callable,
    "on_left_out": check_callable,
}
