# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The kind of a frame: light, bias, dark, flat, arc or focus.

It is said by a card for the kind; where that says nothing, or only that this is a frame of an object, by the name of
the object if that is nothing but a word for another kind, such as "Dome Flat" or "Bias 3".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from astropy import units as u

from ccdproc_crplugin.frames import dialects
from ccdproc_crplugin.frames.entries import GIVEN, HeaderValue, entries, value_of
from ccdproc_crplugin.frames.units import quantity_in
from ccdproc_crplugin.plugins.model import KINDS

#: A dark of at most this exposure is a bias; no camera exposes shorter than 10 microseconds.
LONGEST_BIAS = 1e-5  # s

#: A word of a name, or a number in it with its unit.
_PART = re.compile(r"[a-z]+|\d+(?:\.\d+)?\s*(?:ms|s|sec|seconds?|min|x\d+)?\b|\d+")

#: Parts of a name that do not count: numbers, exposures, filters, and the letters of chips.
_DOES_NOT_COUNT = re.compile(
    r"\d.*|[a-z]|frames?|images?|exp|test|h?alpha|ha|oiii|sii|clear|lum|luminance|red|green|blue"
)

#: Words that mean a kind in a card of the kind, but something else as the name of an object: offsets of the telescope,
#: stars for comparison.
_NO_OBJECTS = ("offset", "wave", "comp", "comparison")


def kind_of(meta: Mapping) -> HeaderValue:
    """The kind of a frame, "unknown" if the header does not say it, and the keywords that do."""
    found = _said(meta)
    if found.comment == GIVEN:
        return found
    if found.value in ("light", "unknown"):
        found = _in_name_of_object(meta) or found
    if found.value == "dark":
        for entry in entries(meta, "exposure"):
            if 0 <= quantity_in(entry, u.s, meta) <= LONGEST_BIAS:
                return HeaderValue("bias", f"{found.keyword}, {entry.keyword}")
    return found


def frame_kind(meta: Mapping) -> str:
    """The kind of a frame: "light", "bias", "dark", "flat", "arc", "focus" or "unknown"."""
    return kind_of(meta).value


def named_by_object(meta: Mapping) -> str:
    """The card of the object, such as ``OBJECT = 'Dome Flat'``, if it alone says the kind of a frame; "" if not."""
    found = kind_of(meta).keyword.partition(",")[0]
    name = next((entry for entry in entries(meta, "object") if entry.keyword == found), None)
    return "" if name is None else f"{name.keyword} = {str(name.value).strip()!r}"


def _said(meta: Mapping) -> HeaderValue:
    for entry in entries(meta, "kind"):
        kind = _kind_in(str(entry.value), meta)
        if kind:
            return HeaderValue(kind, entry.keyword, entry.comment)
    return HeaderValue("unknown", "")


def _in_name_of_object(meta: Mapping) -> HeaderValue | None:
    for entry in entries(meta, "object"):
        kind = _kind_in(str(entry.value), meta)
        if kind and kind != "light" and _letters(str(entry.value).lower()) not in _NO_OBJECTS:
            return HeaderValue(kind, entry.keyword)
    return None


def _kind_in(text: str, meta: Mapping) -> str:
    """The kind that a text means as a whole or, where each word in it means the same kind, by these; "" if none."""
    text = text.lower()
    words = [part for part in _PART.findall(text) if not _DOES_NOT_COUNT.fullmatch(part)]
    parts = [_letters(part) for part in re.split(r"[,;:]", text)]
    for candidates in ([_letters(text)], ["".join(words)], parts if len(parts) > 1 else []):
        kind = next(filter(None, (_kind_of_word(word, meta) for word in candidates if word)), "")
        if kind:
            return kind
    kinds = {_kind_of_word(word, meta) for word in words}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind_of_word(word: str, meta: Mapping) -> str:
    forms = (word, word.removesuffix("s"))
    return next((kind for kind, pattern in _words(meta) if any(fnmatchcase(form, pattern) for form in forms)), "")


def _words(meta: Mapping) -> Iterator[tuple[str, str]]:
    """Kinds with the words that mean them, the words of one dialect after those of another."""
    for dialect in dialects.dialects_of(lambda keyword: value_of(meta, keyword)):
        for kind in KINDS:
            for word in dialect.kinds.get(kind, ()):
                yield kind, re.sub(r"[^a-z*]", "", word.lower())


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text)
