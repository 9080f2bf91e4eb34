# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr check``: the checks of the preflight on a frame."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, telling, words

SUMMARY = "check whether a frame can be cleaned"
DESCRIPTION = "Run the checks of the preflight on a frame. The exit code is 1 if one failed."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    options.add_frame(parser)
    options.add_quantities(parser, "gain", "readnoise", "saturation")
    options.add_calibration(parser)
    options.add_kind(parser, "take the frame for one of this kind, whatever its header says, as ccdcr clean does")
    parser.set_defaults(parameter=[])  # messages name parameters of the detector as `ccdcr clean` takes them


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if a check failed, else 0."""
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.io.ccd import open_frame

    with telling():
        with open_frame(args.path, hdu=args.hdu) as file:
            ccd = options.read_frame(file, args)
            skipped = options.why_skipped(file.header, args)
        given = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
        findings = cr_preflight(ccd, **given, **options.calibration_keywords(args))
    width = max((len(finding.check) for finding in findings), default=0)
    show(f"{'check':{width}}  status  what was found")
    for finding in findings:
        if finding.check == "kind" and finding.status == "ok" and skipped:
            finding = replace(finding, status="warn", message=f"ccdcr clean skips this frame: {skipped}")
        lines = [*_by_cause(words(finding.message))]
        if finding.fix:
            lines += _by_cause(f"what to do: {words(finding.fix)}")
        show(
            f"{finding.check:{width}}  {finding.status:6}  {lines[0]}",
            *(f"{'':{width + 10}}{line}" for line in lines[1:]),
        )
    return 1 if any(finding.status == "fail" for finding in findings) else 0


def _by_cause(text: str) -> list[str]:
    """A text in which causes are numbered, each on a line of its own."""
    first, *others = re.split(r" (?=\(\d+\) )", text)
    return [first, *(f"  {other}" for other in others)]
