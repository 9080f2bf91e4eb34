# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The structure of a FITS file, checked before the file is read.

A damaged card can make astropy read without end or ask for any amount of memory. Here the HDUs are walked through by
their headers alone: each must have a sound structure and data that lie in the file. What passes is a stream whose
headers keep to the standard, in which each card stands where it stood.
"""

from __future__ import annotations

import io
import math
import os
import re
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from ccdproc_crplugin.errors import HeaderWarning
from ccdproc_crplugin.io.inputs import ODD_CARDS, is_first_warning
from ccdproc_crplugin.io.mending import CARD, mended_card

#: FITS files are made of blocks of this length, bytes.
BLOCK = 2880

#: The kinds of extensions that the standard has, and those that it has registered.
EXTENSIONS = ("IMAGE", "TABLE", "BINTABLE", "IUEIMAGE", "A3DTABLE", "FOREIGN", "DUMP")

_END = b"END".ljust(CARD)
_BITPIX = (8, 16, 32, 64, -32, -64)

#: The most axes of an image and columns of a table that the standard allows.
MOST = 999

#: The most cards that a header is read to have.
MOST_CARDS = 200_000

#: Keywords on which the meaning of the data depends; two cards that differ leave it open.
_DECISIVE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|BSCALE|BZERO|BLANK|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\d*"
)
_VALUE = re.compile(r"'((?:[^']|'')*)'|([^/]*)")

#: The end of a card whose text goes on in the next one.
_GOES_ON = re.compile(rb"&' *(?:/.*)?$")


@dataclass(frozen=True)
class Expansion:
    """How far a packed file may expand: to so many bytes for each of its own, and to so many bytes anyhow."""

    ratio: int
    always: int


#: Frames have noise and pack to a tenth at best; a frame of 32 MB is cleaned in less than 1 GB of memory, whatever its
#: dtype. Masks hold little but zeros, of which gzip packs 1030 into one byte.
OF_FRAMES = Expansion(ratio=250, always=1 << 25)
OF_MASKS = Expansion(ratio=1100, always=1 << 26)


class StructureError(Exception):
    """What is wrong with a file, in words that follow after "because", and what to do about it."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


@dataclass
class _Header:
    """The cards of a header that has been read, and their place in the file."""

    index: int
    start: int
    cards: list[bytes]
    end: int  # of its last block

    def values(self) -> dict[str, str]:
        """The values of the decisive keywords, as text."""
        values: dict[str, str] = {}
        for card in self.cards:
            keyword = card[:8].decode("ascii").rstrip()
            if card[8:9] != b"=" or not _DECISIVE.fullmatch(keyword):
                continue
            found = _VALUE.match(card[10:].decode("ascii").strip())
            value = found[0].strip() if found else ""
            if values.setdefault(keyword, value) != value:
                raise StructureError(f"HDU {self.index} has two cards {keyword}, {values[keyword]} and {value}")
        return values


def sound_stream(stream: BinaryIO, n_stored: int, expansion: Expansion) -> BinaryIO:
    """
    The stream of an unpacked FITS file if its structure is sound, else one of its mended content.

    The images in it that are compressed may expand, all together, as far as a file of ``n_stored`` bytes may.
    """
    size = stream.seek(0, os.SEEK_END)
    changes: list[tuple[int, bytes]] = []
    odd: list[str] = []
    end = index = n_expanded = 0
    while end < size and (header := _read_header(stream, end, size, index)) is not None:
        changes += _mend(header, odd)
        values = header.values()
        end = header.end + _padded(_n_data_bytes(header, values, size))
        n_expanded += _n_expanded(header, values)
        check_expansion(n_expanded, n_stored, expansion, "funpack")
        index += 1
    if odd and is_first_warning(ODD_CARDS):
        warnings.warn(
            f"Found header cards that break the FITS standard, such as {odd[0]}; expected cards of the standard. They "
            "are mended where it is plain what they mean, and left out otherwise.",
            HeaderWarning,
            stacklevel=2,
        )
    stream.seek(0)
    if not changes and end >= size:
        return stream
    content = bytearray(stream.read(end))
    for start, header_bytes in changes:
        content[start : start + len(header_bytes)] = header_bytes
    return io.BytesIO(content)


def _read_header(stream: BinaryIO, start: int, size: int, index: int) -> _Header | None:
    """The header that starts somewhere; None if what is there is no HDU, which the standard allows after the last."""
    stream.seek(start)
    cards: list[bytes] = []
    while len(cards) < MOST_CARDS and len(block := stream.read(BLOCK)) >= CARD:
        if not cards and not _starts_hdu(block, index):
            break
        of_block = [block[place : place + CARD] for place in range(0, len(block) - CARD + 1, CARD)]
        if _END in of_block:
            cards += of_block[: of_block.index(_END)]
            return _Header(index, start, cards, min(start + _padded((len(cards) + 1) * CARD), size))
        cards += of_block
    if cards:
        raise StructureError(f"the header of HDU {index} has no END")
    if index == 0:
        raise StructureError("it does not start with SIMPLE = T")
    return None


def _starts_hdu(block: bytes, index: int) -> bool:
    if index:
        return block.startswith(b"XTENSION=")
    return re.match(rb"SIMPLE  = *T *(?:/|$)", block[:CARD]) is not None


def _mend(header: _Header, odd: list[str]) -> list[tuple[int, bytes]]:
    """Mend the cards of a header in place; return the place of the header and its new cards, if there are any."""
    mended = [mended_card(card) for card in header.cards]
    for place, card in enumerate(mended):
        if card.startswith(b"CONTINUE") and not (place and _GOES_ON.search(mended[place - 1])):
            mended[place] = b""
    if mended == header.cards:
        return []
    keywords = {card[:8] for card in header.cards}
    for place, (before, after) in enumerate(zip(header.cards, mended, strict=True)):
        if before == after:
            continue
        odd.append(_shown(before))
        renamed = after[:8] != before[:8]
        if not after or (renamed and after[:8] in keywords):
            mended[place] = b"".ljust(CARD)
        keywords.add(after[:8])
    header.cards = mended
    return [(header.start, b"".join(mended))]


def _shown(card: bytes) -> str:
    """What a message says of a card."""
    return repr(card.decode("latin-1").partition("/")[0].strip())


def _n_data_bytes(header: _Header, values: dict[str, str], size: int) -> int:
    """The length of the data of an HDU, which must lie in the file."""
    bitpix, axes = _whole(header, values, "BITPIX"), _axes(header, values, "NAXIS")
    if bitpix not in _BITPIX:
        raise _wrong(header, "BITPIX", bitpix, f"one of {', '.join(map(str, _BITPIX))}")
    n_groups = _whole(header, values, "GCOUNT", 1)
    n_parameters = _whole(header, values, "PCOUNT", 0)
    if header.index == 0 and values.get("GROUPS") == "T" and axes[:1] == [0]:
        axes = axes[1:]
    n_bytes = abs(bitpix) // 8 * n_groups * (n_parameters + math.prod(axes)) if axes else 0
    if header.end + n_bytes > size:
        raise StructureError(f"it is shorter than its header says: the data of HDU {header.index} do not fit in")
    extension = values.get("XTENSION", "'IMAGE'")
    if header.index and extension.strip("' ") not in EXTENSIONS:
        raise _wrong(header, "XTENSION", extension, f"one of {', '.join(EXTENSIONS)}")
    if "TFIELDS" in values:
        _whole(header, values, "TFIELDS", 0, most=MOST)
    return n_bytes


def _n_expanded(header: _Header, values: dict[str, str]) -> int:
    """The length of the image that an HDU holds compressed."""
    if values.get("ZIMAGE") != "T":
        return 0
    bitpix = _whole(header, values, "ZBITPIX")
    if bitpix not in _BITPIX:
        raise _wrong(header, "ZBITPIX", bitpix, f"one of {', '.join(map(str, _BITPIX))}")
    return abs(bitpix) // 8 * math.prod(_axes(header, values, "ZNAXIS"))


def check_expansion(n_bytes: int, n_stored: int, expansion: Expansion, program: str) -> None:
    """Refuse a file that expands further than it may; ``program`` is what unpacks it by hand."""
    if n_bytes > max(expansion.always, expansion.ratio * n_stored):
        raise StructureError(
            f"its {n_stored} bytes unpack to more than {n_bytes / 1e6:.0f} MB, as no frame with noise does",
            f"If it is whole, unpack it by hand with {program} and give the unpacked file.",
        )


def _axes(header: _Header, values: dict[str, str], keyword: str) -> list[int]:
    n_axes = _whole(header, values, keyword, most=MOST)
    return [_whole(header, values, f"{keyword}{number}") for number in range(1, n_axes + 1)]


def _whole(header: _Header, values: dict[str, str], keyword: str, default: int | None = None, most: int = 2**62) -> int:
    """The value of a card that is a whole number; not below zero unless it is that of BITPIX."""
    if keyword not in values and default is not None:
        return default
    text = values.get(keyword, "")
    least = -64 if keyword.endswith("BITPIX") else 0
    if not re.fullmatch(r"[+-]?\d{1,19}", text) or not least <= int(text) <= most:
        raise _wrong(header, keyword, text or "without a value", f"a whole number from {least} to {most:.3g}")
    return int(text)


def _wrong(header: _Header, keyword: str, value: object, expected: str) -> StructureError:
    return StructureError(f"HDU {header.index} has {keyword} = {value}, not {expected}")


def _padded(n_bytes: int) -> int:
    return -(-n_bytes // BLOCK) * BLOCK
