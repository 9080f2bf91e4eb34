# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The runner: what is left to do of a night, who does it, and what came of it.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from astropy.table import QTable

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.pipeline.executors import Crew, choose_n_workers
from ccdproc_crplugin.pipeline.folder import check_folders, locked, target_in
from ccdproc_crplugin.pipeline.inventory import Entry, take_inventory
from ccdproc_crplugin.pipeline.night import Night
from ccdproc_crplugin.pipeline.record import Record, hash_settings
from ccdproc_crplugin.pipeline.work import Call, Outcome, Task, caught_warnings, reason_of, work_on
from ccdproc_crplugin.selection import stem

__all__ = ["run_night"]

LOG = "night.log"

logger = logging.getLogger(__name__)


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
    executor : `~concurrent.futures.Executor` or None
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
        If the output can't be written, or another run is at work there.
    """
    if night.input is not None:
        check_folders(night.input, night.output)
    if n_workers is not None and (not isinstance(n_workers, int) or n_workers < 1):
        raise CosmicRayError(f"Found n_workers={n_workers!r}; expected a whole number of 1 or more.")
    with locked(night.output), _logging(night.output / LOG):
        record = Record(night.output)
        with caught_warnings():
            entries = list(take_inventory(night, record.earlier))
        if executor is None and n_workers is None:
            n_workers = _n_workers(night, entries)
        with Crew(executor, n_workers or 1) as crew:
            rows = _rows(night, entries, record.earlier, crew)
            for row in progress(rows, total=len(entries)) if progress else rows:
                record.add(row)
                _log_row(row)
        logger.info("done: %s", ", ".join(f"{n} {status}" for status, n in _counts(record).items()))
        return record.finish()


def _counts(record: Record) -> Counter:
    return Counter(row["status"] for row in record.rows.values())


def _n_workers(night: Night, entries: list[Entry]) -> int:
    """
    As many processes as are worth it; steps that only this process knows are done in this process.
    """
    if any(_release(*part)[0] == "this process" for call in night.calls for part in _parts(call)):
        return 1
    return choose_n_workers([_n_pixels(entry.path) for entry in entries if not entry.reason])


def _n_pixels(path: Path) -> float:
    """
    About how many pixels a file holds, if they have 16 bits; packed ones take less.
    """
    packed = not path.name.lower().endswith((".fits", ".fit", ".fts"))
    return path.stat().st_size / 2 * (4 if packed else 1)


@contextmanager
def _logging(path: Path) -> Iterator[None]:
    """
    Write what happens to a file too.
    """
    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as err:
        raise CosmicRayError(f"Found that the log {str(path)!r} can't be written: {err}.") from err
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


def _log_row(row: Mapping[str, Any]) -> None:
    level = logging.WARNING if row["status"] == "failed" else logging.INFO
    logger.log(level, "%s: %s %s", row["file"], row["status"], row["reason"] or row["output"])


def _rows(
    night: Night, entries: list[Entry], earlier: Mapping[str, Mapping[str, Any]], crew: Crew
) -> Iterator[dict[str, Any]]:
    """
    The row of every entry, as soon as it is known.
    """
    taken = _clashes(night, entries)
    tasks = []
    for entry in entries:
        row = {**dict.fromkeys(("output", "steps", "masters", "settings_hash", "detector"), ""), **entry.row()}
        if entry.reason:
            yield row
        elif entry.kind != "light":
            yield {**row, "status": "skipped", "reason": _why_skipped(entry.kind)}
        elif entry.file in taken:
            yield {**row, "status": "failed", "reason": taken[entry.file]}
        else:
            try:
                task = _task(night, entry, row, night.calls)
            except CosmicRayError as err:
                yield {**row, "status": "failed", "reason": reason_of(err)}
                continue
            if _is_kept(task, earlier.get(entry.file, {})):
                yield {**earlier[entry.file], "status": "kept"}
            else:
                tasks.append(task)
    yield from _done(crew, tasks)


def _done(crew: Crew, tasks: list[Task]) -> Iterator[dict[str, Any]]:
    for task, outcome in crew.do(work_on, tasks):
        if not isinstance(outcome, Outcome):
            outcome = Outcome({**task.row, "status": "failed", "reason": reason_of(outcome), "output": ""})
        for message in outcome.messages:
            logger.warning("%s: %s", task.row["file"], message)
        yield outcome.row
        if outcome.fatal:
            raise CosmicRayError(f"{outcome.fatal} What is done so far is kept: run again once that is mended.")


def _why_skipped(kind: str) -> str:
    return "its header does not say what kind of frame it is" if kind == "unknown" else f"a {kind} frame"


def _task(night: Night, entry: Entry, row: Mapping[str, Any], calls: tuple[Call, ...]) -> Task:
    settings_hash = _settings_hash(night, calls)
    output = _output_name(night, entry)
    row = {
        **row,
        "output": output,
        "steps": "; ".join(map(str, calls)),
        "parameters": _parameters(calls),
        "masters": ", ".join(name for call in calls for name in call.master_names),
        "settings_hash": settings_hash,
    }
    return Task(str(entry.path), str(target_in(night.output, Path(output))), row, calls, night.headers, settings_hash)


def _parameters(calls: tuple[Call, ...]) -> str:
    """
    The parameters of the cleaning that were given, as JSON.
    """
    given = [call.parameters for call in calls if call.name == "clean_cosmic_rays"]
    return json.dumps(dict(given[0]), default=str) if given else ""


def _output_name(night: Night, entry: Entry) -> str:
    return Path(entry.file).with_name(f"{stem(entry.file)}{night.ending}").as_posix()


def _clashes(night: Night, entries: list[Entry]) -> dict[str, str]:
    """
    Files whose results would go by one name, and what to say of each.
    """
    by_name: dict[str, list[str]] = {}
    for entry in entries:
        if entry.kind == "light":
            by_name.setdefault(os.path.normcase(_output_name(night, entry)), []).append(entry.file)
    return {
        file: f"Found {', '.join(files)}, whose results would all be {name!r}; expected names that differ. Rename some."
        for name, files in by_name.items()
        if len(files) > 1
        for file in files
    }


def _is_kept(task: Task, earlier: Mapping[str, Any]) -> bool:
    """
    Whether an earlier run did just this, and its result is still there.
    """
    return (
        earlier.get("status") in ("done", "kept")
        and earlier["input_hash"] == task.row["input_hash"]
        and earlier["settings_hash"] == task.settings_hash
        and earlier["output"] == task.row["output"]
        and os.path.isfile(task.target)
    )


def _settings_hash(night: Night, calls: tuple[Call, ...]) -> str:
    """
    What decides the result but for the frame itself.
    """
    steps = [
        [call.name, dict(call.parameters), [_release(*part) for part in _parts(call)], list(call.masters)]
        for call in calls
    ]
    refiners = [(plugin.distribution, plugin.version) for plugin, _ in plugins.host().implementations("ccdcr_refine")]
    return hash_settings([dict(night.headers), steps, refiners, version("ccdproc_crplugin"), version("ccdproc")])


def _parts(call: Call) -> list[tuple[str, str]]:
    """
    What is registered and decides the result of a step: the step and, it may be, others.
    """
    step = plugins.find_step(call.name)
    return [("step", call.name), *(step.plugins(**call.parameters) if step.plugins else ())]


def _release(kind: str, name: str) -> tuple[str, str]:
    plugin = plugins.host().plugin_of(kind, name)
    return plugin.distribution, plugin.version
