# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr compare``: how the masks of two frames agree."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import existing_file, telling

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "a", type=existing_file, metavar="A", help="a cleaned frame, one with a mask, or the truth of a simulated one"
    )
    parser.add_argument("b", type=existing_file, metavar="B", help="another")


def _run(args: argparse.Namespace) -> int:
    """Print the counts."""
    from ccdproc_crplugin.events.compare import compare_masks

    with telling():
        a, b = _read(args.a), _read(args.b)
    print(compare_masks(a, b))
    return 0


def _read(path: Path) -> Any:
    """A frame; of the truth about a simulated one its mask."""
    from astropy.io import fits

    from ccdproc_crplugin.io.ccd import read_ccd, reading

    with reading(path), fits.open(path) as hdus:
        if "TRUTH" in hdus:
            return hdus["TRUTH"].data > 0
    return read_ccd(path)


COMMAND = Command(
    "compare",
    summary="compare the masks of two frames",
    description="Count the pixels and events that two cleaned frames share, or a cleaned frame and its truth.",
    add_options=_add_options,
    run=_run,
)
