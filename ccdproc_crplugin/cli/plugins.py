# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr plugins``: what is registered, and what failed."""

from __future__ import annotations

import argparse

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import telling

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def _run(args: argparse.Namespace) -> int:
    """Print the report; 0 if every plugin loaded, else 1."""
    with telling():
        from ccdproc_crplugin.plugins.table import plugin_report

        report = plugin_report()
    print("\n".join(report.pformat(max_lines=-1, max_width=-1, align="<")))
    return 1 if "failed" in report["status"] else 0


COMMAND = Command(
    "plugins",
    summary="list detectors, steps, checks and methods",
    description="List what is registered and from which distribution, which engine runs, and what failed and why.",
    add_options=_add_options,
    run=_run,
)
