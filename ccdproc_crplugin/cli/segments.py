# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr segments``: the cosmic rays of a frame one by one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import add_detection, calm, check_targets, detection_keywords, existing_file, telling

__all__ = ["COMMAND", "SHORT"]

#: The lines and columns that are printed; a file gets all of them.
LINES = 60
SHORT = ["label", "x", "y", "area", "sum", "peak", "length", "width", "orientation", "class"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="FITS file")
    parser.add_argument("-o", "--output", type=Path, help="write the whole table here (.ecsv or .fits)")
    parser.add_argument("--gallery", type=Path, metavar="IMAGE", help="pages of the largest events (.png, .pdf, .svg)")
    parser.add_argument("--rows", type=_positive, default=12, help="events on a page (default: %(default)s)")
    parser.add_argument(
        "--events", type=_positive, default=200, help="most events in the pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--beside",
        type=_named_file,
        action="append",
        default=[],
        metavar="NAME=FRAME",
        help="a further frame in the pictures, such as dark=dark.fits",
    )
    parser.add_argument("--stretch", choices=["zscale", "asinh"], default="zscale", help="(default: %(default)s)")
    parser.add_argument(
        "--n-pixels", type=int, default=3, help="least pixels of an extended event (default: %(default)s)"
    )
    parser.add_argument("--connectivity", type=int, choices=[4, 8], default=8, help="(default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    add_detection(parser)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} should be 1 or more")
    return number


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} should be NAME=FRAME, such as dark=dark.fits")
    return name, existing_file(path)


def _run(args: argparse.Namespace) -> int:
    """Print the events and write what is asked for."""
    from ccdproc_crplugin.events.segments import cr_segments
    from ccdproc_crplugin.io.ccd import read_ccd

    check_targets({args.output: (".ecsv", ".fits"), args.gallery: (".png", ".pdf", ".svg")}, args.overwrite)
    with telling():
        keywords = detection_keywords(args)
        ccd = read_ccd(args.path, unit=args.unit, hdu=args.hdu)
        segments = cr_segments(ccd, args.n_pixels, connectivity=args.connectivity, **keywords)
        table = segments.table
    written = list(_write_files(segments, args))
    print("\n".join(table[SHORT].pformat(max_lines=LINES, max_width=-1)))
    print(repr(segments).strip("<>"))
    for line in written:
        print(line)
    return 0


def _write_files(segments: Any, args: argparse.Namespace) -> Iterator[str]:
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
            n_rows=args.rows,
            stretch=args.stretch,
            overwrite=args.overwrite,
        )
        yield from (f"wrote {path}" for path in paths)


COMMAND = Command(
    "segments",
    summary="list the cosmic rays of a frame",
    description="List the events of a cleaned frame, or of a raw one, in which they are looked for first.",
    add_options=_add_options,
    run=_run,
)
