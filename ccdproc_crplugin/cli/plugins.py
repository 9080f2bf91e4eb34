# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr plugins``: what is registered and what failed; a new plugin; the checks of one."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccdproc_crplugin.cli.messages import show, show_table, telling, wrong_usage

SUMMARY = "list detectors, those of stacks, steps, checks and methods"
DESCRIPTION = (
    "List what is registered and the distribution it comes from, its licence and what to cite, the engine that is "
    "used, and the plugins that failed to load, with the reason. The exit code is 1 if one failed."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the actions for authors of plugins."""
    actions = parser.add_subparsers(title="for authors of plugins", metavar="ACTION", dest="action")
    text = "write a whole distribution with a detector that works, for you to change"
    new = actions.add_parser("new", help=text, description=f"{text.capitalize()}.")
    new.add_argument("name", metavar="NAME", help="name of the detector: lower-case letters, digits and hyphens")
    text = "folder to write, new or empty (default: ccdcr-NAME)"
    new.add_argument("-o", "--output", type=Path, metavar="FOLDER", help=text)
    text = "run the checks of the conformance kit on a registered detector, stack detector or step"
    check = actions.add_parser("check", help=text, description=f"{text.capitalize()}. The exit code is 1 if one fails.")
    check.add_argument("name", metavar="NAME", help="name of the detector, stack detector or step")


def run(args: argparse.Namespace) -> int:
    """Do the action; without one, print the report and return 1 if a plugin failed, else 0."""
    return {"new": _new, "check": _check, None: _list}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    with telling():
        from ccdproc_crplugin.plugins.table import plugin_report

        report = plugin_report()
    show_table(report, align="<")
    return 1 if "failed" in report["status"] else 0


def _new(args: argparse.Namespace) -> int:
    from ccdproc_crplugin.testing.new_plugin import write_plugin

    with telling(), wrong_usage():
        folder = write_plugin(args.name, args.output)
    show(f"Wrote {folder}. Install and test it:", f"    cd {folder}")
    show('    python -m pip install -e ".[test]"', "    python -m pytest", "    ccdcr plugins")
    return 0


def _check(args: argparse.Namespace) -> int:
    from astropy.table import Table

    from ccdproc_crplugin import plugins
    from ccdproc_crplugin.testing.running import outcomes_of
    from ccdproc_crplugin.testing.subjects import Subject

    with telling(), wrong_usage():
        subject = Subject(plugins.steps().get(args.name, args.name))
    with telling():
        outcomes = outcomes_of(subject, {})
    show_table(Table(rows=outcomes, names=("check", "outcome", "message")), align="<")
    n_failed = sum(outcome == "failed" for _, outcome, _ in outcomes)
    show("", f"{n_failed} of {len(outcomes)} checks failed")
    return 1 if n_failed else 0
