# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr report``: a night on one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import telling

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="output of `ccdcr reduce` or `ccdcr clean`")
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="page (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a page that is there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _run(args: argparse.Namespace) -> int:
    """Write the page."""
    from functools import partial

    from tqdm import tqdm

    from ccdproc_crplugin.report.page import write_report

    progress = partial(tqdm, unit="frame", disable=args.quiet or None, dynamic_ncols=True, leave=False)
    with telling():
        page = write_report(args.folder, args.output, overwrite=args.overwrite, progress=progress)
    print(f"wrote {page}")
    return 0


COMMAND = Command(
    "report",
    summary="look at a night in a browser",
    description="Write a page with the frames of a night, their events and pictures, to look at and to review.",
    add_options=_add_options,
    run=_run,
)
