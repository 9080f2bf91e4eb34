# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr restore``: put removed values back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import UsageError, existing_file, telling

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="file from `ccdcr clean`")
    parser.add_argument(
        "output", type=Path, nargs="?", metavar="OUTPUT", help="file to write (default: FRAME_restored beside FRAME)"
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--labels", type=_labels, metavar="N,N", help="events to put back (default: all)")
    chosen.add_argument("--review", type=existing_file, metavar="FILE", help="review.json that a report saved")
    parser.add_argument("--hdu", type=int, metavar="N", help="which frame of a file of several (default: all)")
    parser.add_argument("--in-place", action="store_true", help="replace FRAME, and its counts in night.ecsv beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def _labels(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} should be numbers with commas between, such as 3,14") from err


def _run(args: argparse.Namespace) -> int:
    """Restore the frame."""
    from ccdproc_crplugin.io.atomic import refuse_existing
    from ccdproc_crplugin.io.layout import read_frames, write_frames
    from ccdproc_crplugin.pipeline.table import update_row

    output = _output(args)
    refuse_existing(output, args.overwrite or args.in_place)
    with telling():
        frames = read_frames(args.path)
        frames |= _restored(frames, args)
        write_frames(frames, args.path, output)
        headers = [ccd.meta for ccd in frames.values()]
        if args.in_place:
            update_row(output, headers)
    print(f"wrote {output}: {sum(header.get('CRNEVENT', 0) for header in headers)} events are still removed")
    return 0


def _restored(frames: Mapping[int, Any], args: argparse.Namespace) -> dict[int, Any]:
    """The frames of a file in which something is put back, as they are then."""
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
            raise UsageError(f"Found --labels and frames in HDU {listed}; expected --hdu, which says whose labels.")
        return frames
    if args.hdu not in frames:
        raise UsageError(f"Found --hdu {args.hdu}; expected one that holds a frame: {listed}.")
    return {args.hdu: frames[args.hdu]}


def _output(args: argparse.Namespace) -> Path:
    if args.in_place:
        if args.output:
            raise UsageError("Found both OUTPUT and --in-place; expected one of them.")
        return args.path
    if args.output:
        return args.output
    from ccdproc_crplugin.io.selection import stem

    name = stem(args.path)
    return args.path.with_name(f"{name}_restored{args.path.name[len(name) :]}")


COMMAND = Command(
    "restore",
    summary="put removed cosmic rays back",
    description="Put the values back that were removed from a frame, of all events or of some. The frame itself "
    "stays as it is, unless --in-place is given.",
    add_options=_add_options,
    run=_run,
)
