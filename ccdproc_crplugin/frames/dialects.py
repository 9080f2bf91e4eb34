# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The dialects of headers that are in use, and dialects that a user writes in TOML.

In use are the dialects of all plugins. A run adds those of its user with `using`, which holds for the thread and its
tasks; workers in other processes are handed `in_use` with each task.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins import dialects
from ccdproc_crplugin.plugins.model import Dialect
from ccdproc_crplugin.plugins.rules import check_dialect

_run: ContextVar[tuple[Dialect, ...] | None] = ContextVar("dialects of a run", default=None)

#: The keys of a dialect in TOML.
KEYS = tuple(field.name for field in fields(Dialect))

#: The tables of a dialect whose values are lists.
_LISTS = ("keywords", "ignored", "kinds", "units", "corrections")


class Rule(NamedTuple):
    """A keyword, what its comment must say, and what it must not."""

    keyword: str
    comment: str = "*"
    unless: tuple[str, ...] = ()

    def holds(self, comment: str) -> bool:
        """Whether a card with this comment counts."""
        return _fits(comment, self.comment) and not any(_fits(comment, pattern) for pattern in self.unless)


def in_use() -> tuple[Dialect, ...]:
    """The dialects in use, those that are tried first first."""
    given = _run.get()
    return tuple(reversed(list(dialects().values()))) if given is None else given


@contextmanager
def using(wanted: Iterable[Dialect]) -> Iterator[None]:
    """Use these dialects and no others."""
    token = _run.set(tuple(wanted))
    try:
        yield
    finally:
        _run.reset(token)


def with_dialects(wanted: tuple[Dialect, ...], function: Callable[[Any], Any], task: Any) -> Any:
    """Do a task with the dialects of the thread or process that made it."""
    with using(wanted):
        return function(task)


def rules(quantity: str, value_of: Callable[[str], Any]) -> list[Rule]:
    """The keywords of a quantity in the order in which they are tried; ``value_of`` returns a card of the header."""
    return _rules(quantity, dialects_of(value_of))


def dialects_of(value_of: Callable[[str], Any]) -> list[Dialect]:
    """The dialects that hold for a header, those that need certain cards first."""
    return sorted((dialect for dialect in in_use() if _holds(dialect, value_of)), key=lambda dialect: not dialect.cards)


def _holds(dialect: Dialect, value_of: Callable[[str], Any]) -> bool:
    for keyword, pattern in dialect.cards.items():
        value = value_of(keyword.upper())
        if value is None or not _fits(str(value).strip(), pattern):
            return False
    return True


def _rules(quantity: str, holding: Iterable[Dialect]) -> list[Rule]:
    found: dict[str, Rule] = {}
    ignored: dict[str, tuple[str, ...]] = {}
    for dialect in holding:
        for rule in _expanded(tuple(dialect.ignored.get(quantity, ()))):
            ignored[rule.keyword] = (*ignored.get(rule.keyword, ()), rule.comment)
        for rule in _expanded(tuple(dialect.keywords.get(quantity, ()))):
            found.setdefault(rule.keyword, rule._replace(unless=ignored.get(rule.keyword, ())))
    return list(found.values())


@lru_cache(maxsize=512)
def _expanded(entries: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules for entries such as ``FILTER#`` and ``DATAMAX / *saturation*``."""
    pairs = [entry.partition("/") for entry in entries]
    return tuple(
        Rule(keyword, pattern.strip() or "*")
        for name, _, pattern in pairs
        for keyword in _numbered(name.strip().upper())
    )


def _numbered(keyword: str) -> Iterator[str]:
    yield from (keyword.replace("#", str(number)) for number in range(1, 10)) if "#" in keyword else (keyword,)


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text.lower(), pattern.lower())


def read_dialects(path: str | os.PathLike) -> list[Dialect]:
    """The dialects in a TOML file: its table ``[dialect]``, or several ``[[dialect]]``."""
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a dialect in TOML.") from err
    except (OSError, ValueError, RecursionError) as err:
        raise CosmicRayError(f"Found {str(path)!r}, which can't be read as TOML: {err}.") from err
    if "dialect" not in content:
        raise CosmicRayError(f"Found no [dialect] in {str(path)!r}; expected that table.")
    try:
        return dialects_in(content["dialect"], path.stem)
    except CosmicRayError as err:
        raise err.within(before=f"{path}: ") from err


def dialects_in(content: Any, name: str) -> list[Dialect]:
    """The dialects of a table, or of a list of tables; ``name`` is for those that have none."""
    tables = content if isinstance(content, list | tuple) else [content]
    return [_dialect(table, name) for table in tables]


def with_those_in_use(added: Iterable[Dialect]) -> tuple[Dialect, ...]:
    """Dialects of a user, then those in use."""
    return (*added, *in_use())


def _dialect(table: Any, name: str) -> Dialect:
    if not isinstance(table, Mapping):
        raise CosmicRayError(f"Found dialect = {table!r:.80}; expected a table, [dialect].")
    unknown = [key for key in table if key not in KEYS]
    if unknown:
        raise CosmicRayError(f"Found the key {unknown[0]!r} in [dialect]; expected one of: {', '.join(KEYS)}.")
    values = {"name": name, "summary": "of the user", **table}
    for key in _LISTS:
        if isinstance(values.get(key), Mapping):
            values[key] = {key: [words] if isinstance(words, str) else words for key, words in values[key].items()}
    dialect = Dialect(**values)
    try:
        check_dialect(dialect)
    except CosmicRayError as err:
        raise err.within(before="Found that ") from err
    return dialect
