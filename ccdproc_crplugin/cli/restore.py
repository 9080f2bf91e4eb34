# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr restore``: put removed values back.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.options import UsageError, calm, existing_file, say

__all__ = ["add_parser", "run"]


def add_parser(commands: Any) -> None:
    """
    Add the sub-command.

    Parameters
    ----------
    commands : object
        What `argparse.ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "restore",
        help="put removed cosmic rays back",
        description="Put the values back that were removed from a frame, of all events or of some. The frame itself "
        "stays as it is, unless --in-place is given.",
    )
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="file from `ccdcr clean`")
    parser.add_argument(
        "output", type=Path, nargs="?", metavar="OUTPUT", help="file to write (default: FRAME_restored beside FRAME)"
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--labels", type=_labels, metavar="N,N", help="events to put back (default: all)")
    chosen.add_argument("--review", type=existing_file, metavar="FILE", help="review.json that a report saved")
    parser.add_argument("--in-place", action="store_true", help="replace FRAME, and its counts in night.ecsv beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.set_defaults(run=run)


def _labels(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} should be numbers with commas between, such as 3,14") from err


def run(args: argparse.Namespace) -> int:
    """
    Restore the frame.

    Parameters
    ----------
    args : `~argparse.Namespace`
        The parsed command line.

    Returns
    -------
    int
        0.
    """
    from ccdproc_crplugin.clean import restore_cosmic_rays
    from ccdproc_crplugin.io import read_ccd, write_ccd
    from ccdproc_crplugin.night_table import update_row
    from ccdproc_crplugin.review import apply_review

    output = _output(args)
    with calm() as messages:
        ccd = read_ccd(args.path)
        if args.review:
            restored = apply_review(ccd, args.review, name=args.path.name)
        else:
            restored = restore_cosmic_rays(ccd, labels=args.labels)
        write_ccd(restored, output, overwrite=args.overwrite or args.in_place)
        if args.in_place:
            update_row(output, restored.meta)
    for message in messages:
        say(message)
    print(f"wrote {output}: {restored.meta.get('CRNEVENT', 0)} events are still removed")
    return 0


def _output(args: argparse.Namespace) -> Path:
    if args.in_place:
        if args.output:
            raise UsageError("Found both OUTPUT and --in-place; expected one of them.")
        return args.path
    if args.output:
        return args.output
    from ccdproc_crplugin.selection import stem

    name = stem(args.path)
    return args.path.with_name(f"{name}_restored{args.path.name[len(name) :]}")
