# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr compare``: what the masks of two frames share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, telling

SUMMARY = "compare the masks of two frames"
DESCRIPTION = (
    "Count the pixels and events that the masks of two frames share, and those that only one of them has. Each file is "
    "a cleaned frame, a frame with a mask, or the truth file of a simulated frame."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("a", type=options.existing_file, metavar="A", help="FITS file")
    add("b", type=options.existing_file, metavar="B", help="FITS file")


def run(args: argparse.Namespace) -> int:
    """Print the counts."""
    from ccdproc_crplugin.events.compare import compare_masks

    with telling():
        a, b = _read(args.a), _read(args.b)
    show(*str(compare_masks(a, b)).splitlines())
    return 0


def _read(path: Path) -> Any:
    """The frame in a file; the cosmic rays if it is a mask file, or the truth of a simulated frame."""
    from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
    from ccdproc_crplugin.io.ccd import read_ccd
    from ccdproc_crplugin.io.hdus import FLAGS
    from ccdproc_crplugin.io.mask_file import is_mask_file
    from ccdproc_crplugin.io.opening import open_hdus
    from ccdproc_crplugin.io.structure import OF_MASKS

    with open_hdus(path, expansion=OF_MASKS) as hdus:
        if "TRUTH" in hdus:
            return hdus["TRUTH"].data > 0
        if is_mask_file(hdus):
            return is_flagged(hdus[FLAGS].data, PixelFlag.COSMIC_RAY) if FLAGS in hdus else hdus[0].data > 0
    return read_ccd(path)
