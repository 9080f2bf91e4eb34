# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Is the frame what the method asks for? A look before the cleaning.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.detection import read_only
from ccdproc_crplugin.electrons import Calibration, calibrate, check_frame
from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning
from ccdproc_crplugin.frames import frame_kind
from ccdproc_crplugin.hookspecs import hookimpl
from ccdproc_crplugin.model import Check, Finding
from ccdproc_crplugin.removed import is_cleaned

__all__ = ["POLICIES", "act_on", "check_kind", "check_unit", "cr_preflight", "run_checks"]

STATUSES = ("ok", "warn", "fail")

#: What may be done about the findings.
POLICIES = ("report", "warn", "raise", "off")


def cr_preflight(
    ccd: CCDData, *, gain: Any = None, readnoise: Any = None, dark: CCDData | None = None, policy: str = "report"
) -> list[Finding]:
    """
    Look whether a frame is what the search for cosmic rays asks for.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame; not changed.
    gain : Quantity, float or None
        Gain (electron/adu); `None` means the header's.
    readnoise : Quantity, float or None
        Read noise (electron, or a Quantity in adu); `None` means the header's.
    dark : `~astropy.nddata.CCDData` or None
        The dark frame of the same exposure, if there is one.
    policy : {"report", "warn", "raise", "off"}
        Return the findings; warn too for each that is not ok; raise on a fail; look at nothing.

    Returns
    -------
    list of Finding
        One or more for each check.

    Raises
    ------
    CosmicRayError
        With ``policy="raise"``, if a check failed.

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
    >>> cr_preflight(rate)[0].status
    'fail'
    """
    check_frame(ccd)
    _known_policy("policy", policy, POLICIES)
    try:
        calibration = calibrate(ccd, gain=gain, readnoise=readnoise)
    except CosmicRayError:
        calibration = None
    findings = [] if policy == "off" else run_checks(ccd, calibration, dark=dark)
    act_on(findings, policy)
    return findings


def _known_policy(name: str, value: str, known: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise CosmicRayError(f"Found {name}={value!r}; expected one of: {', '.join(known)}.")


def run_checks(ccd: CCDData, calibration: Calibration | None, dark: CCDData | None = None) -> list[Finding]:
    """
    Run every registered check, each on its own.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    calibration : Calibration or None
        Its figures, where they could be found.
    dark : `~astropy.nddata.CCDData` or None
        A dark frame.

    Returns
    -------
    list of Finding
        In the order of the checks. A check that fails to run is a finding of status ``"warn"``.
    """
    gain = readnoise = None
    if calibration is not None:
        gain = calibration.gain * u.electron / u.adu
        readnoise = calibration.readnoise * u.electron
    ccd = read_only(ccd)
    findings = []
    for check in plugins.checks().values():
        findings += _run(check, ccd, gain, readnoise, dark)
    return findings


def _run(check: Check, ccd: CCDData, gain: u.Quantity, readnoise: u.Quantity, dark: CCDData | None) -> list[Finding]:
    plugin = plugins.host().plugin_of("check", check.name)
    try:
        found = check.run(ccd, gain=gain, readnoise=readnoise, dark=dark)
        found = [] if found is None else [found] if isinstance(found, Finding) else list(found)
    except plugins.FAILURES as err:
        return [_broken(check, f"{plugin} failed: {type(err).__name__}: {err}")]
    rubbish = [item for item in found if not (isinstance(item, Finding) and item.status in STATUSES)]
    if rubbish:
        return [_broken(check, f"{plugin} gave {rubbish[0]!r:.80}; expected a Finding of status {', '.join(STATUSES)}")]
    return found


def _broken(check: Check, reason: str) -> Finding:
    return Finding(check.name, "warn", f"The check could not be made: {reason}.", fix="tell the plugin's author")


def act_on(findings: Iterable[Finding], policy: str) -> None:
    """
    Warn or raise, as the policy says.

    Parameters
    ----------
    findings : iterable of Finding
        What the checks found.
    policy : {"report", "warn", "raise", "off"}
        What to do.

    Raises
    ------
    CosmicRayError
        With ``policy="raise"``, if a check failed.

    Warns
    -----
    PreflightWarning
        With ``policy="warn"`` or ``"raise"``, for each finding that is not ok.
    """
    if policy not in ("warn", "raise"):
        return
    failed = [finding for finding in findings if finding.status == "fail"]
    if policy == "raise" and failed:
        raise CosmicRayError("Found that the preflight failed: " + " ".join(map(_sentence, failed)))
    for finding in findings:
        if finding.status != "ok":
            warnings.warn(_sentence(finding), PreflightWarning, stacklevel=3)


def _sentence(finding: Finding) -> str:
    fix = f" What to do: {finding.fix}." if finding.fix else ""
    return f"{finding.check}: {finding.message}{fix}"


def check_unit(ccd: CCDData, *, gain: u.Quantity | None, readnoise: u.Quantity | None, dark: Any) -> Finding:
    """
    Look at note 5: the frame in adu or electron, with gain and read noise to match.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    gain, readnoise : Quantity or None
        What is known of the noise.
    dark : object
        Not looked at.

    Returns
    -------
    Finding
        ``"fail"`` where the frame could not be cleaned.
    """
    if gain is not None:
        return Finding("unit", "ok", f"frame in {ccd.unit}, gain {gain:.4g}, read noise {readnoise:.4g}", note=5)
    try:
        calibrate(ccd)
    except CosmicRayError as err:
        return Finding(
            "unit",
            "fail",
            str(err),
            note=5,
            measured=str(ccd.unit),
            expected="adu or electron",
            fix="give the frame its unit, its gain and its read noise",
        )
    return Finding("unit", "fail", "gain or read noise as given do not fit the frame", note=5)


def check_kind(ccd: CCDData, *, gain: Any, readnoise: Any, dark: Any) -> Finding:
    """
    Look whether the frame is a science frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame.
    gain, readnoise, dark : object
        Not looked at.

    Returns
    -------
    Finding
        ``"fail"`` for calibration frames, which lose their cosmic rays by being combined.
    """
    kind = frame_kind(ccd.meta)
    if kind in ("bias", "dark", "flat"):
        return Finding(
            "kind",
            "fail",
            f"The header says that this is a {kind} frame.",
            measured=kind,
            expected="light",
            fix="combine several, which takes the cosmic rays out",
        )
    cleaned = ", cleaned already" if is_cleaned(ccd) else ""
    return Finding("kind", "ok", f"kind of frame: {kind}{cleaned}", measured=kind, expected="light")


@hookimpl
def ccdcr_checks():
    """
    Register the checks.
    """
    yield Check("kind", "is it a science frame?", check_kind)
    yield Check("unit", "is the frame in adu or electron, its noise known?", check_unit)
