# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
One scale for the combined flats of the chips of one file.

Each chip is combined with flats of median 1, so that frames of different levels can be clipped. Its combined flat is
then multiplied by the level of the chip relative to that of all chips, as the raw flats have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from ccdproc_crplugin.calibration.combined_frame import INPUTS, SCALE
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.ccd import write_hdus
from ccdproc_crplugin.io.opening import open_hdus

#: What the card `SCALE` says of chips on one scale.
OF_FILE = "inverse median of the file"

#: The properties in which the chips of one instrument agree.
OF_INSTRUMENT = ("camera", "filter", "disperser")


def share_scale(paths: Sequence[Path]) -> bool:
    """Bring the combined flats of the chips of a file, each in its own file, to one scale; whether that was done."""
    hdus = [_read(path) for path in paths]
    if len(paths) < 2 or not _of_one_instrument([of_chip[0].header for of_chip in hdus]):
        return False
    levels = [_levels(of_chip) for of_chip in hdus]
    files = set.intersection(*(set(of_chip) for of_chip in levels))
    if not files:
        return False
    relative = _relative_levels([[of_chip[file] for file in sorted(files)] for of_chip in levels])
    for path, of_chip, factor in zip(paths, hdus, relative, strict=True):
        _multiply(of_chip, factor)
        write_hdus(of_chip, path, overwrite=True)
    return True


def _read(path: Path) -> fits.HDUList:
    with open_hdus(path, is_input=False, memmap=False) as hdus:
        return fits.HDUList([hdu.copy() for hdu in hdus])


def _of_one_instrument(headers: Sequence[fits.Header]) -> bool:
    """Whether no card of camera, filter or disperser says that chips saw other light."""
    for quantity in OF_INSTRUMENT:
        texts = [header.texts(meta, quantity) for meta in headers]
        common = set.intersection(*(set(of_chip) for of_chip in texts))
        if any(len({of_chip[keyword] for of_chip in texts}) > 1 for keyword in common):
            return False
    return True


def _levels(hdus: fits.HDUList) -> Mapping[str, float]:
    """The level of each input of a chip by its file."""
    inputs = Table(hdus[INPUTS].data)
    return {str(file): 1 / float(scale) for file, scale in zip(inputs["file"], inputs["scale"], strict=True)}


def _relative_levels(levels: Sequence[Sequence[float]]) -> np.ndarray:
    """The levels of the chips, (chips, files), relative to the mean of all chips of a file, one for each chip."""
    by_chip = np.array(levels)
    relative = np.median(by_chip / by_chip.mean(axis=0), axis=1)
    return relative / relative.mean()


def _multiply(hdus: fits.HDUList, factor: float) -> None:
    """Multiply a combined flat, its uncertainty, and what its inputs were multiplied with."""
    for hdu in (hdus[0], hdus["UNCERT"]):
        hdu.data = (hdu.data * np.float32(factor)).astype(np.float32)
    hdus[INPUTS].data["scale"] *= factor
    hdus[0].header[SCALE] = OF_FILE
