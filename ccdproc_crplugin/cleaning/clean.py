# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Remove the cosmic rays of one frame."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning import preflight as checks
from ccdproc_crplugin.cleaning.detection import FoundCosmicRays, choose_detector, find_cosmic_rays, read_only
from ccdproc_crplugin.cleaning.restore import restore_cosmic_rays
from ccdproc_crplugin.errors import CosmicRayError, PluginWarning, PreflightWarning, check_bool, check_choice
from ccdproc_crplugin.frames.cards import (
    clear_cards,
    write_by_hand,
    write_cards,
    write_counts,
    write_findings,
    write_history,
    write_verdict,
)
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.copies import copy_but_pixels, enlarged_uncertainty, result_dtype, uncertainty_array
from ccdproc_crplugin.frames.electrons import ElectronFrame, to_electrons
from ccdproc_crplugin.frames.flags import PixelFlag
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.rates import expected_events
from ccdproc_crplugin.frames.removed import RemovedPixels, attach, is_cleaned, is_restorable, removed_pixels
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.options import REPAIRS
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import repair as estimate
from ccdproc_crplugin.plugins.model import Detection

__all__ = ["check_choices", "clean_cosmic_rays", "restore_cosmic_rays"]

#: Share of the frame beyond which an answer can't be right.
ABSURD_SHARE = 0.1

#: A word for ``repair=None`` where there is none, as in TOML.
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
    repair: str | None = "meanmask",
    preflight: str = "warn",
    force: bool = False,
    **detector_parameters: Any,
) -> CCDData:
    """
    Take the cosmic rays out of a frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, in adu or electron, bias and dark subtracted, sky not subtracted. It is not changed.
    detector : str
        Who looks for cosmic rays: a name from `detectors`.
    gain : Quantity, float or None
        Gain (electron/adu). `None` means the header's. Not for a frame in electron.
    readnoise : Quantity, float or None
        Read noise (electron, or a Quantity in adu). `None` means the header's.
    saturation : Quantity, float or None
        Saturation level (a plain number is in the unit of the frame). `None` means the header's, if any.
    repair : {"meanmask", "medmask", "median", "idw", "none"} or None
        How the pixels hit are estimated from the 5 x 5 pixels around: mean or median of the good ones,
        median of all, mean weighted by the inverse distance. `None` or ``"none"`` leaves the data as they are. A
        detector that brings its own cleaned frame needs no repair.
    preflight : {"warn", "raise", "off"}
        Whether the frame is looked at first, and what is done about the findings.
    force : bool
        Clean once more a frame that was cleaned already.
    **detector_parameters
        The detector's own parameters.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame of the same class and unit. Floating-point data keep their dtype; integers become
        float32, those of more than 16 bits float64. Pixels that are not flagged are as they were.
        ``mask`` has the cosmic rays added, ``flags`` (uint8) tells them apart (`PixelFlag`),
        ``uncertainty`` is enlarged at the repaired pixels to the scatter of the pixels they were estimated
        from, and the header says what was done.

    Raises
    ------
    CosmicRayError
        If the frame, a parameter or the plugin is not as it should be.

    Warns
    -----
    PreflightWarning
        If the frame is not quite what the method asks for.

    See Also
    --------
    restore_cosmic_rays : The way back.
    cr_segments : The cosmic rays one by one.

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
    check_choices(repair=repair, preflight=preflight, force=force)
    repair = None if repair == NO_REPAIR else repair
    _check_not_cleaned(ccd, force)
    chosen, parameters = choose_detector(detector, detector_parameters)
    electronics = electronics_of(ccd, gain=gain, readnoise=readnoise, saturation=saturation)
    findings = None
    if preflight != "off":
        findings = checks.run_checks(ccd, electronics, detector=detector, parameters=parameters)
        checks.act_on(findings, preflight)
    frame = to_electrons(ccd, electronics)
    found = find_cosmic_rays(ccd, frame, chosen, parameters)
    _check_something_left(found.mask | frame.bad)
    cleaned = _cleaned_frame(ccd, frame, found, repair)
    clear_cards(cleaned.meta)
    write_cards(cleaned.meta, detector, electronics, repair, found.parameters)
    write_findings(cleaned.meta, findings)
    host_parameters = {
        "detector": detector,
        "gain": electronics.gain,
        "readnoise": electronics.readnoise,
        "saturation": electronics.saturation if np.isfinite(electronics.saturation) else None,
        "repair": repair,
        "noise": "model" if frame.variance is None else "uncertainty",
    }
    _write_outcome(cleaned, {**host_parameters, **found.parameters})
    _warn_if_absurd(found.mask)
    _tell_observers(cleaned, found.detection)
    return cleaned


def check_choices(*, repair: str | None = "meanmask", preflight: str = "warn", force: bool = False) -> None:
    """Refuse choices that `clean_cosmic_rays` does not know."""
    check_choice("preflight", preflight, PREFLIGHT)
    check_choice("repair", repair, (*REPAIRS, NO_REPAIR, None))
    check_bool("force", force)


def _check_not_cleaned(ccd: CCDData, force: bool) -> None:
    if is_cleaned(ccd) and not force:
        detector = ccd.meta.get("CRDETECT", "?")
        raise CosmicRayError(
            f"Found a frame whose cosmic rays were removed already (CRDETECT = {detector!r}); expected one that was "
            "not cleaned.",
            "Give {force=True} to clean it once more, or {restore_cosmic_rays()} first.",
        )


def _check_something_left(lost: np.ndarray) -> None:
    if lost.all():
        raise CosmicRayError(
            "Found cosmic rays on every good pixel; expected some that are left to repair from. Look at gain, read "
            "noise and the limits of the detector."
        )


def _warn_if_absurd(mask: np.ndarray) -> None:
    share = np.count_nonzero(mask) / mask.size
    if share > ABSURD_SHARE:
        warnings.warn(
            f"Found cosmic rays on {share:.0%} of the pixels; expected a few per cent at the most. Look at gain, read "
            "noise, uncertainty and the limits of the detector.",
            PreflightWarning,
            stacklevel=3,
        )


def _cleaned_frame(ccd: CCDData, frame: ElectronFrame, found: FoundCosmicRays, repair: str | None) -> CCDData:
    """The new frame with its record, but for what the header says."""
    y, x = true_pixels(found.mask)
    values, scatter = _estimates(frame, found, repair, y, x)
    cleaned = copy_but_pixels(ccd)
    cleaned.data = np.array(ccd.data, dtype=result_dtype(ccd.data.dtype))
    if values is not None:
        with np.errstate(over="ignore"):
            cleaned.data[y, x] = values
        if not np.isfinite(cleaned.data[y, x]).all():
            raise CosmicRayError(f"Found repaired values that {cleaned.data.dtype} can't hold; expected finite ones.")
    cleaned.uncertainty = enlarged_uncertainty(ccd, y, x, scatter)
    cleaned.mask = found.mask if ccd.mask is None else found.mask | np.asarray(ccd.mask, dtype=bool)
    cleaned.flags = _flags(ccd, frame, found, y, x)
    attach(cleaned, _record(ccd, cleaned, y, x))
    return cleaned


def _write_outcome(cleaned: CCDData, parameters: dict[str, Any]) -> None:
    """Say in the header what was found, with what parameters in force."""
    record = removed_pixels(cleaned)
    write_counts(cleaned.meta, len(record), record.n_events)
    write_by_hand(cleaned.meta, int(record.added.sum()))
    write_verdict(cleaned.meta, record.n_events, expected_events(cleaned))
    outcome = f"{len(record)} pixels in {record.n_events} events"
    write_history(cleaned.meta, "clean_cosmic_rays", parameters, outcome)


def _estimates(
    frame: ElectronFrame, found: FoundCosmicRays, repair: str | None, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray]:
    """
    What to put at the pixels hit and its scatter, in the unit of the frame.

    A cleaned frame of the detector goes first; pixels that only the refinement added are the host's.
    """
    by_detector = found.detection.cleaned
    if repair is None and by_detector is None:
        return None, np.zeros(len(y))
    lost = found.mask | frame.bad
    values, scatter = estimate(frame.data, y, x, lost, repair or "meanmask")
    if by_detector is not None:
        theirs = found.detection.mask[y, x]
        values[theirs] = by_detector[y[theirs], x[theirs]]
    return values / frame.electronics.factor, scatter / frame.electronics.factor


def _flags(ccd: CCDData, frame: ElectronFrame, found: FoundCosmicRays, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    flags = frame.bad.view(np.uint8) * np.uint8(PixelFlag.BAD_ON_INPUT.value)
    flags[y, x] |= PixelFlag.COSMIC_RAY.value
    if frame.saturated is not None:
        flags[true_pixels(frame.saturated)] |= PixelFlag.SATURATED.value
    if found.detection.not_searched is not None:
        left_out = found.detection.not_searched & ~(found.mask | frame.bad)
        flags[true_pixels(left_out)] |= PixelFlag.NOT_SEARCHED.value
    if is_restorable(ccd):
        earlier = removed_pixels(ccd)
        flags[earlier.y, earlier.x] &= ~np.uint8(PixelFlag.BAD_ON_INPUT.value)
        flags[earlier.y, earlier.x] |= PixelFlag.COSMIC_RAY.value
    return flags


def _record(ccd: CCDData, cleaned: CCDData, y: np.ndarray, x: np.ndarray) -> RemovedPixels:
    """What it takes to undo this cleaning, and with it any earlier one of the same frame."""
    uncertainty = uncertainty_array(ccd)
    record = RemovedPixels(
        y=y.astype(np.int32),
        x=x.astype(np.int32),
        label=label_pixels(y, x, ccd.data.shape),
        removed=ccd.data[y, x],
        repaired=cleaned.data[y, x],
        uncertainty=None if uncertainty is None else uncertainty[y, x],
        uncertainty_kind="" if uncertainty is None else f"{ccd.uncertainty.uncertainty_type} {uncertainty.dtype.str}",
        dtype=ccd.data.dtype,
        unit=str(ccd.unit),
        had_mask=ccd.mask is not None,
        flags=copy.deepcopy(ccd.flags),
    )
    return removed_pixels(ccd).merged(record, ccd.data.shape) if is_restorable(ccd) else record


def _tell_observers(cleaned: CCDData, detection: Detection) -> None:
    for plugin, call in plugins.host().implementations("ccdcr_cleaned"):
        try:
            call(ccd=read_only(cleaned), detection=detection)
        except plugins.FAILURES as err:
            warnings.warn(
                f"{plugin}: its hook ccdcr_cleaned failed: {type(err).__name__}: {err}", PluginWarning, stacklevel=3
            )
