# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A run, told in full, and whether it can be done."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError, check_bool
from ccdproc_crplugin.io.ccd import WRITABLE
from ccdproc_crplugin.pipeline.lights import Call

__all__ = ["Night", "check_calls", "check_ending"]


@dataclass(frozen=True)
class Night:
    """A run, told in full."""

    output: Path
    calls: tuple[Call, ...]
    input: Path | None = None
    paths: tuple[Path, ...] = ()
    subfolders: bool = False
    ending: str = ".fits"
    headers: Mapping[str, Any] = field(default_factory=dict)
    select: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    combine: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""


def check_calls(calls: Iterable[Call]) -> None:
    """Refuse steps that could not be done."""
    for call in calls:
        step = plugins.find_step(call.name)
        known = plugins.step_parameters(step)
        unknown = [name for name in call.parameters if name not in known]
        if unknown and not plugins.takes_any_parameter(step):
            raise CosmicRayError(
                f"Found the parameter {unknown[0]!r}, which the step {call.name!r} does not have; "
                f"expected one of: {', '.join(known) or '(it has none)'}."
            )
        for name in [name for name, default in known.items() if isinstance(default, bool) and name in call.parameters]:
            check_bool(name, call.parameters[name])
        if step.check is not None:
            step.check(**call.parameters)
        missing = [name for name, value in known.items() if value is inspect.Parameter.empty]
        missing = [name for name in missing if name not in call.parameters]
        if missing:
            raise CosmicRayError(f"Found no {missing[0]!r} for the step {call.name!r}; expected a value for it.")


def check_ending(ending: str) -> None:
    """Refuse an ending under which no frame is written."""
    if ending not in WRITABLE:
        raise CosmicRayError(f"Found ending={ending!r}; expected one of: {', '.join(WRITABLE)}.")
