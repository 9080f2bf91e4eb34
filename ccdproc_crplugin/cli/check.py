# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr check``: the checks of the preflight on a frame."""

from __future__ import annotations

import argparse

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, telling, words

SUMMARY = "check whether a frame can be cleaned"
DESCRIPTION = "Run the checks of the preflight on a frame. The exit code is 1 if one failed."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    options.add_frame(parser)
    options.add_quantities(parser, "gain", "readnoise", "saturation")
    options.add_calibration(parser)
    parser.set_defaults(parameter=[])  # messages name parameters of the detector as `ccdcr clean` takes them


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if a check failed, else 0."""
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.io.ccd import open_frame

    with telling():
        with open_frame(args.path, hdu=args.hdu) as file:
            ccd = options.read_frame(file, args)
        given = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
        findings = cr_preflight(ccd, **given, **options.calibration_keywords(args))
    width = max((len(finding.check) for finding in findings), default=0)
    show(f"{'check':{width}}  status  what was found")
    for finding in findings:
        show(f"{finding.check:{width}}  {finding.status:6}  {words(finding.message)}")
        if finding.fix:
            show(f"{'':{width}}          what to do: {words(finding.fix)}")
    return 1 if any(finding.status == "fail" for finding in findings) else 0
