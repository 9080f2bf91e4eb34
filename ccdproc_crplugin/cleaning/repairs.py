# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""New values for the pixels that cosmic rays hit, by the name of the repair."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.cleaning.detection import FoundCosmicRays
from ccdproc_crplugin.frames.electrons import ElectronFrame
from ccdproc_crplugin.frames.mosaic import Mosaic, repair_of
from ccdproc_crplugin.kernels.options import REPAIRS as KERNEL_REPAIRS
from ccdproc_crplugin.kernels.star_repair import repair_with_profile
from ccdproc_crplugin.kernels.stellar_width import stellar_width

#: The repair by the profile of the frame's stars.
PROFILE = "profile"

#: The repairs that users may name, the default first.
REPAIRS = (PROFILE, *KERNEL_REPAIRS)


def estimates(
    frame: ElectronFrame,
    found: FoundCosmicRays,
    y: np.ndarray,
    x: np.ndarray,
    lost: np.ndarray,
    method: str = PROFILE,
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of pixels (y, x) that were hit and the scatter of those they are drawn from, electron, (n,) each."""
    return estimate(
        frame.data,
        y,
        x,
        lost,
        method,
        mosaic=frame.mosaic,
        readnoise=frame.electronics.lowest_readnoise,
        saturation=frame.saturation,
        variance=frame.variance,
        background=found.background,
        fwhm=found.detection.info.get("fwhm"),
    )


def estimate(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    lost: np.ndarray,
    method: str = PROFILE,
    *,
    mosaic: Mosaic,
    readnoise: float,
    saturation: float | None = None,
    variance: np.ndarray | None = None,
    background: np.ndarray | None = None,
    fwhm: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Estimates of lost pixels (y, x) and the scatter of the pixels they are drawn from, float64 (n,) each; in electron.

    Spectra are repaired on top of their ``background``, mosaics colour by colour; stars are not looked for in either.
    ``fwhm`` is the width of the stars (pixels), where it is known already.
    """
    if background is not None:
        values, scatter = repair_of(mosaic)(data - background, y, x, lost, _of_kernel(method))
        return values + background[y, x], scatter
    if method != PROFILE or mosaic.pattern is not None:
        return repair_of(mosaic)(data, y, x, lost, _of_kernel(method))
    if fwhm is None and len(y):
        fwhm = stellar_width(data, mask=lost, saturation=saturation)
    return repair_with_profile(
        data, y, x, lost, readnoise=readnoise, fwhm=fwhm, saturation=saturation, variance=variance
    )


def _of_kernel(method: str) -> str:
    """The kernel's repair where the profile of stars is of no use."""
    return "plane" if method == PROFILE else method
