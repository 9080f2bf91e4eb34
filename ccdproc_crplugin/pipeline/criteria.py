# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The criteria of ``[select]``, by which the frames of a kind are known: words, header cards, or file names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from ccdproc_crplugin.errors import wrong_value
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.selection import FITS_SUFFIXES, stem

#: What a criterion may be, for messages.
EXPECTED = 'a list such as ["object"], ["flat_*.fits"] or [{OBJECT = "Dome Flat*"}]'


@dataclass(frozen=True)
class Criterion:
    """
    One entry of ``[select]``.

    Text is a word that headers have for the kind or, with ``*``, ``?`` or a FITS ending, a pattern of file names. A
    mapping holds header cards, all of which must fit: a number, a switch, or text in which ``*`` and ``?`` stand for
    anything.
    """

    given: str | Mapping[str, Any]

    def __str__(self) -> str:
        if isinstance(self.given, str):
            return repr(self.given)
        return f"{{{', '.join(f'{keyword} = {value!r}' for keyword, value in self.given.items())}}}"

    def fits(self, file: str, meta: Mapping[str, Any]) -> bool:
        """Whether a frame meets it: the name of its file in the input folder, and the cards of its header."""
        if not isinstance(self.given, str):
            return all(_card_fits(header.value_of(meta, keyword), value) for keyword, value in self.given.items())
        if is_file_pattern(self.given):
            return any(fnmatchcase(name, self.given) for name in (file, PurePosixPath(file).name, stem(file)))
        words = {_bare(str(meta[keyword])) for keyword in header.keywords("kind", meta) if keyword in meta}
        return _bare(self.given) in words


def read_criteria(kind: str, entries: Any) -> tuple[Criterion, ...]:
    """The criteria of a kind; refused if one makes no sense."""
    if not isinstance(entries, list | tuple) or not entries or not all(map(_is_criterion, entries)):
        raise wrong_value(kind, entries, EXPECTED)
    return tuple(
        Criterion(entry if isinstance(entry, str) else {keyword.upper(): value for keyword, value in entry.items()})
        for entry in entries
    )


def is_file_pattern(text: str) -> bool:
    """Whether text stands for names of files."""
    return any(char in text for char in "*?[/") or text.lower().endswith(FITS_SUFFIXES)


def _is_criterion(entry: Any) -> bool:
    if isinstance(entry, Mapping):
        texts = all(isinstance(keyword, str) and keyword.strip() for keyword in entry)
        return bool(entry) and texts and all(isinstance(value, str | int | float) for value in entry.values())
    return isinstance(entry, str) and bool(entry.strip())


def _card_fits(value: Any, wanted: str | float) -> bool:
    """Whether the value of a card is the one wanted; text is compared without regard to case."""
    if value is None:
        return False
    if isinstance(wanted, str):
        return fnmatchcase(str(value).strip().lower(), wanted.strip().lower().replace("[", "[[]"))
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    try:
        return math.isclose(float(value), wanted, rel_tol=1e-9, abs_tol=1e-9)
    except (TypeError, ValueError, OverflowError):
        return False


def _bare(word: str) -> str:
    return re.sub(r"[\W_]", "", word.lower())
