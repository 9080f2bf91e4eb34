# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""All frames of a file, read together and written in its layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.io.ccd import FrameFile, to_hdus, write_ccd, write_hdus
from ccdproc_crplugin.io.hdus import WITH_FRAME, image_indices
from ccdproc_crplugin.io.opening import open_hdus


def read_frames(path: Path, *, unit: Any = None) -> dict[int, CCDData]:
    """Every frame of a file by its HDU, from one opening."""
    with open_hdus(path) as hdus:
        return {index: FrameFile(path, hdus, index).read(unit) for index in image_indices(hdus, path)}


def write_frames(frames: Mapping[int, CCDData], source: Path, target: Path) -> list[int]:
    """
    Write frames, by their HDU, in the layout of the file that they come from; return their HDUs in the new file.

    Of several frames each keeps its place among the other HDUs. Masks, flags and so on follow at the end; their EXTVER
    is the HDU of their frame. In ``.fits.fz`` an image in the primary HDU moves to an extension, and all HDUs by one.
    """
    if len(frames) == 1:
        write_ccd(next(iter(frames.values())), target, overwrite=True)
        return [int(target.name.lower().endswith(".fz"))]
    with open_hdus(source) as hdus:
        shift = int(target.name.lower().endswith(".fz") and hdus[0].data is not None)
        earlier = [hdu for hdu in hdus[max(frames) + 1 :] if hdu.name in WITH_FRAME and hdu.ver in frames]
        layout = [None if index in frames else hdu.copy() for index, hdu in enumerate(hdus) if hdu not in earlier]
        companions = []
        for index, ccd in frames.items():
            image, *others = to_hdus(ccd)
            layout[index] = _in_place(image, hdus, index)
            companions += [_numbered(hdu, index + shift) for hdu in others]
        write_hdus(fits.HDUList([*layout, *companions]), target, overwrite=True)
        return [index + shift for index in frames]


def _in_place(image: fits.PrimaryHDU, hdus: fits.HDUList, index: int) -> Any:
    """A frame in the kind of HDU that it came from, without the cards that were added from the primary header."""
    if index == 0:
        return image
    header = image.header.copy(strip=True)
    own, primary = hdus[index].header, hdus[0].header
    for keyword in set(primary) & set(header):
        if (
            keyword
            and keyword not in own
            and keyword not in ("HISTORY", "COMMENT")
            and header[keyword] == primary[keyword]
        ):
            del header[keyword]
    return fits.ImageHDU(image.data, header, name=hdus[index].name or None, ver=hdus[index].ver)


def _numbered(hdu: Any, index: int) -> Any:
    hdu.ver = index
    return hdu
