# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr segments``: the cosmic rays of a frame, one by one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, calm, show, show_table, telling

SUMMARY = "list the cosmic rays of a frame"
DESCRIPTION = "List the cosmic rays that were removed from a cleaned frame, or those that are found in a raw one."

#: The lines and columns that are printed; a file gets all of them.
LINES = 60
SHORT = ["label", "track", "x", "y", "area", "sum", "peak", "length", "width", "orientation", "class"]
MEASURED = ["zenith_angle", "energy_loss"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.add_frame(parser)
    add("-o", "--output", type=Path, metavar="TABLE", help="write the whole table to this file (.ecsv or .fits)")
    add("--gallery", type=Path, metavar="IMAGE", help="draw the largest events on pages (.png, .pdf or .svg)")
    for name, default, text in (("rows", 12, "events on a page"), ("events", 200, "events in the gallery at most")):
        text += " (default: %(default)s)"
        add(f"--{name}", type=options.whole_number(1), default=default, metavar="N", help=text)
    text = "draw the same pixels of another frame beside each event, such as dark=dark.fits; may be repeated"
    add("--beside", type=_named_file, action="append", default=[], metavar="NAME=FRAME", help=text)
    text = "columns of the gallery in their order, such as frame,dark (default: mask,frame,cleaned and those beside)"
    add("--columns", type=_names, metavar="NAME,...", help=text)
    text = "scaling of the pictures (default: %(default)s)"
    add("--stretch", choices=["zscale", "asinh"], default="zscale", help=text)
    text = "least pixels of an event; smaller ones are left out (default: %(default)s)"
    add("--n-pixels", type=int, default=1, metavar="N", help=text)
    text = "neighbours of a pixel that belong to the same event (default: %(default)s)"
    add("--connectivity", type=int, choices=[4, 8], default=8, help=text)
    options.add_quantities(parser, "pixel_size")
    text = "thickness of the silicon in micron, for the angles of tracks and the energy lost on them"
    add("--thickness", type=float, metavar="NUMBER", help=text)
    options.add_switches(parser, "overwrite")
    options.add_detection(parser)
    options.add_calibration(parser)


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} should be NAME=FRAME, such as dark=dark.fits")
    return name, options.existing_file(path)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def run(args: argparse.Namespace) -> int:
    """Print the events and write the files."""
    from ccdproc_crplugin.events.segments import cr_segments
    from ccdproc_crplugin.io.ccd import read_ccd

    options.check_targets({args.output: (".ecsv", ".fits"), args.gallery: (".png", ".pdf", ".svg")}, args.overwrite)
    _check_columns(args)
    with telling():
        keywords = options.detection_keywords(args) | _given(options.calibration_keywords(args))
        ccd = read_ccd(args.path, unit=args.unit, hdu=args.hdu)
        keywords |= {"pixel_size": args.pixel_size, "thickness": args.thickness}
        segments = cr_segments(ccd, args.n_pixels, connectivity=args.connectivity, **keywords)
        table = segments.table
    written = list(_write_files(segments, args))
    show_table(table[SHORT + [name for name in MEASURED if name in table.colnames]], max_lines=LINES)
    show(repr(segments).strip("<>"), *written)
    return 0


def _check_columns(args: argparse.Namespace) -> None:
    """Refuse columns of the gallery that are not there."""
    known = ["mask", "frame", "cleaned", *(name for name, _ in args.beside)]
    unknown = [name for name in args.columns or [] if name not in known]
    if unknown:
        raise UsageError(f"Found the column {unknown[0]!r}; expected columns among {', '.join(known)}.")


def _given(keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords that are not as they are by default: a frame that was cleaned is not searched with any of them."""
    return {name: value for name, value in keywords.items() if value is not None and value is not False}


def _write_files(segments: Any, args: argparse.Namespace) -> Iterator[str]:
    """Write the table and the gallery; yield a line about each file."""
    from ccdproc_crplugin.io.ccd import read_ccd

    if args.output:
        yield f"wrote {segments.write(args.output, overwrite=args.overwrite)}"
    if args.gallery and not len(segments):
        yield "no event to draw"
    elif args.gallery:
        with calm():
            frames = {name: read_ccd(path, unit=args.unit, hdu=args.hdu) for name, path in args.beside}
        paths = segments.save_gallery(
            args.gallery,
            segments.largest(args.events),
            frames=frames,
            columns=args.columns,
            n_rows=args.rows,
            stretch=args.stretch,
            overwrite=args.overwrite,
        )
        yield from (f"wrote {path}" for path in paths)
