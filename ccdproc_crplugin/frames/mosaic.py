# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Whether a frame is a colour mosaic, by the word of the user, of its header and of its pixels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import wrong_value
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.header import value_of
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.kernels.mosaic import repair_planes
from ccdproc_crplugin.kernels.mosaic_structure import Structure, measure_structure
from ccdproc_crplugin.kernels.repair import repair

#: Where the pattern of the colour filters stands, and the offset of the frame's first pixel in it.
PATTERN_CARDS = ("BAYERPAT", "COLORTYP", "COLORTYPE", "CFA-PAT", "FILTER")
OFFSET_CARDS = ("XBAYROFF", "YBAYROFF")

#: The card of a cleaned frame.
CLEANED_CARD = "CRMOSAIC"

#: The word for ``mosaic=False`` where False can't be written.
NO_MOSAIC = "none"

#: Red, green, blue, cyan, magenta, yellow, white or luminance, and emerald.
_PATTERN = re.compile(r"[RGBCMYWLE]{4}")


@dataclass(frozen=True)
class Mosaic:
    """What is known of the colours of a frame's pixels."""

    pattern: str | None  # colours of the first 2 x 2 pixels in reading order; None for a frame that is not split
    source: str = ""  # "given", the keyword, or "" if nothing was said
    claimed: str = ""  # the pattern of the source
    structure: Structure | None = None  # None if it was not measured, or can't be

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each plane: its colour, or its number where the pixels contradict the header."""
        if self.pattern is None:
            return ()
        if self.misplaced:
            return ("1", "2", "3", "4")
        numbers = [self.pattern[:place].count(colour) + 1 for place, colour in enumerate(self.pattern)]
        twice = {colour for colour in self.pattern if self.pattern.count(colour) > 1}
        return tuple(
            f"{colour}{number}" if colour in twice else colour
            for colour, number in zip(self.pattern, numbers, strict=True)
        )

    @property
    def misplaced(self) -> bool:
        """Whether the two pixels that are alike lie on the other diagonal than those of one colour."""
        if self.pattern is None or self.structure is None or not self.structure.alike:
            return False
        same = {"main": self.pattern[0] == self.pattern[3], "other": self.pattern[1] == self.pattern[2]}
        return any(same.values()) and not same[self.structure.alike]


#: A frame that is no mosaic.
NO_COLOURS = Mosaic(None)


def repair_of(mosaic: Mosaic) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The function that estimates lost pixels of a frame, for a mosaic those of each colour from the same colour."""
    return repair if mosaic.pattern is None else repair_planes


def check_mosaic(mosaic: Any) -> str | bool | None:
    """A choice of ``mosaic``: a pattern in upper case, False for no mosaic, or None for what the header says."""
    if mosaic is None or mosaic is False:
        return mosaic
    word = mosaic.strip().upper() if isinstance(mosaic, str) else ""
    if word == NO_MOSAIC.upper():
        return False
    if not _is_pattern(word):
        raise wrong_value(
            "mosaic", mosaic, "the colours of the first 2 x 2 pixels in reading order, such as 'RGGB', or 'none'"
        )
    return word


def mosaic_of(ccd: CCDData, given: Any = None) -> Mosaic:
    """
    What is known of a frame's mosaic: the pattern ``given`` is taken, one of the header if the pixels have it.

    A frame whose pixels can't tell, as it is too small, is taken for what its header says, a cleaned one for what it
    was cleaned as.
    """
    given = check_mosaic(given)
    if given is False:
        return Mosaic(None, "given")
    if min(ccd.data.shape) < 2:
        return NO_COLOURS
    if is_cleaned(ccd) and given is None:
        word = str(value_of(ccd.meta, CLEANED_CARD) or "").strip().upper()
        return Mosaic(word, CLEANED_CARD, word) if _is_pattern(word) else NO_COLOURS
    if given is not None:
        return Mosaic(str(given), "given", str(given), measure_structure(ccd.data, mask_of(ccd)))
    claimed, source = pattern_of_header(ccd.meta)
    if not claimed:
        return NO_COLOURS
    structure = measure_structure(ccd.data, mask_of(ccd))
    pattern = claimed if structure is None or structure.pattern else None
    return Mosaic(pattern, source, claimed, structure)


def claims_mosaic(meta: Mapping) -> bool:
    """Whether a header names the pattern of a mosaic."""
    return bool(pattern_of_header(meta)[0])


def pattern_of_header(meta: Mapping) -> tuple[str, str]:
    """The pattern in the header, as it begins at the frame's first pixel, and its keyword; "" and "" without one."""
    for keyword in PATTERN_CARDS:
        word = re.sub(r"[\s'\"]", "", str(value_of(meta, keyword) or "")).upper()
        if _is_pattern(word):
            x, y = (_offset(meta, card) for card in OFFSET_CARDS)
            return "".join(word[2 * ((row + y) % 2) + (column + x) % 2] for row in (0, 1) for column in (0, 1)), keyword
    return "", ""


def _is_pattern(word: str) -> bool:
    """Whether a word names the colours of 2 x 2 pixels, at least three of them."""
    return _PATTERN.fullmatch(word) is not None and len(set(word)) >= 3


def _offset(meta: Mapping, keyword: str) -> int:
    try:
        return int(float(value_of(meta, keyword)))
    except (TypeError, ValueError, OverflowError):
        return 0
