# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A run, told in full: its steps, its files, its plan and its tasks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ccdproc_crplugin.calibration.grouping import CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["Call", "CombineTask", "Entry", "Group", "Light", "Night", "Outcome", "Plan", "Task"]


@dataclass(frozen=True)
class Call:
    """A step with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    masters: tuple[str, ...] = ()
    master_names: tuple[str, ...] = ()
    master_hash: str = ""

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name}({arguments})" if arguments else self.name

    def master_for(self, number: int) -> int:
        """Which of the combined frames goes with a frame."""
        if len(self.masters) == 1:
            return 0
        if number < len(self.masters):
            return number
        raise CosmicRayError(
            f"Found frame {number + 1} in a file, and combined frames of {len(self.masters)} "
            f"({', '.join(self.master_names)}); expected as many. Take calibration frames of the same layout."
        )


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


@dataclass(frozen=True)
class Entry:
    """A file of the input."""

    path: Path
    file: str
    key: CalibrationKey | None = None
    reason: str = ""
    input_hash: str = ""
    said_by: str = ""
    said: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of frame, ``"unknown"`` where that is so."""
        return self.key.kind if self.key else "unknown"

    def row(self) -> dict[str, Any]:
        """What the table can say of it already."""
        said = {"said_by": self.said_by, **asdict(self.key)} if self.key else {}
        row = {"file": self.file, "kind": self.kind, "input_hash": self.input_hash, "key": json.dumps(said)}
        return {**row, "status": "failed" if self.reason else "", "reason": self.reason}


@dataclass(frozen=True)
class Group:
    """Calibration frames that are combined."""

    key: CalibrationKey
    entries: tuple[Entry, ...]
    calls: tuple[Call, ...]
    names: tuple[str, ...]
    hdus: tuple[int | None, ...]
    settings_hash: str

    def describe(self) -> list[str]:
        """The group in words."""
        what = f"{', '.join(self.names)}: {len(self.entries)} frames"
        return [f"{what}, after {_told(self.calls)}" if self.calls else what, *(f"  {e.file}" for e in self.entries)]


@dataclass(frozen=True)
class Light:
    """A frame that is reduced."""

    entry: Entry
    calls: tuple[Call, ...]
    output: str
    settings_hash: str


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    groups: tuple[Group, ...]
    lights: tuple[Light, ...]
    others: tuple[tuple[Entry, str, str], ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __str__(self) -> str:
        entries = [entry for group in self.groups for entry in group.entries]
        entries += [light.entry for light in self.lights] + [entry for entry, *_ in self.others]
        kinds = Counter(entry.kind for entry in entries)
        blocks = {
            "Frames": [f"{number} {kind}" for kind, number in sorted(kinds.items())],
            "Combined frames": [line for group in self.groups for line in group.describe()],
            "Light frames": [f"{light.entry.file} -> {light.output}: {_told(light.calls)}" for light in self.lights],
            "Missing": self.notes,
            "Doubtful": self.doubts,
            "Failed": [f"{entry.file}: {reason}" for entry, status, reason in self.others if status == "failed"],
            "Left alone": [f"{entry.file}: {reason}" for entry, status, reason in self.others if status != "failed"],
        }
        return "\n".join(
            f"{title}:\n" + "".join(f"  {line}\n" for line in lines) for title, lines in blocks.items() if lines
        )


def _told(calls: tuple[Call, ...]) -> str:
    return ", ".join(f"{call} [{', '.join(call.master_names)}]" if call.masters else str(call) for call in calls)


@dataclass(frozen=True)
class Task:
    """A file to be worked on."""

    source: str
    target: str
    row: Mapping[str, Any]
    calls: tuple[Call, ...]
    headers: Mapping[str, Any]
    settings_hash: str
    earlier: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CombineTask:
    """A group to be combined."""

    key: CalibrationKey
    paths: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    targets: tuple[str, ...]
    hdus: tuple[int | None, ...]
    calls: tuple[Call, ...]
    headers: Mapping[str, Any]
    combine: Mapping[str, Any]

    @classmethod
    def of(cls, group: Group, night: Night, rows: list[dict[str, Any]]) -> CombineTask:
        """The task of a group."""
        return cls(
            key=group.key,
            paths=tuple(str(entry.path) for entry in group.entries),
            rows=tuple(rows),
            targets=tuple(str(night.output / name) for name in group.names),
            hdus=group.hdus,
            calls=group.calls,
            headers=dict(night.headers),
            combine=dict(night.combine),
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a task."""

    rows: list[dict[str, Any]]
    messages: tuple[str, ...] = ()
    fatal: str = ""
