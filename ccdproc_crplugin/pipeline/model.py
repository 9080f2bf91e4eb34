# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The data classes of a run: the night, its frames, its plan, and the tasks and outcomes of workers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ccdproc_crplugin.calibration.key import USUAL, CalibrationKey, GroupRule
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.selection import stem
from ccdproc_crplugin.kernels.hot_pixels import Hits
from ccdproc_crplugin.pipeline.criteria import Criterion
from ccdproc_crplugin.plugins.model import Dialect

#: What a run may do about hot pixels: leave them alone, list them, or put what was removed from them back.
HOT_PIXELS = ("off", "flag", "restore")


@dataclass(frozen=True)
class Call:
    """A step with its parameters, and the combined frames that it takes."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    masters: tuple[str, ...] = ()  # paths: one for each frame of a file, or one for all
    master_names: tuple[str, ...] = ()  # the same, relative to the output folder
    master_hash: str = ""

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name}({arguments})" if arguments else self.name

    def master_for(self, number: int) -> int:
        """The index in ``masters`` for a frame of a file; both are counted from 0."""
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
    """Everything that a user asks of a run."""

    output: Path
    calls: tuple[Call, ...]
    input: Path | None = None  # the folder of raw frames; None for a collection, which lists them in `paths`
    paths: tuple[Path, ...] = ()
    subfolders: bool = False
    ending: str = ".fits"  # of the names of results
    headers: Mapping[str, Any] = field(default_factory=dict)  # values that overrule those of the headers
    select: Mapping[str, tuple[Criterion, ...]] = field(default_factory=dict)  # by kind, what its frames are known by
    group: GroupRule = USUAL  # what tells groups of calibration frames apart
    combine: Mapping[str, Any] = field(default_factory=dict)  # keywords of `combine_calibrations`
    hot_pixels: str = "flag"  # what is done about them, one of `HOT_PIXELS`
    dialects: tuple[Dialect, ...] = ()  # of headers, tried before those of plugins
    config: str = ""  # the file that all this was read from

    @property
    def is_configured(self) -> bool:
        """Whether the run comes from a configuration, and not from a list of frames."""
        return self.input is not None

    def output_name(self, file: str) -> str:
        """The result of a light frame, relative to the output folder."""
        return Path(file).with_name(f"{stem(file)}{self.ending}").as_posix()


@dataclass(frozen=True)
class Entry:
    """A file of the input, and what its header says."""

    path: Path
    file: str  # relative to the input folder
    key: CalibrationKey | None = None  # None if the file can't be read
    reason: str = ""  # why it can't be read
    input_hash: str = ""  # SHA-256; empty as long as nobody needs it
    said_by: str = ""  # hash of the settings that decide about the key beside the header
    selected: tuple[str, ...] = ()  # the criteria of [select] that it meets
    said: str = ""  # the cards of the header that name the kind of frame
    lacking: tuple[str, ...] = ()  # what the header lacks: "gain", "readnoise", and what steps miss in it
    named: str = ""  # the card of the object, if this alone says the kind of frame
    object: str = ""  # what it shows; "" if the header does not say it

    @property
    def kind(self) -> str:
        """The kind of frame, or ``"unknown"``."""
        return self.key.kind if self.key else "unknown"

    def row(self) -> dict[str, Any]:
        """The columns of the table that are known before any work is done."""
        known = {"said_by": self.said_by, "selected": self.selected, "object": self.object}
        said = {**known, **asdict(self.key)} if self.key else {}
        row = {"file": self.file, "kind": self.kind, "input_hash": self.input_hash, "key": json.dumps(said)}
        return {**row, "status": "failed" if self.reason else "", "reason": self.reason}


@dataclass(frozen=True)
class Group:
    """Calibration frames that are combined."""

    key: CalibrationKey
    entries: tuple[Entry, ...]
    calls: tuple[Call, ...]  # the steps before the combination
    names: tuple[str, ...]  # the combined frames, relative to the output folder: one for each frame of a file
    hdus: tuple[int | None, ...]  # the HDUs that they are made of; None where a file holds one frame
    settings_hash: str

    @property
    def output(self) -> str:
        """The combined frame that the table names."""
        return self.names[0]

    def describe(self) -> list[str]:
        """A line for the combined frames, and one for each input."""
        what = f"{', '.join(self.names)}: {len(self.entries)} frames"
        return [f"{what}, after {_listed(self.calls)}" if self.calls else what, *(f"  {e.file}" for e in self.entries)]


@dataclass(frozen=True)
class Light:
    """A light frame and its steps."""

    entry: Entry
    calls: tuple[Call, ...]
    output: str  # relative to the output folder
    settings_hash: str
    stack: tuple[str, ...] = ()  # the files of the exposures that a step takes together, this one among them


@dataclass(frozen=True)
class Plan:
    """What a run will do; ``str`` describes it."""

    groups: tuple[Group, ...]  # bias first, then dark, then flat
    lights: tuple[Light, ...]
    others: tuple[tuple[Entry, str, str], ...]  # frames left alone: "failed" or "skipped", and the reason
    notes: tuple[str, ...] = ()  # what is missing
    doubts: tuple[str, ...] = ()  # what is likely a mistake

    def __str__(self) -> str:
        entries = [entry for group in self.groups for entry in group.entries]
        entries += [light.entry for light in self.lights] + [entry for entry, *_ in self.others]
        kinds = Counter(entry.kind for entry in entries)
        blocks = {
            "Frames": [f"{number} {kind}" for kind, number in sorted(kinds.items())],
            "Combined frames": [line for group in self.groups for line in group.describe()],
            "Light frames": [f"{light.entry.file} -> {light.output}: {_listed(light.calls)}" for light in self.lights],
            "Exposures of one field": [
                ", ".join(stack) for stack in dict.fromkeys(light.stack for light in self.lights) if stack
            ],
            "Missing": self.notes,
            "Doubtful": self.doubts,
            "Failed": [f"{entry.file}: {reason}" for entry, status, reason in self.others if status == "failed"],
            "Left alone": [f"{entry.file}: {reason}" for entry, status, reason in self.others if status != "failed"],
        }
        return "\n".join(
            f"{title}:\n" + "".join(f"  {line}\n" for line in lines) for title, lines in blocks.items() if lines
        )


def _listed(calls: tuple[Call, ...]) -> str:
    return ", ".join(f"{call} [{', '.join(call.master_names)}]" if call.masters else str(call) for call in calls)


@dataclass(frozen=True)
class Task:
    """A light frame for a worker."""

    source: str
    target: str
    row: Mapping[str, Any]  # the row of the table as far as it is known
    calls: tuple[Call, ...]
    headers: Mapping[str, Any]
    earlier: Mapping[str, Any] = field(default_factory=dict)  # the row after an earlier run
    is_configured: bool = False  # see `Night`
    measures_hits: bool = False  # for the hot pixels of the night
    anew: bool = False  # even if the result is there


@dataclass(frozen=True)
class StackTask:
    """The light frames that show one field, for a worker."""

    tasks: tuple[Task, ...]
    only: str = ""  # the file whose result alone is made, anew


@dataclass(frozen=True)
class CombineTask:
    """A group of calibration frames for a worker."""

    group: Group
    night: Night
    rows: tuple[Mapping[str, Any], ...]  # of each frame, as far as it is known
    memory: Mapping[str, Any] = field(default_factory=dict)  # the limit of memory, if the run sets one


@dataclass(frozen=True)
class Chip:
    """What the frames that have the same hot pixels agree in."""

    camera: str  # "" if unknown, as the binning
    hdu: int  # in a file of several frames; 0 otherwise
    binning: str
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Vote:
    """What a cleaned frame says of the hot pixels of its chip."""

    chip: Chip
    hits: Hits | None  # None if it has no vote
    put_back: np.ndarray | None  # places in the flattened frame of the pixels put back; None if none were
    is_edited: bool


@dataclass(frozen=True)
class Outcome:
    """What a worker returns for a task."""

    rows: list[dict[str, Any]]
    messages: tuple[str, ...] = ()  # warnings of this package
    fatal: str = ""  # why the run must end, such as a full disk
    votes: tuple[Vote, ...] = ()  # of the frames of a light that was cleaned
