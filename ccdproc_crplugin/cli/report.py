# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr report``: a night on one page.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.options import calm, say

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
        "report",
        help="look at a night in a browser",
        description="Write a page with the frames of a night, their events and pictures, to look at and to review.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="output of `ccdcr reduce` or `ccdcr clean`")
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="page (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a page that is there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """
    Write the page.

    Parameters
    ----------
    args : `~argparse.Namespace`
        The parsed command line.

    Returns
    -------
    int
        0.
    """
    from functools import partial

    from tqdm import tqdm

    from ccdproc_crplugin.report import write_report

    progress = partial(tqdm, unit="frame", disable=args.quiet, dynamic_ncols=True, leave=False)
    with calm() as messages:
        page = write_report(args.folder, args.output, overwrite=args.overwrite, progress=progress)
    for message in messages:
        say(message)
    print(f"wrote {page}")
    return 0
