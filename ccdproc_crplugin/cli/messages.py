# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What ``ccdcr`` prints: results to standard output; warnings and errors, in its own spelling, to standard error."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ccdproc_crplugin.errors import (
    CalibrationWarning,
    CosmicRayError,
    HeaderWarning,
    PluginWarning,
    PreflightWarning,
    Spell,
    spelled,
)

#: Functions that messages name, and the sub-commands that do their work.
SUB_COMMANDS = {
    "clean_cosmic_rays": "ccdcr clean",
    "clean_cosmic_rays_stack": "ccdcr stack",
    "cr_preflight": "ccdcr check",
    "cr_segments": "ccdcr segments",
    "cr_tune": "ccdcr tune",
    "restore_cosmic_rays": "ccdcr restore",
}

#: Parameters of functions whose options have other names.
OPTIONS = {
    "hot_fraction": "hot_pixels",
    "masters": "master",
    "memory_limit": "memory",
    "n_workers": "workers",
    "shape": "size",
}


class UsageError(CosmicRayError):
    """The command line is wrong; no frame was touched."""


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Turn errors into errors of usage."""
    try:
        yield
    except CosmicRayError as err:
        raise err.within(kind=UsageError) from err


def spelling(args: argparse.Namespace) -> Callable[[str, str], str]:
    """
    How the user of a sub-command gives the parameters that an error names, see `CosmicRayError.spelled`.

    A parameter is an option of the sub-command or, where there is ``-p``, one of the detector.
    """

    def spell(name: str, value: str) -> str:
        if value == "()":
            return SUB_COMMANDS.get(name, name)
        option, value = OPTIONS.get(name, name), value.strip("'")
        if hasattr(args, option):
            return f"--{option.replace('_', '-')}{f' {value}' if value not in ('', 'True') else ''}"
        return f"{'-p ' if hasattr(args, 'parameter') else ''}{name}{f'={value}' if value else ''}"

    return spell


_spell: ContextVar[Spell | None] = ContextVar("spell", default=None)


@contextmanager
def speaking_to_user_of(args: argparse.Namespace) -> Iterator[None]:
    """Spell the parameters in messages as options of a sub-command; keep back what astropy logs for information."""
    from astropy import log

    token, level = _spell.set(spelling(args)), log.level
    log.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        log.setLevel(level)
        _spell.reset(token)


def words(text: str) -> str:
    """A text with its parameters spelled as options."""
    spell = _spell.get()
    return str(text) if spell is None else spelled(text, spell)


@contextmanager
def calm() -> Iterator[list[str]]:
    """Keep back the warnings of libraries about headers, and collect those of this package."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            ours = (CalibrationWarning, HeaderWarning, PluginWarning, PreflightWarning)
            messages += [words(next(iter(item.message.args), "")) for item in caught if isinstance(item.message, ours)]


@contextmanager
def telling() -> Iterator[None]:
    """Keep back the warnings of libraries about headers, and print those of this package at the end, errors or not."""
    messages: list[str] = []
    try:
        with calm() as messages:
            yield
    finally:
        for message in messages:
            say(message)


def say(text: str) -> None:
    """Print something that is not the result of the command."""
    print(_plain(text), file=sys.stderr)


def show(*lines: str) -> None:
    """Print lines of the result of the command."""
    for line in lines:
        print(_plain(line))


def show_table(table: Any, **settings: Any) -> None:
    """Print a table whole, unless the settings of ``Table.pformat`` say otherwise."""
    shown = table.copy(copy_data=False)
    for name in shown.colnames:
        if shown[name].dtype.kind == "U":
            shown[name].info.format = _plain
    show(*shown.pformat(**{"max_lines": -1, "max_width": -1, **settings}))


def _plain(text: str) -> str:
    """Text without characters that could steer a terminal, which are shown as they are written."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def progress_bar(args: argparse.Namespace, **settings: Any) -> Callable[..., Any]:
    """The class of a progress bar, which is not drawn with ``--quiet`` or if standard error is no terminal."""
    from tqdm import tqdm

    return functools.partial(tqdm, disable=args.quiet or None, dynamic_ncols=True, **settings)
