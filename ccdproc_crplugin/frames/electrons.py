# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A frame as detectors take it: plain arrays in electron."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.nddata import CCDData, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning
from ccdproc_crplugin.frames.checks import KNOWN_UNCERTAINTIES, check_whole_numbers, mask_of, uncertainty_scale
from ccdproc_crplugin.frames.gain_and_noise import Electronics, Figure, at
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import repair

#: An uncertainty below this share of the noise of photons and read-out is not the noise of the frame.
LEAST_UNCERTAINTY = 0.5


@dataclass(frozen=True)
class ElectronFrame:
    """A frame as detectors take it; the arrays have shape (ny, nx)."""

    data: np.ndarray  # float32, electron, finite everywhere
    bad: np.ndarray  # bool: masked, not finite, or removed earlier
    saturated: np.ndarray | None  # bool; None if the level is not known
    variance: np.ndarray | None  # float32, electron squared, of the frame's uncertainty; None if it has no usable one
    electronics: Electronics
    extra_variance: np.ndarray | None = None  # float32, electron squared: what each pixel has beside them

    @property
    def readnoise(self) -> float:
        """The read noise that every pixel has at least, electron; the extra variance has the rest."""
        return self.electronics.lowest_readnoise


def to_electrons(ccd: CCDData, electronics: Electronics, earlier: RemovedPixels | None = None) -> ElectronFrame:
    """Convert a frame to read-only arrays in electron; pixels that were removed ``earlier`` are bad."""
    with np.errstate(over="ignore", invalid="ignore"):
        data = np.ascontiguousarray(ccd.data * _precise(electronics.factor, ccd.data.dtype), dtype=np.float32)
        level = electronics.saturation if electronics.saturation_map is None else electronics.saturation_map
        saturation = np.float32(level)
    bad = ~np.isfinite(data)
    holes = true_pixels(bad)
    mask = mask_of(ccd)
    if mask is not None:
        bad |= mask
    if earlier is not None:
        bad[earlier.y, earlier.x] = True
    if bad.all():
        raise CosmicRayError(
            f"Found no good pixel in the frame: {len(holes[0])} of {bad.size} are not finite and the others "
            "are masked.",
            "Look at the file, or at ccd.mask.",
        )
    saturated = data >= saturation if math.isfinite(electronics.saturation) else None
    variance = _variance_of(ccd, electronics, data)
    variance, extra = with_readnoise_by_pixel(variance, None, electronics)
    if len(holes[0]):
        data[holes] = repair(data, *holes, bad)[0]
    for array in (data, bad, variance, extra):
        if array is not None:
            array.flags.writeable = False
    return ElectronFrame(data, bad, saturated, variance, electronics, extra)


def _precise(factor: Figure, dtype: np.dtype) -> np.floating | np.ndarray:
    """The factor as float32 for data of up to 16 bits or float32, else as float64."""
    single = dtype.itemsize <= 2 or (dtype.kind == "f" and dtype.itemsize == 4)
    return np.float32(factor) if single else np.float64(factor)


def _variance_of(ccd: CCDData, electronics: Electronics, data: np.ndarray) -> np.ndarray | None:
    """The variance (float32, electron squared), of photons and read noise where the uncertainty is not usable."""
    variance = _plain_variance(ccd)
    if variance is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        variance = (variance * electronics.factor**2).astype(np.float32)
    useless = ~(np.isfinite(variance) & (variance > 0))
    if useless.all():
        raise CosmicRayError(
            "Found an uncertainty that is nowhere finite and above 0; expected the noise of each pixel.",
            "Make it with ccdproc.create_deviation, or remove it with ccd.uncertainty = None.",
        )
    variance[useless] = np.maximum(data[useless], 0) + at(electronics.readnoise, useless) ** 2
    return None if _too_small(variance, data, electronics) else variance


def with_readnoise_by_pixel(
    variance: np.ndarray | None, extra: np.ndarray | None, electronics: Electronics
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """
    The variance of the uncertainty, and the extra variance with what the read noise of each pixel has above the lowest.

    All are float32 (ny, nx), electron squared, or None; the variance returned does not include the extra variance.
    """
    if not isinstance(electronics.readnoise, np.ndarray):
        return variance, extra
    lowest = np.float32(electronics.lowest_readnoise) ** 2
    above = electronics.readnoise**2 - lowest
    if variance is not None:
        variance = np.maximum(variance - above, np.minimum(variance, lowest))
    return variance, above if extra is None else extra + above


def _too_small(variance: np.ndarray, data: np.ndarray, electronics: Electronics) -> bool:
    """
    Warn if an uncertainty is too far below photons and read noise to be the noise of the frame; whether it is.

    `ccdproc.combine` gives a master frame the scatter of its inputs over their number. Subtracting the master passes
    this on to a frame without an uncertainty.
    """
    sky = max(float(np.nanmedian(data)), 0)
    least = LEAST_UNCERTAINTY * math.sqrt(sky + electronics.median_readnoise**2)
    found = math.sqrt(float(np.median(variance)))
    if found >= least:
        return False
    warnings.warn(
        f"Found an uncertainty of {found:.3g} electron (median) where photons and read noise make "
        f"{least / LEAST_UNCERTAINTY:.3g}; expected the noise of the frame. It may come from a master frame of "
        "ccdproc.combine. The search goes by photons and read noise; make the uncertainty with "
        "ccdproc.create_deviation, or remove it with ccd.uncertainty = None.",
        PreflightWarning,
        stacklevel=2,
    )
    return True


def _plain_variance(ccd: CCDData) -> np.ndarray | None:
    uncertainty = ccd.uncertainty
    if not isinstance(uncertainty, KNOWN_UNCERTAINTIES):
        return None
    array = np.asarray(uncertainty.array)
    if array.shape != ccd.data.shape:
        raise CosmicRayError(
            f"Found an uncertainty of shape {array.shape}; expected that of the data, {ccd.data.shape}."
        )
    check_whole_numbers(array)
    scale = uncertainty_scale(ccd)
    array = array.astype(np.float64)
    if isinstance(uncertainty, StdDevUncertainty):
        return (array * scale) ** 2
    if isinstance(uncertainty, VarianceUncertainty):
        return array * scale**2
    with np.errstate(divide="ignore"):
        return scale**2 / array
