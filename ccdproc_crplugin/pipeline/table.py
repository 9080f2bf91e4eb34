# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a run knows of the runs before it: the table and the journal."""

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
from ccdproc_crplugin.io.atomic import atomic_write
from ccdproc_crplugin.io.ccd import reading

__all__ = [
    "COLUMNS",
    "JOURNAL",
    "TABLE",
    "Record",
    "hash_file",
    "hash_settings",
    "path_inside",
    "read_table",
    "table_of",
    "update_row",
]

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
    "expected_low": (float, "fewest events to expect"),
    "expected_high": (float, "most events to expect"),
    "verdict": (str, "whether so many events are plausible"),
    "findings": (str, "what the preflight found, but for what is ok"),
    "seconds": (float, "time taken; for a calibration frame its share"),
    "input_hash": (str, "SHA-256 of the frame"),
    "settings_hash": (str, "tells the steps, their parameters and the combined frames from all others"),
    "key": (str, "what its header says of kind, exposure, filter and so on, as JSON"),
}


#: What a value of a column may be; a float with nothing after the point may come as an integer.
TYPES: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float)}

#: What becomes of a frame.
STATUSES = ("done", "kept", "failed", "skipped")


def hash_file(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, as ``sha256sum`` gives it."""
    with reading(Path(path)), open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_settings(settings: Any) -> str:
    """What tells settings from all others."""
    text = json.dumps(settings, sort_keys=True, default=_in_words)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _in_words(value: Any) -> Any:
    if isinstance(value, u.Quantity) or not hasattr(value, "tobytes"):
        return str(value)
    return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]


class Record:
    """The rows of a folder of outputs, those of earlier runs and of this one."""

    def __init__(self, folder: Path):
        self.folder = folder
        rows = filter(_is_sound, [*self._table(), *self._journal()])
        self.earlier: dict[str, dict[str, Any]] = {row["file"]: row for row in rows}
        self.rows: dict[str, dict[str, Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Note what came of a frame, at once."""
        row = {**{name: "" if kind is str else None for name, (kind, _) in COLUMNS.items()}, **row}
        self.rows[row["file"]] = row
        with _refusing_os_errors(), open(self.folder / JOURNAL, "a", encoding="utf-8") as journal:
            journal.write(f"{json.dumps(row, default=str)}\n")

    def finish(self) -> QTable:
        """Write the table, which makes the journal superfluous."""
        table = table_of(self.rows.values())
        with atomic_write(self.folder / TABLE, overwrite=True) as temporary:
            table.write(temporary, format="ascii.ecsv")
        with _refusing_os_errors():
            (self.folder / JOURNAL).unlink(missing_ok=True)
        return table

    def _table(self) -> list[dict[str, Any]]:
        """The rows of the last run that came to its end; none if somebody damaged the table."""
        path = self.folder / TABLE
        if not path.is_file():
            return []
        try:
            table = Table.read(path, format="ascii.ecsv")
            columns = [table[name].tolist() for name in COLUMNS]
        except Exception:
            return []
        return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]

    def _journal(self) -> list[dict[str, Any]]:
        try:
            lines = (self.folder / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        return [_row_of(line) for line in lines]


def _row_of(line: str) -> Any:
    """A row of the journal, whose last line may be torn; None then."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_sound(row: Any) -> bool:
    """Whether a row is one that a run may have written: every value of the type of its column, or missing."""
    if not isinstance(row, dict) or not set(COLUMNS) <= set(row):
        return False
    typed = all(
        row[name] is None or (isinstance(row[name], TYPES[kind]) and not isinstance(row[name], bool))
        for name, (kind, _) in COLUMNS.items()
    )
    return typed and bool(row["file"]) and row["status"] in STATUSES


def table_of(rows: Iterable[Mapping[str, Any]]) -> QTable:
    """Rows as a table."""
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


#: Columns that follow the header of a frame, and the cards that they follow.
FOLLOWING = {"n_events": "CRNEVENT", "n_pixels": "CRNPIX", "verdict": "CRVERDCT"}


def read_table(path: Path) -> Table:
    """Read the table of a night."""
    try:
        # Lines end with a line feed only: a file name may hold what else passes for the end of a line.
        lines = path.read_bytes().decode("utf-8").replace("\r\n", "\n").split("\n")
        table = Table.read(lines, format="ascii.ecsv")
    except Exception as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, which can't be read ({type(err).__name__}: {err}); expected the table of a "
            "reduction. Take it away to go by the files of the folder."
        ) from err
    missing = {"file", "status", "output"} - set(table.colnames)
    if missing:
        raise CosmicRayError(
            f"Found no column {sorted(missing)[0]!r} in {str(path)!r}; expected the table of a reduction."
        )
    return table


def path_inside(folder: Path, output: str) -> Path | None:
    """Where the table says that a frame is."""
    try:
        path = (folder / output).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return folder / output if path.is_relative_to(folder.resolve()) else None


def update_row(frame: Path, headers: Sequence[Mapping[str, Any]]) -> Path | None:
    """Let the table of a night say what the headers of a file say now."""
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
    card = FOLLOWING[column]
    said = [header[card] for header in headers if card in header]
    return "; ".join(dict.fromkeys(map(str, said))) if column == "verdict" else sum(said)


def _follow_in_journal(folder: Path, frame: Path, headers: Sequence[Mapping[str, Any]]) -> None:
    """Append the new row; of two the later counts."""
    path = folder / JOURNAL
    if not path.is_file():
        return
    later = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            row = json.loads(line)
            if row["output"] and (folder / row["output"]).resolve() == frame.resolve():
                later = {**row, **{name: _said(headers, name) for name in FOLLOWING}}
    if later:
        with open(path, "a", encoding="utf-8") as journal:
            journal.write(f"\n{json.dumps(later, default=str)}\n")
