# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Lets go what a detector took for cosmic rays but has the profile of the frame's own stars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ccdproc_crplugin.kernels.starlight import Scene, without_stars
from ccdproc_crplugin.kernels.stellar_profile import StellarProfile, measure_profile
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection

#: Wider stars (FWHM as `stellar_width` measures it, pixels) have no cores that pass for cosmic rays.
SHARP = 2.2


@hookimpl
def ccdcr_refine(
    mask: np.ndarray, frame: Any, detection: Detection, parameters: Mapping[str, Any]
) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Let go events that are stars, where the stars are sharp; the published algorithm keeps its own mask."""
    if parameters.get("variant") == "iraf" or frame.background is not None or frame.mosaic.pattern is not None:
        return None
    if not mask.any():
        return None
    fwhm = _width(frame, detection, parameters)
    if fwhm is None or fwhm >= SHARP:
        return None
    stars = measure_profile(
        frame.data,
        frame.readnoise,
        fwhm,
        mask=frame.bad if frame.bad.any() else None,
        saturation=frame.saturation if np.isfinite(frame.saturation) else None,
    )
    if stars is None:
        return mask, {"stellar_profile": "not known, too few stars share one"}
    scene = Scene(frame.data, mask, frame.readnoise, frame.variance, frame.extra_variance, frame.bad, frame.saturation)
    kept, n_stars = without_stars(scene, stars)
    return kept, {"stellar_profile": _in_words(stars), "let_go_as_stars": n_stars}


def _in_words(stars: StellarProfile) -> str:
    return f"FWHM {stars.fwhm:.2f} pix, Moffat slope {stars.beta:.1f}, of {stars.n_stars} stars"


def _width(frame: Any, detection: Detection, parameters: Mapping[str, Any]) -> float | None:
    """Width of the stars (FWHM, pixels): the detector's, if it has measured one, or that of the frame."""
    if "fwhm" in detection.info:
        return float(detection.info["fwhm"])
    if parameters.get("objlim", 0) is None and not parameters.get("sepmed") and parameters.get("fsmode") == "median":
        return None  # the detector looked for it and found none
    return stellar_width(
        frame.data,
        mask=frame.bad if frame.bad.any() else None,
        saturation=frame.saturation if np.isfinite(frame.saturation) else None,
    )
