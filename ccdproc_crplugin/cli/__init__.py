# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command line, ``ccdcr``: a module a sub-command, none of which loads astropy before it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ccdproc_crplugin.cli import (
    check,
    clean,
    combine,
    compare,
    demo,
    plugins,
    reduce,
    report,
    restore,
    segments,
    simulate,
    tune,
)
from ccdproc_crplugin.cli.options import UsageError, as_option, say, telling
from ccdproc_crplugin.default_plugins import methods
from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["main"]

COMMANDS = tuple(
    module.COMMAND
    for module in (clean, segments, check, tune, combine, reduce, report, restore, compare, plugins, simulate, demo)
)

#: Exit codes.
DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(args: Sequence[str] | None = None) -> int:
    """Run ``ccdcr``."""
    parser = argparse.ArgumentParser(
        prog="ccdcr",
        description="Cosmic rays out of CCD images.",
        epilog="`ccdcr COMMAND --help` tells more; `ccdcr demo` shows it on a real frame.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    try:
        chosen = parser.parse_args(args)
    except SystemExit as stop:
        return DONE if stop.code in (0, None) else WRONG_USAGE
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with telling():
            methods.install()
        return chosen.run(chosen)
    except CosmicRayError as err:
        say(f"ccdcr: {err.spelled(as_option)}")
        return WRONG_USAGE if isinstance(err, UsageError) else FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        print("ccdcr: stopped", file=sys.stderr)
        return FAILED
