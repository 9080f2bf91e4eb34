# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A plan carried out: what earlier runs did is kept, the rest is done, and each frame gets its row."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from logging import Logger
from pathlib import Path
from typing import Any

from ccdproc_crplugin.calibration.grouping import CALIBRATION_KINDS
from ccdproc_crplugin.calibration.settings import memory_of_machine
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.pipeline.executors import Crew
from ccdproc_crplugin.pipeline.folder import target_in
from ccdproc_crplugin.pipeline.lights import work_on
from ccdproc_crplugin.pipeline.masters import combine_group
from ccdproc_crplugin.pipeline.model import Call, CombineTask, Entry, Group, Light, Night, Outcome, Plan, Task
from ccdproc_crplugin.pipeline.plan import output_name
from ccdproc_crplugin.pipeline.results import headers_of_result, marks_of_result, n_bytes_of

__all__ = ["Execution", "with_reason_told"]


@dataclass(frozen=True)
class Execution:
    """A plan being carried out."""

    night: Night
    plan: Plan
    earlier: Mapping[str, Mapping[str, Any]]
    crew: Crew
    log: Logger
    unmade: dict[str, str] = field(default_factory=dict, init=False)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Carry it out."""
        for entry, status, reason in self.plan.others:
            yield {**entry.row(), "status": status, "reason": reason}
        for kind in CALIBRATION_KINDS:
            yield from self._combined([group for group in self.plan.groups if group.key.kind == kind])
        yield from self._reduced()

    def _combined(self, groups: list[Group]) -> Iterator[dict[str, Any]]:
        """The rows of the frames of groups, none of which draws on another."""
        tasks = []
        for group in groups:
            rows = [_group_row(group, entry) for entry in group.entries]
            before = [self.earlier.get(row["file"], {}) for row in rows]
            try:
                self._refuse_unmade(group.calls)
            except CosmicRayError as err:
                yield from self._settled_group(rows, err)
                continue
            if all(map(_is_same, rows, before)) and _are_there(self.night, group, before):
                yield from ({**row, "status": "kept" if row["status"] == "done" else row["status"]} for row in before)
            else:
                tasks.append(CombineTask.of(group, self.night, rows))
        if not self.crew.is_elsewhere:
            memory = {"memory_limit": self.crew.share(memory_of_machine() // 4, len(tasks))}
            tasks = [replace(task, combine={**memory, **task.combine}) for task in tasks]
        for task, outcome in self.crew.do(combine_group, tasks):
            yield from self._settled_group(task.rows, outcome)

    def _settled_group(
        self, planned: Iterable[Mapping[str, Any]], outcome: Outcome | Exception
    ) -> Iterator[dict[str, Any]]:
        planned, rows = list(planned), []
        for row in self._settled(planned, outcome):
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
        for light in self.plan.lights:
            try:
                self._refuse_unmade(light.calls)
                task = _task(self.night, light, self.earlier.get(light.entry.file, {}))
            except CosmicRayError as err:
                yield {**light.entry.row(), "status": "failed", "reason": reason_of(err)}
                continue
            if _is_kept(task):
                yield {**task.earlier, "status": "kept"}
            else:
                tasks.append(task)
        for task, outcome in self.crew.do(work_on, tasks):
            yield from self._settled([task.row], outcome)

    def _settled(self, planned: Iterable[Mapping[str, Any]], outcome: Outcome | Exception) -> Iterator[dict[str, Any]]:
        if not isinstance(outcome, Outcome):
            failed = {"status": "failed", "reason": reason_of(outcome), "output": ""}
            outcome = Outcome([{**row, **failed} for row in planned])
        for message in outcome.messages:
            self.log.warning("%s: %s", outcome.rows[0]["file"], message)
        yield from outcome.rows
        if outcome.fatal:
            raise CosmicRayError(f"{outcome.fatal} What is done so far is kept: run again once that is mended.")


def _group_row(group: Group, entry: Entry) -> dict[str, Any]:
    return {**entry.row(), **_made_by(group.calls), "output": group.names[0], "settings_hash": group.settings_hash}


def _task(night: Night, light: Light, earlier: Mapping[str, Any]) -> Task:
    row = {
        **light.entry.row(),
        **_made_by(light.calls),
        "output": light.output,
        "parameters": _parameters(light.calls),
        "settings_hash": light.settings_hash,
    }
    target = target_in(night.output, Path(light.output))
    return Task(str(light.entry.path), str(target), row, light.calls, night.headers, light.settings_hash, earlier)


def _made_by(calls: tuple[Call, ...]) -> dict[str, str]:
    return {
        "steps": "; ".join(map(str, calls)),
        "masters": ", ".join(name for call in calls for name in call.master_names),
    }


def _parameters(calls: tuple[Call, ...]) -> str:
    """The parameters of the cleaning that were given, as JSON."""
    given = [call.parameters for call in calls if call.name == "clean_cosmic_rays"]
    return json.dumps(dict(given[0]), default=str) if given else ""


def _is_same(row: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether an earlier run did just this."""
    return bool(earlier) and all(row[name] == earlier[name] for name in ("input_hash", "settings_hash"))


def _is_kept(task: Task) -> bool:
    """Whether an earlier run did just this, and its result is still there."""
    target = Path(task.target)
    return (
        _is_same(task.row, task.earlier)
        and task.earlier["status"] in ("done", "kept")
        and task.earlier["output"] == task.row["output"]
        and task.earlier["n_bytes"] == n_bytes_of([target])
        and marks_of_result(target) == (task.row["input_hash"], task.settings_hash)
    )


def _are_there(night: Night, group: Group, earlier: list[Mapping[str, Any]]) -> bool:
    """Whether combined frames are there under the names they were written to, and as long as they were."""
    written = {(row["output"], row["n_bytes"]) for row in earlier if row["output"]}
    return written == {(group.names[0], n_bytes_of(night.output / name for name in group.names))}


#: What messages tell to give, as keywords of Python, and what a configuration has for it.
CONFIGURED = {
    r"Give (gain|readnoise)= in (\S+)\.": r"Give \1 = … (\2) under [headers] in the configuration.",
    r"Give (gain|readnoise|unit)=\.": r"Give \1 = … under [headers] in the configuration.",
    r"Give unit='adu' or unit='electron'\.": "Give unit = 'adu' or 'electron' under [headers] in the configuration.",
}


def with_reason_told(row: Mapping[str, Any], night: Night) -> dict[str, Any]:
    """The row of a frame, its reason completed if it failed."""
    if row["status"] != "failed":
        return dict(row)
    reason = row["reason"]
    if night.input is not None:
        for keyword, entry in CONFIGURED.items():
            reason = re.sub(keyword, entry, reason)
    name = output_name(night, row["file"])
    if row["kind"] not in CALIBRATION_KINDS and headers_of_result(night.output / name):
        reason = f"{reason.removesuffix('.')}; {name} of an earlier run stays"
    return {**row, "reason": reason}
