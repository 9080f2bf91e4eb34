# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which engine runs, and with how many threads.

Both engines have the same functions, ``prepare`` and ``find`` of the search, ``front`` and ``beside``
of growth and ``holes``, and return the same result.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from ccdproc_crplugin.errors import CosmicRayError, check_whole

_ENGINES = {"c": "ccdproc_crplugin.kernels._lacosmic", "numpy": "ccdproc_crplugin.kernels.numpy_engine"}
_MOST_THREADS = 256  # as in src/threads.c


@dataclass(frozen=True)
class EngineChoice:
    """An engine and why it was chosen."""

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
    """The engine of this name; None for ``CCDCR_ENGINE`` or, where that is not set, the C engine if it is installed."""
    where, asked_by = "engine", "the caller asked for it"
    if name is None and os.environ.get("CCDCR_ENGINE"):
        where, name, asked_by = "CCDCR_ENGINE", os.environ["CCDCR_ENGINE"], "CCDCR_ENGINE asks for it"
    if name is not None and name not in _ENGINES:
        raise CosmicRayError(
            f"Found {where}={name!r}; expected one of: {', '.join(map(repr, _ENGINES))}.",
            "Choose one of them, or unset CCDCR_ENGINE.",
        )
    failure = None if name == "numpy" else _c_engine_failure()
    if name == "c" and failure is not None:
        raise CosmicRayError(
            f"Found {where}='c', but the C engine can't be loaded ({failure}); expected a compiled package.",
            "Install it where there is a C compiler, or use 'numpy'.",
        )
    if name is not None:
        return EngineChoice(name, asked_by)
    if failure is not None:
        return EngineChoice("numpy", f"the C engine can't be loaded: {failure}")
    return EngineChoice("c", "it is the faster one")


def load_engine(name: str | None = None) -> ModuleType:
    """The module with the functions of the engine that `engine` chooses."""
    return import_module(_ENGINES[engine(name).name])


def n_threads(threads: int | None = None) -> int:
    """Number of threads of the C engine, 1 to 256; None for ``CCDCR_NUM_THREADS`` or else all processors allowed."""
    if threads is not None:
        check_whole("threads", threads, 1)
        return min(int(threads), _MOST_THREADS)
    asked = os.environ.get("CCDCR_NUM_THREADS", "").strip()
    if not asked:
        return min(_n_processors(), _MOST_THREADS)
    if not (asked.isascii() and asked.isdigit()) or int(asked) < 1:
        raise CosmicRayError(
            f"Found CCDCR_NUM_THREADS={asked!r}; expected a whole number of 1 or more.", "Change it, or unset it."
        )
    return min(int(asked), _MOST_THREADS)


def _n_processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such function
        return os.cpu_count() or 1
