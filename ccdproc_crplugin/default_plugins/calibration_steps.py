# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The steps of a calibration: functions of ccdproc with values from the header and the combined frames."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io.fits import Header
from astropy.nddata import CCDData, StdDevUncertainty

from ccdproc_crplugin.calibration.chips import OF_FILE
from ccdproc_crplugin.calibration.combined_frame import SCALE, STATISTICS_SECTION
from ccdproc_crplugin.errors import (
    CalibrationWarning,
    CosmicRayError,
    check_choice,
    check_number,
    check_whole,
    wrong_value,
)
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.amplifiers import moved_sections
from ccdproc_crplugin.frames.gain_and_noise import (
    Electronics,
    check_figures,
    electronics_of,
    gain_by_amplifier,
    same_unit,
)
from ccdproc_crplugin.io.companions import read_bad_pixels
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.kernels.flat_light import LEAST_LIGHT, STATISTICS, light_level, unlit_pixels
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Step

#: Cards with sections of the raw chip, which are wrong for a trimmed frame.
SECTIONS = ("BIASSEC", "TRIMSEC")

#: Sections that a header may have under other keywords.
_OF_HEADER = {"BIASSEC": header.overscan_section, "TRIMSEC": header.trim_section}

#: Share of the pixels of a flat above which it is said that they saw almost no light.
NOTEWORTHY_UNLIT = 0.01


def subtract_overscan(
    ccd: CCDData, *, fits_section: str = "BIASSEC", overscan_axis: int | None = None, median: bool = True
) -> CCDData:
    """
    Subtract the level of the overscan, row by row or column by column.

    Where the header counts the columns of an overscan and there are several times as many (``COVER``), each amplifier
    has its own, and the part of the frame that it reads is brought to its own level.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The raw frame.
    fits_section : str
        The overscan in FITS notation, such as ``[2049:2080, 1:2048]``, or the keyword of the header that
        contains it.
    overscan_axis : {0, 1} or None
        The axis along which the overscan is averaged; `None` means its shorter one.
    median : bool
        Use the median, which a cosmic ray in the overscan does not change, instead of the mean.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame.
    """
    import ccdproc

    section = _section(ccd, fits_section)
    by_amplifier = header.overscan_by_amplifier(ccd.meta) if fits_section == "BIASSEC" else []
    if by_amplifier and overscan_axis is None:
        n_rows, n_columns = ccd.data[by_amplifier[0][0]].shape
        overscan_axis = 0 if n_columns > n_rows else 1
    how: dict[str, Any] = {"overscan_axis": overscan_axis, "median": median}
    result = _single(ccd, ccdproc.subtract_overscan, fits_section=section, **how)
    for overscan, exposed in by_amplifier:
        for part in (overscan, exposed):
            own, level = (CCDData(ccd.data[place], unit=ccd.unit) for place in (part, overscan))
            result.data[part] = _single(own, ccdproc.subtract_overscan, overscan=level, **how).data
    return result


def trim(ccd: CCDData, *, fits_section: str = "TRIMSEC") -> CCDData:
    """
    Cut the frame to the part that was exposed to the sky.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    fits_section : str
        That part in FITS notation, or the keyword of the header that contains it.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame, without the sections of the raw chip in its header. Those of its amplifiers are moved.
    """
    import ccdproc

    section = _section(ccd, fits_section)
    trimmed = ccdproc.trim_image(ccd, fits_section=section)
    offset = [part.indices(size)[0] for part, size in zip(_slices(section), ccd.shape, strict=True)]
    trimmed.meta.update(moved_sections(ccd.meta, (offset[0], offset[1]), trimmed.shape))
    for keyword in SECTIONS:
        trimmed.meta.pop(keyword, None)
    return trimmed


def mask_bad_pixels(ccd: CCDData, *, file: str) -> CCDData:
    """
    Mask bad pixels.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    file : path
        A FITS file of the shape that the frame has at this place among the steps: that of the raw frame before
        ``trim``, and that of the trimmed frame after it. Its extension ``BPM``, ``MASK`` or ``DQ``, or else its first
        image, is not 0 at bad pixels. In the configuration of a night the path is relative to its folder.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame, whose pixels that were masked already stay masked.
    """
    try:
        bad = read_bad_pixels(file, ccd.shape)
    except CosmicRayError as err:
        place = " The mask of a raw frame belongs before trim, that of a trimmed frame after it."
        raise err.within(after=place) from err
    masked = ccd.copy()
    masked.mask = bad if ccd.mask is None else bad | np.asarray(ccd.mask, dtype=bool)
    return masked


def subtract_bias(ccd: CCDData, *, master: CCDData) -> CCDData:
    """
    Subtract the combined bias.

    Parameters
    ----------
    ccd, master : `~astropy.nddata.CCDData`
        The frame and the combined bias.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame.
    """
    import ccdproc

    return _single(ccd, ccdproc.subtract_bias, _in_unit_of(ccd, _matched(master, ccd)))


def subtract_dark(ccd: CCDData, *, master: CCDData, scale: bool = False) -> CCDData:
    """
    Subtract the combined dark.

    Parameters
    ----------
    ccd, master : `~astropy.nddata.CCDData`
        The frame and the combined dark.
    scale : bool
        Scale the dark to the exposure of the frame. The bias must be subtracted from the dark then.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame.
    """
    import ccdproc

    exposure = _exposure_to_scale_by if scale else _exposure_or_nan
    exposures = {"dark_exposure": exposure(master), "data_exposure": exposure(ccd)}
    return _single(ccd, ccdproc.subtract_dark, _in_unit_of(ccd, _matched(master, ccd)), scale=scale, **exposures)


def correct_flat(
    ccd: CCDData,
    *,
    master: CCDData,
    min_value: float | None = None,
    norm_value: float | None = None,
    statistic: str = "mean",
    section: str | None = None,
    least_light: float = LEAST_LIGHT,
) -> CCDData:
    """
    Divide by the combined flat field, and mask the pixels in which the flat saw almost no light.

    Parameters
    ----------
    ccd, master : `~astropy.nddata.CCDData`
        The frame and the combined flat.
    min_value : float or None
        Smaller values of the flat are replaced by this one.
    norm_value : float or None
        The flat is divided by this value; `None` means its level, or that of all chips if they have one scale.
    statistic : {"mean", "median"}
        Which statistic of the good pixels that saw light is the level of the flat.
    section : str or None
        The part of the frame from which the level is taken, in FITS notation or as a keyword of the header of the
        frame. `None` means the section from which the level of the single flats was taken, or all of it.
    least_light : float
        Share of the level below which a pixel of the flat saw almost no light. Such a pixel, one that is not finite,
        and one that is masked in the flat are masked in the result, and keep their values there.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame.

    Warns
    -----
    CalibrationWarning
        If more than 1 % of the pixels of the flat saw almost no light.
    """
    import ccdproc

    flat = _matched(master, ccd)
    if section is None and flat.meta.get(SCALE) == OF_FILE:
        norm_value = norm_value or 1.0  # the level of all chips together
    elif section is None:
        section = flat.meta.get(STATISTICS_SECTION)
    if min_value is not None:
        flat = flat.copy()
        flat.data[flat.data < min_value] = min_value
    unlit, level = _light_of(flat, ccd, statistic, section, least_light)
    if unlit.any():
        flat = _with_unlit_masked(flat, unlit, norm_value or level)
    means_of_ccdproc = statistic == "mean" and section is None and not unlit.any()
    if norm_value is None and not means_of_ccdproc:
        norm_value = level
    result = _single(ccd, ccdproc.flat_correct, flat, norm_value=norm_value)
    n_unlit = np.count_nonzero(unlit)
    if n_unlit:
        comment = "pixels in which the flat saw almost no light"
        result.meta["CRUNLIT"] = (int(n_unlit), comment) if isinstance(result.meta, Header) else int(n_unlit)
    return result


def _light_of(
    flat: CCDData, ccd: CCDData, statistic: str, section: str | None, least_light: float
) -> tuple[np.ndarray, float]:
    """The pixels of a flat that saw almost no light or are masked, bool (ny, nx), and its level."""
    masked = np.zeros(flat.shape, dtype=bool) if flat.mask is None else np.broadcast_to(flat.mask, flat.shape)
    part = np.s_[:, :] if section is None else _slices(_section(ccd, section, "section"))
    good = np.where(masked[part], np.nan, flat.data[part]) if masked.any() else flat.data[part]
    level = light_level(good, statistic, least_light)
    if not level > 0:
        raise CosmicRayError("Found a combined flat without light; expected good pixels above 0.", "Look at the flat.")
    unlit = unlit_pixels(flat.data, level, least_light)
    share = np.count_nonzero(unlit & ~masked) / unlit.size
    if share > NOTEWORTHY_UNLIT:
        warnings.warn(
            f"Found {share:.1%} of the pixels of the combined flat below {least_light:g} of its level of {level:.4g}; "
            "they are masked. Where light is expected there, as at the ends of a spectrum, give a lower least_light.",
            CalibrationWarning,
            stacklevel=3,
        )
    return unlit | masked, level


def _with_unlit_masked(flat: CCDData, unlit: np.ndarray, value: float) -> CCDData:
    """A copy of a flat whose unlit pixels are masked and have a value without an error, by which to divide."""
    masked = CCDData(
        np.where(unlit, flat.data.dtype.type(value), flat.data), unit=flat.unit, mask=unlit, meta=flat.meta
    )
    if flat.uncertainty is not None:
        exact = np.inf if flat.uncertainty.uncertainty_type == "ivar" else 0
        masked.uncertainty = type(flat.uncertainty)(np.where(unlit, exact, flat.uncertainty.array))
    return masked


def correct_gain(ccd: CCDData, *, gain: Any = None) -> CCDData:
    """
    Convert adu to electrons.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, in adu.
    gain : float, mapping or None
        Gain in electron/adu, or that of each section; `None` means that of the header.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame, in electron.
    """
    import ccdproc

    check_figures(gain=gain)
    if ccd.unit == u.electron:
        raise CosmicRayError("Found a frame in electron already; expected one in adu.", "Leave the step out.")
    return _single(ccd, ccdproc.gain_correct, _gain(ccd, gain))


def create_deviation(ccd: CCDData, *, gain: Any = None, readnoise: Any = None, disregard_nan: bool = True) -> CCDData:
    """
    Give the frame an uncertainty from its photons and the read noise.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame, bias subtracted.
    gain : float, mapping or None
        Gain in electron/adu, or that of each section; `None` means that of the header. Not for a frame in electron.
    readnoise : float, mapping or None
        Read noise in electron, or that of each section; `None` means that of the header.
    disregard_nan : bool
        Use the read noise alone for a pixel below zero, whose photon noise is not known.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame with a `~astropy.nddata.StdDevUncertainty`.
    """
    import ccdproc

    figures = electronics_of(ccd, gain=gain, readnoise=readnoise)
    if isinstance(figures.gain, np.ndarray) or isinstance(figures.readnoise, np.ndarray):
        return _with_deviation(_as_float(ccd), figures, disregard_nan)
    known = None if ccd.unit == u.electron else figures.gain * u.electron / u.adu
    with np.errstate(invalid="ignore"):
        return ccdproc.create_deviation(
            _as_float(ccd), gain=known, readnoise=figures.readnoise * u.electron, disregard_nan=disregard_nan
        )


def _with_deviation(ccd: CCDData, figures: Electronics, disregard_nan: bool) -> CCDData:
    """A frame with the uncertainty that ccdproc.create_deviation, which takes numbers, gives each amplifier."""
    photons = ccd.data * figures.factor
    photons[photons < 0] = 0 if disregard_nan else np.nan
    result = ccd.copy()
    deviation = np.sqrt(photons + np.square(figures.readnoise)) / figures.factor
    result.uncertainty = StdDevUncertainty(deviation.astype(ccd.data.dtype))
    return result


def _section(ccd: CCDData, section: str, parameter: str = "fits_section") -> str:
    """A section of the chip in FITS notation, read from the header if a keyword is given."""
    _check_section(section, parameter)
    return _section_of(ccd.meta, ccd.shape, section, parameter)


def _section_of(meta: Any, shape: tuple[int, ...], section: str, parameter: str) -> str:
    if not section.startswith("["):
        found = _OF_HEADER[section](meta) if section in _OF_HEADER else None
        if found is not None:
            return _section_of(meta, shape, found.value, parameter)
        if section not in meta:
            raise CosmicRayError(
                f"Found no {section} in the header; expected it to say where that part of the chip is.",
                f"Give {{{parameter}}}.",
            )
        section = str(meta[section])
    if not all(map(_lies_within, _slices(section), shape)):
        n_rows, n_columns = shape
        raise CosmicRayError(
            f" for a frame of shape {shape}; expected a part of [1:{n_columns}, 1:{n_rows}].",
            f"Give {{{parameter}}}.",
            parameter=(parameter, repr(section)),
        )
    return section


def _lacking_section(meta: Mapping[str, Any], section: str) -> str:
    """What is wrong with a section for a raw frame of this header, in words."""
    try:
        _section_of(meta, (meta["NAXIS2"], meta["NAXIS1"]), section, "fits_section")
    except (CosmicRayError, KeyError) as err:
        return str(err)
    return ""


def _lacking_overscan(meta: Mapping[str, Any], fits_section: str = "BIASSEC", **_: Any) -> str:
    return _lacking_section(meta, fits_section)


def _lacking_trim(meta: Mapping[str, Any], fits_section: str = "TRIMSEC") -> str:
    return _lacking_section(meta, fits_section)


def _lies_within(part: slice, length: int) -> bool:
    """Whether a part of an axis has pixels, all of them before its end."""
    beyond = any(bound is not None and bound > length for bound in (part.start, part.stop))
    return not beyond and bool(range(length)[part])


def _slices(section: str, parameter: str = "fits_section") -> tuple[slice, ...]:
    """A section in FITS notation as slices of rows and columns."""
    from ccdproc.utils.slices import slice_from_string

    with suppress(ValueError, TypeError):
        slices = slice_from_string(section, fits_convention=True)
        if len(slices) == 2 and not any(part.step == 0 for part in slices):
            return slices
    raise wrong_value(parameter, section, "two ranges such as '[1:10, 1:512]'")


def _check_section(section: Any, parameter: str = "fits_section") -> None:
    if not isinstance(section, str) or not section:
        raise wrong_value(parameter, section, "text such as '[1:10, 1:512]' or a keyword")
    if section.startswith("["):
        _slices(section, parameter)


def _exposure_or_nan(ccd: CCDData) -> u.Quantity:
    """The exposure that ccdproc requires even where nothing is scaled; NaN if the header has none."""
    found = header.exposure(ccd.meta)
    return np.nan * u.s if found is None else found.value


def _exposure_to_scale_by(ccd: CCDData) -> u.Quantity:
    found = header.exposure(ccd.meta)
    if found is None or not found.value > 0:
        keywords = ", ".join(header.keywords("exposure", ccd.meta))
        raise CosmicRayError(
            f"Found no exposure time above 0 s in the header (looked for {keywords}); expected one to scale the dark "
            "by."
        )
    return found.value


def _gain(ccd: CCDData, gain: Any) -> u.Quantity:
    by_amplifier = gain_by_amplifier(ccd, gain)
    if by_amplifier is not None:
        return by_amplifier
    if gain is not None:
        return gain if isinstance(gain, u.Quantity) else gain * u.electron / u.adu
    found = header.gain(ccd.meta)
    if found is None:
        raise CosmicRayError(
            f"Found no gain in the header (looked for {', '.join(header.keywords('gain', ccd.meta))}); expected one.",
            "Give {gain} in electron/adu.",
        )
    return found.value


def _matched(master: CCDData, ccd: CCDData) -> CCDData:
    """
    The combined frame, without its uncertainty if the frame has none.

    Otherwise ccdproc would make the uncertainty of the combined frame that of the result.
    """
    if master.shape != ccd.shape:
        raise CosmicRayError(
            f"Found a combined frame of shape {master.shape} for a frame of {ccd.shape}; expected one shape.",
            "Trim both.",
        )
    if ccd.uncertainty is not None or master.uncertainty is None:
        return master
    return CCDData(master.data, unit=master.unit, mask=master.mask, meta=master.meta, copy=False)


def _in_unit_of(ccd: CCDData, master: CCDData) -> CCDData:
    """The combined frame to subtract, in the unit of the frame; adu, count and DN are one unit by several names."""
    if master.unit == ccd.unit:
        return master
    if not same_unit(master.unit, ccd.unit):
        raise CosmicRayError(
            f"Found a frame in {ccd.unit}, and a combined frame to subtract in {master.unit}; expected one unit.",
            "Give {unit} if a header is wrong, or do correct_gain before this step.",
        )
    renamed = copy.copy(master)
    renamed.unit = ccd.unit
    return renamed


def _as_float(ccd: CCDData) -> CCDData:
    if ccd.data.dtype.kind == "f":
        return ccd
    converted = ccd.copy()
    converted.data = ccd.data.astype(np.float32 if ccd.data.dtype.itemsize <= 2 else np.float64)
    return converted


def _single(ccd: CCDData, function: Callable[..., CCDData], *args: Any, **keywords: Any) -> CCDData:
    """Run a function of ccdproc on a floating-point frame, and return the result in the precision of that frame."""
    frame = _as_float(ccd)
    result = function(frame, *args, **keywords)
    result.data = result.data.astype(frame.data.dtype, copy=False)
    return result


def _scaled(scale: bool = False) -> bool:
    return scale


def _check_overscan(fits_section: str = "BIASSEC", overscan_axis: int | None = None, median: bool = True) -> None:
    _check_section(fits_section)
    if overscan_axis is not None:
        check_whole("overscan_axis", overscan_axis, 0, 1)


def _check_trim(fits_section: str = "TRIMSEC") -> None:
    _check_section(fits_section)


def _check_mask(file: Any = None) -> None:
    if file is None:
        return  # the host says that it is missing
    if not isinstance(file, str | os.PathLike):
        raise wrong_value("file", file, "the path of a FITS file")
    with open_hdus(file):
        pass


def _check_flat(
    min_value: float | None = None,
    norm_value: float | None = None,
    statistic: str = "mean",
    section: str | None = None,
    least_light: float = LEAST_LIGHT,
) -> None:
    for name, value in (("min_value", min_value), ("norm_value", norm_value)):
        if value is not None:
            check_number(name, value, above=0)
    check_choice("statistic", statistic, STATISTICS)
    if section is not None:
        _check_section(section, "section")
    check_number("least_light", least_light, 0, 1)


def _check_deviation(gain: Any = None, readnoise: Any = None, disregard_nan: bool = True) -> None:
    check_figures(gain=gain, readnoise=readnoise)


@hookimpl
def ccdcr_steps() -> Iterator[Step]:
    """Register the steps."""
    raw = ("bias", "dark", "flat", "light")
    yield Step(
        "subtract_overscan",
        "subtract the level of the overscan",
        subtract_overscan,
        kinds=raw,
        check=_check_overscan,
        lacking=_lacking_overscan,
        correction="overscan",
    )
    yield Step(
        "trim",
        "cut the frame to the part exposed to the sky",
        trim,
        kinds=raw,
        check=_check_trim,
        lacking=_lacking_trim,
        correction="trim",
    )
    yield Step(
        "mask_bad_pixels",
        "mask the bad pixels of a file",
        mask_bad_pixels,
        kinds=raw[2:],
        check=_check_mask,
        files=("file",),
    )
    yield Step(
        "subtract_bias", "subtract the combined bias", subtract_bias, kinds=raw[1:], master="bias", correction="bias"
    )
    yield Step(
        "subtract_dark",
        "subtract the combined dark, scaled by the exposure if asked",
        subtract_dark,
        kinds=raw[2:],
        master="dark",
        any_exposure=_scaled,
        correction="dark",
    )
    yield Step(
        "correct_flat",
        "divide by the combined flat field",
        correct_flat,
        master="flat",
        check=_check_flat,
        correction="flat",
    )
    yield Step(
        "correct_gain", "convert adu to electrons", correct_gain, kinds=raw, check=check_figures, correction="gain"
    )
    yield Step("create_deviation", "uncertainty from photons and read noise", create_deviation, check=_check_deviation)
