# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A frame as detectors take it: plain arrays in electron."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning, wording
from ccdproc_crplugin.frames.checks import mask_of, variance_of
from ccdproc_crplugin.frames.gain_and_noise import Electronics, Figure, at
from ccdproc_crplugin.frames.mosaic import NO_COLOURS, Mosaic, repair_of
from ccdproc_crplugin.frames.pedestal import Pedestal, pedestal_of
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.frames.subtracted import NOTHING, Calibration, calibration_variance, is_included, own_variance
from ccdproc_crplugin.kernels.engines import load_engine, n_threads
from ccdproc_crplugin.kernels.low_pixels import beyond_saturation, far_below
from ccdproc_crplugin.kernels.mosaic import join_planes, split_planes
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.spectrum import dispersion_axis as find_dispersion_axis
from ccdproc_crplugin.kernels.spectrum import on_top_of, spectrum_model

#: An uncertainty below this share of the noise of photons and read-out is not the noise of the frame.
LEAST_UNCERTAINTY = 0.5

#: What to do about an uncertainty that is not the noise of the frame.
REMAKE_UNCERTAINTY = (
    "Make the uncertainty with ccdproc.create_deviation, or remove it{python: with ccd.uncertainty = None}."
)


@dataclass(frozen=True)
class ElectronFrame:
    """A frame as detectors take it; the arrays have shape (ny, nx)."""

    data: np.ndarray  # float32, electron, finite everywhere, less the pedestal
    bad: np.ndarray  # bool: masked, not finite, far below or above what can be, or removed earlier
    saturated: np.ndarray | None  # bool; None if the level is not known
    variance: np.ndarray | None  # float32, electron squared, of the frame's uncertainty; None if it has no usable one
    electronics: Electronics
    extra_variance: np.ndarray | None = None  # float32, electron squared: what each pixel has beside them
    background: np.ndarray | None = None  # float32, electron: sky lines and traces of a spectrum
    dispersion_axis: int | None = None  # of a spectrum
    pedestal: Pedestal | None = None
    mosaic: Mosaic = NO_COLOURS
    protected: np.ndarray | None = None  # bool: not to be searched, good or not; None for none

    @property
    def not_to_search(self) -> np.ndarray:
        """The pixels that are bad or protected, bool (ny, nx)."""
        return self.bad if self.protected is None else self.bad | self.protected

    @property
    def readnoise(self) -> float:
        """The read noise that every pixel has at least, electron; the extra variance has the rest."""
        return self.electronics.lowest_readnoise

    @property
    def saturation(self) -> float:
        """The saturation level of the data, electron; the lowest one where amplifiers differ in gain."""
        by_pixel = self.electronics.saturation_map
        if self.pedestal is not None and by_pixel is not None:
            return float(np.min(by_pixel - self.pedestal.level))
        return self.electronics.saturation - (0.0 if self.pedestal is None else float(np.median(self.pedestal.level)))

    def in_unit_of_frame(self, values: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Values of pixels, shape (n,), in the unit of the frame, with the pedestal."""
        if self.pedestal is not None:
            values = values + np.broadcast_to(self.pedestal.level, self.data.shape)[y, x]
        return values / at(self.electronics.factor, (y, x))


def to_electrons(
    ccd: CCDData,
    electronics: Electronics,
    earlier: RemovedPixels | None = None,
    *,
    calibration: Calibration = NOTHING,
    bias: CCDData | None = None,
    bad_pixels: np.ndarray | None = None,
    protected: np.ndarray | None = None,
    dispersion_axis: int | None = None,
    mosaic: Mosaic = NO_COLOURS,
) -> ElectronFrame:
    """
    Convert a frame to read-only arrays in electron.

    Pixels that were removed ``earlier`` and ``bad_pixels``, bool (ny, nx), are bad, ``protected`` ones are good.
    ``calibration`` is what was taken off the frame already, ``bias`` is still in it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        data = _in_electrons(ccd.data, electronics.factor)
        level = electronics.saturation if electronics.saturation_map is None else electronics.saturation_map
        saturation = np.float32(level)
    all_finite, brightest = load_engine().prepare(data, None, None, n_threads())
    brightest = brightest if all_finite else math.inf
    bad = _bad_pixels(ccd, data, earlier, bad_pixels, all_finite)
    saturated = _saturated(data, saturation, brightest) if math.isfinite(electronics.saturation) else None
    beyond = beyond_saturation(data, electronics.saturation, brightest)
    if bias is not None:
        calibration = replace(calibration, bias=bias)
    pedestal = pedestal_of(ccd, electronics, bias)
    if pedestal is not None:
        data = _writable(data)
        data -= np.float32(1) * pedestal.level
    variance, extra = _variances(ccd, electronics, data, calibration.fitting(ccd.shape))
    variance, extra = _with_readnoise_by_pixel(variance, extra, electronics)
    holes = None if all_finite and pedestal is None else ~np.isfinite(data)
    data = _replace_useless(data, bad, mosaic, holes, beyond)
    axis, background = _spectrum(data, bad, dispersion_axis, mosaic)
    searched, own = on_top_of(background, data, extra)
    low = _far_below(searched, electronics.lowest_readnoise, variance, own, mosaic)
    data = _replace_useless(data, bad, mosaic, low, background=background)
    for array in (data, bad, variance, extra, background):
        if array is not None:
            array.flags.writeable = False
    return ElectronFrame(
        data, bad, saturated, variance, electronics, extra, background, axis, pedestal, mosaic, protected
    )


def _in_electrons(data: np.ndarray, factor: Figure) -> np.ndarray:
    """The data in electrons, float32 and in C order; read-only where they are the frame's own."""
    as_they_are = data.dtype == np.float32 and data.flags.c_contiguous and data.flags.aligned
    if as_they_are and data.dtype.isnative and np.ndim(factor) == 0 and factor == 1:
        shared = np.asarray(data).view()
        shared.flags.writeable = False
        return shared
    return np.ascontiguousarray(data * _precise(factor, data.dtype), dtype=np.float32)


def _writable(data: np.ndarray) -> np.ndarray:
    """The data, or a copy of those that are the frame's own."""
    return data if data.flags.writeable else data.copy()


def _saturated(data: np.ndarray, level: np.float32 | np.ndarray, brightest: float) -> np.ndarray:
    """The saturated pixels, bool (ny, nx)."""
    if np.ndim(level) == 0 and brightest < level:
        return np.zeros(data.shape, dtype=bool)
    return data >= level


def _bad_pixels(
    ccd: CCDData,
    data: np.ndarray,
    earlier: RemovedPixels | None,
    bad_pixels: np.ndarray | None,
    all_finite: bool,
) -> np.ndarray:
    """The pixels that are not searched, bool (ny, nx); a frame without a good one is refused."""
    bad = np.zeros(data.shape, dtype=bool) if all_finite else ~np.isfinite(data)
    n_holes = 0 if all_finite else np.count_nonzero(bad)
    for mask in (mask_of(ccd), bad_pixels):
        if mask is not None:
            bad |= mask
    if earlier is not None:
        bad[earlier.y, earlier.x] = True
    if bad.all():
        n_beyond = np.count_nonzero(np.isfinite(ccd.data) & ~np.isfinite(data))
        found = [
            f"{number} of {bad.size} {what}"
            for number, what in (
                (n_holes - n_beyond, "are not finite"),
                (n_beyond, f"are beyond {np.finfo(np.float32).max:.2g} electron, the largest number of the search"),
                (bad.size - n_holes, "are masked"),
            )
            if number
        ]
        raise CosmicRayError(
            f"Found no good pixel in the frame: {', '.join(found)}.",
            "Look at the file{python:, or at ccd.mask}.",
        )
    return bad


def _replace_useless(
    data: np.ndarray,
    bad: np.ndarray,
    mosaic: Mosaic,
    *useless: np.ndarray | None,
    background: np.ndarray | None = None,
) -> np.ndarray:
    """Make ``useless`` pixels, bool (ny, nx), bad ones, in place; the data in which they are replaced."""
    masks = [mask for mask in useless if mask is not None]
    if not masks:
        return data
    holes = np.logical_or.reduce(masks)
    bad |= holes
    pixels = true_pixels(holes)
    if len(pixels[0]):
        data = _writable(data)
        below = np.float32(0) if background is None else background
        values = repair_of(mosaic)(data - below, *pixels, bad)[0]
        data[pixels] = values + (0 if background is None else background[pixels])
    return data


def _far_below(
    data: np.ndarray, readnoise: float, variance: np.ndarray | None, extra: np.ndarray | None, mosaic: Mosaic
) -> np.ndarray | None:
    """The pixels far below all that lies around them, bool (ny, nx), in each plane of a mosaic; None without any."""
    if mosaic.pattern is None:
        return far_below(data, readnoise, variance, extra)
    planes = zip(*(_planes_of(array) for array in (data, variance, extra)), strict=True)
    found = [far_below(plane, readnoise, *known) for plane, *known in planes]
    if all(mask is None for mask in found):
        return None
    pairs = zip(found, split_planes(data), strict=True)
    low = [np.zeros(plane.shape, dtype=bool) if mask is None else mask for mask, plane in pairs]
    return join_planes(low, data.shape)


def _planes_of(array: np.ndarray | None) -> list[np.ndarray] | list[None]:
    return [None] * 4 if array is None else list(split_planes(array))


def _spectrum(
    data: np.ndarray, bad: np.ndarray, axis: int | None, mosaic: Mosaic
) -> tuple[int | None, np.ndarray | None]:
    """The dispersion axis of a spectrum and the model of its lines and traces, electron; None for an image."""
    if mosaic.pattern is not None:
        return _spectrum_of_planes(data, bad, axis)
    if axis is None:
        axis = find_dispersion_axis(data, bad if bad.any() else None)
    return axis, None if axis is None else spectrum_model(data, axis, bad)


def _spectrum_of_planes(data: np.ndarray, bad: np.ndarray, axis: int | None) -> tuple[int | None, np.ndarray | None]:
    """The same for a colour mosaic, each plane by itself; all have to be dispersed along one axis."""
    planes = list(zip(split_planes(data), split_planes(bad), strict=True))
    if axis is None:
        axes = {find_dispersion_axis(plane, lost if lost.any() else None) for plane, lost in planes}
        axis = axes.pop() if len(axes) == 1 else None
    if axis is None:
        return None, None
    return axis, join_planes([spectrum_model(plane, axis, lost) for plane, lost in planes], data.shape)


def _precise(factor: Figure, dtype: np.dtype) -> np.floating | np.ndarray:
    """The factor as float32 for data of up to 16 bits or float32, else as float64."""
    single = dtype.itemsize <= 2 or (dtype.kind == "f" and dtype.itemsize == 4)
    return np.float32(factor) if single else np.float64(factor)


def _variances(
    ccd: CCDData, electronics: Electronics, data: np.ndarray, calibration: Calibration
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """
    The variance of the uncertainty, if it is usable, and the extra variance of single pixels: electron squared.

    Both are float32 (ny, nx), and neither includes the other.
    """
    readnoise = electronics.readnoise
    variance = _variance_of_uncertainty(ccd, electronics, data)
    extra = calibration_variance(calibration, ccd, electronics)
    if variance is None:
        return None, extra
    included = own_variance(variance, data, readnoise) if extra is None else extra
    if included is None or (extra is not None and not is_included(extra, variance, data, readnoise)):
        return variance, extra
    least = np.float32(1) * np.square(readnoise)
    return np.maximum(variance - included, np.minimum(variance, least)), included


def _variance_of_uncertainty(ccd: CCDData, electronics: Electronics, data: np.ndarray) -> np.ndarray | None:
    """The variance (float32, electron squared), of photons and read noise where the uncertainty is not usable."""
    variance = variance_of(ccd)
    if variance is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        variance = (variance * electronics.factor**2).astype(np.float32)
    useless = ~(np.isfinite(variance) & (variance > 0))
    if useless.all():
        raise CosmicRayError(
            "Found an uncertainty that is nowhere finite and above 0; expected the noise of each pixel.",
            REMAKE_UNCERTAINTY,
        )
    variance[useless] = np.maximum(data[useless], 0) + at(electronics.readnoise, useless) ** 2
    return None if _too_small(variance, data, electronics) else variance


def _with_readnoise_by_pixel(
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
    message = (
        f"Found an uncertainty of {found:.3g} electron (median) where photons and read noise make "
        f"{least / LEAST_UNCERTAINTY:.3g}; expected the noise of the frame. It may come from a master frame of "
        "ccdproc.combine. The search goes by photons and read noise."
    )
    warnings.warn(wording(message, REMAKE_UNCERTAINTY), PreflightWarning, stacklevel=2)
    return True
