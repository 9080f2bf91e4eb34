# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check of the detector's parameters against the width of the stars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin.errors import advice
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.plugins.model import Finding

#: Stars narrower than this (FWHM, pix) have cores that separable medians take for cosmic rays.
UNDERSAMPLED = 2.0
#: From this ``objlim`` on hardly any cosmic ray has the contrast to a matched filter's fine structure.
LARGEST_CONVOLVE_OBJLIM = 4.0
#: The factor by which the profile of a matched filter may differ in width from the stars.
SAME_WIDTH = 1.5
#: Narrower stars (FWHM as measured, pix) may have cores as sharp as a cosmic ray's, and up to half of them are touched
#: with the highest ``objlim`` of the rule; with this larger one 1 to 3 of 100, for a per cent of the cosmic rays.
SHARP = 1.5
#: What is narrower is no star: with 1.1 pixels fields of cosmic rays and hot pixels alone have no width.
SHARPEST = 1.1
OBJLIM_FOR_SHARP = 10.0


def check_sampling(
    ccd: CCDData,
    *,
    gain: Any,
    readnoise: Any,
    dark: Any,
    detector: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Finding:
    """Compare the parameters with the stellar width, where it matters for them."""
    parameters = {} if parameters is None else parameters
    separable, matched = parameters.get("sepmed") is True, parameters.get("fsmode") == "convolve"
    objlim = parameters.get("objlim")
    if matched and objlim is not None and objlim >= LARGEST_CONVOLVE_OBJLIM:
        return Finding(
            "sampling",
            "fail",
            f"fsmode='convolve' finds next to nothing with objlim={objlim:g}.",
            measured=objlim,
            expected=2,
            fix=advice("give {objlim=2}, or {fsmode='median'}"),
        )
    if objlim is not None and objlim >= OBJLIM_FOR_SHARP and not separable:
        return Finding("sampling", "ok", f"objlim={objlim:g} suits any stellar width")
    fwhm = stellar_width(ccd.data, mask=mask_of(ccd), sharpest=SHARPEST)
    if fwhm is None:
        return Finding("sampling", "ok", "too few stars to measure a width")
    if separable and not matched and fwhm < UNDERSAMPLED:
        return Finding(
            "sampling",
            "fail",
            f"The stars have a FWHM of {fwhm:.2g} pixels, and sepmed=True takes such sharp cores for cosmic rays.",
            measured=fwhm,
            expected=UNDERSAMPLED,
            fix=advice("give {sepmed=False}"),
        )
    if matched:
        return _matched_filter(fwhm, parameters)
    if fwhm < SHARP:
        return _undersampled(fwhm, detector is None or "objlim" in parameters)
    hint = ": undersampled, do not use sepmed=True" if fwhm < UNDERSAMPLED else ""
    return Finding("sampling", "ok", f"the stars have a FWHM of {fwhm:.2g} pixels{hint}", measured=fwhm)


def _undersampled(fwhm: float, has_objlim: bool) -> Finding:
    several = "compare several exposures of the field"
    return Finding(
        "sampling",
        "warn",
        f"The stars have a FWHM of {fwhm:.2g} pixels: so undersampled that their cores may be taken for cosmic rays.",
        measured=fwhm,
        expected=SHARP,
        fix=advice(f"give {{objlim={OBJLIM_FOR_SHARP:g}}}, or {several}") if has_objlim else several,
    )


def _matched_filter(fwhm: float, parameters: Mapping[str, Any]) -> Finding:
    width = parameters.get("psffwhm")
    own_profile = parameters.get("psfk") is not None
    if own_profile or width is None or max(width / fwhm, fwhm / width) < SAME_WIDTH:
        return Finding("sampling", "ok", f"the stars have a FWHM of {fwhm:.2g} pixels", measured=fwhm, expected=width)
    return Finding(
        "sampling",
        "warn",
        f"The stars have a FWHM of {fwhm:.2g} pixels, the matched filter one of {width:.2g}.",
        measured=fwhm,
        expected=width,
        fix=advice(f"give {{psffwhm={fwhm:.2g}}}"),
    )
