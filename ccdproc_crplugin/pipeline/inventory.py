# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The files of the input, and what their headers say."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy.io import fits

from ccdproc_crplugin.calibration.grouping import CalibrationKey, calibration_key
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.amplifiers import has_figure
from ccdproc_crplugin.io.hdus import image_indices, inherit
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.io.remote import RemotePath
from ccdproc_crplugin.io.selection import FITS_SUFFIXES, find_frames
from ccdproc_crplugin.pipeline.model import Entry, Night
from ccdproc_crplugin.pipeline.steps import overrule_header, reason_in_night
from ccdproc_crplugin.pipeline.table import hash_file, hash_settings


def list_files(night: Night) -> list[tuple[Path, str]]:
    """The files of the input, each with its name in the table."""
    files = [(path, _in_unicode(name)) for path, name in _files(night)]
    if not files:
        raise CosmicRayError(_nothing_found(night))
    return files


def _nothing_found(night: Night) -> str:
    expected = f"expected names that end in {', '.join(FITS_SUFFIXES[:3])}, packed or not"
    if night.input is None:
        return f"Found no file in the collection; {expected}. Look at its folder and at what it leaves out."
    hint = "subfolders = true under [night] looks into its folders too."
    return f"Found no FITS file in {str(night.input)!r}; {expected}. {'Look at input.' if night.subfolders else hint}"


def take_inventory(
    files: Iterable[tuple[Path, str]], night: Night, earlier: Mapping[str, Mapping[str, Any]]
) -> Iterator[Entry]:
    """An entry for each file; the header of a file is read again only if its content or the settings changed."""
    said_by = hash_settings([dict(night.headers), dict(night.select)])[:8]
    for path, file in files:
        row = earlier.get(file, {})
        entry = Entry(path, file, said_by=said_by)
        try:
            entry = replace(entry, input_hash=hash_file(path) if row.get("input_hash") else "")
            same = entry.input_hash and entry.input_hash == row["input_hash"]
            key = _known_key(row, said_by) if same else None
            yield replace(entry, key=key) if key else _looked_into(entry, night)
        except Exception as err:
            yield replace(entry, reason=reason_in_night(err, night.is_configured))


def _files(night: Night) -> Iterator[tuple[Path, str]]:
    if night.input is None:
        remote = dict.fromkeys(path for path in night.paths if isinstance(path, RemotePath))
        yield from ((path, path.place) for path in remote)
        # Links are not followed: their names are those that the user gave.
        local = dict.fromkeys(os.path.abspath(path) for path in night.paths if path not in remote)
        paths = [Path(path) for path in local]
        common = os.path.commonpath([path.parent for path in paths]) if paths else ""
        for path in paths:
            yield path, path.relative_to(common).as_posix()
        return
    folders = [night.input]
    if night.subfolders:
        below = ((path, path.relative_to(night.input).parts) for path in night.input.rglob("*") if path.is_dir())
        folders += sorted(path for path, parts in below if not any(part.startswith(".") for part in parts))
    for folder in folders:
        for path in find_frames(folder):
            yield path, path.relative_to(night.input).as_posix()


def _in_unicode(name: str) -> str:
    """A file name with its bytes that are not UTF-8 escaped, so that a table can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _known_key(row: Mapping[str, Any], said_by: str) -> CalibrationKey | None:
    """The key of an earlier run; None if its settings differed, or if somebody changed the row."""
    try:
        known = json.loads(row["key"])
        if known.pop("said_by") != said_by:
            return None
        key = CalibrationKey(**{**known, "binning": known["binning"] and tuple(known["binning"])})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return key if _is_sound(key) else None


def _is_sound(key: CalibrationKey) -> bool:
    """Whether a key can come from a header."""
    texts = (key.filter, key.readout)
    numbers = (key.exposure, key.gain, key.temperature)
    return (
        key.kind in (*header.KINDS, "unknown")
        and all(text is None or isinstance(text, str) for text in texts)
        and all(number is None or (type(number) in (int, float) and math.isfinite(number)) for number in numbers)
        and (key.binning is None or [type(factor) for factor in key.binning] == [int, int])
    )


def _looked_into(entry: Entry, night: Night) -> Entry:
    """The entry completed from the header of the file."""
    with open_hdus(entry.path) as hdus:
        meta = inherit(hdus, image_indices(hdus, entry.path)[0])
    overrule_header(meta, night.headers)
    plain = _plain(meta)
    said = {keyword: plain[keyword] for keyword in header.KEYWORDS["kind"] if keyword in plain}
    in_words = ", ".join(f"{keyword} = {word!r}" for keyword, word in said.items())
    return replace(entry, key=_key_of(plain, night), said=in_words, lacking=tuple(_lacking(plain, night)))


def _lacking(plain: dict[str, Any], night: Night) -> Iterator[str]:
    in_electron = str(night.headers.get("unit", plain.get("BUNIT", ""))).lower().startswith("e")
    for name, look_up in (("gain", header.gain), ("readnoise", header.readnoise)):
        if name == "gain" and in_electron:
            continue
        try:
            found = look_up(plain)
        except CosmicRayError:
            found = None
        if found is None and not has_figure(plain, name):
            yield name


def _key_of(plain: dict[str, Any], night: Night) -> CalibrationKey:
    key = calibration_key(plain)
    kind = _selected_kind(plain, key.kind, night.select) if night.select else key.kind
    return key if kind == key.kind else calibration_key(_as_kind(plain, kind))


def _plain(meta: fits.Header) -> dict[str, Any]:
    """The cards of a header that can be read."""
    values = {}
    for keyword in meta:
        try:
            values[keyword] = meta[keyword]
        except fits.VerifyError:
            continue
    return values


def _selected_kind(meta: Mapping[str, Any], kind: str, select: Mapping[str, tuple[str, ...]]) -> str:
    """The kind of a frame by the words of [select]; a kind that has words there is known by them alone."""
    found = {_bare(str(meta[keyword])) for keyword in header.KEYWORDS["kind"] if keyword in meta}
    for chosen, words in select.items():
        if found & {_bare(word) for word in words}:
            return chosen
    return "unknown" if kind in select else kind


def _as_kind(meta: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A header of another kind, on which depends what else counts in it."""
    rest = {keyword: value for keyword, value in meta.items() if keyword not in header.KEYWORDS["kind"]}
    return {**rest, header.KEYWORDS["kind"][0]: kind}


def _bare(word: str) -> str:
    return re.sub(r"[\W_]", "", word.lower())
