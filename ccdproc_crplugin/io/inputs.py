# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The files that a run reads, so that it never writes over one of them.

A run is a call of a function that reads files and writes others, or a whole command. Whatever is opened for reading in
it is noted here, and `refuse_input` is asked before a file is replaced.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from ccdproc_crplugin.errors import CosmicRayError

#: What a run warns of once: header cards that break the standard.
ODD_CARDS = "cards"

#: What tells a file from all others: device and number, whatever its name.
Identity = tuple[int, int]


@dataclass
class Run:
    """What a run has read, written and warned of until now."""

    read: dict[Identity, str] = field(default_factory=dict)  # by the name that was opened
    written: set[Identity] = field(default_factory=set)
    warned: set[str] = field(default_factory=set)


_RUN: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def keeping_inputs(*, warned: Iterable[str] = ()) -> Iterator[None]:
    """Note what is read from here on, in a run that has ``warned`` already; part of a run that is under way, if any."""
    run = _RUN.get() or Run()
    run.warned.update(warned)
    token = _RUN.set(run)
    try:
        yield
    finally:
        _RUN.reset(token)


def note_read(path: str | os.PathLike) -> None:
    """Note a file that the run reads or is about to read; not one that it wrote itself."""
    run, identity = _RUN.get(), _identity(path)
    if run is not None and identity is not None and identity not in run.written:
        run.read.setdefault(identity, str(path))


def note_unused(path: str | os.PathLike) -> None:
    """Note that a file which the run read is no input after all."""
    run, identity = _RUN.get(), _identity(path)
    if run is not None and identity is not None:
        run.read.pop(identity, None)


def note_written(path: str | os.PathLike) -> None:
    """Note a file that the run wrote, and may write again."""
    run, identity = _RUN.get(), _identity(path)
    if run is not None and identity is not None:
        run.read.pop(identity, None)
        run.written.add(identity)


def refuse_input(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = ()) -> None:
    """Refuse to replace a file that the run reads, or one of further ``inputs``, whatever its name."""
    run, identity = _RUN.get(), _identity(path)
    if identity is None:
        return
    if (run is not None and identity in run.read) or identity in map(_identity, inputs):
        raise CosmicRayError(f"Found an input at {str(path)!r}; expected another output folder or name. Name one.")


def is_first_warning(subject: str) -> bool:
    """Whether the run has not warned of a subject yet; outside a run there is no earlier warning."""
    run = _RUN.get()
    if run is None:
        return True
    first = subject not in run.warned
    run.warned.add(subject)
    return first


def _identity(path: str | os.PathLike) -> Identity | None:
    """Device and number of a file, links followed; None if the file does not exist."""
    with suppress(OSError, ValueError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None
