# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr cite``: BibTeX for what was used."""

from __future__ import annotations

import argparse

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, telling, wrong_usage

SUMMARY = "print BibTeX for what was used on a frame"
DESCRIPTION = "Print BibTeX for the detector and the steps that the headers of files record, each entry once."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the files."""
    parser.add_argument("paths", nargs="+", metavar="FILE", help="FITS file, folder or pattern")


def run(args: argparse.Namespace) -> int:
    """Print the entries."""
    from ccdproc_crplugin.frames.citations import citations_of
    from ccdproc_crplugin.io.opening import open_hdus

    with telling():
        with wrong_usage():
            paths = options.existing_paths(args.paths)
        headers = []
        for path in paths:
            with open_hdus(path) as hdus:
                headers += [hdu.header.copy() for hdu in hdus]
        bibtex = citations_of(headers)
    show(*bibtex.splitlines())
    return 0
