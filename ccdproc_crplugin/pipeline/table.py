# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The table of a night, and the journal that holds its rows during a run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import as_path, atomic_write
from ccdproc_crplugin.io.opening import open_stream, reading

#: Each row is appended to the journal at once, as a line of JSON. The end of a run writes the table and removes the
#: journal; a killed run leaves it to the next one.
TABLE, JOURNAL = "night.ecsv", "night.jsonl"

#: The columns of the table: the type of each, and what it says.
COLUMNS: dict[str, tuple[type, str]] = {
    "file": (str, "the frame, in the input folder"),
    "kind": (str, "bias, dark, flat, light or another kind, or unknown"),
    "status": (str, "done, kept from an earlier run, failed, or skipped"),
    "reason": (str, "why it failed, was skipped, or is kept in spite of other settings"),
    "output": (str, "the result, in the output folder; for a calibration frame the combined one"),
    "n_bytes": (int, "length of the result"),
    "steps": (str, "what was done, with the parameters given"),
    "masters": (str, "the combined frames that it took"),
    "detector": (str, "who looked for cosmic rays"),
    "parameters": (str, "what was given to the cleaning, as JSON"),
    "n_pixels": (int, "pixels hit by cosmic rays"),
    "n_events": (int, "events, counted as by cr_segments"),
    "n_tracks": (int, "tracks: events, the pieces of one counted once, which the verdict is about"),
    "n_noise": (float, "events to expect from noise alone; unknown where the detector does not say"),
    "n_hot": (int, "events on hot pixels of the night, those put back included; unknown with fewer than three frames"),
    "expected_low": (float, "fewest events to expect"),
    "expected_high": (float, "most events to expect"),
    "verdict": (str, "whether so many events are plausible"),
    "findings": (str, "what the preflight found, but for what is ok"),
    "doubts": (str, "what to look at in the result"),
    "seconds": (float, "time taken; for a calibration frame its share"),
    "input_hash": (str, "SHA-256 of the frame"),
    "settings_hash": (str, "tells the steps, their parameters and the combined frames from all others"),
    "key": (str, "what its header says of kind, exposure, filter and so on, as JSON"),
}

#: The types that a value of a column may have; a whole number may stand for a float.
TYPES: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float)}

#: The values of the column ``status``.
STATUSES = ("done", "kept", "failed", "skipped")

#: Columns that follow the header of a frame, and the cards that they follow.
FOLLOWING = {"n_events": "CRNEVENT", "n_tracks": "CRNTRACK", "n_pixels": "CRNPIX", "verdict": "CRVERDCT"}


def hash_file(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, in 64 hexadecimal digits."""
    with reading(path := as_path(path)), open_stream(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_settings(settings: Any) -> str:
    """A hash of settings, which may hold Quantities and arrays, in 32 hexadecimal digits."""
    text = json.dumps(settings, sort_keys=True, default=_in_words)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _in_words(value: Any) -> Any:
    if isinstance(value, u.Quantity) or not hasattr(value, "tobytes"):
        return str(value)
    return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]


# --- the table during a run --------------------------------------------------


class Record:
    """The rows of an output folder by file: those of earlier runs, and those of this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = filter(_is_sound, [*_rows_of_table(folder), *_rows_of_journal(folder)])
        self.earlier: dict[str, dict[str, Any]] = {row["file"]: row for row in rows}
        self.rows: dict[str, dict[str, Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row and write it to the journal."""
        row = {**{name: "" if kind is str else None for name, (kind, _) in COLUMNS.items()}, **row}
        self.rows[row["file"]] = row
        with _refusing_os_errors(), open(self.folder / JOURNAL, "a", encoding="utf-8") as journal:
            journal.write(f"{json.dumps(row, default=str)}\n")

    def finish(self) -> QTable:
        """Write the table and remove the journal."""
        table = table_of(self.rows.values())
        with atomic_write(self.folder / TABLE, overwrite=True) as temporary:
            table.write(temporary, format="ascii.ecsv")
        with _refusing_os_errors():
            (self.folder / JOURNAL).unlink(missing_ok=True)
        return table


def _rows_of_table(folder: Path) -> list[dict[str, Any]]:
    """The rows of the table; an empty list if there is no table or somebody damaged it."""
    try:
        table = read_table(folder / TABLE)
        columns = [table[name].tolist() for name in COLUMNS]
    except (CosmicRayError, KeyError):
        return []
    return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]


def _rows_of_journal(folder: Path) -> Iterator[Any]:
    """The rows of the journal, whose last line may be incomplete."""
    with suppress(OSError):
        for line in (folder / JOURNAL).read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(ValueError, RecursionError):
                yield json.loads(line)


def _is_sound(row: Any) -> bool:
    """Whether a row may come from a run: every value is missing or has the type of its column."""
    if not isinstance(row, dict) or not set(COLUMNS) <= set(row):
        return False
    typed = all(
        row[name] is None or (isinstance(row[name], TYPES[kind]) and not isinstance(row[name], bool))
        for name, (kind, _) in COLUMNS.items()
    )
    return typed and bool(row["file"]) and row["status"] in STATUSES


def table_of(rows: Iterable[Mapping[str, Any]]) -> QTable:
    """Rows as a table sorted by file, where unknown numbers are masked."""
    rows = sorted(rows, key=lambda row: row["file"])
    table = QTable()
    for name, (kind, meaning) in COLUMNS.items():
        values = [row.get(name) for row in rows]
        if kind is str:
            table[name] = [value or "" for value in values] if values else MaskedColumn([], dtype=str)
        else:
            missing = [value is None for value in values]
            filled = [kind(0) if lost else kind(value) for lost, value in zip(missing, values, strict=True)]
            table[name] = MaskedColumn(filled, mask=missing, dtype=kind, unit=u.s if name == "seconds" else None)
        table[name].info.description = meaning
    return table


@contextmanager
def _refusing_os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise CosmicRayError(
            f"Found that the output can't be written: {err}. What is done so far is kept; run again once there is room."
        ) from err


# --- the table after a run ---------------------------------------------------


def read_table(path: Path) -> Table:
    """Read the table of a night, which has at least the columns ``file``, ``status`` and ``output``."""
    try:
        # Only a line feed ends a line: a file name may hold other characters that Python takes for the end of one.
        lines = path.read_bytes().decode("utf-8").replace("\r\n", "\n").split("\n")
        table = Table.read(lines, format="ascii.ecsv")
    except Exception as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, which can't be read ({type(err).__name__}: {err}); expected the table of a "
            "reduction. Move it away to have the files of the folder listed instead."
        ) from err
    missing = {"file", "status", "output"} - set(table.colnames)
    if missing:
        raise CosmicRayError(
            f"Found no column {sorted(missing)[0]!r} in {str(path)!r}; expected the table of a reduction."
        )
    return table


def path_inside(folder: Path, output: str) -> Path | None:
    """The path of an output that the table names; None if it is not a path or leads out of the folder."""
    try:
        path = (folder / output).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return folder / output if path.is_relative_to(folder.resolve()) else None


def update_row(frame: Path, headers: Sequence[Mapping[str, Any]]) -> Path | None:
    """
    Update the row of a frame, from the headers of its file, in the table that names it.

    The table, whose path is returned, lies in the folder of the frame or in the one above. A journal that a killed run
    left there is updated, too.
    """
    for folder in frame.resolve().parents[:2]:
        _follow_in_journal(folder, frame, headers)
        path = folder / TABLE
        if not path.is_file():
            continue
        table = read_table(path)
        named = [path_inside(folder, str(output)) for output in table["output"]]
        here = [path is not None and path.resolve() == frame.resolve() for path in named]
        if not any(here):
            continue
        _follow(table, int(np.argmax(here)), headers)
        with atomic_write(path, overwrite=True) as temporary:
            table.write(temporary, format="ascii.ecsv")
        return path
    return None


def _follow(table: Table, row: int, headers: Sequence[Mapping[str, Any]]) -> None:
    for name in FOLLOWING:
        if name not in table.colnames:
            continue
        value = _said(headers, name)
        if table[name].dtype.kind == "U":
            table[name] = table[name].astype(f"U{max(table[name].dtype.itemsize // 4, len(str(value)))}")
        table[name][row] = value


def _said(headers: Sequence[Mapping[str, Any]], column: str) -> Any:
    """The value of a column for the frames of a file: numbers are added up, words listed."""
    card = FOLLOWING[column]
    said = [header[card] for header in headers if card in header]
    return "; ".join(dict.fromkeys(map(str, said))) if column == "verdict" else sum(said)


def _follow_in_journal(folder: Path, frame: Path, headers: Sequence[Mapping[str, Any]]) -> None:
    """Append the new row to the journal, where the last row of a file counts."""
    later = {}
    for row in _rows_of_journal(folder):
        with suppress(ValueError, KeyError, TypeError):
            if row["output"] and (folder / row["output"]).resolve() == frame.resolve():
                later = {**row, **{name: _said(headers, name) for name in FOLLOWING}}
    if later:
        with open(folder / JOURNAL, "a", encoding="utf-8") as journal:
            journal.write(f"\n{json.dumps(later, default=str)}\n")
