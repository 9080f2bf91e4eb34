# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The cards of a header that state a quantity, in the dialects in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from astropy.io.fits import Header, VerifyError

from ccdproc_crplugin.frames import dialects
from ccdproc_crplugin.plugins.model import QUANTITIES

#: The comment of a card that was given for a run, which takes precedence over all others.
GIVEN = "given for the run"

#: Cards that are no values.
_COMMENTARY = ("", "COMMENT", "HISTORY", "END", "CONTINUE")


@dataclass(frozen=True)
class HeaderValue:
    """A value, the keyword that it was found under, and the comment of that card."""

    value: Any
    keyword: str
    comment: str = field(default="", compare=False, repr=False)


class FrameHeader(dict[str, Any]):
    """The values of the readable cards of a header by keyword in upper case, with their comments."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: dict[str, str] = {}

    def with_given(self, quantity: str, value: Any) -> FrameHeader:
        """The same header with a value that takes precedence over its cards."""
        changed = FrameHeader()
        keyword = QUANTITIES[quantity]
        changed.update(self, **{keyword: value})
        changed.comments |= {**self.comments, keyword: GIVEN}
        return changed


def read_header(meta: Mapping) -> FrameHeader:
    """Read all cards of a header, for several look-ups; a plain mapping may have its keywords in lower case."""
    if isinstance(meta, FrameHeader):
        return meta
    read = FrameHeader()
    for keyword, value, comment in _cards_of(meta):
        if keyword not in read:
            read[keyword], read.comments[keyword] = value, comment
    return read


def _cards_of(meta: Mapping) -> Iterator[tuple[str, Any, str]]:
    if not isinstance(meta, Header):
        for key, value in meta.items():
            value, comment = (*value, "")[:2] if isinstance(value, tuple) and value else (value, "")
            yield str(key).upper().removeprefix("HIERARCH "), value, str(comment)
        return
    for card in meta.cards:
        keyword = card.keyword.upper()
        if keyword in _COMMENTARY:
            continue
        try:
            yield keyword, card.value, card.comment
        except VerifyError:
            continue


def value_of(meta: Mapping, keyword: str) -> Any:
    """The value of one card of a whole header (keyword in upper case); None if missing, empty or unreadable."""
    found = _entry(_as_cards(meta), keyword.removeprefix("HIERARCH "))
    return None if found is None else found.value


def entries(meta: Mapping, quantity: str) -> Iterator[HeaderValue]:
    """The values of a quantity, the most reliable first; one that was given for a run is the only one."""
    cards = _as_cards(meta)
    given = _entry(cards, QUANTITIES[quantity])
    if given is not None and given.comment == GIVEN:
        yield given
        return
    for rule in dialects.rules(quantity, lambda keyword: value_of(cards, keyword)):
        entry = _entry(cards, rule.keyword)
        if entry is not None and rule.holds(entry.comment):
            yield entry


def keywords(quantity: str, meta: Mapping) -> list[str]:
    """The keywords that are tried for a quantity in a header, as the dialects have them."""
    holding = dialects.dialects_of(lambda keyword: value_of(meta, keyword))
    named = (entry for dialect in holding for entry in dialect.keywords.get(quantity, ()))
    return list(dict.fromkeys(entry.partition("/")[0].strip() for entry in named))


def _as_cards(meta: Mapping) -> Header | FrameHeader:
    return meta if isinstance(meta, Header | FrameHeader) else read_header(meta)


def _entry(cards: Header | FrameHeader, keyword: str) -> HeaderValue | None:
    """The card of a keyword; None if missing, empty or unreadable."""
    try:
        if keyword not in cards or cards[keyword] is None:
            return None
        return HeaderValue(cards[keyword], keyword, cards.comments[keyword])
    except VerifyError:
        return None
