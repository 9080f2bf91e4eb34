# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr check``: what the preflight finds."""

from __future__ import annotations

import argparse

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import add_reading, existing_file, telling

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="FITS file")
    parser.add_argument("--gain", type=float, help="gain in electron/adu (default: from the header)")
    parser.add_argument("--readnoise", type=float, help="read noise in electron (default: from the header)")
    add_reading(parser)


def _run(args: argparse.Namespace) -> int:
    """Print the findings; 0 if no check failed, else 1."""
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.io.ccd import read_ccd

    with telling():
        findings = cr_preflight(
            read_ccd(args.path, unit=args.unit, hdu=args.hdu), gain=args.gain, readnoise=args.readnoise
        )
    width = max((len(finding.check) for finding in findings), default=0)
    print(f"{'check':{width}}  status  what was found")
    for finding in findings:
        print(f"{finding.check:{width}}  {finding.status:6}  {finding.message}")
        if finding.fix:
            print(f"{'':{width}}          what to do: {finding.fix}")
    return 1 if any(finding.status == "fail" for finding in findings) else 0


COMMAND = Command(
    "check",
    summary="see whether a frame can be cleaned",
    description="Run the checks of the preflight on a frame.",
    add_options=_add_options,
    run=_run,
)
