# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The files of the input, and what their headers say."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy import units as u

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibration.key import CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.amplifiers import has_figure
from ccdproc_crplugin.frames.dialects import in_use
from ccdproc_crplugin.io.ccd import given_unit
from ccdproc_crplugin.io.hdus import image_indices, inherit, unit_of
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.io.remote import RemotePath
from ccdproc_crplugin.io.selection import FITS_SUFFIXES, find_frames, in_unicode
from ccdproc_crplugin.pipeline.model import Call, Entry, Night
from ccdproc_crplugin.pipeline.steps import overrule_header, reason_in_night
from ccdproc_crplugin.pipeline.table import hash_file, hash_settings


def list_files(night: Night) -> list[tuple[Path, str]]:
    """The files of the input, each with its name in the table."""
    files = [(path, in_unicode(name)) for path, name in _files(night)]
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
    select = {kind: list(map(str, criteria)) for kind, criteria in night.select.items()}
    said_by = hash_settings([dict(night.headers), select, night.group.settings, repr(in_use())])[:8]
    for path, file in files:
        row = earlier.get(file, {})
        entry = Entry(path, file, said_by=said_by)
        try:
            entry = replace(entry, input_hash=hash_file(path) if row.get("input_hash") else "")
            same = entry.input_hash and entry.input_hash == row["input_hash"]
            known = _known_entry(entry, row["key"]) if same else None
            yield known or _looked_into(entry, night)
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


def _known_entry(entry: Entry, said: str) -> Entry | None:
    """The entry with the key of an earlier run; None if its settings differed, or if somebody changed the row."""
    try:
        known = json.loads(said)
        if known.pop("said_by") != entry.said_by:
            return None
        selected, target = known.pop("selected"), known.pop("object")
        key = CalibrationKey(**{name: _without_lists(value) for name, value in known.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    sound = _is_sound(key) and isinstance(selected, list) and all(isinstance(text, str) for text in selected)
    sound = sound and isinstance(target, str)
    return replace(entry, key=key, selected=tuple(selected), object=target) if sound else None


def _without_lists(value: Any) -> Any:
    """A value read from JSON with tuples in place of its lists."""
    return tuple(map(_without_lists, value)) if isinstance(value, list) else value


def _is_sound(key: CalibrationKey) -> bool:
    """Whether a key can come from a header."""
    texts = (key.filter, key.readout, key.disperser, key.slit)
    numbers = (key.exposure, key.gain, key.temperature, key.wavelength, key.offset, key.bit_depth)
    return (
        key.kind in (*header.KINDS, "unknown")
        and all(text is None or isinstance(text, str) for text in texts)
        and all(number is None or (type(number) in (int, float) and math.isfinite(number)) for number in numbers)
        and (key.binning is None or (isinstance(key.binning, tuple) and list(map(type, key.binning)) == [int, int]))
        and all(map(_are_cards, (key.camera, key.detector, key.amplifier, key.more)))
    )


def _are_cards(cards: Any) -> bool:
    return isinstance(cards, tuple) and all(
        isinstance(card, tuple)
        and len(card) == 2
        and isinstance(card[0], str)
        and (card[1] is None or isinstance(card[1], str))
        for card in cards
    )


def _looked_into(entry: Entry, night: Night) -> Entry:
    """The entry completed from the header of the file."""
    with open_hdus(entry.path) as hdus:
        indices = image_indices(hdus, entry.path)
        meta = inherit(hdus, indices[0])
        units = _units([hdus[index] for index in indices], entry.path, night)
    overrule_header(meta, night.headers)
    plain = header.read_header(meta)
    said = {keyword: plain[keyword] for keyword in header.keywords("kind", plain) if keyword in plain}
    in_words = ", ".join(f"{keyword} = {word!r}" for keyword, word in said.items())
    selected = {
        kind: [str(criterion) for criterion in criteria if criterion.fits(entry.file, plain)]
        for kind, criteria in night.select.items()
    }
    key = _key_of(plain, night, selected)
    return replace(
        entry,
        key=key,
        said=in_words,
        selected=tuple(f"{kind}: {criterion}" for kind, met in selected.items() for criterion in met),
        lacking=(*_lacking(plain, units), *_lacking_for_steps(plain, night.calls, key.kind)),
        object=header.object_name(plain),
        named="" if any(selected.values()) or key.kind != header.frame_kind(plain) else header.named_by_object(plain),
    )


def _units(images: Iterable[Any], path: Path, night: Night) -> list[u.UnitBase] | None:
    """The units in which the images of a file will be read; None if one does not say its unit."""
    if "unit" in night.headers:
        return [given_unit(night.headers["unit"])]
    try:
        return [unit_of(image, path) for image in images]
    except CosmicRayError:
        return None


def _lacking(plain: Mapping[str, Any], units: list[u.UnitBase] | None) -> Iterator[str]:
    if units is None:
        yield "unit: BUNIT is missing for numbers that are not whole, or no unit; give unit = … under [headers]"
    in_electron = units is not None and u.electron in units[0].bases
    for name, look_up in (("gain", header.gain), ("readnoise", header.readnoise)):
        if name == "gain" and in_electron:
            continue
        try:
            found = look_up(plain)
        except CosmicRayError:
            found = None
        if found is None and not has_figure(plain, name):
            yield name


def _lacking_for_steps(plain: Mapping[str, Any], calls: Iterable[Call], kind: str) -> Iterator[str]:
    """What the steps of frames of a kind miss in the header, in words."""
    for call in calls:
        step = plugins.find_step(call.name)
        if step.master == kind:
            return
        if step.lacking is not None and kind in step.kinds:
            missing = step.lacking(plain, **call.parameters)
            if missing:
                yield f"{call.name}: {missing}"


def _key_of(plain: header.FrameHeader, night: Night, selected: Mapping[str, list[str]]) -> CalibrationKey:
    key = night.group.key_of(plain)
    kind = _selected_kind(key.kind, selected)
    if kind == "unknown":
        kind = night.headers.get("kind", kind)
    if kind in (key.kind, "unknown"):
        return replace(key, kind=kind)
    return night.group.key_of(plain.with_given("kind", kind))


def _selected_kind(kind: str, selected: Mapping[str, list[str]]) -> str:
    """The kind of a frame by [select]; a kind that stands there is known by its criteria alone."""
    chosen = next((chosen for chosen, met in selected.items() if met), None)
    return chosen or ("unknown" if kind in selected else kind)
