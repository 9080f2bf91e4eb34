# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The cards of a WCS, kept in the form in which they came: with its CD matrix, its order and its comments."""

from __future__ import annotations

from typing import Any

from astropy.io import fits
from astropy.nddata import CCDData

# CCDData.read opens the file again; this is how it parts a header and its WCS.
from astropy.nddata.ccddata import _generate_wcs_and_update_header
from astropy.wcs import WCS

#: Attribute of a WCS with the cards that it was made from, and those that astropy makes of it.
_ORIGIN = "_ccdcr_origin"

#: Cards of tables of distortion, which are in further HDUs.
_LOOKUP = ("CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2", "DP1", "DP2", "DQ1", "DQ2")


def parted(header: fits.Header, hdus: fits.HDUList) -> tuple[fits.Header, WCS | None]:
    """A header without the cards of its WCS, and that WCS of the two axes of the frame."""
    plain = header.copy()
    if any(keyword in plain for keyword in _LOOKUP):
        plain = _without_lookup(plain)
    try:
        WCS(plain)  # tried here, as astropy prints why it fails
        meta, wcs = _generate_wcs_and_update_header(plain)
    except Exception:
        wcs = None
    if wcs is None:
        return header.copy(), None
    removed = set(plain) - set(meta)
    meta = header.copy()
    for keyword in removed:
        meta.remove(keyword, ignore_missing=True)
    if len(plain) != len(header):
        wcs = WCS(header, hdus)
    made = wcs.to_header(relax=True)
    if wcs.naxis > 2:
        wcs = wcs.sub(2)
    cards = [card for card in header.cards if card.keyword in removed]
    setattr(wcs, _ORIGIN, (fits.Header(cards), wcs.to_header(relax=True), made))
    return meta, wcs


def _comment(ccd: CCDData, keyword: str) -> str:
    return ccd.meta.comments[keyword] if isinstance(ccd.meta, fits.Header) else ""


def _without_lookup(header: fits.Header) -> fits.Header:
    return fits.Header([card for card in header.cards if not card.keyword.startswith(_LOOKUP)])


def restore_cards(header: fits.Header, ccd: CCDData) -> None:
    """Put the cards of the frame's WCS back in a header that is written, if the WCS moved at most by whole pixels."""
    origin: Any = getattr(ccd.wcs, _ORIGIN, None)
    if origin is None:
        return
    cards, before, made = origin
    now = ccd.wcs.to_header(relax=True)
    changed = {keyword for keyword in set(now) | set(before) if now.get(keyword) != before.get(keyword)}
    if not changed <= {"CRPIX1", "CRPIX2"}:
        return
    for keyword in {*now, *made}:
        header.remove(keyword, ignore_missing=True, remove_all=True)
        if keyword in ccd.meta:  # such as DATE-OBS, which a WCS repeats
            header[keyword] = (ccd.meta[keyword], _comment(ccd, keyword))
    header.extend(cards.cards, unique=True)
    for keyword in changed:
        header[keyword] = now[keyword]
