# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is worth knowing of a whole run once it is over."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from astropy.table import Table

from ccdproc_crplugin.errors import PreflightWarning
from ccdproc_crplugin.pipeline.table import TABLE

__all__ = ["outcome_line", "preflight_lines", "warn_of_failed_checks"]

#: What is said of a check that was not ok.
SAID = {"fail": "failed", "warn": "warns"}


def outcome_line(table: Table, seconds: float) -> str:
    """What came of a run."""
    counts = Counter(table["status"].tolist())
    n_events = sum(number or 0 for number in table["n_events"].tolist())
    frames = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    return f"{frames}; {n_events} event{'' if n_events == 1 else 's'}; {_duration(seconds)}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def preflight_lines(table: Table, statuses: Iterable[str] = tuple(SAID)) -> list[str]:
    """The checks of the preflight that were not ok."""
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


def warn_of_failed_checks(table: Table) -> None:
    """Warn once of all checks of the preflight that failed."""
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
