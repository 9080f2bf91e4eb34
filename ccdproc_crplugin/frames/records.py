# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The corrections that a header records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ccdproc_crplugin.frames import dialects
from ccdproc_crplugin.frames.entries import value_of

#: Letters of ``CALSTAT``, in which MaxIm DL says what it corrected.
CALSTAT = {"B": "bias", "D": "dark", "F": "flat"}

#: Values that say that a correction was not made.
NOT_MADE = ("", "F", "FALSE", "NO", "NONE", "OMIT", "OMITTED", "PERFORM", "SKIPPED", "INCOMPLETE", "N/A", "0")

#: What the programs of SBIG's cameras write to the history.
DARK_IN_HISTORY = "dark subtraction"


def corrections(meta: Mapping) -> frozenset[str]:
    """The corrections that a header records."""
    made = set(records(meta))
    letters = value_of(meta, "CALSTAT")
    if any(DARK_IN_HISTORY in line for line in _history(meta)):
        made.add("dark")
    return frozenset(made | {CALSTAT[letter] for letter in CALSTAT if isinstance(letters, str) and letter in letters})


def records(meta: Mapping) -> dict[str, str]:
    """The keyword that records each correction."""
    made: dict[str, str] = {}
    for dialect in dialects.dialects_of(lambda keyword: value_of(meta, keyword)):
        for name, keywords in dialect.corrections.items():
            for keyword in keywords:
                if _is_made(meta, keyword):
                    made.setdefault(name, keyword)
    return made


def _history(meta: Mapping) -> list[str]:
    """The entries of the history, in lower case."""
    entries = value_of(meta, "HISTORY")
    if entries is None or isinstance(entries, str):
        return [] if entries is None else [entries.lower()]
    return [str(entry).lower() for entry in entries] if isinstance(entries, Iterable) else []


def _is_made(meta: Mapping, keyword: str) -> bool:
    value = value_of(meta, keyword)
    return value is not None and str(value).strip().upper() not in NOT_MADE
