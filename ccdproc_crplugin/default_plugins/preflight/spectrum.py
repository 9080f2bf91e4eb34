# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check whether the frame is a long-slit spectrum, and what is made of it."""

from __future__ import annotations

from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin.plugins.model import Finding

#: What runs along an axis of the array.
LINES_ALONG = {0: "rows", 1: "columns"}


def check_spectrum(
    ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any, dispersion_axis: int | None = None
) -> Finding | None:
    """Say that a spectrum is searched on top of a model of its lines."""
    if dispersion_axis is None:
        return None
    return Finding(
        "spectrum",
        "ok",
        f"a spectrum dispersed along axis {dispersion_axis}, sky lines along {LINES_ALONG[dispersion_axis]}: searched "
        "and repaired on top of a model of lines and traces",
        measured=dispersion_axis,
    )
