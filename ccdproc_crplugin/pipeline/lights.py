# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The work on a light frame: the steps from the raw file to the result."""

from __future__ import annotations

import os
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

from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.frames.cards import EDITED_CARD, SETTINGS_CARD
from ccdproc_crplugin.io.atomic import as_path, atomic_write
from ccdproc_crplugin.io.disk import OutputError, writing
from ccdproc_crplugin.io.inputs import ODD_CARDS, keeping_inputs
from ccdproc_crplugin.io.layout import open_frames, stands_alone, write_frames
from ccdproc_crplugin.io.selection import stem
from ccdproc_crplugin.pipeline.log import caught_warnings
from ccdproc_crplugin.pipeline.model import Call, Outcome, Task, Vote
from ccdproc_crplugin.pipeline.results import (
    INPUT_CARD,
    facts_of,
    first_header,
    foreign_file,
    headers_of_result,
    is_whole,
)
from ccdproc_crplugin.pipeline.steps import overrule_header, reason_in_night, refuse_corrected, run_step
from ccdproc_crplugin.pipeline.table import hash_file
from ccdproc_crplugin.pipeline.votes import votes_of


@keeping_inputs(warned=[ODD_CARDS])  # the inventory has said so
def work_on(task: Task) -> Outcome:
    """Reduce a light frame; an error becomes the reason in its row."""
    start = time.perf_counter()
    fatal = ""
    votes: tuple[Vote, ...] = ()
    with caught_warnings() as messages:
        try:
            facts, votes = _reduced(task)
            row = {**task.row, **facts}
        except Exception as err:
            fatal = str(err) if isinstance(err, OutputError) else ""
            row = {**task.row, "status": "failed", "reason": reason_in_night(err, task.is_configured), "output": ""}
    row["seconds"] = round(time.perf_counter() - start, 3)
    if row["status"] == "kept" and row["reason"]:
        messages.append(row["reason"])
    return Outcome([row], tuple(dict.fromkeys(messages)), fatal, votes)


def _reduced(task: Task) -> tuple[dict[str, Any], tuple[Vote, ...]]:
    """Do the steps unless the result is there already; return columns of the table, and the votes of a new result."""
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(hash_file, task.source)
        kept = None if task.anew else kept_result(task, hashing)
        return (kept, ()) if kept else _made(task, hashing)


def kept_result(task: Task, hashing: Future) -> dict[str, Any] | None:
    """The columns of a result that is there and stays; None if it has to be made."""
    target = Path(task.target)
    there = headers_of_result(target)
    if there and is_whole(target, there, task.earlier):
        marks = _marks(task, hashing)
        if all(there[0].get(card) == mark for card, mark in marks.items()):
            known = {"n_hot": task.earlier.get("n_hot"), "input_hash": marks[INPUT_CARD]}
            return {**facts_of(there, target), **known, "status": "kept"}
        if EDITED_CARD in there[0]:
            return _kept_for_its_edits(task, there, marks)
    elif not there:
        _refuse_foreign(task)
    return None


def _refuse_foreign(task: Task) -> None:
    """Refuse to replace a file that no run wrote; a damaged result may be replaced."""
    target = Path(task.target)
    known = task.earlier.get("output") == task.row["output"]
    if os.path.lexists(target) and (not known or first_header(target) is not None):
        raise foreign_file(target)


@dataclass
class Frames:
    """The frames of a file on their way through the steps, by HDU, and the tables measured on them, by name."""

    by_hdu: dict[int, CCDData]
    alone: bool  # whether the file holds one frame and nothing else
    tables: dict[str, dict[int, Table]] = field(default_factory=dict)

    def run(self, hdu: int, number: int, call: Call) -> None:
        """Do a step on one of the frames, the ``number``-th from 0."""
        with naming(call):
            self.by_hdu[hdu], measured = run_step(self.by_hdu[hdu], number, call)
        for name, table in measured.items():
            self.tables.setdefault(name, {})[hdu] = table


def read_raw(task: Task) -> Frames:
    """The raw frames of a file, with the values of [headers]."""
    with open_frames(as_path(task.source)) as files:
        raw = {file.index: file.read(task.headers.get("unit")) for file in files}
        frames = Frames(raw, stands_alone(files[0].hdus, raw))
    for ccd in raw.values():
        overrule_header(ccd.meta, task.headers)
        if ccd.data.dtype.kind == "f" and not np.isfinite(ccd.data).any():
            raise CosmicRayError("Found no finite pixel in the frame; expected an image. Look at the file.")
        refuse_corrected(ccd.meta, task.calls)
    return frames


@contextmanager
def naming(call: Call) -> Iterator[None]:
    """Let the errors of a step name it."""
    try:
        yield
    except CosmicRayError as err:
        raise err.within(f"{call.name}: ") from err
    except Exception as err:
        raise CosmicRayError(f"{call.name}: {reason_of(err)}") from err


def _made(task: Task, hashing: Future) -> tuple[dict[str, Any], tuple[Vote, ...]]:
    """Make the result; return columns of the table, and the votes of its frames."""
    frames = read_raw(task)
    for number, hdu in enumerate(frames.by_hdu):
        for call in task.calls:
            frames.run(hdu, number, call)
    return write_result(task, frames, hashing)


def write_result(task: Task, frames: Frames, hashing: Future) -> tuple[dict[str, Any], tuple[Vote, ...]]:
    """Write the frames and tables; return columns of the table of the night, and the votes of the frames."""
    source, target, results = as_path(task.source), Path(task.target), frames.by_hdu
    for ccd in results.values():
        ccd.meta.update(_marks(task, hashing))
        ccd.meta.pop(EDITED_CARD, None)
    with writing():
        target.parent.mkdir(parents=True, exist_ok=True)
        for name, by_hdu in frames.tables.items():
            with atomic_write(target.with_name(f"{stem(target)}_{name}.ecsv"), overwrite=True) as temporary:
                _joined(by_hdu, several=len(results) > 1).write(temporary, format="ascii.ecsv")
        hdus = write_frames(results, source, target, overwrite=True, alone=frames.alone)
    facts = facts_of([ccd.meta for ccd in results.values()], target)
    votes = votes_of(dict(zip(hdus, results.values(), strict=True))) if task.measures_hits else ()
    return {**facts, "status": "done", "input_hash": hashing.result()}, votes


def _joined(by_hdu: Mapping[int, Table], *, several: bool) -> Table:
    """The tables of the frames of a file as one table; the first column is the HDU if there are several frames."""
    if not several:
        return next(iter(by_hdu.values()))
    for hdu, table in by_hdu.items():
        table.add_column(np.full(len(table), hdu), name="hdu", index=0)
    return vstack(list(by_hdu.values()), metadata_conflicts="silent")


def _marks(task: Task, hashing: Future) -> dict[str, str]:
    """The cards that hold the hashes of input and settings."""
    return {INPUT_CARD: hashing.result(), SETTINGS_CARD: task.row["settings_hash"]}


def _kept_for_its_edits(task: Task, headers: list[fits.Header], marks: Mapping[str, str]) -> dict[str, Any]:
    """The columns of a result that somebody edited by hand; it stays though the settings have changed."""
    if headers[0].get(INPUT_CARD) != marks[INPUT_CARD]:
        raise CosmicRayError(
            f"Found {Path(task.target).name!r} in the output, edited by hand and made from another frame; expected "
            "no such file, so that no edit is lost. Move it away."
        )
    reason = "edited by hand, so it stays as it is; move it away to have it made with the settings of now"
    made_with = {"input_hash": marks[INPUT_CARD], "settings_hash": headers[0][SETTINGS_CARD]}
    return {**task.earlier, **facts_of(headers, Path(task.target)), **made_with, "status": "kept", "reason": reason}
