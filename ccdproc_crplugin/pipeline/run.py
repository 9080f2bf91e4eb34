# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The runner: a night from its files to its table, with somebody to do the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from importlib.metadata import version
from logging import INFO, WARNING, Logger
from pathlib import Path
from typing import Any

from astropy.table import QTable

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError, check_callable
from ccdproc_crplugin.pipeline.execution import Execution
from ccdproc_crplugin.pipeline.executors import Crew, choose_n_workers, refuse_in_unguarded_script
from ccdproc_crplugin.pipeline.folder import check_folders, locked
from ccdproc_crplugin.pipeline.inventory import list_files, take_inventory
from ccdproc_crplugin.pipeline.log import night_log
from ccdproc_crplugin.pipeline.model import Night
from ccdproc_crplugin.pipeline.plan import deciding_plugins, make_plan
from ccdproc_crplugin.pipeline.reasons import with_reason_told
from ccdproc_crplugin.pipeline.summary import outcome_line
from ccdproc_crplugin.pipeline.table import Record
from ccdproc_crplugin.pipeline.thread_warnings import caught_warnings
from ccdproc_crplugin.plugins.loader import THIS_PROCESS

__all__ = ["run_night"]


def run_night(
    night: Night,
    *,
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
) -> QTable:
    """Do what is left to do of a night."""
    refuse_in_unguarded_script()
    check_callable("progress", progress)
    if night.input is not None:
        check_folders(night.input, night.output)
    if n_workers is not None:
        _check_n_workers(n_workers, night)
    night = _anchored(night)
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
            execution = Execution(night, plan, record.earlier, crew, log)
            rows = (with_reason_told(row, night) for row in execution.rows())
            for row in progress(rows, total=len(entries)) if progress else rows:
                record.add(row)
                _log_row(row, log)
        table = record.finish()
        log.info("%s", outcome_line(table, time.perf_counter() - start))
        return table


def _anchored(night: Night) -> Night:
    """The run with paths that are the same for a process in another working folder."""
    return replace(
        night,
        input=night.input and night.input.absolute(),
        output=night.output.absolute(),
        paths=tuple(path.absolute() for path in night.paths),
    )


def _n_workers(night: Night, paths: Iterable[Path]) -> int:
    """As many processes as are worth it; what only this process knows is done in this process."""
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
    """What takes part and is registered in this process alone, so that no other knows it."""
    host = plugins.host()
    parts = [part for call in night.calls for part in deciding_plugins(call)]
    parts += [("check", name) for name in plugins.checks()]
    owners = {f"the {kind} {name!r}": host.plugin_of(kind, name) for kind, name in parts}
    for hook in ("ccdcr_refine", "ccdcr_cleaned"):
        owners |= {f"the hook {hook} of {owner.name!r}": owner for owner, _ in host.implementations(hook)}
    return [what for what, owner in owners.items() if owner.distribution == THIS_PROCESS]


def _n_pixels(path: Path) -> float:
    """About how many pixels a file holds, if they have 16 bits; packed ones take less."""
    packed = not path.name.lower().endswith((".fits", ".fit", ".fts"))
    try:
        return path.stat().st_size / 2 * (4 if packed else 1)
    except OSError:  # its row will say so
        return 0


def _log_row(row: Mapping[str, Any], log: Logger) -> None:
    level = WARNING if row["status"] == "failed" else INFO
    log.log(level, "%s: %s %s", row["file"], row["status"], row["reason"] or row["output"])
