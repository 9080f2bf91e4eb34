# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr report``: a page with the frames of a night."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import progress_bar, show, telling

SUMMARY = "make a page to look at and review a night"
DESCRIPTION = "Write an HTML page with the frames of a night, their events and pictures. Events can be reviewed there."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="output of `ccdcr reduce` or `ccdcr clean`")
    text = "page to write (default: %(default)s)"
    add("-o", "--output", type=Path, default=Path("report.html"), metavar="PAGE", help=text)
    options.add_switches(parser, "overwrite", "quiet")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from ccdproc_crplugin.report.page import write_report

    progress = progress_bar(args, unit="frame", leave=False)
    with telling():
        page = write_report(args.folder, args.output, overwrite=args.overwrite, progress=progress)
    show(f"wrote {page}")
    return 0
