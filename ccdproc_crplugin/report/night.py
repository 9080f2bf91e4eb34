# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The frames of a night, from the table of its reduction or from the files of a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import PARAMETER_CARDS, read_verdict
from ccdproc_crplugin.frames.header import exposure, filter_name
from ccdproc_crplugin.frames.rates import NOISE_CARD
from ccdproc_crplugin.io.ccd import frame_indices, read_header
from ccdproc_crplugin.io.selection import find_frames, in_unicode
from ccdproc_crplugin.pipeline.table import TABLE, path_inside, read_table

#: Kinds of calibration frames, which have no events.
CALIBRATION = ("bias", "dark", "flat")

#: Numbers of a row that hold for a whole file.
NUMBERS = ("n_events", "n_tracks", "n_noise", "n_pixels", "n_hot", "expected_low", "expected_high", "seconds")


@dataclass(frozen=True)
class Row:
    """A row of the table on the page."""

    file: str
    status: str
    reason: str = ""
    path: Path | None = None  # of the cleaned frame
    hdu: int | None = None  # in a file of several frames
    kind: str = ""
    target: str = ""
    filter: str = ""
    start: str = ""
    detector: str = ""
    parameters: str = ""
    verdict: str = ""
    lacking: str = ""  # why the verdict is so, such as what is missing for one
    findings: str = ""
    n_events: float | None = None
    n_tracks: float | None = None
    n_noise: float | None = None  # events to expect from noise alone
    n_pixels: float | None = None
    n_hot: float | None = None  # events on hot pixels, those put back included
    expected_low: float | None = None
    expected_high: float | None = None
    exposure: float | None = None  # (s)
    seconds: float | None = None  # of work

    @property
    def expected(self) -> str:
        """The range of the expected number of events."""
        if self.expected_low is None or self.expected_high is None:
            return ""
        return f"{self.expected_low:.0f} to {self.expected_high:.0f}"


def rows_of_folder(folder: Path) -> list[Row]:
    """The rows of a night's table, calibration frames last, or one for each file with a cleaned frame."""
    if not folder.is_dir():
        raise CosmicRayError(f"Found no folder {str(folder)!r}; expected one of cleaned frames.")
    table = folder / TABLE
    rows = _from_table(table) if table.is_file() else _from_files(folder)
    if not rows:
        raise CosmicRayError(
            f"Found no cleaned frame in {str(folder)!r}; expected {TABLE} or FITS files that clean_cosmic_rays made. "
            "Clean some first."
        )
    return rows


def split_frames(row: Row) -> list[Row]:
    """The row of a file, or a row for each of several frames, without the figures of the whole file."""
    indices = frame_indices(row.path) if row.path else []
    if len(indices) < 2:
        return [row]
    whole: dict[str, Any] = {**dict.fromkeys(NUMBERS), "verdict": "", "findings": ""}
    return [replace(row, file=f"{row.file}[{index}]", hdu=index, **whole) for index in indices]


def _from_table(path: Path) -> list[Row]:
    table = read_table(path)
    rows = [_row_of(dict(zip(table.colnames, row, strict=True)), path.parent) for row in table]
    return sorted(rows, key=lambda row: row.kind in CALIBRATION)


def _row_of(entries: Mapping[str, Any], folder: Path) -> Row:
    words = ("file", "status", "reason", "kind", "detector", "verdict")
    values: dict[str, Any] = {name: _text(entries.get(name)) for name in words}
    values |= {name: _number(entries.get(name)) for name in NUMBERS}
    output = _text(entries.get("output"))
    path = path_inside(folder, output) if output else None
    if output and path is None:
        values["reason"] = values["reason"] or f"its cleaned frame is said to lie outside of the folder, at {output!r}"
    return Row(
        **values,
        path=path,
        parameters=_parameters(_text(entries.get("parameters"))),
        findings=_text(entries.get("findings")),
    )


def _from_files(folder: Path) -> list[Row]:
    rows = []
    for path in find_frames(folder):
        try:
            headers = [read_header(path, hdu=index) for index in frame_indices(path)]
        except CosmicRayError as err:
            rows.append(Row(in_unicode(path.name), "failed", str(err)))
            continue
        if any("CRDETECT" in header for header in headers):
            rows.append(Row(in_unicode(path.name), "done", path=path))
    return rows


def complete(row: Row, header: Mapping[str, Any]) -> Row:
    """Complete a row from the header of the cleaned frame, whose counts and verdict follow each restoration."""
    seconds, name = exposure(header), filter_name(header)
    verdict, lacking = read_verdict(header)
    said = {
        "target": _text(header.get("OBJECT")),
        "filter": name.value if name else "",
        "start": _text(header.get("DATE-OBS"))[:19].replace("T", " "),
        "exposure": seconds and float(seconds.value.value),
        "detector": _text(header.get("CRDETECT")),
        "findings": _text(header.get("CRPREFLT")),
        "parameters": _in_words({name: header[card] for name, card in PARAMETER_CARDS.items() if card in header}),
    }
    entries = {name: value for name, value in vars(row).items() if value not in (None, "")}
    judged = {
        "n_events": _number(header.get("CRNEVENT")),
        "n_tracks": _number(header.get("CRNTRACK")),
        "n_noise": _number(header.get(NOISE_CARD)),
        "n_pixels": _number(header.get("CRNPIX")),
        "expected_low": _number(header.get("CREXPLO")),
        "expected_high": _number(header.get("CREXPHI")),
        "verdict": verdict,
        "lacking": lacking,
        "parameters": _with_choice(row.parameters, header),
    }
    return Row(**{**said, **entries, **{name: value for name, value in judged.items() if value not in (None, "")}})


def put_back(row: Row) -> Row:
    """The row of a frame whose removed values were all put back."""
    reason = "; ".join(filter(None, (row.reason, "all that was removed was put back")))
    return replace(row, reason=reason, n_events=0.0, n_tracks=0.0, n_pixels=0.0, verdict="")


def _text(value: Any) -> str:
    return "" if value is None or value is np.ma.masked else str(value).strip()


def _number(value: Any) -> float | None:
    if value is np.ma.masked:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _parameters(text: str) -> str:
    """The parameters in words, from their JSON in the table."""
    try:
        parameters = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _in_words(parameters) if isinstance(parameters, dict) else text


def _with_choice(parameters: str, header: Mapping[str, Any]) -> str:
    """The parameters with the limit that was chosen for ``auto``."""
    sigclip = _number(header.get("CRSIGCLP"))
    return parameters if sigclip is None else parameters.replace("sigclip=auto", f"sigclip={sigclip:g} (auto)")


def _in_words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in parameters.items()
    )
