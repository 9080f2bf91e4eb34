# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check whether the stars leave enough sky between them for a search in a single frame."""

from __future__ import annotations

from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.default_plugins.preflight.sample import electron_blocks
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.kernels.crowding import LEAST_SHARE, crowded_share
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.plugins.model import Finding


def check_crowding(ccd: CCDData, *, gain: u.Quantity | None, readnoise: u.Quantity | None, dark: Any) -> Finding:
    """Measure the share of the frame in which stars stand too close."""
    if gain is None or readnoise is None:
        return Finding("crowding", "ok", "not measured: gain or read noise is not known")
    blocks, noise = electron_blocks(ccd, gain), readnoise.to_value(u.electron)
    share = crowded_share(blocks, noise)
    fwhm = stellar_width(ccd.data, mask=mask_of(ccd)) if share >= LEAST_SHARE else None
    share = 0.0 if fwhm is None else crowded_share(blocks, noise, fwhm)
    if share < LEAST_SHARE:
        return Finding("crowding", "ok", "the field is not crowded", measured=round(share, 2))
    return Finding(
        "crowding",
        "warn",
        f"The field is crowded in {share:.0%} of the frame: blends of stars look like cosmic rays. The detector "
        "lacosmic spares whatever is not sharper than a star, and with it cosmic rays that are faint beside the stars.",
        measured=round(share, 2),
        expected=0,
        fix="compare several exposures of the field, if there are any",
    )
