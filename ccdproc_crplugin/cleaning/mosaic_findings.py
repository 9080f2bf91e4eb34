# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Findings about the four planes of a colour mosaic, told in one sentence."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from ccdproc_crplugin.errors import Spell, Wording, spelled
from ccdproc_crplugin.plugins.model import Finding

#: From the best to the worst.
ORDER = ("ok", "warn", "fail")

_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?!\w)")


def joined_findings(by_plane: Sequence[Sequence[Finding]], names: Sequence[str]) -> Iterator[Finding]:
    """The findings of one check on each plane, joined: of unlike ones the worst, with the names of their planes."""
    for row in zip_longest(*by_plane):
        found = [(name, finding) for name, finding in zip(names, row, strict=True) if finding is not None]
        worst = max((finding.status for _, finding in found), key=ORDER.index)
        told = [(name, finding) for name, finding in found if finding.status == worst]
        message = _told([(name, finding.message) for name, finding in told], len(names))
        fixes = [(name, finding.fix) for name, finding in told if finding.fix]
        fix = _told(fixes, len(fixes), with_middle=True) if fixes else ""
        yield replace(told[0][1], message=message, fix=fix)


def _told(texts: Sequence[tuple[str, str]], n_planes: int, *, with_middle: bool = False) -> Wording:
    """
    One text of those about several planes; the names follow where the texts differ or are not about all planes.

    Of numbers that differ all are told, or the one in the middle, as an advice takes one number.
    """
    return Wording(functools.partial(_told_to, texts, n_planes, with_middle))


def _told_to(texts: Sequence[tuple[str, str]], n_planes: int, with_middle: bool, spell: Spell) -> str:
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, words in texts:
        text = spelled(words, spell)
        groups.setdefault(_NUMBER.sub("#", text), []).append((name, text))
    told = [_merged(group, len(group) == n_planes, with_middle) for group in groups.values()]
    return (" " if all(text.endswith(".") for text in told) else "; ").join(told)


def _merged(group: Sequence[tuple[str, str]], all_planes: bool, with_middle: bool) -> str:
    """Texts that differ by their numbers alone as one, with the numbers of all or the one in the middle."""
    parts = list(zip(*(_NUMBER.split(text) for _, text in group), strict=True))
    alike = [len(set(own)) == 1 for own in parts]
    join = _middle if with_middle else "/".join
    text = "".join(own[0] if is_alike else join(own) for own, is_alike in zip(parts, alike, strict=True))
    if all_planes and (with_middle or all(alike)):
        return text
    planes = f"plane{'s' * (len(group) > 1)} {'/'.join(name for name, _ in group)}"
    return f"{text[:-1]} ({planes})." if text.endswith(".") else f"{text} ({planes})"


def _middle(numbers: Sequence[str]) -> str:
    return sorted(numbers, key=float)[(len(numbers) - 1) // 2]
