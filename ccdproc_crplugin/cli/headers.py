# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr headers``: what the headers of frames say, from which cards, and what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import calm, say, show, spelling, telling
from ccdproc_crplugin.errors import CosmicRayError, reason_of

SUMMARY = "show what was read from headers, and what is missing"
DESCRIPTION = (
    "Show what the headers of frames say, from which cards it was read, and how to give what is missing. Frames whose "
    "headers are alike are shown together. The first command for a new camera."
)

#: How to give what is missing: on the command line, as a key of a night's configuration, and in Python.
WAYS = {
    "kind": ("--kind light", 'kind = "light"', ""),
    "unit": ("--unit adu", 'unit = "adu"', 'unit="adu"'),
    "gain": ("--gain NUMBER", "gain = NUMBER", "gain="),
    "readnoise": ("--readnoise NUMBER", "readnoise = NUMBER", "readnoise="),
    "saturation": ("--saturation NUMBER", "saturation = NUMBER", "saturation="),
    "exposure": ("", "exposure = NUMBER", ""),
    "filter": ("", 'filter = "NAME"', ""),
    "pixel_size": ("", "pixel_size = NUMBER", ""),
    "altitude": ("", "altitude = NUMBER", ""),
}

#: What a quantity that may be missing is good for.
PURPOSES = {
    "saturation": "measured from the pixels where it is missing",
    "exposure": "for darks, and for the number of events to expect",
    "filter": "to tell flats apart",
    "pixel_size": "for the number of events to expect",
    "altitude": "for the number of events to expect",
}

#: What to do with frames in a rate.
OF_RATES = (
    "The noise of a rate is not known: multiply it by its exposure time first, in Python with "
    'ccd.multiply(exposure * u.s, handle_meta="first_found"), and write_ccd the product.'
)

#: Names and values that are listed before the rest is counted.
MOST_NAMES, MOST_VALUES = 5, 4


class _Frame(NamedTuple):
    """A frame and what its header says."""

    name: str
    summary: Any


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="FITS file, folder, or pattern such as 'm31_*.fits'")
    parser.add_argument("--unit", choices=["adu", "electron"], help="unit of frames without BUNIT in the header")
    options.add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """Show the headers; return 1 if a file can't be read, else 0."""
    frames: list[_Frame] = []
    failed = False
    with telling():
        for path in options.existing_paths(args.paths):
            try:
                with calm():
                    frames += _frames_of(path, args.unit)
            except CosmicRayError as err:
                failed = True
                say(f"{path.name}: {reason_of(err, spelling(args))}")
    for number, alike in enumerate(_alike(frames)):
        show(*([""] if number else []), *_block(alike))
    return 1 if failed else 0


def _frames_of(path: Path, unit: str | None) -> Iterator[_Frame]:
    """The frames of a file with the summaries of their headers."""
    from ccdproc_crplugin.frames.summary import summary_of
    from ccdproc_crplugin.io.ccd import open_hdus
    from ccdproc_crplugin.io.hdus import image_indices, inherit

    with open_hdus(path) as hdus:
        indices = image_indices(hdus, path)
        for index in indices:
            name = path.name if len(indices) == 1 else f"{path.name}[{index}]"
            said = _unit_of(hdus[index], path, unit)
            yield _Frame(name, summary_of(inherit(hdus, index), hdus[index].shape, said))


def _unit_of(hdu: Any, path: Path, given: str | None) -> tuple[str, str] | None:
    """The unit of an image in words, and where it stands; None if it is not known."""
    from astropy import units as u

    from ccdproc_crplugin.frames.entries import entries
    from ccdproc_crplugin.frames.gain_and_noise import is_rate, same_unit
    from ccdproc_crplugin.io.hdus import unit_of

    card = next((entry for entry in entries(hdu.header, "unit") if str(entry.value).strip()), None)
    source = f"{card.keyword} = {str(card.value).strip()}" if card else "whole numbers without BUNIT"
    unit = None
    with suppress(CosmicRayError):
        unit = unit_of(hdu, path)
    if given is not None:
        contradicts = card is not None and unit is not None and not same_unit(unit, u.Unit(given))
        return given, f"given, against {source}" if contradicts else "given"
    if unit is None:
        return None
    return f"{unit}, a rate" if is_rate(unit) else str(unit), source


def _alike(frames: Sequence[_Frame]) -> list[list[_Frame]]:
    """The frames of one kind whose values stand in the same cards."""
    groups: dict[Any, list[_Frame]] = {}
    for frame in frames:
        summary = frame.summary
        cards = tuple((quantity, source.partition(" = ")[0]) for quantity, source in summary.sources)
        groups.setdefault((summary.kind, cards, tuple(summary.missing)), []).append(frame)
    return list(groups.values())


def _block(frames: Sequence[_Frame]) -> Iterator[str]:
    """The lines for frames whose headers are alike."""
    names = [frame.name for frame in frames]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    number = f"{len(frames)} frames" if len(frames) > 1 else "1 frame"
    yield f"{number}: {', '.join(names[:MOST_NAMES])}{more}"
    yield from _table([("", "value", "read from"), *_rows(frames)])
    if any(row.quantity == "unit" and row.value.endswith(", a rate") for row in frames[0].summary.rows):
        yield f"  {OF_RATES}"
    yield from _what_is_missing(frames[0].summary)


def _rows(frames: Sequence[_Frame]) -> Iterator[tuple[str, str, str]]:
    for position, row in enumerate(frames[0].summary.rows):
        rows = [frame.summary.rows[position] for frame in frames]
        name = row.quantity.replace("_", " ")
        yield name, _distinct([row.value for row in rows]), _distinct([row.source for row in rows])


def _distinct(words: Sequence[str]) -> str:
    """Different words in the order in which they come; of many the first."""
    different = list(dict.fromkeys(words))
    more = f" and {len(different) - MOST_VALUES} more" if len(different) > MOST_VALUES else ""
    return "; ".join(different[:MOST_VALUES]) + more


def _what_is_missing(summary: Any) -> Iterator[str]:
    """The lines about what the headers do not say."""
    from ccdproc_crplugin.frames.summary import NEEDED

    missing = summary.missing
    if not missing:
        return
    yield ""
    ways = [(name.replace("_", " "), *WAYS[name], _note(name, name in NEEDED)) for name in missing]
    yield from _table([("missing", "option", "key under [headers]", "in Python", ""), *ways])
    for name, cards in missing.items():
        for card in cards:
            yield f"  not taken for the {name}: {card}"
    yield "  If a card has it under a keyword that is not known: --dialect FILE, [dialect] in a night."


def _note(name: str, is_needed: bool) -> str:
    return "needed" if is_needed else PURPOSES.get(name, "")


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with aligned columns; columns that are empty below their heading are left out."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield ("  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))).rstrip()
