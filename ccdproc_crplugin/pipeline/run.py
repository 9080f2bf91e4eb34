# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The runner: what is left to do of a night, who does it, and what came of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from importlib.metadata import version
from logging import INFO, WARNING, Logger
from pathlib import Path
from typing import Any

from astropy.table import QTable

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibrate import memory_of_machine
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.grouping import CALIBRATION_KINDS
from ccdproc_crplugin.pipeline.executors import Crew, choose_n_workers, refuse_in_unguarded_script
from ccdproc_crplugin.pipeline.folder import check_folders, locked, target_in
from ccdproc_crplugin.pipeline.inventory import Entry, list_files, take_inventory
from ccdproc_crplugin.pipeline.masters import CombineTask, combine_group
from ccdproc_crplugin.pipeline.night import Night
from ccdproc_crplugin.pipeline.night_log import night_log
from ccdproc_crplugin.pipeline.plan import Group, Light, Plan, deciding_plugins, make_plan
from ccdproc_crplugin.pipeline.reasons import with_reason_told
from ccdproc_crplugin.pipeline.record import Record
from ccdproc_crplugin.pipeline.results import n_bytes_of
from ccdproc_crplugin.pipeline.summary import outcome_line
from ccdproc_crplugin.pipeline.thread_warnings import caught_warnings
from ccdproc_crplugin.pipeline.work import Call, Outcome, Task, work_on

__all__ = ["run_night"]


def run_night(
    night: Night,
    *,
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
) -> QTable:
    """
    Do what is left to do of a night.

    Parameters
    ----------
    night : Night
        The run.
    executor : Executor or None
        Who does the work; `None` means processes of its own.
    n_workers : int or None
        How many of those; `None` means as many as processors and memory allow.
    progress : callable or None
        Called with an iterable and ``total=``, it gives the same items, as ``tqdm`` does.

    Returns
    -------
    `~astropy.table.QTable`
        A row a frame.

    Raises
    ------
    CosmicRayError
        If there is no file, the output can't be written, or another run is at work there.
    """
    refuse_in_unguarded_script()
    if night.input is not None:
        check_folders(night.input, night.output)
    if n_workers is not None:
        _check_n_workers(n_workers, night)
    files = list_files(night)
    with locked(night.output), night_log(night.output) as log:
        start = time.perf_counter()
        record = Record(night.output)
        source = night.config or "no file of configuration"
        log.info("ccdproc_crplugin %s: %s, %d files", version("ccdproc_crplugin"), source, len(files))
        log.info("steps: %s", "; ".join(map(str, night.calls)))
        if executor is None and n_workers is None:
            n_workers = _n_workers(night, [path for path, _ in files])
        anything_new = any(file not in record.earlier for _, file in files)
        with Crew(executor, n_workers or 1, soon=anything_new) as crew:
            with caught_warnings():
                entries = list(take_inventory(files, night, record.earlier))
                plan = make_plan(night, entries)
            for note in plan.notes:
                log.info("%s", note)
            for doubt in plan.doubts:
                log.warning("%s", doubt)
            rows = (with_reason_told(row, night) for row in _rows(night, plan, record.earlier, crew, log))
            for row in progress(rows, total=len(entries)) if progress else rows:
                record.add(row)
                _log_row(row, log)
        table = record.finish()
        log.info("%s", outcome_line(table, time.perf_counter() - start))
        return table


def _n_workers(night: Night, paths: Iterable[Path]) -> int:
    """
    As many processes as are worth it; what only this process knows is done in this process.
    """
    return 1 if _known_here_alone(night) else choose_n_workers([_n_pixels(path) for path in paths])


def _check_n_workers(n_workers: int, night: Night) -> None:
    if not isinstance(n_workers, int) or isinstance(n_workers, bool) or n_workers < 1:
        raise CosmicRayError(f"Found n_workers={n_workers!r}; expected a whole number of 1 or more.")
    unknown = _known_here_alone(night)
    if n_workers > 1 and unknown:
        raise CosmicRayError(
            f"Found {', '.join(unknown)} registered in this process alone, and n_workers={n_workers}, for which other "
            "processes would have to know it; expected an installed plugin. Install it as one, or give n_workers=1."
        )


def _known_here_alone(night: Night) -> list[str]:
    """
    What takes part and is registered in this process alone, so that no other knows it.
    """
    host = plugins.host()
    parts = [part for call in night.calls for part in deciding_plugins(call)]
    parts += [("check", name) for name in plugins.checks()]
    owners = {f"the {kind} {name!r}": host.plugin_of(kind, name) for kind, name in parts}
    for hook in ("ccdcr_refine", "ccdcr_cleaned"):
        owners |= {f"the hook {hook} of {owner.name!r}": owner for owner, _ in host.implementations(hook)}
    return [what for what, owner in owners.items() if owner.distribution == plugins.THIS_PROCESS]


def _n_pixels(path: Path) -> float:
    """
    About how many pixels a file holds, if they have 16 bits; packed ones take less.
    """
    packed = not path.name.lower().endswith((".fits", ".fit", ".fts"))
    try:
        return path.stat().st_size / 2 * (4 if packed else 1)
    except OSError:  # its row will say so
        return 0


def _log_row(row: Mapping[str, Any], log: Logger) -> None:
    level = WARNING if row["status"] == "failed" else INFO
    log.log(level, "%s: %s %s", row["file"], row["status"], row["reason"] or row["output"])


def _rows(
    night: Night, plan: Plan, earlier: Mapping[str, Mapping[str, Any]], crew: Crew, log: Logger
) -> Iterator[dict[str, Any]]:
    """
    The row of every frame, as soon as it is known.
    """
    for entry, status, reason in plan.others:
        yield {**entry.row(), "status": status, "reason": reason}
    for kind in CALIBRATION_KINDS:
        yield from _combined(night, [group for group in plan.groups if group.key.kind == kind], earlier, crew, log)
    tasks = []
    for light in plan.lights:
        try:
            task = _task(night, light, earlier.get(light.entry.file, {}))
        except CosmicRayError as err:
            yield {**light.entry.row(), "status": "failed", "reason": reason_of(err)}
            continue
        if _is_kept(task):
            yield {**task.earlier, "status": "kept"}
        else:
            tasks.append(task)
    for task, outcome in crew.do(work_on, tasks):
        yield from _settled([task.row], outcome, log)


def _combined(
    night: Night, groups: list[Group], earlier: Mapping[str, Mapping[str, Any]], crew: Crew, log: Logger
) -> Iterator[dict[str, Any]]:
    tasks = []
    for group in groups:
        rows = [_group_row(group, entry) for entry in group.entries]
        before = [earlier.get(row["file"], {}) for row in rows]
        if all(map(_is_same, rows, before)) and _are_there(night, group, before):
            yield from ({**row, "status": "kept" if row["status"] == "done" else row["status"]} for row in before)
        else:
            tasks.append(CombineTask.of(group, night, rows))
    if not crew.is_elsewhere:
        memory = {"memory_limit": crew.share(memory_of_machine() // 4, len(tasks))}
        tasks = [replace(task, combine={**memory, **task.combine}) for task in tasks]
    for task, outcome in crew.do(combine_group, tasks):
        if not isinstance(outcome, Outcome) or not (outcome.fatal or any(row["output"] for row in outcome.rows)):
            # what an earlier run made of other frames must not be taken for it
            for target in task.targets:
                Path(target).unlink(missing_ok=True)
        yield from _settled(task.rows, outcome, log)


def _settled(rows: Iterable[Mapping[str, Any]], outcome: Outcome | Exception, log: Logger) -> Iterator[dict[str, Any]]:
    if not isinstance(outcome, Outcome):
        outcome = Outcome([{**row, "status": "failed", "reason": reason_of(outcome), "output": ""} for row in rows])
    for message in outcome.messages:
        log.warning("%s: %s", outcome.rows[0]["file"], message)
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
    """
    The parameters of the cleaning that were given, as JSON.
    """
    given = [call.parameters for call in calls if call.name == "clean_cosmic_rays"]
    return json.dumps(dict(given[0]), default=str) if given else ""


def _is_same(row: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """
    Whether an earlier run did just this.
    """
    return bool(earlier) and all(row[name] == earlier[name] for name in ("input_hash", "settings_hash"))


def _is_kept(task: Task) -> bool:
    """
    Whether an earlier run did just this, and its result is still there.
    """
    return (
        _is_same(task.row, task.earlier)
        and task.earlier["status"] in ("done", "kept")
        and task.earlier["output"] == task.row["output"]
        and task.earlier["n_bytes"] == n_bytes_of([Path(task.target)])
    )


def _are_there(night: Night, group: Group, earlier: list[Mapping[str, Any]]) -> bool:
    """
    Whether combined frames are there, as long as they were written.
    """
    sizes = {row["n_bytes"] for row in earlier if row["output"]}
    return sizes == {n_bytes_of(night.output / name for name in group.names)}
