# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What can be learnt from a result in the output folder: its origin, its numbers, and whether it is complete."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from astropy.io import fits

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import EDITED_CARD, SETTINGS_CARD
from ccdproc_crplugin.frames.rates import NOISE_CARD
from ccdproc_crplugin.io.opening import open_hdus

#: Card of a result with the hash of its input; `SETTINGS_CARD` holds that of its settings.
INPUT_CARD = "CRINPUT"

#: How the entry of the history begins that says what should be looked at.
RESULT = "result: "

#: Errors that astropy raises for a file that is not FITS, or not complete.
UNREADABLE = (OSError, EOFError, ValueError, TypeError, zlib.error, fits.VerifyError)


def n_bytes_of(paths: Iterable[Path]) -> int | None:
    """The length of files together; None if one is missing."""
    try:
        return sum(path.stat().st_size for path in paths)
    except OSError:
        return None


def headers_of_result(target: Path) -> list[fits.Header]:
    """The headers of the frames in a file that a run wrote; an empty list for any other file."""
    if not target.is_file():
        return []
    try:
        with _opened(target) as hdus:
            return [hdu.header.copy() for hdu in hdus if SETTINGS_CARD in hdu.header]
    except UNREADABLE:
        return []


def first_header(path: Path) -> fits.Header | None:
    """The primary header of a FITS file; None for any other file."""
    if not path.is_file():
        return None
    try:
        with _opened(path) as hdus:
            return hdus[0].header.copy()
    except UNREADABLE:
        return None


def _opened(path: Path) -> AbstractContextManager[fits.HDUList]:
    return open_hdus(path, is_input=False, disable_image_compression=True)


def foreign_file(target: Path) -> CosmicRayError:
    """The error for a file in the place of a result, which must not be replaced."""
    return CosmicRayError(
        f"Found {target.name!r} in the output, which no run wrote; expected no such file there. Move it away."
    )


def marks_of_result(target: Path) -> tuple[str, str] | None:
    """The hashes of its input and settings that a result holds; None if it is no result, or was edited by hand."""
    try:
        with _opened(target) as hdus:
            # They stand in the first frame, so that the rest of the file is not read.
            header = next(hdu.header for hdu in hdus if SETTINGS_CARD in hdu.header)
            return None if EDITED_CARD in header else (header[INPUT_CARD], header[SETTINGS_CARD])
    except (StopIteration, KeyError, *UNREADABLE):
        return None


def is_whole(target: Path, headers: list[fits.Header], earlier: Mapping[str, Any]) -> bool:
    """Whether a result is as long as its headers say and, unless it was edited, as long as after the earlier run."""
    lost = target.stat().st_size < (earlier.get("n_bytes") or 0)
    if lost and EDITED_CARD not in headers[0]:
        return False
    packed = target.name.lower().endswith(".gz")
    try:
        with (
            (gzip.open if packed else open)(target, "rb") as stream,
            _opened(target) as hdus,
        ):
            last = hdus[-1].fileinfo()
            return stream.seek(0, os.SEEK_END) == last["datLoc"] + last["datSpan"]
    except UNREADABLE:
        return False


def facts_of(headers: list[fits.Header], target: Path) -> dict[str, Any]:
    """The columns of the table that follow from a result and its headers; numbers of several frames are added up."""
    return {
        "n_bytes": n_bytes_of([target]),
        "detector": headers[0].get("CRDETECT"),
        "n_pixels": _total(headers, "CRNPIX"),
        "n_events": _total(headers, "CRNEVENT"),
        "n_tracks": _total(headers, "CRNTRACK"),
        "n_noise": _total(headers, NOISE_CARD),
        "expected_low": _total(headers, "CREXPLO"),
        "expected_high": _total(headers, "CREXPHI"),
        "verdict": _joint(headers, "CRVERDCT"),
        "findings": _joint(headers, "CRPREFLT"),
        "doubts": " ".join(dict.fromkeys(doubts_in(header) for header in headers)).strip(),
    }


def _total(headers: list[fits.Header], card: str) -> Any:
    values = [header.get(card) for header in headers]
    return None if any(value is None for value in values) else sum(values)


def _joint(headers: list[fits.Header], card: str) -> str:
    return "; ".join(dict.fromkeys(str(header[card]) for header in headers if card in header))


def doubts_in(header: fits.Header) -> str:
    """What the last cleaning says in the history that should be looked at; "" if nothing."""
    # an entry is cut into cards of 72 characters, whose blanks at the end are lost
    history = "".join(str(line).ljust(72) for line in header.get("HISTORY", ()))
    entries = [" ".join(entry.split()) for entry in re.split(r"ccdproc_crplugin [^ ]+: ", history)]
    return next((entry[len(RESULT) :] for entry in reversed(entries) if entry.startswith(RESULT)), "")
