# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr restore``: put removed values back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, show, telling

SUMMARY = "put removed cosmic rays back"
DESCRIPTION = (
    "Put back the values that were removed from a frame, those of all events or of some. The result is a new file, "
    "unless --in-place is given."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("path", type=options.existing_file, metavar="FRAME", help="file that `ccdcr clean` wrote")
    add("output", type=Path, nargs="?", metavar="OUTPUT", help="file to write (default: FRAME_restored beside FRAME)")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--labels", type=_labels, metavar="N,N", help="events to put back (default: all)")
    chosen.add_argument(
        "--review", type=options.existing_file, metavar="FILE", help="review.json that was saved in a report"
    )
    add("--hdu", type=int, metavar="N", help="HDU of one frame in a file of several (default: all)")
    add("--in-place", action="store_true", help="replace FRAME, and its counts in the night.ecsv beside it")
    options.add_switches(parser, "overwrite")


def _labels(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} should be numbers with commas between, such as 3,14") from err


def run(args: argparse.Namespace) -> int:
    """Restore the frame."""
    from ccdproc_crplugin.io.atomic import check_target
    from ccdproc_crplugin.io.layout import read_frames, write_frames
    from ccdproc_crplugin.pipeline.table import update_row

    output = _output(args)
    if not args.in_place:
        check_target(output, args.overwrite)
    with telling():
        frames = read_frames(args.path)
        frames |= _restored(frames, args)
        write_frames(frames, args.path, output, overwrite=args.overwrite, in_place=args.in_place, restored=True)
        headers = [ccd.meta for ccd in frames.values()]
        if args.in_place:
            update_row(output, headers)
    show(f"wrote {output}: {sum(header.get('CRNEVENT', 0) for header in headers)} events are still removed")
    return 0


def _restored(frames: Mapping[int, Any], args: argparse.Namespace) -> dict[int, Any]:
    """The restored frames by HDU, without those that stay as they are."""
    from ccdproc_crplugin.cleaning.restore import restore_cosmic_rays
    from ccdproc_crplugin.frames.removed import is_restorable
    from ccdproc_crplugin.report.review import apply_reviews, name_in_review

    chosen = _chosen(frames, args)
    if len(chosen) > 1:
        chosen = {hdu: ccd for hdu, ccd in chosen.items() if is_restorable(ccd)} or chosen
    if not args.review:
        return {hdu: restore_cosmic_rays(ccd, labels=args.labels) for hdu, ccd in chosen.items()}
    names = {name_in_review(args.path, hdu if len(frames) > 1 else None): hdu for hdu in chosen}
    restored = apply_reviews({name: chosen[hdu] for name, hdu in names.items()}, args.review)
    return {names[name]: ccd for name, ccd in restored.items()}


def _chosen(frames: Mapping[int, Any], args: argparse.Namespace) -> Mapping[int, Any]:
    listed = ", ".join(map(str, frames))
    if args.hdu is None:
        if args.labels and len(frames) > 1:
            raise UsageError(f"Found --labels for frames in HDU {listed}; expected labels of one frame.", "Give {hdu}.")
        return frames
    if args.hdu not in frames:
        raise UsageError(f"Found --hdu {args.hdu}; expected an HDU with a frame: {listed}.")
    return {args.hdu: frames[args.hdu]}


def _output(args: argparse.Namespace) -> Path:
    from ccdproc_crplugin.io.selection import stem

    if args.in_place and args.output:
        raise UsageError("Found both OUTPUT and --in-place; expected one of them.")
    name = stem(args.path)
    beside = args.path.with_name(f"{name}_restored{args.path.name[len(name) :]}")
    return args.path if args.in_place else args.output or beside
