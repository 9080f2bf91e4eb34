# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The execution of a plan: results of earlier runs are kept, the rest is done, and each frame gets its row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from logging import Logger
from pathlib import Path
from typing import Any

from ccdproc_crplugin.calibration.key import CALIBRATION_KINDS
from ccdproc_crplugin.calibration.settings import memory_of_machine
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.pipeline.executors import Crew
from ccdproc_crplugin.pipeline.folder import target_in
from ccdproc_crplugin.pipeline.lights import work_on
from ccdproc_crplugin.pipeline.masters import combine_group
from ccdproc_crplugin.pipeline.model import (
    Call,
    CombineTask,
    Entry,
    Group,
    Light,
    Night,
    Outcome,
    Plan,
    StackTask,
    Task,
    Vote,
)
from ccdproc_crplugin.pipeline.results import headers_of_result, marks_of_result, n_bytes_of
from ccdproc_crplugin.pipeline.stacks import work_on_stack
from ccdproc_crplugin.pipeline.steps import CLEANING, reason_in_night


@dataclass(frozen=True)
class Execution:
    """A plan, the rows of earlier runs by file, and the workers that carry it out."""

    night: Night
    plan: Plan
    earlier: Mapping[str, Mapping[str, Any]]
    crew: Crew
    log: Logger
    #: Combined frames that could not be made, though those of an earlier run may be there, and the reasons.
    unmade: dict[str, str] = field(default_factory=dict, init=False)
    #: The tasks of the light frames, and the votes of those that were made, by file.
    tasks: dict[str, Task] = field(default_factory=dict, init=False)
    votes: dict[str, tuple[Vote, ...]] = field(default_factory=dict, init=False)
    #: The tasks that take several light frames at once, by each of their files.
    stacks: dict[str, StackTask] = field(default_factory=dict, init=False)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Carry the plan out; yield the row of each frame as soon as it is known."""
        for row in self._rows():
            yield _add_what_stays(row, self.night)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for entry, status, reason in self.plan.others:
            yield {**entry.row(), "status": status, "reason": reason}
        for kind in CALIBRATION_KINDS:
            yield from self._combined([group for group in self.plan.groups if group.key.kind == kind])
        yield from self._reduced()

    def _combined(self, groups: list[Group]) -> Iterator[dict[str, Any]]:
        """The rows of the frames of groups of one kind, which are combined at the same time."""
        tasks = []
        for group in groups:
            rows = [_row_of(entry, group) for entry in group.entries]
            before = [self.earlier.get(row["file"], {}) for row in rows]
            try:
                self._refuse_unmade(group.calls)
            except CosmicRayError as err:
                yield from self._settled_group(rows, err)
                continue
            if all(map(_is_same, rows, before)) and _are_there(self.night, group, before):
                yield from ({**row, "status": "kept" if row["status"] == "done" else row["status"]} for row in before)
            else:
                tasks.append(CombineTask(group, self.night, tuple(rows)))
        if not self.crew.is_elsewhere:
            memory = {"memory_limit": self.crew.share(memory_of_machine() // 4, len(tasks))}
            tasks = [replace(task, memory=memory) for task in tasks]
        for task, outcome in self.crew.do(combine_group, tasks):
            yield from self._settled_group(task.rows, outcome)

    def _settled_group(
        self, planned: Iterable[Mapping[str, Any]], outcome: Outcome | Exception
    ) -> Iterator[dict[str, Any]]:
        planned, rows = list(planned), []
        for row in self.settled(planned, outcome):
            rows.append(row)
            yield row
        if not any(row["output"] for row in rows):
            self.unmade[planned[0]["output"]] = rows[0]["reason"]

    def _refuse_unmade(self, calls: Iterable[Call]) -> None:
        for call in calls:
            for name in call.master_names:
                if name in self.unmade:
                    raise CosmicRayError(f"{call.name}: Found that {name} could not be made: {self.unmade[name]}")

    def _reduced(self) -> Iterator[dict[str, Any]]:
        """The rows of the light frames."""
        tasks = []
        stacks: dict[tuple[str, ...], list[Task]] = {}
        for light in self.plan.lights:
            try:
                self._refuse_unmade(light.calls)
                task = _task(self.night, light, self.earlier.get(light.entry.file, {}))
            except CosmicRayError as err:
                reason = reason_in_night(err, self.night.is_configured)
                yield {**light.entry.row(), "status": "failed", "reason": reason}
                continue
            self.tasks[light.entry.file] = task
            if light.stack:
                stacks.setdefault(light.stack, []).append(task)
            elif _is_kept(task):
                yield {**task.earlier, "status": "kept"}
            else:
                tasks.append(task)
        yield from self._stacked(stacks)
        for task, outcome in self.crew.do(work_on, tasks):
            yield from self._settled_light(task, outcome)

    def _stacked(self, stacks: Mapping[tuple[str, ...], Sequence[Task]]) -> Iterator[dict[str, Any]]:
        """The rows of the light frames that are reduced together, by the files of each stack."""
        works = []
        for files, tasks in stacks.items():
            work = StackTask(tuple(tasks))
            self.stacks.update(dict.fromkeys(files, work))
            if len(tasks) == len(files) and all(map(_is_kept, tasks)):
                yield from ({**task.earlier, "status": "kept"} for task in tasks)
            else:
                works.append(work)
        for work, outcomes in self.crew.do(work_on_stack, works):
            for number, task in enumerate(work.tasks):
                outcome = outcomes if isinstance(outcomes, Exception) else outcomes[number]
                yield from self._settled_light(task, outcome)

    def _settled_light(self, task: Task, outcome: Outcome | Exception) -> Iterator[dict[str, Any]]:
        if isinstance(outcome, Outcome) and outcome.votes:
            self.votes[task.row["file"]] = outcome.votes
        yield from self.settled([task.row], outcome)

    def settled(self, planned: Iterable[Mapping[str, Any]], outcome: Outcome | Exception) -> Iterator[dict[str, Any]]:
        """The rows of an outcome, whose warnings are logged; a fatal one ends the run."""
        if not isinstance(outcome, Outcome):
            reason = reason_in_night(outcome, self.night.is_configured)
            failed = {"status": "failed", "reason": reason, "output": ""}
            outcome = Outcome([{**row, **failed} for row in planned])
        for message in outcome.messages:
            self.log.warning("%s: %s", outcome.rows[0]["file"], message)
        yield from outcome.rows
        if outcome.fatal:
            raise CosmicRayError(f"{outcome.fatal} What is done so far is kept; run again once that is mended.")


def _row_of(entry: Entry, work: Group | Light) -> dict[str, Any]:
    """The row of a frame before any work is done on it."""
    cleaning = [call.parameters for call in work.calls if call.name in CLEANING]
    return {
        **entry.row(),
        "output": work.output,
        "steps": "; ".join(map(str, work.calls)),
        "masters": ", ".join(name for call in work.calls for name in call.master_names),
        "parameters": json.dumps(dict(cleaning[0]), default=str) if cleaning else "",
        "settings_hash": work.settings_hash,
    }


def _task(night: Night, light: Light, earlier: Mapping[str, Any]) -> Task:
    return Task(
        source=os.fspath(light.entry.path),
        target=str(target_in(night.output, Path(light.output))),
        row=_row_of(light.entry, light),
        calls=light.calls,
        headers=night.headers,
        earlier=earlier,
        is_configured=night.is_configured,
        measures_hits=night.hot_pixels != "off",
    )


def _is_same(row: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether input and settings are those of an earlier run."""
    return bool(earlier) and all(row[name] == earlier[name] for name in ("input_hash", "settings_hash"))


def _is_kept(task: Task) -> bool:
    """Whether input and settings are those of an earlier run, and its result is still there."""
    target = Path(task.target)
    return (
        _is_same(task.row, task.earlier)
        and task.earlier["status"] in ("done", "kept")
        and task.earlier["output"] == task.row["output"]
        and task.earlier["n_bytes"] == n_bytes_of([target])
        and marks_of_result(target) == (task.row["input_hash"], task.row["settings_hash"])
    )


def _are_there(night: Night, group: Group, earlier: list[Mapping[str, Any]]) -> bool:
    """Whether the combined frames of an earlier run are still there, under the same names and as long as before."""
    written = {(row["output"], row["n_bytes"]) for row in earlier if row["output"]}
    return written == {(group.output, n_bytes_of(night.output / name for name in group.names))}


def _add_what_stays(row: Mapping[str, Any], night: Night) -> dict[str, Any]:
    """The row of a frame; if it failed and a result of an earlier run stays, its reason says so."""
    name = night.output_name(row["file"])
    stays = row["status"] == "failed" and row["kind"] not in CALIBRATION_KINDS
    if stays and headers_of_result(night.output / name):
        return {**row, "reason": f"{row['reason'].removesuffix('.')}; {name} of an earlier run stays"}
    return dict(row)
