# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Header cards that break the FITS standard: mended where it is plain what they mean, and left out otherwise."""

from __future__ import annotations

import functools
import math
import re
import warnings

from astropy.io import fits

#: The length of a card, bytes.
CARD = 80

#: Cards that need no second look.
_SOUND = re.compile(
    rb"(?:[A-Z0-9_-]+ *)(?<=^.{8})= +(?:'(?:[ -&(-~]|'')*'|[TF]|[+-]?\d{1,18}(?:\.\d{0,18})?(?:[ED][+-]?\d{1,2})?)? *"
    rb"(?:/[ -~]*)?"
    rb"|(?:COMMENT |HISTORY |        )[ -~]*"
    rb"|CONTINUE  '(?:[ -&(-~]|'')*' *(?:/[ -~]*)?"
)

#: A keyword and what follows the equals sign, wherever that stands.
_KEYWORD_AND_VALUE = re.compile(r" *([^=/']{1,8}?) *=(.*)")

#: Characters that a keyword can't have.
_NOT_IN_KEYWORD = re.compile(r"[^A-Z0-9_-]")

#: Characters that a card can't hold: those that steer a device become blanks, all others question marks.
_PRINTABLE = bytes(code if 32 <= code < 127 else 32 if code < 32 else 63 for code in range(256))


@functools.lru_cache(maxsize=8192)
def mended_card(card: bytes) -> bytes:
    """A card of 80 bytes as the standard wants it; nothing if it can't be understood."""
    if _SOUND.fullmatch(card):
        return card
    printable = card.translate(_PRINTABLE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for candidate in _candidates(printable.decode("ascii")):
            found = _verified(candidate)
            if found:
                return found.encode("ascii")
    return b""


def _candidates(text: str) -> list[str]:
    """Readings of a card, the likeliest first."""
    if text.startswith(("COMMENT ", "HISTORY ", " " * 8)):
        return [text]
    if text.startswith("CONTINUE"):
        return []
    if text[:9].upper() == "HIERARCH ":
        return [text[:8].upper() + text[8:]]
    readings = [text] if not _NOT_IN_KEYWORD.search(text[:8].rstrip()) and text[8:10] == "= " else []
    if found := _KEYWORD_AND_VALUE.match(text):
        keyword = _NOT_IN_KEYWORD.sub("_", found[1].upper())
        readings.append(f"{keyword:8}= {found[2].strip()}"[:CARD].ljust(CARD))
    elif not _NOT_IN_KEYWORD.search(text[:8].rstrip()):
        readings.append(text)
    return readings


def _verified(text: str) -> str:
    """A card as astropy mends it, an unquoted text becoming a string; an empty text if it can't."""
    try:
        card = fits.Card.fromstring(text)
        card.verify("silentfix")
        image = card.image
        again = fits.Card.fromstring(image)
        again.verify("exception")
        value = again.value
        infinite = isinstance(value, float | complex) and not math.isfinite(abs(value))
    except (fits.VerifyError, ValueError, OverflowError):
        return ""
    return image if not infinite and len(image) == CARD and image.isascii() else ""
