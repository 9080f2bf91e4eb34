# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr restore``: put removed values back.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.options import calm, existing_file, say

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
        description="Put the values back that were removed from a frame, of all events or of some.",
    )
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="file from `ccdcr clean`")
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="file to write")
    parser.add_argument("--labels", type=_labels, metavar="N,N", help="events to put back (default: all)")
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

    with calm() as messages:
        restored = restore_cosmic_rays(read_ccd(args.path), labels=args.labels)
        write_ccd(restored, args.output, overwrite=args.overwrite)
    for message in messages:
        say(message)
    print(f"wrote {args.output}: {restored.meta.get('CRNEVENT', 0)} events are still removed")
    return 0
