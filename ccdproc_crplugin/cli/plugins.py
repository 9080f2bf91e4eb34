# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr plugins``: what is registered, and what failed."""

from __future__ import annotations

import argparse

from ccdproc_crplugin.cli.messages import show_table, telling

SUMMARY = "list detectors, steps, checks and methods"
DESCRIPTION = (
    "List what is registered and the distribution it comes from, the engine that is used, and the plugins that failed "
    "to load, with the reason. The exit code is 1 if one failed."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(args: argparse.Namespace) -> int:
    """Print the report; return 1 if a plugin failed, else 0."""
    with telling():
        from ccdproc_crplugin.plugins.table import plugin_report

        report = plugin_report()
    show_table(report, align="<")
    return 1 if "failed" in report["status"] else 0
