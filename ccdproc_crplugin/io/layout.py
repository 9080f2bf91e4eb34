# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""All frames of a file, read together and written in its layout."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.io.ccd import FrameFile, to_hdus, write_hdus
from ccdproc_crplugin.io.hdus import WITH_FRAME, image_index, image_indices, unit_as_it_came
from ccdproc_crplugin.io.opening import open_hdus


def read_frames(path: Path, *, unit: Any = None, is_input: bool = True) -> dict[int, CCDData]:
    """Every frame of a file by its HDU, from one opening; ``is_input`` is that of `open_hdus`."""
    with open_frames(path, is_input=is_input) as files:
        return {file.index: file.read(unit) for file in files}


#: Keywords of which a header has many cards.
COMMENTARY = ("", "COMMENT", "HISTORY")


@contextmanager
def open_frames(path: Path, *, hdu: int | None = None, is_input: bool = True) -> Iterator[list[FrameFile]]:
    """Open a file once for all its frames, or for the one that a user chose."""
    with open_hdus(path, is_input=is_input) as hdus:
        indices = image_indices(hdus, path) if hdu is None else [image_index(hdus, path, hdu)]
        yield [FrameFile(path, hdus, index) for index in indices]


def write_frames(
    frames: Mapping[int, CCDData],
    source: Path,
    target: Path,
    *,
    overwrite: bool = False,
    in_place: bool = False,
    alone: bool = False,
    restored: bool = False,
) -> list[int]:
    """
    Write frames, by their HDU, in the layout of the file that they come from; return their HDUs in the new file.

    Each frame keeps its place among the other HDUs, which stay as they are. Masks, flags and so on follow at the end;
    where there are several frames, their EXTVER is the HDU of their frame. A frame beside which its file holds nothing
    else is written as `write_ccd` writes it. In ``.fits.fz`` an image in the primary HDU moves to an extension, and all
    HDUs by one. A frame that is written ``alone`` leaves the other HDUs behind; then the source is not opened.
    Frames that are ``restored`` wholly are written as they came: their unit is spelled as it was, and what the other
    HDUs say of their mask and uncertainty is not said twice.
    """
    packed = target.name.lower().endswith(".fz")
    if alone:
        ccd = next(iter(frames.values()))
        hdus = to_hdus(ccd)
        if restored:
            _spell_as_it_came(hdus[0].header, ccd)
        write_hdus(hdus, target, overwrite, in_place=in_place)
        return [int(packed)]
    with open_hdus(source) as hdus:
        others = _others(hdus, frames)
        if stands_alone(hdus, frames):
            return write_frames(
                frames, source, target, overwrite=overwrite, in_place=in_place, alone=True, restored=restored
            )
        shift = int(packed and (0 in frames or hdus[0].data is not None))
        layout: dict[int, Any] = {index: hdu.copy() for index, hdu in others.items()}
        companions = []
        for index, ccd in frames.items():
            image, *belonging = to_hdus(ccd)
            if restored:
                _spell_as_it_came(image.header, ccd)
                belonging = _not_said_twice(belonging, ccd, FrameFile(source, hdus, index))
            layout[index] = _in_place(image, hdus, index)
            companions += [_numbered(hdu, index + shift) if len(frames) > 1 else hdu for hdu in belonging]
        ordered = [layout[index] for index in sorted(layout)]
        write_hdus(fits.HDUList([*ordered, *companions]), target, overwrite, in_place=in_place)
        return [index + shift for index in frames]


def _spell_as_it_came(header: fits.Header, ccd: CCDData) -> None:
    """Spell the unit of a frame without record as its header does."""
    if not is_cleaned(ccd):
        header["BUNIT"] = unit_as_it_came(ccd) or header["BUNIT"]


def _not_said_twice(belonging: list[Any], ccd: CCDData, file: FrameFile) -> list[Any]:
    """The HDUs of a frame, without the mask and the uncertainty that its file holds in other HDUs."""
    said = set()
    if not is_cleaned(ccd):
        said = {"MASK"} if file.holds_mask_of(ccd) else set()
        said |= {"UNCERT"} if file.holds_uncertainty_of(ccd) else set()
    return [hdu for hdu in belonging if hdu.name not in said]


def stands_alone(hdus: fits.HDUList, frames: Collection[int]) -> bool:
    """Whether these frames are one, beside which its file holds nothing else."""
    return len(frames) == 1 and not any(map(_holds_something, _others(hdus, frames).values()))


def _others(hdus: fits.HDUList, frames: Collection[int]) -> dict[int, Any]:
    """The HDUs of a file, by their place, that are neither frames nor written together with them."""
    several = len(frames) > 1
    return {
        index: hdu
        for index, hdu in enumerate(hdus)
        if index not in frames and not (hdu.name in WITH_FRAME and (not several or hdu.ver in frames))
    }


def _holds_something(hdu: Any) -> bool:
    """Whether an HDU holds data, so that it is more than the header of a file."""
    return not hdu.is_image or bool(hdu.shape)


def _in_place(image: fits.PrimaryHDU, hdus: fits.HDUList, index: int) -> Any:
    """A frame in the kind of HDU that it came from, without the cards that were added from the primary header."""
    if index == 0:
        return image
    own, primary = hdus[index].header, hdus[0].header
    foreign = set(_said(primary)) - set(_said(own))
    header = fits.Header(
        [
            card
            for card in image.header.copy(strip=True).cards
            if card.keyword not in COMMENTARY or (card.keyword, card.value) not in foreign
        ]
    )
    for keyword in set(primary) & set(header):
        if keyword not in COMMENTARY and keyword not in own and header[keyword] == primary[keyword]:
            del header[keyword]
    return fits.ImageHDU(image.data, header, name=hdus[index].name or None, ver=own.get("EXTVER"))


def _said(header: fits.Header) -> list[tuple[str, str]]:
    """The comments and the history of a header."""
    return [(card.keyword, card.value) for card in header.cards if card.keyword in COMMENTARY]


def _numbered(hdu: Any, index: int) -> Any:
    hdu.ver = index
    return hdu
