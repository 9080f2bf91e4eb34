# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a worker does: one file, from the raw numbers to the result, told by paths alone."""

from __future__ import annotations

import errno
import functools
import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table, vstack

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.cards import EDITED_CARD, SETTINGS_CARD, write_history
from ccdproc_crplugin.io.atomic import atomic_write
from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.io.layout import read_frames, write_frames
from ccdproc_crplugin.io.selection import stem
from ccdproc_crplugin.pipeline.results import (
    INPUT_CARD,
    facts_of,
    headers_of_result,
    is_readable,
    is_whole,
    n_bytes_of,
)
from ccdproc_crplugin.pipeline.table import hash_file
from ccdproc_crplugin.pipeline.thread_warnings import caught_warnings

__all__ = [
    "Call",
    "Outcome",
    "OutputError",
    "Task",
    "overrule_header",
    "run_step",
    "work_on",
    "writing",
]

#: What no other frame would be spared either: a disk that is full, a folder that can't be written to.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}

#: How NumPy tells that a disk takes no more, without saying why.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")

#: What a configuration may say in place of the header, and the keyword it goes under.
HEADER_KEYWORDS = {quantity.replace(" ", "_"): keywords[0] for quantity, keywords in header.KEYWORDS.items()}


class OutputError(CosmicRayError):
    """The output can't be written."""


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
class Outcome:
    """What came of a task."""

    rows: list[dict[str, Any]]
    messages: tuple[str, ...] = ()
    fatal: str = ""


def work_on(task: Task) -> Outcome:
    """Do a task; whatever goes wrong stays with it."""
    start = time.perf_counter()
    fatal = ""
    with caught_warnings() as messages:
        try:
            row = {**task.row, **_reduced(task)}
        except Exception as err:
            fatal = str(err) if isinstance(err, OutputError) else ""
            row = {**task.row, "status": "failed", "reason": reason_of(err), "output": ""}
    row["seconds"] = round(time.perf_counter() - start, 3)
    if row["status"] == "kept" and row["reason"]:
        messages.append(row["reason"])
    return Outcome([row], tuple(dict.fromkeys(messages)), fatal)


@contextmanager
def writing() -> Iterator[None]:
    """Tell a disk that takes nothing more from trouble with one frame."""
    try:
        yield
    except (OSError, CosmicRayError) as err:
        if any(map(_is_fatal, _causes(err))):
            raise OutputError(str(err)) from err
        raise


def _is_fatal(err: BaseException) -> bool:
    return isinstance(err, OSError) and (err.errno in FATAL or SHORT_WRITE.search(str(err)) is not None)


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came of; astropy tells of a full disk by an error of its own."""
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__


def _reduced(task: Task) -> dict[str, Any]:
    """Do the steps, unless the result is there; give what its header says."""
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(hash_file, task.source)
        return _kept(task, hashing) or _made(task, hashing)


def _kept(task: Task, hashing: Future) -> dict[str, Any] | None:
    """The row of a result that is there and stays, if there is one."""
    target = Path(task.target)
    there = headers_of_result(target)
    if there and is_whole(target, there, task.earlier):
        marks = _marks(task, hashing)
        if all(there[0].get(card) == mark for card, mark in marks.items()):
            return {**_facts(there, target), "status": "kept", "input_hash": marks[INPUT_CARD]}
        if EDITED_CARD in there[0]:
            return _kept_for_its_edits(task, there, marks)
    elif not there:
        _refuse_foreign(task)
    return None


def _refuse_foreign(task: Task) -> None:
    """Refuse to replace what no run wrote; a result that was damaged may be replaced."""
    target = Path(task.target)
    if os.path.lexists(target) and (task.earlier.get("output") != task.row["output"] or is_readable(target)):
        raise CosmicRayError(f"Found {target.name!r} in the output, which no run wrote; expected none. Move it away.")


def _made(task: Task, hashing: Future) -> dict[str, Any]:
    """The row of a result that had to be made."""
    source, target = Path(task.source), Path(task.target)
    results: dict[int, CCDData] = {}
    tables: dict[str, dict[int, Table]] = {}
    raw = read_frames(source, unit=task.headers.get("unit"))
    for number, hdu in enumerate(list(raw)):
        results[hdu], measured = _run_steps(raw.pop(hdu), number, task)
        results[hdu].meta.update(_marks(task, hashing))
        results[hdu].meta.pop(EDITED_CARD, None)
        for name, table in measured.items():
            tables.setdefault(name, {})[hdu] = table
    with writing():
        target.parent.mkdir(parents=True, exist_ok=True)
        for name, by_hdu in tables.items():
            with atomic_write(target.with_name(f"{stem(target)}_{name}.ecsv"), overwrite=True) as temporary:
                _joined(by_hdu, several=len(results) > 1).write(temporary, format="ascii.ecsv")
        write_frames(results, source, target)
    facts = _facts([ccd.meta for ccd in results.values()], target)
    return {**facts, "status": "done", "input_hash": hashing.result()}


def _joined(by_hdu: Mapping[int, Table], *, several: bool) -> Table:
    """The tables of the frames of a file as one; of several frames the first column says which HDU a row belongs to."""
    if not several:
        return next(iter(by_hdu.values()))
    for hdu, table in by_hdu.items():
        table.add_column(np.full(len(table), hdu), name="hdu", index=0)
    return vstack(list(by_hdu.values()), metadata_conflicts="silent")


def _marks(task: Task, hashing: Future) -> dict[str, str]:
    """The cards that tell a result from that of another input or of other settings."""
    return {INPUT_CARD: hashing.result(), SETTINGS_CARD: task.settings_hash}


def _facts(headers: list[fits.Header], target: Path) -> dict[str, Any]:
    return {**facts_of(headers), "n_bytes": n_bytes_of([target])}


def _kept_for_its_edits(task: Task, headers: list[fits.Header], marks: Mapping[str, str]) -> dict[str, Any]:
    """The row of a result that somebody edited by hand, which no other settings undo."""
    if headers[0].get(INPUT_CARD) != marks[INPUT_CARD]:
        raise CosmicRayError(
            f"Found {Path(task.target).name!r} in the output, edited by hand and made from another frame; expected "
            "none, so that no edit is lost. Move it away."
        )
    reason = "edited by hand, so it stays as it is; move it away to have it made with the settings of now"
    made_with = {"input_hash": marks[INPUT_CARD], "settings_hash": headers[0][SETTINGS_CARD]}
    return {**task.earlier, **_facts(headers, Path(task.target)), **made_with, "status": "kept", "reason": reason}


def _run_steps(ccd: CCDData, number: int, task: Task) -> tuple[CCDData, dict[str, Table]]:
    tables: dict[str, Table] = {}
    overrule_header(ccd.meta, task.headers)
    if ccd.data.dtype.kind == "f" and not np.isfinite(ccd.data).any():
        raise CosmicRayError("Found no finite pixel in the frame; expected an image. Look at the file.")
    for call in task.calls:
        try:
            ccd, measured = run_step(ccd, number, call)
        except CosmicRayError as err:
            raise err.within(f"{call.name}: ") from err
        except Exception as err:
            raise CosmicRayError(f"{call.name}: {reason_of(err)}") from err
        tables |= measured
    return ccd, tables


def run_step(ccd: CCDData, number: int, call: Call) -> tuple[CCDData, Mapping[str, Table]]:
    """Do one step."""
    step = plugins.find_step(call.name)
    taken = {}
    if call.masters:
        which = call.master_for(number)
        taken["master"] = _read_master(call.masters[which], with_uncertainty=ccd.uncertainty is not None)
    result = step.run(ccd, **taken, **call.parameters)
    result, tables = result if isinstance(result, tuple) else (result, {})
    if not isinstance(result, CCDData):
        raise CosmicRayError(f"Found that the step gave {type(result).__name__}; expected a CCDData.")
    if call.name != "clean_cosmic_rays":
        names = {"master": call.master_names[which]} if call.masters else {}
        write_history(result.meta, call.name, {**names, **call.parameters}, "done")
    return result, tables


def _read_master(path: str, *, with_uncertainty: bool) -> CCDData:
    """A combined frame, kept for the frames to come; its uncertainty only beside one of the frame that it is for."""
    return _read_master_of(path, os.stat(path).st_mtime_ns, with_uncertainty)


@functools.lru_cache(maxsize=4)
def _read_master_of(path: str, changed: int, with_uncertainty: bool) -> CCDData:
    master = read_ccd(path)
    master.data = master.data.astype(master.data.dtype.newbyteorder("="))
    if not with_uncertainty:
        master.uncertainty = None
    return master


def overrule_header(meta: Any, headers: Mapping[str, Any]) -> None:
    """Put into a header what the user knows better."""
    for name, value in headers.items():
        if name in HEADER_KEYWORDS:
            meta[HEADER_KEYWORDS[name]] = (value, "given for the run")
