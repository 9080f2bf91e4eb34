# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr compare``: how the masks of two frames agree.
"""

from __future__ import annotations

import argparse
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
        "compare",
        help="compare the masks of two frames",
        description="Count the pixels and events that two cleaned frames share.",
    )
    parser.add_argument("a", type=existing_file, metavar="A", help="a cleaned frame, or one with a mask")
    parser.add_argument("b", type=existing_file, metavar="B", help="another")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """
    Print the counts.

    Parameters
    ----------
    args : `~argparse.Namespace`
        The parsed command line.

    Returns
    -------
    int
        0.
    """
    from ccdproc_crplugin.compare import compare_masks
    from ccdproc_crplugin.io import read_ccd

    with calm() as messages:
        a, b = read_ccd(args.a), read_ccd(args.b)
    for message in messages:
        say(message)
    print(compare_masks(a, b))
    return 0
