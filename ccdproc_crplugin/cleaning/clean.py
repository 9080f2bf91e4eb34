# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Remove cosmic rays from one frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning import preflight as checks
from ccdproc_crplugin.cleaning.detection import FoundCosmicRays, choose_detector, find_cosmic_rays
from ccdproc_crplugin.cleaning.doubts import report_doubts
from ccdproc_crplugin.cleaning.protection import protected_pixels
from ccdproc_crplugin.cleaning.repairs import PROFILE, REPAIRS, estimates
from ccdproc_crplugin.errors import CosmicRayError, PluginWarning, check_bool, check_choice, check_number
from ccdproc_crplugin.frames.cards import clear_cards, write_cards, write_events, write_flag_names, write_history
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.copies import copy_but_pixels, enlarged_uncertainty, read_only, result_dtype
from ccdproc_crplugin.frames.electrons import ElectronFrame, to_electrons
from ccdproc_crplugin.frames.flags import PixelFlag, change_flags, flag_bits, known_trails
from ccdproc_crplugin.frames.gain_and_noise import at, electronics_of, in_words
from ccdproc_crplugin.frames.header import read_header
from ccdproc_crplugin.frames.mosaic import check_mosaic, mosaic_of
from ccdproc_crplugin.frames.removed import RemovedPixels, attach, is_cleaned, new_record, record_of
from ccdproc_crplugin.frames.saturation import with_saturation
from ccdproc_crplugin.frames.subtracted import Calibration, calibration_with
from ccdproc_crplugin.io.companions import bad_pixel_mask, companion
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.plugins.model import Detection, Finding

#: Largest share of the pixels that may be hit, unless another one is given.
MAX_FRACTION = 0.1

#: The word for ``repair=None`` where None can't be written, as in TOML.
NO_REPAIR = "none"

#: What `clean_cosmic_rays` may do about the preflight.
PREFLIGHT = ("warn", "raise", "off")


def clean_cosmic_rays(
    ccd: CCDData,
    detector: str = "lacosmic",
    *,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    bias: CCDData | str | os.PathLike | None = None,
    bad_pixels: np.ndarray | str | os.PathLike | None = None,
    protect: Any = None,
    mosaic: str | bool | None = None,
    dispersion_axis: int | None = None,
    refine: bool = True,
    repair: str | None = PROFILE,
    preflight: str = "warn",
    max_fraction: float = MAX_FRACTION,
    force: bool = False,
    **detector_parameters: Any,
) -> CCDData:
    """
    Remove the cosmic rays from a frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, in adu or electron, bias and dark subtracted, sky not subtracted. It is not changed.
    detector : str
        The detector, by its name in `detectors`.
    gain : Quantity, float, `~numpy.ndarray`, mapping or None
        Gain (electron/adu). `None` means the header's. Not for a frame in electron. Amplifiers may differ: an array of
        shape (ny, nx), or sections with values such as ``{"[1:1024, *]": 1.2, "[1025:2048, *]": 1.3}``.
    readnoise : Quantity, float, `~numpy.ndarray`, mapping or None
        Read noise (electron, or a Quantity in adu), like the gain. `None` means the header's.
    saturation : Quantity, float or None
        Saturation level (a plain number is in the unit of the frame). `None` means the header's, if any.
    dark : `~astropy.nddata.CCDData`, path or None, shape (ny, nx)
        The dark that was subtracted from the frame, without its bias. The noise of its photons and its own counts at
        each pixel. Nothing is subtracted.
    scale_dark : bool
        Whether the dark was scaled to the exposure of the frame.
    bias : `~astropy.nddata.CCDData`, path or None, shape (ny, nx)
        The bias that was not subtracted from the frame. The data keep it, but it does not count for light. `None` means
        the level of the overscan, or of ``PEDESTAL``, if the header names one.
    bad_pixels : `~numpy.ndarray` of bool, path or None, shape (ny, nx)
        Bad pixels beside those of the mask; in a file those that are not 0.
    protect : `~numpy.ndarray` of bool, str, path, list of these or None
        Pixels that are good but not searched, such as the core of a galaxy: a mask of shape (ny, nx), a section in
        FITS notation such as ``"[1:100, 20:30]"``, a FITS file that is not 0 there, a region file of DS9 (``.reg``,
        with the package regions), or a text file with corners as `region_mask` takes it. They keep their values, are
        not masked, and have the flag ``NOT_SEARCHED``.
    mosaic : str, False or None
        The colours of the first 2 x 2 pixels of a colour mosaic in reading order, such as ``"RGGB"``. `None` means
        those of the header, if the pixels bear them out; ``False`` or ``"none"`` that the frame is no mosaic. Each of
        the four planes of a mosaic is searched and repaired by itself.
    dispersion_axis : {0, 1} or None
        The axis of the array along which the light of a spectrum is dispersed. `None` means that it is found from the
        sky lines, if there are any. A spectrum is searched, and repaired, on top of a model of its lines and traces.
    refine : bool
        Whether plugins may change the mask of the detector. The built-in one lets go events that are sharp stars.
    repair : {"profile", "meanmask", "medmask", "median", "idw", "none"} or None
        How each affected pixel is estimated. ``"profile"``: on a star from the profile of the frame's stars, fitted to
        the good pixels around, elsewhere from a plane through the good ones of the 5 x 5 around. The others draw on
        the 5 x 5 alone: the mean or the median of the good ones, the median of all, or the mean weighted by the inverse
        distance. `None` or ``"none"`` leaves the data as they are. If the detector returns a cleaned frame, its values
        are used instead.
    preflight : {"warn", "raise", "off"}
        What to do with the checks made before cleaning: report their findings as warnings, also raise an error if
        one fails, or skip them.
    max_fraction : float
        Largest share of the pixels that may be hit; a frame with more is refused.
    force : bool
        Whether a frame that was cleaned already may be cleaned again.
    **detector_parameters
        The detector's own parameters, such as ``sigclip`` of ``lacosmic``.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame of the same class and unit. Floating-point data keep their dtype; integers become
        float32, those of more than 16 bits float64. Pixels that are not flagged keep their values.
        ``mask`` is that of the input with the cosmic rays, the bad pixels and the trails added, ``flags`` (uint8) has
        the bits of `PixelFlag`, ``uncertainty`` is enlarged at the repaired pixels to the scatter of the pixels from
        which they were estimated, and the header describes the cleaning.

    Raises
    ------
    CosmicRayError
        If the frame, a parameter or the answer of a plugin is wrong, or more pixels are hit than ``max_fraction``.

    Warns
    -----
    PreflightWarning
        If the frame fails to meet the conditions of the method.

    See Also
    --------
    restore_cosmic_rays : Put back the removed values.
    cr_segments : List the cosmic rays event by event.

    References
    ----------
    van Dokkum, P. G. 2001, PASP, 113, 1420, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> sky = np.random.default_rng(1).normal(200, 10, (50, 50))
    >>> sky[20, 20:26] += 3000
    >>> ccd = CCDData(sky, unit="adu")
    >>> cleaned = ccd.clean_cosmic_rays(gain=2 * u.electron / u.adu, readnoise=5 * u.electron, saturation=60000)
    >>> cleaned.header["CRNPIX"], cleaned.header["CRNEVENT"]
    (6, 1)
    """
    check_frame(ccd)
    check_choices(
        refine=refine,
        repair=repair,
        preflight=preflight,
        max_fraction=max_fraction,
        force=force,
        scale_dark=scale_dark,
        dispersion_axis=dispersion_axis,
        mosaic=mosaic,
    )
    chosen, parameters = choose_detector(detector, detector_parameters)
    _check_background(dispersion_axis, parameters)
    prepared = prepare(
        ccd,
        gain=gain,
        readnoise=readnoise,
        saturation=saturation,
        dark=dark,
        scale_dark=scale_dark,
        bias=bias,
        bad_pixels=bad_pixels,
        protect=protect,
        mosaic=mosaic,
        dispersion_axis=dispersion_axis,
        force=force,
    )
    findings = prepared.findings(preflight, detector, parameters)
    found = find_cosmic_rays(ccd, prepared.frame, chosen, parameters, refine=refine)
    repair = None if repair == NO_REPAIR else repair
    repaired = prepared.repaired(found, repair, max_fraction)
    prepared = prepared.without_electrons()
    return finish(prepared, found, repaired, detector, repair, findings, warn=preflight != "off")


@dataclass(frozen=True)
class Prepared:
    """A frame that is ready for the search, and what is known of it."""

    ccd: CCDData
    frame: ElectronFrame
    calibration: Calibration
    header: Mapping[str, Any]
    earlier: RemovedPixels | None  # what was removed before

    def findings(self, preflight: str, detector: str, parameters: Mapping[str, Any]) -> list[Finding] | None:
        """The findings of the preflight, acted on as the user chose; None if it is off."""
        if preflight == "off":
            return None
        findings = checks.run_checks(
            self.ccd,
            self.frame.electronics,
            frame=self.frame,
            dark=self.calibration.dark,
            detector=detector,
            parameters=parameters,
        )
        checks.act_on(findings, preflight)
        return findings

    def repaired(self, found: FoundCosmicRays, repair: str | None, max_fraction: float) -> RepairedPixels:
        """New values for the pixels hit; a frame with more than ``max_fraction`` of them is refused."""
        _check_share(found.mask, self.frame.bad, max_fraction)
        return _repaired_pixels(self.frame, found, repair)

    def without_electrons(self) -> Prepared:
        """The same without the data in electrons, whose memory is given back before the result takes its own."""
        return replace(self, frame=replace(self.frame, data=self.ccd.data))


def prepare(
    ccd: CCDData,
    *,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    bias: CCDData | str | os.PathLike | None = None,
    bad_pixels: np.ndarray | str | os.PathLike | None = None,
    protect: Any = None,
    mosaic: str | bool | None = None,
    dispersion_axis: int | None = None,
    force: bool = False,
) -> Prepared:
    """Read the header of a frame and convert the frame to electrons; the choices are those of `clean_cosmic_rays`."""
    _check_not_cleaned(ccd, force)
    header, earlier = read_header(ccd.meta), record_of(ccd)
    electronics = electronics_of(ccd, gain=gain, readnoise=readnoise, saturation=saturation, meta=header)
    electronics = with_saturation(ccd, electronics)
    calibration = calibration_with(ccd, companion(dark, ccd, "dark"), scale_dark, electronics)
    frame = to_electrons(
        ccd,
        electronics,
        earlier,
        calibration=calibration,
        bias=companion(bias, ccd, "bias"),
        bad_pixels=bad_pixel_mask(bad_pixels, ccd.shape),
        protected=protected_pixels(protect, ccd),
        dispersion_axis=dispersion_axis,
        mosaic=mosaic_of(ccd, mosaic),
    )
    return Prepared(ccd, frame, calibration, header, earlier)


def finish(
    prepared: Prepared,
    found: FoundCosmicRays,
    repaired: RepairedPixels,
    detector: str,
    repair: str | None,
    findings: list[Finding] | None,
    *,
    warn: bool = True,
    action: str = "clean_cosmic_rays",
) -> CCDData:
    """The new frame without the cosmic rays found, with its record, cards and history, shown to the observers."""
    frame, header = prepared.frame, prepared.header
    cleaned, record = _cleaned_frame(prepared.ccd, frame, found, repaired, prepared.earlier)
    clear_cards(cleaned.meta)
    write_cards(cleaned.meta, detector, frame.electronics, repair, found.parameters, frame.mosaic)
    kept = [PixelFlag.TRAIL.name] if known_trails(prepared.ccd) is not None else []
    write_flag_names(cleaned.meta, {name: flag_bits()[name] for name in dict.fromkeys([*kept, *found.detection.flags])})
    checks.write_findings(cleaned.meta, findings)
    write_events(cleaned, record, header)
    outcome = f"{len(record)} pixels in {record.n_events} events"
    in_force = _in_force(detector, frame, prepared.calibration, repair, found.parameters)
    write_history(cleaned.meta, action, in_force, outcome)
    info, axis = found.detection.info, frame.dispersion_axis
    report_doubts(cleaned, record, info, dispersion_axis=axis, warn=warn)
    _call_observers(cleaned, found.detection)
    return cleaned


def check_choices(
    *,
    refine: bool = True,
    repair: str | None = PROFILE,
    preflight: str = "warn",
    max_fraction: float = MAX_FRACTION,
    force: bool = False,
    scale_dark: bool = False,
    dispersion_axis: int | None = None,
    mosaic: str | bool | None = None,
) -> None:
    """Refuse choices of `clean_cosmic_rays` that do not exist."""
    check_mosaic(mosaic)
    check_choice("dispersion_axis", dispersion_axis, (0, 1, None))
    check_bool("scale_dark", scale_dark)
    check_number("max_fraction", max_fraction, 0, 1)
    check_choice("preflight", preflight, PREFLIGHT)
    check_choice("repair", repair, (*REPAIRS, NO_REPAIR, None))
    check_bool("force", force)
    check_bool("refine", refine)


def _check_background(dispersion_axis: int | None, parameters: Mapping[str, Any]) -> None:
    """Refuse an axis of dispersion beside a background, which takes the place of the spectrum's model."""
    if dispersion_axis is not None and parameters.get("background") is not None:
        raise CosmicRayError(
            " together with background; expected one of them: the background takes the place of the spectrum's model.",
            "Leave out {dispersion_axis} or {background}.",
            parameter=("dispersion_axis", str(dispersion_axis)),
        )


def _check_not_cleaned(ccd: CCDData, force: bool) -> None:
    if is_cleaned(ccd) and not force:
        detector = ccd.meta.get("CRDETECT", "?")
        raise CosmicRayError(
            f"Found a frame whose cosmic rays were removed already (CRDETECT = {detector!r}); expected one that was "
            "not cleaned.",
            "Give {force=True} to clean it again, or {restore_cosmic_rays()} first.",
        )


def _check_share(mask: np.ndarray, bad: np.ndarray, max_fraction: float) -> None:
    """Refuse a frame on which more pixels were hit than can be."""
    if np.count_nonzero(mask) + np.count_nonzero(bad) >= mask.size and (mask | bad).all():
        raise CosmicRayError(
            "Found cosmic rays on every good pixel; expected some good pixels to repair from.",
            "Look at gain, read noise and the limits of the detector.",
        )
    share = np.count_nonzero(mask) / mask.size
    if share > max_fraction:
        raise CosmicRayError(
            f"Found cosmic rays on {share:.1%} of the pixels; expected {max_fraction:.1%} at the most.",
            "Look at what the preflight says of gain, read noise and kind of frame; {max_fraction=1} allows any share.",
        )


def _cleaned_frame(
    ccd: CCDData,
    frame: ElectronFrame,
    found: FoundCosmicRays,
    repaired: RepairedPixels,
    earlier: RemovedPixels | None,
) -> tuple[CCDData, RemovedPixels]:
    """The new frame, with the header of the old one, and its record, which includes the ``earlier`` one."""
    y, x, values = repaired.y, repaired.x, repaired.values
    cleaned = copy_but_pixels(ccd)
    cleaned.data = np.array(ccd.data, dtype=result_dtype(ccd.data.dtype))
    if values is not None:
        with np.errstate(over="ignore"):
            cleaned.data[y, x] = values
        if not np.isfinite(cleaned.data[y, x]).all():
            raise CosmicRayError(f"Found repaired values that {cleaned.data.dtype} can't hold; expected finite ones.")
    cleaned.uncertainty = enlarged_uncertainty(ccd, y, x, repaired.scatter)
    trails = found.detection.flags.get(PixelFlag.TRAIL.name)
    cleaned.mask = repaired.lost if trails is None else repaired.lost | trails
    record = new_record(ccd, cleaned, y, x)
    record = record if earlier is None else earlier.merged(record, ccd.data.shape)
    cleaned.flags = _flags(frame, found, record, known_trails(ccd))
    attach(cleaned, record)
    return cleaned, record


def _in_force(
    detector: str, frame: ElectronFrame, calibration: Calibration, repair: str | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Every parameter in force, for the history."""
    electronics = frame.electronics
    taken_off = [name for name in ("dark", "bias", "flat") if getattr(calibration, name) is not None]
    assumed = {
        "noise_of": ", ".join(taken_off) or None,
        "pedestal": None if frame.pedestal is None else f"{np.median(frame.pedestal.level):.6g} electron",
        "dispersion_axis": frame.dispersion_axis,
        "mosaic": frame.mosaic.pattern,
        "protect": None if frame.protected is None else f"{np.count_nonzero(frame.protected)} pixels",
    }
    return {
        "detector": detector,
        "gain": in_words(electronics.gain),
        "readnoise": in_words(electronics.readnoise),
        "saturation": electronics.saturation if np.isfinite(electronics.saturation) else None,
        "repair": repair,
        "noise": "model" if frame.variance is None else "uncertainty",
        **{name: value for name, value in assumed.items() if value is not None},
        **parameters,
    }


@dataclass(frozen=True)
class RepairedPixels:
    """The pixels hit, in reading order, and what they get; the unit is that of the frame."""

    lost: np.ndarray  # bool (ny, nx): hit or bad
    y: np.ndarray
    x: np.ndarray
    values: np.ndarray | None  # None: they keep theirs
    scatter: np.ndarray


def _repaired_pixels(frame: ElectronFrame, found: FoundCosmicRays, repair: str | None) -> RepairedPixels:
    lost = found.mask | frame.bad
    y, x = true_pixels(found.mask)
    return RepairedPixels(lost, y, x, *_estimates(frame, found, lost, repair, y, x))


def _estimates(
    frame: ElectronFrame,
    found: FoundCosmicRays,
    lost: np.ndarray,
    repair: str | None,
    y: np.ndarray,
    x: np.ndarray,
) -> tuple[np.ndarray | None, np.ndarray]:
    """
    Values for the pixels hit, or None, and the scatter of each: shape (n,), unit of the frame.

    Values of the detector's own cleaned frame take precedence; pixels added only by the refinement are estimated here.
    """
    by_detector = found.detection.cleaned
    if repair is None and by_detector is None:
        return None, np.zeros(len(y))
    values, scatter = estimates(frame, found, y, x, lost, repair if repair in REPAIRS else PROFILE)
    if by_detector is not None:
        known = found.detection.mask[y, x]
        values[known] = by_detector[y[known], x[known]]
    return frame.in_unit_of_frame(values, y, x), scatter / at(frame.electronics.factor, (y, x))


def _flags(
    frame: ElectronFrame, found: FoundCosmicRays, record: RemovedPixels, trails: np.ndarray | None
) -> np.ndarray:
    """The flags of a cleaned frame; ``trails``, bool (ny, nx), were known before."""
    flags = frame.bad.view(np.uint8) * np.uint8(PixelFlag.BAD)
    if trails is not None:
        change_flags(flags, *true_pixels(trails), add=PixelFlag.TRAIL, remove=PixelFlag.BAD)
    change_flags(flags, record.y, record.x, add=PixelFlag.COSMIC_RAY, remove=PixelFlag.BAD)
    if frame.saturated is not None and frame.saturated.any():
        flags[true_pixels(frame.saturated)] |= PixelFlag.SATURATED.value
    for left_out in (found.detection.not_searched, frame.protected):
        if left_out is not None:
            flags[true_pixels(left_out & ~(found.mask | frame.bad))] |= PixelFlag.NOT_SEARCHED.value
    for name, pixels in found.detection.flags.items():
        flags[true_pixels(pixels & ~frame.bad)] |= flag_bits()[name]
    return flags


def _call_observers(cleaned: CCDData, detection: Detection) -> None:
    for plugin, call in plugins.host().implementations("ccdcr_cleaned"):
        try:
            call(ccd=read_only(cleaned), detection=detection)
        except plugins.FAILURES as err:
            warnings.warn(
                f"{plugin}: its hook ccdcr_cleaned failed: {type(err).__name__}: {err}", PluginWarning, stacklevel=3
            )
