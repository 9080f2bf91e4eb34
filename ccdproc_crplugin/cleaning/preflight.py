# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Is the frame what the method asks for? A look before the cleaning."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.detection import read_only
from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.gain_and_noise import Electronics, electronics_of
from ccdproc_crplugin.plugins.model import Check, Finding

__all__ = ["POLICIES", "act_on", "cr_preflight", "run_checks"]

STATUSES = ("ok", "warn", "fail")

#: The facts that every check is told.
ALWAYS_TOLD = ("gain", "readnoise", "dark")

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
        If ``ccd`` or ``dark`` is no frame; with ``policy="raise"``, if a check failed.

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
    _known_policy("policy", policy, POLICIES)
    if dark is not None and not isinstance(dark, CCDData):
        raise CosmicRayError(f"Found dark={type(dark).__name__}; expected a CCDData.")
    electronics, trouble = None, None
    try:
        electronics = electronics_of(ccd, gain=gain, readnoise=readnoise)
    except CosmicRayError as err:
        trouble = str(err)
    findings = [] if policy == "off" else run_checks(ccd, electronics, dark=dark, trouble=trouble)
    act_on(findings, policy)
    return findings


def _known_policy(name: str, value: str, known: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise CosmicRayError(f"Found {name}={value!r}; expected one of: {', '.join(known)}.")


def run_checks(
    ccd: CCDData,
    electronics: Electronics | None,
    *,
    dark: CCDData | None = None,
    detector: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    trouble: str | None = None,
) -> list[Finding]:
    """Run every registered check, each on its own, with those of the known facts that it asks for."""
    known = {**_figures(electronics), "dark": dark, "detector": detector, "parameters": parameters, "trouble": trouble}
    ccd = read_only(ccd)
    findings = []
    for check in plugins.checks().values():
        findings += _run(check, ccd, known)
    return findings


def _figures(electronics: Electronics | None) -> dict[str, u.Quantity | None]:
    """Gain, read noise and saturation level as checks see them, None where they are not known."""
    if electronics is None:
        return {"gain": None, "readnoise": None, "saturation": None}
    level = electronics.saturation
    return {
        "gain": electronics.gain * u.electron / u.adu,
        "readnoise": electronics.readnoise * u.electron,
        "saturation": level * u.electron if math.isfinite(level) else None,
    }


def _run(check: Check, ccd: CCDData, known: Mapping[str, Any]) -> list[Finding]:
    plugin = plugins.host().plugin_of("check", check.name)
    try:
        found = check.run(ccd, **_asked_for(check, known))
        found = [] if found is None else [found] if isinstance(found, Finding) else list(found)
    except plugins.FAILURES as err:
        return [_broken(check, f"{plugin} failed: {type(err).__name__}: {err}")]
    rubbish = [item for item in found if not (isinstance(item, Finding) and item.status in STATUSES)]
    if rubbish:
        return [_broken(check, f"{plugin} gave {rubbish[0]!r:.80}; expected a Finding of status {', '.join(STATUSES)}")]
    return found


def _asked_for(check: Check, known: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that every check is told, and those of the others that this one names among its parameters."""
    parameters = inspect.signature(check.run).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: fact for name, fact in known.items() if name in ALWAYS_TOLD or takes_all or name in parameters}


def _broken(check: Check, reason: str) -> Finding:
    return Finding(check.name, "warn", f"The check could not be made: {reason}.", fix="tell the plugin's author")


def act_on(findings: Iterable[Finding], policy: str) -> None:
    """Warn or raise, as the policy says."""
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
