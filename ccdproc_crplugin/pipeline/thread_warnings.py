# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The warnings of one thread, though the machinery of warnings belongs to the whole process."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["caught_warnings"]

_here = threading.local()
_lock = threading.Lock()
_n_catching = 0
_shown_before: Callable = warnings.showwarning


@contextmanager
def caught_warnings() -> Iterator[list[str]]:
    """Collect our warnings of this thread, and keep back those of libraries about headers."""
    messages: list[str] = []
    outer = getattr(_here, "messages", None)
    _here.messages = messages
    _begin()
    try:
        yield messages
    finally:
        _here.messages = outer
        _end()


class _OfCatchingThreads:
    """Stands in a filter for the pattern of a message, and fits whatever comes from a thread that catches."""

    def match(self, _: str) -> bool:
        """Whether this thread catches its warnings."""
        return getattr(_here, "messages", None) is not None


class _NeverWarned(Warning):
    """A category of nothing."""


_FILTER: Any = ("always", _OfCatchingThreads(), Warning, None, 0)


def _begin() -> None:
    """Install hook and filter, unless they are in force; a library may have put back what was before them."""
    global _n_catching, _shown_before
    with _lock:
        _n_catching += 1
        if warnings.showwarning is not _show:
            _shown_before = warnings.showwarning
            warnings.showwarning = _show
        if next(iter(warnings.filters), None) is not _FILTER:
            warnings.filters[:] = [_FILTER, *_other_filters()]
            # What was shown once may come again: only a call such as this one makes Python forget it.
            warnings.simplefilter("ignore", _NeverWarned, append=True)


def _end() -> None:
    """Leave everything as it was before, once the last thread is done."""
    global _n_catching
    with _lock:
        _n_catching -= 1
        if _n_catching:
            return
        if warnings.showwarning is _show:
            warnings.showwarning = _shown_before
        warnings.filters[:] = _other_filters()


def _other_filters() -> list[tuple]:
    return [item for item in warnings.filters if item is not _FILTER]


def _show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    messages = getattr(_here, "messages", None)
    if messages is None:
        _shown_before(message, category, *where, **more)
    elif category.__module__.startswith("ccdproc_crplugin"):
        messages.append(" ".join(str(message).split()))
