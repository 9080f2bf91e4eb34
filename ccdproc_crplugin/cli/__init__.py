# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command line, ``ccdcr``: a module for each sub-command, none of which loads astropy before it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ccdproc_crplugin.cli.messages import UsageError, say, speaking_to_user_of, spelling, telling, wrong_usage
from ccdproc_crplugin.default_plugins import methods
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.inputs import keeping_inputs

__all__ = ["main"]

#: The sub-commands. The module of each has a SUMMARY, a DESCRIPTION, ``add_options(parser)``, and ``run(args)``, which
#: returns the exit code.
COMMANDS = (
    *("headers", "clean", "segments", "check", "tune", "restore", "compare", "stack"),  # for frames
    *("combine", "reduce", "report"),  # for nights
    *("plugins", "cite", "simulate", "demo"),
)

#: Exit codes.
DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(args: Sequence[str] | None = None) -> int:
    """Run ``ccdcr`` and return its exit code."""
    with keeping_inputs():
        return _done(args)


def _done(args: Sequence[str] | None) -> int:
    """Do what the command line says."""
    try:
        chosen = _parser().parse_args(args)
    except SystemExit as stop:
        return DONE if stop.code in (0, None) else WRONG_USAGE
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with speaking_to_user_of(chosen), _plugins_of(chosen), _dialects_of(chosen):
            with telling():
                methods.install_on_frames()
            return chosen.run(chosen)
    except CosmicRayError as err:
        say(f"ccdcr: {err.spelled(spelling(chosen))}")
        return WRONG_USAGE if isinstance(err, UsageError) else FAILED
    except MemoryError as err:
        reason = f" ({err})" if str(err) else ""
        say(f"ccdcr: Found too little memory{reason}; expected enough for the frame. Cut the frame into parts.")
        return FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        say("ccdcr: stopped")
        return FAILED


@contextmanager
def _plugins_of(args: argparse.Namespace) -> Iterator[None]:
    """Have the plugins in the files that the user gives, also in processes that the command starts."""
    if not args.plugin_files:
        yield
        return
    from ccdproc_crplugin.plugins import load_plugin, unregister
    from ccdproc_crplugin.plugins.files import FILES_VARIABLE

    before, names = os.environ.get(FILES_VARIABLE), []
    try:
        with telling(), wrong_usage():
            for path in args.plugin_files:
                names.append(load_plugin(path))
        files = [*filter(None, [before]), *map(os.path.abspath, args.plugin_files)]
        os.environ[FILES_VARIABLE] = os.pathsep.join(files)
        yield
    finally:
        for name in names:
            unregister(name)
        if before is None:
            os.environ.pop(FILES_VARIABLE, None)
        else:
            os.environ[FILES_VARIABLE] = before


@contextmanager
def _dialects_of(args: argparse.Namespace) -> Iterator[None]:
    """Use the dialects of headers in the files that the user gives."""
    if not getattr(args, "dialect_files", None):
        yield
        return
    from ccdproc_crplugin.frames.dialects import read_dialects, using, with_those_in_use

    with wrong_usage():
        given = [dialect for path in args.dialect_files for dialect in read_dialects(path)]
    with using(with_those_in_use(given)):
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ccdcr",
        description="Find and remove cosmic rays in CCD images.",
        epilog="`ccdcr COMMAND --help` describes a command. `ccdcr demo` runs the main ones on a real frame.",
    )
    text = "load a plugin from a file; may be repeated"
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", dest="plugin_files", help=text)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"{__name__}.{name}")
        command = commands.add_parser(name, help=module.SUMMARY, description=module.DESCRIPTION)
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser
