# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The noise of what was taken off a frame.

The photons of a dark are gone from the data once it is subtracted, but their noise is not; nor is the uncertainty of
the combined frames. Both are known pixel by pixel, and are not smoothed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.checks import check_frame, variance_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics, factor_of
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import level_around, medians_around, robust_std

#: A dark current scatters by the root of its electrons; with less than this share of that variance a level is a bias.
LEAST_SCATTER = 0.5

#: Levels of fewer electrons can't be told from a dark current.
LEAST_BIAS = 50.0

#: A level so many standard deviations below zero is not that of a dark.
LEVEL_OF_DARK = 3.0

#: Most frames that a combined dark may be made of where its header does not say.
MOST_COMBINED = 100

#: A pixel has a variance of its own if it exceeds that of photons and read-out by more than this share of it.
OWN_SHARE = 0.5

#: If more of the pixels have one, the uncertainty follows another model of the noise.
LARGEST_SHARE = 0.02


@dataclass(frozen=True)
class Calibration:
    """What was subtracted from a frame, and what it was divided by."""

    dark: CCDData | None = None
    scale_dark: bool = False
    bias: CCDData | None = None
    flat: CCDData | None = None
    flat_level: float | None = None  # level that counts as 1 in the flat; None for its mean

    def fitting(self, shape: tuple[int, ...]) -> Calibration:
        """The frames that have the shape of the frame, which may have been trimmed since."""

        def fitting(frame: CCDData | None) -> CCDData | None:
            return frame if frame is not None and frame.shape == shape else None

        return replace(self, dark=fitting(self.dark), bias=fitting(self.bias), flat=fitting(self.flat))


_ATTRIBUTE = "_ccdcr_calibration"


def attach_calibration(ccd: CCDData, calibration: Calibration) -> None:
    """Attach to a frame what was done to it; a copy or the result of arithmetic does not carry it."""
    setattr(ccd, _ATTRIBUTE, calibration)


def calibration_of(ccd: CCDData) -> Calibration:
    """What is known to have been subtracted from a frame, and what it was divided by."""
    return getattr(ccd, _ATTRIBUTE, NOTHING)


#: The calibration of a frame of which nothing is known.
NOTHING = Calibration()


def calibration_with(ccd: CCDData, dark: CCDData | None, scale: bool, electronics: Electronics) -> Calibration:
    """What is known of the calibration of a frame, and the dark that a user gives."""
    if dark is None:
        if scale:
            raise CosmicRayError(
                " without a dark; expected the dark that was scaled to the exposure of the frame and subtracted.",
                "Give it ({dark}).",
                parameter=("scale_dark", "True"),
            )
        return calibration_of(ccd)
    check_dark(dark, ccd, electronics)
    return replace(calibration_of(ccd), dark=dark, scale_dark=scale)


def check_dark(dark: CCDData, ccd: CCDData, electronics: Electronics) -> None:
    """Refuse a dark of another shape than the frame, one that has its bias, or one that is far below zero."""
    electrons = _electrons(dark, ccd, electronics)
    if not np.isfinite(electrons).any():
        raise CosmicRayError("Found a dark without a finite pixel; expected a dark current.", "Look at its file.")
    least = _least_scatter(electrons, dark)
    level, scatter = _level(electrons)
    if level < -max(LEAST_BIAS, LEVEL_OF_DARK * scatter):
        raise CosmicRayError(
            f"Found a dark at a level of {level:.4g} electron; expected 0 or more. Too much was subtracted from it.",
            "Subtract the bias from the dark (ccdproc.subtract_bias), and nothing else.",
        )
    if scatter < least:
        raise CosmicRayError(
            f"Found a dark at a level of {level:.4g} electron whose pixels scatter by {scatter:.3g}; expected "
            f"{least:.3g} or more, as photons scatter, so that its bias was not subtracted.",
            "Subtract the bias from the dark (ccdproc.subtract_bias).",
        )


def dark_electrons(dark: CCDData, ccd: CCDData, electronics: Electronics, scale: bool = False) -> np.ndarray:
    """
    The dark current that was subtracted from a frame: electrons, float32 (ny, nx), 0 where it is not finite.

    With ``scale`` the dark was multiplied by the ratio of the exposure times. Of a dark that has its bias only what
    stands above its median is dark current.
    """
    electrons = _electrons(dark, ccd, electronics)
    level, scatter = _level(electrons)
    if scatter < _least_scatter(electrons, dark):
        electrons -= np.float32(level)
    ratio = np.float32(_exposure_ratio(dark, ccd) if scale else 1.0)
    return np.where(np.isfinite(electrons), electrons * ratio, np.float32(0))


def _electrons(dark: CCDData, ccd: CCDData, electronics: Electronics) -> np.ndarray:
    """A dark in electrons, float32 (ny, nx)."""
    check_frame(dark)
    if dark.shape != ccd.shape:
        raise CosmicRayError(f"Found a dark of shape {dark.shape}; expected that of the frame, {ccd.shape}.")
    return np.asarray(dark.data * np.float64(factor_of(dark, electronics, ccd.meta)), dtype=np.float32)


def dark_variance(dark: CCDData, ccd: CCDData, electronics: Electronics, scale: bool = False) -> np.ndarray:
    """
    The variance that a subtracted dark left in a frame, electrons squared, float32 (ny, nx).

    It has that of the photons, and that of the dark itself: of its uncertainty, or else of the number of frames in its
    header, or else of the scatter of its pixels.
    """
    electrons = dark_electrons(dark, ccd, electronics, scale)
    photons = np.maximum(electrons, 0)
    own = _uncertainty_of(dark, ccd, electronics)
    if own is None:
        own = (photons + np.asarray(electronics.readnoise, dtype=np.float32) ** 2) * np.float32(
            _share_of_one_exposure(electrons, dark, float(np.median(electronics.readnoise)))
        )
    elif scale:
        own = own * np.float32(_exposure_ratio(dark, ccd) ** 2)
    return photons + own


def calibration_variance(calibration: Calibration, ccd: CCDData, electronics: Electronics) -> np.ndarray | None:
    """
    The variance that a calibration added to that of photons and read-out: electrons squared, float32 (ny, nx), or None.

    Where the flat is faint, the division by it has enlarged the noise; that of the photons is taken at the level around
    a pixel, so that a cosmic ray does not count for noise.
    """
    parts: list[np.ndarray | None] = []
    if calibration.dark is not None:
        parts.append(dark_variance(calibration.dark, ccd, electronics, calibration.scale_dark))
    if calibration.bias is not None:
        parts.append(_bias_variance(calibration.bias, ccd, electronics))
    given = [part for part in parts if part is not None]
    extra = sum(given[1:], start=given[0]) if given else None
    if calibration.flat is None:
        return extra
    level = float(np.nanmean(calibration.flat.data)) if calibration.flat_level is None else calibration.flat_level
    return _divided(extra, calibration.flat, level, ccd, electronics)


def level_of_division(before: CCDData, after: CCDData, flat: CCDData) -> float | None:
    """The level that counted as 1 when a frame was divided by a flat, from what became of its pixels."""
    if not before.shape == after.shape == flat.shape:
        return None
    sample = (slice(None, None, 5), slice(None, None, 5))
    old, new, by = (np.asarray(frame.data[sample], dtype=np.float64) for frame in (before, after, flat))
    used = np.isfinite(old) & np.isfinite(new) & np.isfinite(by) & (old != 0) & (by > 0) & (new != old)
    return float(np.median(new[used] * by[used] / old[used])) if used.any() else None


def _bias_variance(bias: CCDData, ccd: CCDData, electronics: Electronics) -> np.ndarray:
    """The variance of a bias, electrons squared: of its uncertainty, or else of the number of frames it is made of."""
    own = _uncertainty_of(bias, ccd, electronics)
    if own is not None:
        return own
    electrons = np.asarray(bias.data * np.float64(factor_of(bias, electronics, ccd.meta)), dtype=np.float32)
    electrons -= np.float32(_level(electrons)[0])
    readnoise = np.asarray(electronics.readnoise, dtype=np.float32)
    share = _share_of_one_exposure(electrons, bias, float(np.median(readnoise)))
    return np.full(ccd.shape, readnoise**2 * np.float32(share), dtype=np.float32)


def _divided(
    extra: np.ndarray | None, flat: CCDData, level: float, ccd: CCDData, electronics: Electronics
) -> np.ndarray:
    """The extra variance of a frame that was divided by a flat, whose ``level`` counts as 1."""
    response = np.asarray(flat.data / level, dtype=np.float32)
    response = np.where(np.isfinite(response) & (response > 0), response, np.float32(1))
    sky = level_around(np.asarray(ccd.data * np.float32(1) * electronics.factor, dtype=np.float32))
    readnoise = np.asarray(electronics.readnoise, dtype=np.float32)
    enlarged = sky * (1 / response - 1) + readnoise**2 * (1 / response**2 - 1)
    if extra is not None:
        enlarged += extra / response**2
    own = variance_of(flat)
    if own is not None:
        relative = np.asarray(own / np.square(flat.data, dtype=np.float64), dtype=np.float32)
        enlarged += np.where(np.isfinite(relative), relative, np.float32(0)) * sky**2
    return np.maximum(enlarged, 0)


def _uncertainty_of(frame: CCDData, ccd: CCDData, electronics: Electronics) -> np.ndarray | None:
    """The variance of the uncertainty of a combined frame, electrons squared; 0 where it is not finite."""
    variance = variance_of(frame)
    if variance is None:
        return None
    variance = variance * np.square(factor_of(frame, electronics, ccd.meta))
    return np.where(np.isfinite(variance), variance, 0).astype(np.float32)


def _exposure_ratio(dark: CCDData, ccd: CCDData) -> float:
    """Exposure of the frame over that of the dark."""
    return _exposure(ccd, "frame") / _exposure(dark, "dark")


def _exposure(frame: CCDData, name: str) -> float:
    found = header.exposure(frame.meta)
    if found is None or found.value <= 0:
        raise CosmicRayError(
            f"Found no exposure time above 0 s in the header of the {name} (looked for "
            f"{', '.join(header.keywords('exposure', frame.meta))}); expected one to scale the dark by.",
            "Add it to the header, or leave {scale_dark=True} out for a dark of the same exposure.",
        )
    return found.value.to_value(u.s)


def _level(electrons: np.ndarray) -> tuple[float, float]:
    """Median and robust scatter of the finite pixels."""
    good = electrons[np.isfinite(electrons)]
    level = float(np.median(good)) if good.size else 0.0
    return level, float(robust_std(good, level)) if good.size else 0.0


def _least_scatter(electrons: np.ndarray, dark: CCDData) -> float:
    """The scatter below which the level of a dark is a bias: that of the photons of a dark current."""
    level = _level(electrons)[0]
    return math.sqrt(LEAST_SCATTER * level / (_n_combined(dark) or MOST_COMBINED)) if level >= LEAST_BIAS else 0.0


def _n_combined(dark: CCDData) -> int | None:
    """How many frames a dark is made of, if that is known."""
    for keyword in ("NCOMBINE", "NFRAMES", "STACKCNT"):
        value = header.value_of(dark.meta, keyword)
        if isinstance(value, int) and value >= 1:
            return value
    return 1 if np.asarray(dark.data).dtype.kind in "iu" else None


def _share_of_one_exposure(electrons: np.ndarray, dark: CCDData, readnoise: float) -> float:
    """The variance of a dark as a share of that of one exposure, from the number of frames or from its scatter."""
    combined = _n_combined(dark)
    if combined is not None:
        return 1 / combined
    level, scatter = _level(electrons)
    return min(scatter**2 / max(max(level, 0) + readnoise**2, 1e-6), 1.0)


def own_variance(variance: np.ndarray, data: np.ndarray, readnoise: np.ndarray | float) -> np.ndarray | None:
    """
    The variance of single pixels beyond that of photons and read-out, in the variance of an uncertainty; None if none.

    Float32 (ny, nx), electrons squared. It is 0 at all pixels but those that stand out of the model of the noise and of
    their neighbours, such as hot pixels where the uncertainty was made before the dark was subtracted.
    """
    model = _photons_and_readout(data, readnoise)
    sample = (slice(None, None, 4), slice(None, None, 4))
    model *= np.float32(np.nanmedian(variance[sample] / np.maximum(model[sample], 1e-6)))
    y, x = true_pixels(variance > (1 + OWN_SHARE) * model)
    if not 0 < len(y) < LARGEST_SHARE * data.size:
        return None
    alone = variance[y, x] > (1 + OWN_SHARE) * medians_around(variance, y, x)
    if not alone.any():
        return None
    y, x = y[alone], x[alone]
    own = np.zeros(data.shape, dtype=np.float32)
    own[y, x] = variance[y, x] - model[y, x]
    return own


def is_included(extra: np.ndarray, variance: np.ndarray, data: np.ndarray, readnoise: np.ndarray | float) -> bool:
    """Whether the variance of an uncertainty holds the ``extra`` variance: it was made before the dark went off."""
    excess = np.nan_to_num(variance - _photons_and_readout(data, readnoise), posinf=0, neginf=0).astype(np.float64)
    norm = float(np.sum(np.square(extra, dtype=np.float64)))
    return norm > 0 and float(np.sum(excess * extra)) > OWN_SHARE * norm


def _photons_and_readout(data: np.ndarray, readnoise: np.ndarray | float) -> np.ndarray:
    """The variance of photons and read-out, electrons squared, float32 (ny, nx)."""
    return np.maximum(data, 0) + np.float32(1) * np.square(readnoise)
