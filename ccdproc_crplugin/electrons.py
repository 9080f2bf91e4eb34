# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
From a frame in its own unit to what a detector sees: plain arrays in electron.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin import frames
from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import repair
from ccdproc_crplugin.removed import is_restorable, removed_pixels

__all__ = [
    "Calibration",
    "ElectronFrame",
    "calibrate",
    "check_frame",
    "electrons_per_unit",
    "mask_of",
    "to_electrons",
    "uncertainty_scale",
]

#: Units that all say adu.
ADU_LIKE = (u.adu, u.DN, u.count)

KNOWN_UNCERTAINTIES = (StdDevUncertainty, VarianceUncertainty, InverseVariance)

#: Below this share of the noise that photons and read-out make, an uncertainty is not that of the frame.
LEAST_UNCERTAINTY = 0.5

#: No camera has a smaller gain (electron/adu), nor one larger than its inverse.
SMALLEST_GAIN = 1e-9


@dataclass(frozen=True)
class Calibration:
    """
    How a frame's numbers become electrons, and where each figure was found.

    Parameters
    ----------
    factor : float
        Electrons per unit of the frame.
    gain : float
        Gain (electron/adu); 1 for a frame in electron.
    readnoise, saturation : float
        In electron; a saturation level that is not known is infinite.
    gain_source, readnoise_source, saturation_source : str
        A header keyword, or what stands in its place.
    """

    factor: float
    gain: float
    readnoise: float
    saturation: float
    gain_source: str
    readnoise_source: str
    saturation_source: str


@dataclass(frozen=True)
class ElectronFrame:
    """
    What a detector sees.

    Parameters
    ----------
    data : `~numpy.ndarray` of float32, shape (ny, nx)
        In electron, finite everywhere.
    bad : `~numpy.ndarray` of bool, shape (ny, nx)
        True where the frame is masked or not finite.
    saturated : `~numpy.ndarray` of bool or None, shape (ny, nx)
        True at and above the saturation level; None where that is not known.
    variance : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        In electron squared, from the frame's uncertainty; None where it has none, or one too small to be
        its noise.
    calibration : Calibration
        The figures used.
    """

    data: np.ndarray
    bad: np.ndarray
    saturated: np.ndarray | None
    variance: np.ndarray | None
    calibration: Calibration


def check_frame(ccd: CCDData) -> None:
    """
    Refuse what is no frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.

    Raises
    ------
    CosmicRayError
        If it is not a CCDData with a two-dimensional array of real numbers and a mask of its shape.
    """
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(
            f"Found {type(ccd).__name__}; expected a CCDData. Wrap an array with CCDData(array, unit='adu')."
        )
    data = ccd.data
    if not isinstance(data, np.ndarray):
        raise CosmicRayError(f"Found data of type {type(data).__name__}; expected a two-dimensional NumPy array.")
    if data.ndim != 2:
        raise CosmicRayError(
            f"Found data of shape {data.shape}; expected two dimensions, (ny, nx). Clean each plane of a cube."
        )
    if data.size == 0:
        raise CosmicRayError(f"Found an empty frame of shape {data.shape}; expected at least one pixel.")
    if data.dtype.kind not in "iuf":
        raise CosmicRayError(f"Found data of dtype {data.dtype}; expected integers or floating-point numbers.")
    _check_whole_numbers(data)
    mask_of(ccd)
    if isinstance(ccd.uncertainty, KNOWN_UNCERTAINTIES):
        uncertainty_scale(ccd)


def _check_whole_numbers(data: np.ndarray) -> None:
    """
    Refuse integers that float64, the type of the result, can't hold.
    """
    largest = 2**53
    if data.dtype.kind in "iu" and data.dtype.itemsize == 8 and data.size:
        extreme = max(int(data.max()), -int(data.min()))
        if extreme > largest:
            raise CosmicRayError(
                f"Found the value {extreme} in data of dtype {data.dtype}; expected at most 2**53, beyond which "
                "float64 can't hold every integer. Rescale the frame."
            )


def mask_of(ccd: CCDData) -> np.ndarray | None:
    """
    The mask of a frame as an array.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.

    Returns
    -------
    `~numpy.ndarray` of bool or None, shape (ny, nx)
        True at bad pixels; None where the frame has no mask.

    Raises
    ------
    CosmicRayError
        If the mask is not boolean or not of the frame's shape.
    """
    if ccd.mask is None:
        return None
    mask = np.asarray(ccd.mask)
    if mask.dtype.kind not in "biu":
        raise CosmicRayError(f"Found a mask of dtype {mask.dtype}; expected booleans, True at bad pixels.")
    if mask.shape not in ((), ccd.data.shape):
        raise CosmicRayError(f"Found a mask of shape {mask.shape}; expected that of the data, {ccd.data.shape}.")
    return np.broadcast_to(mask.astype(bool), ccd.data.shape)


def calibrate(ccd: CCDData, *, gain: Any = None, readnoise: Any = None, saturation: Any = None) -> Calibration:
    """
    Find the gain, the read noise and the saturation level of a frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, in adu or electron.
    gain : Quantity, float or None
        In electron/adu; `None` means the header's.
    readnoise : Quantity, float or None
        In electron (a plain number too) or adu; `None` means the header's.
    saturation : Quantity, float or None
        In adu or electron, a plain number in the unit of the frame; `None` means the header's, if any.

    Returns
    -------
    Calibration
        The figures and their sources.

    Raises
    ------
    CosmicRayError
        If a unit does not fit, a figure is not a positive number, or one can't be found.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.electrons import calibrate
    >>> ccd = CCDData(np.ones((9, 9)), unit="adu", meta={"GAIN": 1.9, "RDNOISE": 5})
    >>> float(calibrate(ccd).gain)
    1.9
    """
    per_unit, in_electron = _unit_of(ccd)
    gain, gain_source = _gain_of(ccd.meta, gain, in_electron)
    readnoise, readnoise_source = _readnoise_of(ccd.meta, readnoise, gain, in_electron)
    saturation, saturation_source = _saturation_of(ccd.meta, saturation, gain, per_unit, in_electron)
    return Calibration(per_unit * gain, gain, readnoise, saturation, gain_source, readnoise_source, saturation_source)


def _unit_of(ccd: CCDData) -> tuple[float, bool]:
    """
    How many adu or electrons the unit of the frame is, and whether it is electrons.
    """
    unit = ccd.unit
    if unit is not None and not isinstance(unit, u.FunctionUnitBase):
        if unit.is_equivalent(u.electron):
            return unit.to(u.electron), True
        for adu in ADU_LIKE:
            if unit.is_equivalent(adu):
                return unit.to(adu), False
        for rate in (u.electron / u.s, *(adu / u.s for adu in ADU_LIKE)):
            if unit.is_equivalent(rate):
                raise CosmicRayError(
                    f"Found a frame in {unit}, a rate; expected adu or electron, in which the noise can be known. "
                    "Multiply by the exposure time, ccd.multiply(exposure * u.s), before the cleaning."
                )
    raise CosmicRayError(
        f"Found a frame in unit {str(unit) or 'dimensionless'!r}; expected adu or electron. Set ccd.unit, or convert."
    )


def electrons_per_unit(ccd: CCDData, gain: u.Quantity) -> float:
    """
    How many electrons the unit of a frame is.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, in adu or electron.
    gain : Quantity
        In electron/adu; 1 for a frame in electron.

    Returns
    -------
    float
        Electrons per unit of the frame.
    """
    return _unit_of(ccd)[0] * gain.to_value(u.electron / u.adu)


def _number(name: str, value: Any, expected: str) -> float:
    refused = bool | np.bool_ | np.ma.MaskedArray
    if isinstance(value, refused) or not isinstance(value, numbers.Real | np.ndarray):
        raise CosmicRayError(f"Found {name}={value!r}; expected {expected}.")
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "iuf":
        raise CosmicRayError(f"Found {name}={value!r}; expected one value for the whole frame, {expected}.")
    return float(number)


def _positive(name: str, value: float, expected: str) -> float:
    if not SMALLEST_GAIN < value < 1 / SMALLEST_GAIN:
        raise CosmicRayError(f"Found {name}={value:g}; expected a positive number, {expected}.")
    return value


def _from_keyword(value: Any, meta: Mapping) -> Any:
    """
    What a `ccdproc.Keyword` stands for, or the value as it is.
    """
    if not hasattr(value, "value_from"):
        return value
    try:
        return value.value_from(meta)
    except KeyError as err:
        raise CosmicRayError(f"Found no {value.name!r} in the header; expected the keyword given.") from err


def _gain_of(meta: Mapping, gain: Any, in_electron: bool) -> tuple[float, str]:
    expected = "a Quantity in electron/adu or a number meaning that"
    gain = _from_keyword(gain, meta)
    if in_electron:
        if gain is not None:
            raise CosmicRayError(
                f"Found gain={gain} for a frame in electron, whose gain is applied already; leave gain out, "
                "or set ccd.unit to adu if the frame is in adu."
            )
        return 1.0, "frame in electron"
    if gain is None:
        found = frames.gain(meta)
        if found is None:
            raise CosmicRayError(_not_found("gain", "electron/adu"))
        return found.value.value, found.keyword
    if isinstance(gain, u.Quantity):
        per_adu = [u.electron / adu for adu in ADU_LIKE if gain.unit.is_equivalent(u.electron / adu)]
        if not per_adu:
            raise CosmicRayError(f"Found gain={gain}; expected electron/adu.{_inverted(gain)}")
        gain = gain.to_value(per_adu[0])
    return _positive("gain", _number("gain", gain, expected), expected), "given"


def _inverted(gain: u.Quantity) -> str:
    return " Give its inverse." if gain.unit.is_equivalent(u.adu / u.electron) else ""


def _readnoise_of(meta: Mapping, readnoise: Any, gain: float, in_electron: bool) -> tuple[float, str]:
    expected = "a Quantity in electron or adu or a number meaning electron"
    readnoise = _from_keyword(readnoise, meta)
    if readnoise is None:
        found = frames.readnoise(meta)
        if found is None:
            raise CosmicRayError(_not_found("readnoise", "electron"))
        return found.value.value, found.keyword
    if isinstance(readnoise, u.Quantity):
        readnoise = _in_electron("readnoise", readnoise, gain, in_electron)
    number = _number("readnoise", readnoise, expected)
    if not (math.isfinite(number) and number >= 0):
        raise CosmicRayError(f"Found readnoise={number:g}; expected 0 or more, {expected}.")
    return number, "given"


def _in_electron(name: str, value: u.Quantity, gain: float, in_electron: bool) -> Any:
    """
    A Quantity in electron or adu as electrons.
    """
    if value.unit.is_equivalent(u.electron):
        return value.to_value(u.electron)
    for adu in ADU_LIKE:
        if value.unit.is_equivalent(adu):
            if in_electron:
                raise CosmicRayError(f"Found {name}={value} for a frame in electron; expected electron.")
            return value.to_value(adu) * gain
    raise CosmicRayError(f"Found {name}={value}; expected a Quantity in electron or adu.")


def _saturation_of(
    meta: Mapping, saturation: Any, gain: float, per_unit: float, in_electron: bool
) -> tuple[float, str]:
    expected = "a Quantity in adu or electron or a number in the unit of the frame"
    saturation = _from_keyword(saturation, meta)
    if saturation is None:
        return _saturation_of_header(meta, gain, in_electron)
    if isinstance(saturation, u.Quantity):
        saturation = _in_electron("saturation", saturation, gain, in_electron)
        number = _number("saturation", saturation, expected)
    else:
        number = _number("saturation", saturation, expected) * gain * per_unit
    if math.isnan(number) or number <= 0:
        raise CosmicRayError(f"Found saturation={number:g}; expected a positive number, {expected}.")
    return number, "given"


def _saturation_of_header(meta: Mapping, gain: float, in_electron: bool) -> tuple[float, str]:
    """
    The header's level, which is that of the raw frame, in adu, also after the gain was applied.
    """
    found = frames.saturation(meta)
    if found is None:
        return math.inf, "not known"
    if not in_electron:
        return found.value.value * gain, found.keyword
    applied = frames.gain(meta)
    if applied is None:
        return math.inf, "not known"
    return found.value.value * applied.value.value, found.keyword


def _not_found(name: str, unit: str) -> str:
    keywords = ", ".join(frames.KEYWORDS[name])
    return (
        f"Found no {name}, neither as a parameter nor in the header (looked for {keywords}); expected it in {unit}. "
        f"Give {name}=."
    )


def to_electrons(ccd: CCDData, calibration: Calibration) -> ElectronFrame:
    """
    Convert a frame to what a detector sees.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame; not changed.
    calibration : Calibration
        Its figures.

    Returns
    -------
    ElectronFrame
        Plain arrays, read-only.

    Raises
    ------
    CosmicRayError
        If no good pixel is left, or the uncertainty does not fit.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        data = np.ascontiguousarray(ccd.data * _precise(calibration.factor, ccd.data.dtype), dtype=np.float32)
        saturation = np.float32(calibration.saturation)
    bad = ~np.isfinite(data)
    holes = true_pixels(bad)
    mask = mask_of(ccd)
    if mask is not None:
        bad |= mask
    if is_restorable(ccd):
        earlier = removed_pixels(ccd)
        bad[earlier.y, earlier.x] = True
    if bad.all():
        raise CosmicRayError(
            f"Found no good pixel in the frame: {len(holes[0])} of {bad.size} are not finite and the others "
            "are masked. Look at the file, or at ccd.mask."
        )
    saturated = data >= saturation if math.isfinite(calibration.saturation) else None
    variance = _variance_of(ccd, calibration, data)
    if len(holes[0]):
        data[holes] = repair(data, *holes, bad)[0]
    for array in (data, bad, variance):
        if array is not None:
            array.flags.writeable = False
    return ElectronFrame(data, bad, saturated, variance, calibration)


def _precise(factor: float, dtype: np.dtype) -> np.floating:
    """
    The factor in single precision where the data have no more, else in double.
    """
    single = dtype.itemsize <= 2 or (dtype.kind == "f" and dtype.itemsize == 4)
    return np.float32(factor) if single else np.float64(factor)


def _variance_of(ccd: CCDData, calibration: Calibration, data: np.ndarray) -> np.ndarray | None:
    """
    The variance in electron squared; where the uncertainty is missing, that of the photons and the read noise.
    """
    variance = _plain_variance(ccd)
    if variance is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        variance = (variance * calibration.factor**2).astype(np.float32)
    useless = ~(np.isfinite(variance) & (variance > 0))
    if useless.all():
        raise CosmicRayError(
            "Found an uncertainty that is nowhere finite and above 0; expected the noise of each pixel. "
            "Make it with ccdproc.create_deviation, or remove it with ccd.uncertainty = None."
        )
    variance[useless] = np.maximum(data[useless], 0) + calibration.readnoise**2
    return None if _too_small(variance, data, calibration) else variance


def _too_small(variance: np.ndarray, data: np.ndarray, calibration: Calibration) -> bool:
    """
    Whether an uncertainty can't be the noise of the frame, for it is far below photons and read noise.

    `ccdproc.combine` gives a master frame the scatter of its inputs over their number, which subtracting
    the master hands on to a frame that had no uncertainty of its own.
    """
    sky = max(float(np.nanmedian(data)), 0)
    least = LEAST_UNCERTAINTY * math.sqrt(sky + calibration.readnoise**2)
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
    _check_whole_numbers(array)
    scale = uncertainty_scale(ccd)
    array = array.astype(np.float64)
    if isinstance(uncertainty, StdDevUncertainty):
        return (array * scale) ** 2
    if isinstance(uncertainty, VarianceUncertainty):
        return array * scale**2
    with np.errstate(divide="ignore"):
        return scale**2 / array


def uncertainty_scale(ccd: CCDData) -> float:
    """
    How many units of the frame the unit of its standard deviation is.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        A frame with an uncertainty.

    Returns
    -------
    float
        1 unless the uncertainty has a unit of its own.

    Raises
    ------
    CosmicRayError
        If the units do not fit.
    """
    uncertainty = ccd.uncertainty
    if uncertainty.unit is None:
        return 1.0
    power = {"std": 1, "var": 0.5, "ivar": -0.5}[uncertainty.uncertainty_type]
    try:
        return (uncertainty.unit**power).to(ccd.unit)
    except u.UnitConversionError as err:
        raise CosmicRayError(
            f"Found an uncertainty in {uncertainty.unit} for a frame in {ccd.unit}; expected the same unit."
        ) from err
