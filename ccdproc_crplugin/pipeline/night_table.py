# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The table of a night, and how it follows what is done to a frame afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import atomic_write

__all__ = ["TABLE", "path_inside", "read_table", "update_row"]

#: The name of the table, in the folder of the cleaned frames.
TABLE = "night.ecsv"

#: What a run that was killed left in place of the table, a row a line.
JOURNAL = "night.jsonl"

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
