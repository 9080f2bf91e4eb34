# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The hot pixels of a night, found once its frames are cleaned: listed, and what was removed from them put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData
from astropy.table import QTable, Table

from ccdproc_crplugin.errors import reason_of
from ccdproc_crplugin.frames.hits import removed_hits
from ccdproc_crplugin.frames.restored import put_hot_pixels_back
from ccdproc_crplugin.io.atomic import atomic_write
from ccdproc_crplugin.io.disk import OutputError, writing
from ccdproc_crplugin.io.layout import read_frames, write_frames
from ccdproc_crplugin.kernels.hot_pixels import (
    FEWEST_FRAMES,
    RULE,
    HotPixels,
    find_hot_pixels,
    hot_labels,
    least_frames,
)
from ccdproc_crplugin.pipeline.execution import Execution
from ccdproc_crplugin.pipeline.lights import work_on
from ccdproc_crplugin.pipeline.log import caught_warnings
from ccdproc_crplugin.pipeline.model import Chip, Outcome, StackTask, Task, Vote
from ccdproc_crplugin.pipeline.results import facts_of
from ccdproc_crplugin.pipeline.stacks import work_on_stack
from ccdproc_crplugin.pipeline.steps import reason_in_night
from ccdproc_crplugin.pipeline.table import hash_settings
from ccdproc_crplugin.pipeline.votes import chip_of, read_votes

#: The table in the output folder.
HOT_TABLE = "hot_pixels.ecsv"

#: The columns of a row that tell whether anything changed since the table was written.
DECISIVE = ("file", "input_hash", "settings_hash", "n_bytes", "n_events", "n_pixels", "n_hot")

#: The columns of the table, and what they say.
COLUMNS = {
    "chip": "number of the chip in the meta data, from 1",
    "camera": "the camera and chip that the headers name",
    "hdu": "HDU of the chip in a file of several frames; 0 otherwise",
    "binning": "binning along x and y",
    "y": "row, counted from 0",
    "x": "column, counted from 0",
    "n_frames": "frames in which it was flagged",
    "rate": "median height above the pixels around it; an unknown exposure counts as 1 s",
}


@dataclass(frozen=True)
class ChipResult:
    """The hot pixels of a chip."""

    n_frames: int  # that have a vote
    least: int  # frames in which a hot pixel is flagged; 0 if hot pixels can't be told
    hot: HotPixels


@dataclass(frozen=True)
class PutBack:
    """A result for a worker, and the pixels that are hot in each of its frames."""

    task: Task
    row: Mapping[str, Any]
    wanted: tuple[np.ndarray, ...]  # places in the flattened frame
    anew: bool  # whether other pixels were put back in it
    stack: StackTask | None = None  # the exposures with which it is made


def settle_hot_pixels(execution: Execution, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Find the hot pixels after the frames of a run are cleaned and write their table; yield the rows that change."""
    path = execution.night.output / HOT_TABLE
    cleaned = {file: dict(row) for file, row in rows.items() if _is_cleaned(row) and file in execution.tasks}
    if execution.night.hot_pixels == "off" or not cleaned:
        path.unlink(missing_ok=True)
        yield from ({**row, "n_hot": None} for row in cleaned.values() if row["n_hot"] is not None)
        return
    if _hash_in(path) == _hash_of(cleaned.values()):
        return
    votes = dict(_votes(execution, cleaned))
    chips = chip_results(vote for of_file in votes.values() for vote in of_file)
    _log_chips(execution, chips)
    for row in _settled_rows(execution, cleaned, votes, chips):
        cleaned[row["file"]] = row
        yield row
    with writing(), atomic_write(path, overwrite=True) as temporary:
        table_of_hot_pixels(chips, _hash_of(cleaned.values())).write(temporary, format="ascii.ecsv")


def _is_cleaned(row: Mapping[str, Any]) -> bool:
    return row["status"] in ("done", "kept") and bool(row["detector"])


def _hash_of(rows: Iterable[Mapping[str, Any]]) -> str:
    return hash_settings(sorted([row[name] for name in DECISIVE] for row in rows))


def _hash_in(path: Path) -> str:
    """What the table of an earlier run says of the frames that it was made of."""
    try:
        return str(Table.read(path, format="ascii.ecsv").meta.get("frames_hash", ""))
    except Exception:
        return ""


def _votes(execution: Execution, cleaned: dict[str, dict[str, Any]]) -> Iterator[tuple[str, tuple[Vote, ...]]]:
    """The votes of each file; those of files that an earlier run made are read, and their rows are updated."""
    yield from ((file, votes) for file, votes in execution.votes.items() if file in cleaned)
    tasks = [execution.tasks[file] for file in cleaned if file not in execution.votes]
    for task, outcome in execution.crew.do(read_votes, tasks):
        file = task.row["file"]
        if isinstance(outcome, Outcome):
            cleaned[file] = {**cleaned[file], **outcome.rows[0]}
            yield file, outcome.votes
        else:
            execution.log.warning("%s: no hot pixels: %s", file, reason_of(outcome))


def chip_results(votes: Iterable[Vote]) -> dict[Chip, ChipResult]:
    """The hot pixels of each chip, from the votes of all frames."""
    by_chip: dict[Chip, list] = {}
    for vote in votes:
        of_chip = by_chip.setdefault(vote.chip, [])
        if vote.hits is not None:
            of_chip.append(vote.hits)
    return {chip: _result(chip, by_chip[chip]) for chip in sorted(by_chip, key=lambda chip: tuple(vars(chip).values()))}


def _result(chip: Chip, hits: list) -> ChipResult:
    n_pixels = chip.shape[0] * chip.shape[1]
    least = least_frames([len(of_frame) / n_pixels for of_frame in hits], n_pixels)
    nothing = HotPixels(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return ChipResult(len(hits), least, find_hot_pixels(hits, least) if least else nothing)


def _log_chips(execution: Execution, chips: Mapping[Chip, ChipResult]) -> None:
    for chip, result in chips.items():
        words = [chip.camera, chip.hdu and f"HDU {chip.hdu}", "{1} x {0} pixels".format(*chip.shape)]
        name = ", ".join(word for word in words if word)
        if result.least:
            found = f"{len(result.hot.index)}, flagged in {result.least} of {result.n_frames} frames or more"
        else:
            found = f"can't be told from {result.n_frames} frames (it takes {FEWEST_FRAMES} or more)"
        execution.log.info("hot pixels of %s: %s", name, found)


# --- the frames ---


def _settled_rows(
    execution: Execution,
    cleaned: Mapping[str, dict[str, Any]],
    votes: Mapping[str, tuple[Vote, ...]],
    chips: Mapping[Chip, ChipResult],
) -> Iterator[dict[str, Any]]:
    tasks = []
    for file, row in cleaned.items():
        of_file = votes.get(file, ())
        hot = [_hot_pixels_in(vote, chips[vote.chip]) for vote in of_file]
        counts = [None if pixels is None else pixels[0] for pixels in hot]
        known = [count for count in counts if count is not None]
        row = {**row, "n_hot": sum(known) if known and len(known) == len(counts) else None}
        wanted = tuple(np.zeros(0, np.int64) if pixels is None else pixels[1] for pixels in hot)
        task = PutBack(execution.tasks[file], row, wanted, any(map(_n_put_back, of_file)), execution.stacks.get(file))
        if execution.night.hot_pixels == "restore" and _differs(of_file, wanted):
            tasks.append(task)
        else:
            yield row
    for task, outcome in execution.crew.do(put_back_in, tasks):
        yield from execution.settled([task.row], outcome)


def _hot_pixels_in(vote: Vote, result: ChipResult) -> tuple[int, np.ndarray] | None:
    """The number of a frame's events on hot pixels, and the places of their pixels; None if that can't be told."""
    if vote.hits is None or not result.least:
        return None
    labels = hot_labels(vote.hits, result.hot.index, result.hot.rate)
    return len(labels), vote.hits.index[np.isin(vote.hits.label, labels)]


def _n_put_back(vote: Vote) -> int:
    return 0 if vote.put_back is None else len(vote.put_back)


def _differs(votes: Iterable[Vote], wanted: tuple[np.ndarray, ...]) -> bool:
    """Whether other pixels are to be put back than were; a result that was edited by hand is left alone."""
    pairs = list(zip(votes, wanted, strict=True))
    if any(vote.is_edited for vote, _ in pairs):
        return False
    return any(not np.array_equal(() if vote.put_back is None else vote.put_back, index) for vote, index in pairs)


def put_back_in(work: PutBack) -> Outcome:
    """Put back what was removed from hot pixels; a result with others put back is made anew before."""
    row, target = dict(work.row), Path(work.task.target)
    messages: tuple[str, ...] = ()
    if work.anew:
        made = _made_anew(work)
        if made.rows[0]["status"] != "done":
            return made
        row, messages = {**row, **made.rows[0], "n_hot": row["n_hot"]}, made.messages
    fatal = ""
    with caught_warnings():
        try:
            if any(map(len, work.wanted)):
                row |= _rewritten(target, work.wanted)
        except Exception as err:
            fatal = str(err) if isinstance(err, OutputError) else ""
            row |= {"status": "failed", "reason": reason_in_night(err, work.task.is_configured), "output": ""}
    return Outcome([row], messages, fatal)


def _made_anew(work: PutBack) -> Outcome:
    """The outcome of the task done again."""
    if work.stack is not None:
        (made,) = work_on_stack(replace(work.stack, only=work.task.row["file"]))
        return made
    return work_on(replace(work.task, anew=True, measures_hits=False))


def _rewritten(target: Path, wanted: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """Write a result with the values of some pixels put back; return columns of the table."""
    frames = read_frames(target, is_input=False)
    for (hdu, ccd), index in zip(list(frames.items()), wanted, strict=True):
        if len(index):
            frames[hdu] = put_hot_pixels_back(ccd, index)
    with writing():
        write_frames(frames, target, target, in_place=True)
    return {**facts_of([ccd.meta for ccd in frames.values()], target), "status": "done"}


# --- the table ---


def table_of_hot_pixels(chips: Mapping[Chip, ChipResult], frames_hash: str) -> QTable:
    """A row for each hot pixel; the meta data hold the rule and the chips."""
    rows = [_columns_of(number, *of_chip) for number, of_chip in enumerate(chips.items(), start=1)]
    table = QTable({name: np.concatenate([columns[name] for columns in rows]) for name in COLUMNS})
    table["rate"].unit = u.electron / u.s
    for name, meaning in COLUMNS.items():
        table[name].info.description = meaning
    said = [_said(chip, result) for chip, result in chips.items()]
    table.meta.update(rule=RULE, chips=said, frames_hash=frames_hash)
    return table


def _said(chip: Chip, result: ChipResult) -> dict[str, Any]:
    counts = {"n_frames": result.n_frames, "least": result.least, "n_hot": len(result.hot.index)}
    return {**asdict(chip), "shape": list(chip.shape), **counts}


def _columns_of(number: int, chip: Chip, result: ChipResult) -> dict[str, np.ndarray]:
    n_hot = len(result.hot.index)
    y, x = np.divmod(result.hot.index, chip.shape[1])
    same = {"chip": number, "camera": chip.camera, "hdu": chip.hdu, "binning": chip.binning}
    measured = {"y": y, "x": x, "n_frames": result.hot.n_frames, "rate": result.hot.rate}
    return {**{name: np.full(n_hot, value) for name, value in same.items()}, **measured}


def read_hot_pixels(folder: Path) -> dict[Chip, ChipResult]:
    """The hot pixels that a run found in its output folder; empty without a table, or if somebody damaged it."""
    try:
        table = Table.read(folder / HOT_TABLE, format="ascii.ecsv")
        return dict(_read_chip(table, number, said) for number, said in enumerate(table.meta["chips"], start=1))
    except Exception:
        return {}


def _read_chip(table: Table, number: int, said: Mapping[str, Any]) -> tuple[Chip, ChipResult]:
    here = table[table["chip"] == number]
    chip = Chip(said["camera"], said["hdu"], said["binning"], tuple(said["shape"]))
    index = np.asarray(here["y"], dtype=np.int64) * chip.shape[1] + np.asarray(here["x"])
    hot = HotPixels(index, np.asarray(here["n_frames"]), np.asarray(here["rate"], dtype=float))
    return chip, ChipResult(said["n_frames"], said["least"], hot)


def events_on_hot_pixels(ccd: CCDData, hdu: int, n_frames: int, chips: Mapping[Chip, ChipResult]) -> list[int] | None:
    """The labels of a frame's events on hot pixels, by its HDU in a file of so many frames; None if unknown."""
    result = chips.get(chip_of(ccd, hdu, n_frames))
    hits = removed_hits(ccd) if result and result.least else None
    return hot_labels(hits, result.hot.index, result.hot.rate).tolist() if result and hits else None
