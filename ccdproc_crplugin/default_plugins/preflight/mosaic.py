# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check of the colours of the pixels: whether the frame is a mosaic, and what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.sample import level_ccd
from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.mosaic import Mosaic, mosaic_of
from ccdproc_crplugin.kernels.mosaic_structure import levels_of_mosaic
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.plugins.model import Finding

#: Stars narrower than this (FWHM, pix) are hard to tell from cosmic rays in a mosaic: in simulated frames 1.4 % are
#: touched at 2 pixels, 0.6 % at 2.5, none at 3.
NARROW = 2.4

NO_PATTERN = "the pixels do not have the pattern of a mosaic, as after debayering or binning, or in a monochrome camera"


def check_mosaic(ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any, mosaic: Mosaic | None = None) -> Finding:
    """Say whether the frame is taken for a colour mosaic, and why."""
    mosaic = mosaic_of(ccd) if mosaic is None else mosaic
    if mosaic.pattern is not None:
        return _split(ccd, mosaic)
    if mosaic.claimed:
        message = f"{mosaic.source} = {mosaic.claimed!r}, but {NO_PATTERN}: the frame is searched as one"
        return Finding("mosaic", "ok", message, None, "no pattern", mosaic.claimed)
    levels = None if mosaic.source else levels_of_mosaic(ccd.data, mask_of(ccd))
    if levels is None:
        return Finding("mosaic", "ok", "no colour mosaic")
    return Finding(
        "mosaic",
        "warn",
        f"The pixels of each cell of 2 x 2 are at different levels ({_listed(levels, ccd)}), as in a colour mosaic, of "
        "which the header says nothing: the frame is searched as one, and pixels of one colour look like cosmic rays.",
        measured=levels,
        fix=advice("give {mosaic}, the colours of the first 2 x 2 pixels, such as RGGB, or none"),
    )


def _split(ccd: CCDData, mosaic: Mosaic) -> Finding:
    """What to say of a frame that is searched plane by plane."""
    structure = mosaic.structure
    levels = "" if structure is None else f", at {_listed(structure.levels, ccd)},"
    told = "given" if mosaic.source == "given" else f"from {mosaic.source}"
    message = f"colour mosaic {mosaic.pattern} ({told}): its planes{levels} are searched and repaired each by itself"
    if structure is not None and not structure.pattern:
        message = f"Colour mosaic {mosaic.pattern} ({told}), but {NO_PATTERN}; its planes are searched all the same."
        return Finding("mosaic", "warn", message, None, "no pattern", mosaic.pattern, "leave mosaic out")
    if mosaic.misplaced:
        message += (
            "; the two planes that are alike are not those of one colour, so the frame begins at another pixel of the "
            "pattern: this changes the names of the planes, which are numbered in reading order, not the search"
        )
    fwhm = _stellar_width(ccd)
    if fwhm is not None and fwhm < NARROW:
        return Finding(
            "mosaic",
            "warn",
            f"{message[0].upper()}{message[1:]}. The stars have a FWHM of {fwhm:.2g} pixels, too sharp for a pixel in "
            "four: some are taken for cosmic rays.",
            measured=fwhm,
            expected=NARROW,
            fix=advice("look at the events, and raise {sigclip}"),
        )
    return Finding("mosaic", "ok", message, None, mosaic.pattern, mosaic.claimed)


def _stellar_width(ccd: CCDData) -> float | None:
    """Stellar width (pix) in the frame with its planes at one level."""
    return stellar_width(level_ccd(ccd).data, mask=mask_of(ccd))


def _listed(levels: Sequence[float], ccd: CCDData) -> str:
    numbers = [f"{level:.5g}" for level in levels]
    return f"{', '.join(numbers[:-1])} and {numbers[-1]} {ccd.unit}"
