# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which engine runs, and with how many threads.

Both engines have the same two functions, ``prepare`` and ``find``, and give
the same answer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from ccdproc_crplugin.errors import CosmicRayError, wrong_value

__all__ = ["EngineChoice", "engine", "load_engine", "n_threads"]

_ENGINES = {
    "c": "ccdproc_crplugin.kernels.c_engine",
    "numpy": "ccdproc_crplugin.kernels.numpy_engine",
}
_MOST_THREADS = 256  # as in src/threads.c


@dataclass(frozen=True)
class EngineChoice:
    """Which engine runs, and why."""

    name: str
    reason: str


def _c_engine_failure() -> str | None:
    """Why the C engine can't be loaded; None if it can."""
    try:
        import_module(_ENGINES["c"])
    except ImportError as error:
        return str(error)
    return None


def engine(name: str | None = None) -> EngineChoice:
    """Which engine runs, and why."""
    asked_by = "the caller asked for it"
    if name is None and os.environ.get("CCDCR_ENGINE"):
        name, asked_by = os.environ["CCDCR_ENGINE"], "CCDCR_ENGINE asks for it"
    if name is not None and name not in _ENGINES:
        raise wrong_value("engine", name, f"one of: {', '.join(map(repr, _ENGINES))}", "Or unset CCDCR_ENGINE.")
    failure = None if name == "numpy" else _c_engine_failure()
    if name == "c" and failure is not None:
        raise CosmicRayError(
            f"Found engine='c', which can't be loaded ({failure}); expected an engine that is installed.",
            "Install the package with a C compiler at hand, or use 'numpy'.",
        )
    if name is not None:
        return EngineChoice(name, asked_by)
    if failure is not None:
        return EngineChoice("numpy", f"the C engine can't be loaded: {failure}")
    return EngineChoice("c", "it is the faster one")


def load_engine(name: str | None = None) -> ModuleType:
    """The module of the engine that runs."""
    return import_module(_ENGINES[engine(name).name])


def n_threads(threads: int | None = None) -> int:
    """How many threads the C engine uses."""
    asked = os.environ.get("CCDCR_NUM_THREADS") if threads is None else threads
    if asked is None or asked == "":
        return min(_n_processors(), _MOST_THREADS)
    try:
        number = int(asked)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise wrong_value(
            "threads", asked, "a whole number of 1 or more", "Change {threads} or CCDCR_NUM_THREADS, or leave both out."
        )
    return min(number, _MOST_THREADS)


def _n_processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no such thing on macOS and Windows
        return os.cpu_count() or 1
