# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The log of a run, its warnings, and the summary at its end."""

from __future__ import annotations

import logging
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning
from ccdproc_crplugin.pipeline.table import TABLE

LOG = "night.log"

logger = logging.getLogger("ccdproc_crplugin")
logger.addHandler(logging.NullHandler())


class _Onward(logging.Handler):
    """Passes warnings to the logger ``ccdproc_crplugin``, which belongs to the calling program."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record to that logger."""
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


@contextmanager
def night_log(folder: Path) -> Iterator[logging.Logger]:
    """Open the log of a run: the file gets every record, the logger ``ccdproc_crplugin`` warnings and worse."""
    path = folder / LOG
    try:
        file = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as err:
        raise CosmicRayError(f"Found that the log {str(path)!r} can't be written: {err}.") from err
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.Logger("ccdproc_crplugin.night", logging.INFO)
    log.addHandler(file)
    log.addHandler(_Onward())
    try:
        yield log
    finally:
        file.close()


# --- warnings of one thread, though Python keeps hook and filters for the whole process ---

_here = threading.local()
_lock = threading.Lock()
_n_catching = 0
_shown_before: Callable = warnings.showwarning


@contextmanager
def caught_warnings() -> Iterator[list[str]]:
    """Collect the warnings of this package and suppress those of libraries, in this thread alone."""
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
    """Takes the place of a message pattern in a warning filter, and matches every warning of a thread that catches."""

    def match(self, _: str) -> bool:
        """Whether this thread catches its warnings."""
        return getattr(_here, "messages", None) is not None


class _NeverWarned(Warning):
    """A category that no warning has."""


_FILTER: Any = ("always", _OfCatchingThreads(), Warning, None, 0)


def _begin() -> None:
    """Install hook and filter, unless they are still in place; a library may have restored the earlier ones."""
    global _n_catching, _shown_before
    with _lock:
        _n_catching += 1
        if warnings.showwarning is not _show:
            _shown_before = warnings.showwarning
            warnings.showwarning = _show
        if next(iter(warnings.filters), None) is not _FILTER:
            _set_filters(_FILTER)
            # This call makes Python forget which warnings were shown once already.
            warnings.simplefilter("ignore", _NeverWarned, append=True)


def _end() -> None:
    """Restore hook and filters when the last thread is done."""
    global _n_catching
    with _lock:
        _n_catching -= 1
        if _n_catching:
            return
        if warnings.showwarning is _show:
            warnings.showwarning = _shown_before
        _set_filters()


def _set_filters(*first: Any) -> None:
    """Put the filter in front of the others, or take it away."""
    filters: Any = warnings.filters
    filters[:] = [*first, *(item for item in filters if item is not _FILTER)]


def _show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    messages = getattr(_here, "messages", None)
    if messages is None:
        _shown_before(message, category, *where, **more)
    elif category.__module__.startswith("ccdproc_crplugin"):
        messages.append(" ".join(str(message).split()))


# --- the end of a run --------------------------------------------------------

#: Verdicts that say that some of the events are none.
DOUBTFUL = ("too large", "too many")

#: The words for the status of a check that was not ok.
SAID = {"fail": "failed", "warn": "warns"}


def outcome_line(table: Table, seconds: float) -> str:
    """The numbers of frames by status, the number of events, and the time taken."""
    counts = Counter(table["status"].tolist())
    n_events = sum(number or 0 for number in table["n_events"].tolist())
    frames = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    n_hot = sum(number or 0 for number in table["n_hot"].tolist())
    on_hot = f"; {_events(n_hot)} on hot pixels" if n_hot else ""
    return f"{frames}; {_events(n_events)}{on_hot}; {_duration(seconds)}"


def _events(number: int) -> str:
    return f"{number} event{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def preflight_lines(table: Table, statuses: Iterable[str] = tuple(SAID)) -> list[str]:
    """A line for each check of the preflight with one of these statuses, in their order."""
    files: dict[tuple[str, str], list[str]] = {}
    for row in table["file", "findings"]:
        for found in dict.fromkeys(_findings(row)):
            files.setdefault(found, []).append(row["file"])
    return [
        f"preflight: {check} {SAID[status]} on {_counted(names)}, see findings in {TABLE}"
        for status in statuses
        for (of_status, check), names in files.items()
        if of_status == status
    ]


def verdict_lines(table: Table) -> list[str]:
    """A line for each verdict that speaks against the events of some frames."""
    files: dict[str, list[str]] = {}
    for row in table["file", "verdict"]:
        if row["verdict"] in DOUBTFUL:
            files.setdefault(row["verdict"], []).append(row["file"])
    return [f"verdict: {verdict} on {_counted(files[verdict])}" for verdict in DOUBTFUL if verdict in files]


def warn_of_failed_checks(table: Table) -> None:
    """Issue one `PreflightWarning` for all checks that failed, in the name of the caller's caller."""
    lines = preflight_lines(table, ["fail"])
    if lines:
        warnings.warn("\n".join(lines), PreflightWarning, stacklevel=3)


def _findings(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Status and check, from words such as ``warn: sky; fail: gain, unit``."""
    for part in row["findings"].split("; "):
        status, _, checks = part.partition(": ")
        yield from ((status, check) for check in checks.split(", "))


def _counted(names: list[str]) -> str:
    more = ", …" if len(names) > 1 else ""
    return f"{len(names)} frame{'s' if more else ''} ({names[0]}{more})"
