# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr plugins``: what is registered, and what failed.
"""

from __future__ import annotations

import argparse
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
        "plugins",
        help="list detectors, steps, checks and methods",
        description="List what is registered and from which distribution, which engine runs, and what failed and why.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """
    Print the report.

    Parameters
    ----------
    args : `~argparse.Namespace`
        The parsed command line.

    Returns
    -------
    int
        0 if every plugin loaded, else 1.
    """
    with calm() as messages:
        from ccdproc_crplugin.plugin_table import plugin_report

        report = plugin_report()
    for message in messages:
        say(message)
    print("\n".join(report.pformat(max_lines=-1, max_width=-1, align="<")))
    return 1 if "failed" in report["status"] else 0
