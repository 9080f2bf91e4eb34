# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The preflight: checks before the cleaning whether a frame fulfils the conditions of the method."""

from __future__ import annotations

import functools
import inspect
import math
import os
import warnings
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.mosaic_findings import joined_findings
from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning, Spell, Wording, check_choice, spelled
from ccdproc_crplugin.frames.cards import add_history, set_card
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.copies import read_only
from ccdproc_crplugin.frames.electrons import ElectronFrame, to_electrons
from ccdproc_crplugin.frames.gain_and_noise import Electronics, electronics_of
from ccdproc_crplugin.frames.mosaic import NO_COLOURS, check_mosaic, mosaic_of
from ccdproc_crplugin.frames.planes import split_ccd, split_known
from ccdproc_crplugin.frames.saturation import with_saturation
from ccdproc_crplugin.frames.subtracted import calibration_with
from ccdproc_crplugin.io.companions import bad_pixel_mask, companion
from ccdproc_crplugin.plugins.model import Check, Finding

STATUSES = ("ok", "warn", "fail")

#: The facts that every check gets.
ALWAYS_PASSED = ("gain", "readnoise", "dark")

#: What `cr_preflight` may do about the findings.
POLICIES = ("report", "warn", "raise", "off")


def cr_preflight(
    ccd: CCDData,
    *,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    bias: CCDData | str | os.PathLike | None = None,
    bad_pixels: np.ndarray | str | os.PathLike | None = None,
    mosaic: str | bool | None = None,
    dispersion_axis: int | None = None,
    policy: str = "report",
) -> list[Finding]:
    """
    Check whether a frame fulfils the conditions of a search for cosmic rays.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame; not changed.
    gain, readnoise : Quantity, float, `~numpy.ndarray`, mapping or None
        As for `clean_cosmic_rays`; `None` means the header's.
    saturation : Quantity, float or None
        As for `clean_cosmic_rays`; `None` means the header's, if any.
    dark : `~astropy.nddata.CCDData`, path or None
        As for `clean_cosmic_rays`.
    scale_dark : bool
        As for `clean_cosmic_rays`.
    bias : `~astropy.nddata.CCDData`, path or None
        As for `clean_cosmic_rays`.
    bad_pixels : `~numpy.ndarray` of bool, path or None
        As for `clean_cosmic_rays`.
    mosaic : str, False or None
        As for `clean_cosmic_rays`.
    dispersion_axis : {0, 1} or None
        As for `clean_cosmic_rays`.
    policy : {"report", "warn", "raise", "off"}
        Only return the findings; warn of each that is not ok; also raise if a check failed; run no check.

    Returns
    -------
    list of Finding
        One or more for each check.

    Raises
    ------
    CosmicRayError
        If ``ccd``, ``dark`` or ``bias`` is not a frame; with ``policy="raise"``, if a check failed.

    Warns
    -----
    PreflightWarning
        With ``policy="warn"`` or ``"raise"``, for each finding that is not ok.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin import cr_preflight
    >>> rate = CCDData(np.ones((9, 9)), unit="electron / s")
    >>> [finding.check for finding in cr_preflight(rate) if finding.status == "fail"]
    ['unit']
    """
    check_frame(ccd)
    check_choice("policy", policy, POLICIES)
    check_choice("dispersion_axis", dispersion_axis, (0, 1, None))
    check_mosaic(mosaic)
    dark, bias = companion(dark, ccd, "dark"), companion(bias, ccd, "bias")
    if policy == "off":
        return []
    electronics, frame, trouble, unusable = None, None, None, None
    try:
        electronics = electronics_of(ccd, gain=gain, readnoise=readnoise, saturation=saturation)
        electronics = with_saturation(ccd, electronics)
    except CosmicRayError as err:
        trouble = err
    if electronics is not None:
        calibration = calibration_with(ccd, dark, scale_dark, electronics)
        bad = bad_pixel_mask(bad_pixels, ccd.shape)
        colours = mosaic_of(ccd, mosaic)
        try:
            frame = to_electrons(
                ccd,
                electronics,
                calibration=calibration,
                bias=bias,
                bad_pixels=bad,
                dispersion_axis=dispersion_axis,
                mosaic=colours,
            )
        except CosmicRayError as err:
            unusable = Finding("pixels", "fail", Wording(err.spelled))
    findings = run_checks(ccd, electronics, frame=frame, dark=dark, trouble=trouble)
    findings = findings if unusable is None else [unusable, *findings]
    act_on(findings, policy)
    return findings


def run_checks(
    ccd: CCDData,
    electronics: Electronics | None,
    *,
    frame: ElectronFrame | None = None,
    dark: CCDData | None = None,
    detector: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    trouble: CosmicRayError | None = None,
) -> list[Finding]:
    """
    Run every registered check, each with the facts that it takes.

    ``trouble`` is the error by which ``electronics`` were not found. A check that can't run becomes a warning.
    """
    known = {
        **_figures(electronics),
        "electronics": electronics,
        **_structure(frame),
        "dark": dark,
        "detector": detector,
        "parameters": parameters,
        "trouble": trouble,
    }
    ccd = read_only(ccd)
    colours = NO_COLOURS if frame is None else frame.mosaic
    planes = [] if colours.pattern is None else _planes(ccd, known)
    findings: list[Finding] = []
    for check in plugins.checks().values():
        if check.by_plane and planes:
            findings += joined_findings([_run(check, *plane) for plane in planes], colours.names)
        else:
            findings += _run(check, ccd, known)
    return findings


def _planes(ccd: CCDData, known: Mapping[str, Any]) -> list[tuple[CCDData, dict[str, Any]]]:
    """The planes of a mosaic, each with its facts."""
    return list(zip(map(read_only, split_ccd(ccd)), split_known(known, ccd.data.shape), strict=True))


def _figures(electronics: Electronics | None) -> dict[str, Any]:
    """Gain, read noise and saturation level, the medians over the frame, None if not known; the source of the level."""
    if electronics is None:
        return {"gain": None, "readnoise": None, "saturation": None, "saturation_source": ""}
    level = electronics.median_saturation
    return {
        "gain": electronics.median_gain * u.electron / u.adu,
        "readnoise": electronics.median_readnoise * u.electron,
        "saturation": level * u.electron if math.isfinite(level) else None,
        "saturation_source": electronics.saturation_source,
    }


def _structure(frame: ElectronFrame | None) -> dict[str, Any]:
    """What is known of the frame in electrons beside its data."""
    if frame is None:
        return dict.fromkeys(("extra_variance", "dispersion_axis", "pedestal", "mosaic"))
    return {
        "extra_variance": frame.extra_variance,
        "dispersion_axis": frame.dispersion_axis,
        "pedestal": frame.pedestal,
        "mosaic": frame.mosaic,
    }


def _run(check: Check, ccd: CCDData, known: Mapping[str, Any]) -> list[Finding]:
    plugin = plugins.host().plugin_of("check", check.name)
    try:
        found = check.run(ccd, **_facts_for(check, known))
        found = [] if found is None else [found] if isinstance(found, Finding) else list(found)
    except plugins.FAILURES as err:
        return [_broken(check, f"{plugin} failed: {type(err).__name__}: {err}")]
    rubbish = [item for item in found if not (isinstance(item, Finding) and item.status in STATUSES)]
    if rubbish:
        return [_broken(check, f"{plugin} gave {rubbish[0]!r:.80}; expected a Finding of status {', '.join(STATUSES)}")]
    return found


def _facts_for(check: Check, known: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that every check gets, and those that this one has as parameters."""
    parameters = inspect.signature(check.run).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: fact for name, fact in known.items() if name in ALWAYS_PASSED or takes_all or name in parameters}


def _broken(check: Check, reason: str) -> Finding:
    return Finding(check.name, "warn", f"The check could not be made: {reason}.", fix="tell the plugin's author")


def act_on(findings: Iterable[Finding], policy: str) -> None:
    """Warn of findings that are not ok, or raise if one failed, as the policy says."""
    if policy not in ("warn", "raise"):
        return
    failed = [finding for finding in findings if finding.status == "fail"]
    if policy == "raise" and failed:
        raise CosmicRayError(Wording(functools.partial(_failure, failed)))
    for finding in findings:
        if finding.status != "ok":
            warnings.warn(Wording(functools.partial(_sentence, finding)), PreflightWarning, stacklevel=3)


def _failure(failed: Iterable[Finding], spell: Spell) -> str:
    return "Found that the preflight failed: " + " ".join(_sentence(finding, spell) for finding in failed)


def _sentence(finding: Finding, spell: Spell) -> str:
    fix = f" What to do: {spelled(finding.fix, spell)}." if finding.fix else ""
    return f"{finding.check}: {spelled(finding.message, spell)}{fix}"


def write_findings(meta: MutableMapping, findings: Iterable[Finding] | None) -> None:
    """Write the names of the checks that were not ok to a card and their messages to the history; None: not run."""
    if findings is None:
        return
    doubts = [finding for finding in findings if finding.status != "ok"]
    names = {
        status: ", ".join(dict.fromkeys(finding.check for finding in doubts if finding.status == status))
        for status in ("warn", "fail")
    }
    set_card(meta, "CRPREFLT", "; ".join(f"{status}: {checks}" for status, checks in names.items() if checks) or "ok")
    for finding in doubts:
        add_history(meta, f"preflight, {finding.status}: {finding.check}: {finding.message}")
