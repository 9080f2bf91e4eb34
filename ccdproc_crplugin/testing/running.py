# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The checks of each kind of plugin, run one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.testing import (
    declaration,
    detector_conduct,
    detector_inputs,
    detector_quality,
    detector_results,
    stack_checks,
    step_conduct,
)
from ccdproc_crplugin.testing.checks import Check, ConformanceError, NotApplicableError, collect, refuse_unknown
from ccdproc_crplugin.testing.subjects import Subject

if TYPE_CHECKING:
    from astropy.nddata import CCDData
    from astropy.table import Table

#: The checks by kind of plugin, in the order in which they run.
CHECKS: dict[str, dict[str, Check]] = {
    "detector": collect([declaration, detector_results, detector_inputs, detector_conduct, detector_quality]),
    "stack detector": collect([declaration, stack_checks]),
    "step": collect([declaration, step_conduct]),
}


def checks_of(kind: str) -> Mapping[str, Check]:
    """
    The checks of a kind of plugin.

    Parameters
    ----------
    kind : {"detector", "stack detector", "step"}
        The kind.

    Returns
    -------
    mapping of str to Check
        The checks by name. Each has ``name`` and ``asks``, what it asks and why.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import checks_of
    >>> checks_of("detector")["spares_stars"].asks
    'The cores of stars of FWHM 3 pixels are not flagged.'
    """
    return CHECKS[kind]


def check_detector(
    detector: Any, *, parameters: Mapping[str, Any] | None = None, expected_failures: Mapping[str, str] | None = None
) -> Table:
    """
    Run the checks of a detector.

    Parameters
    ----------
    detector : Detector or str
        The detector, or the name of a registered one.
    parameters : dict or None
        Values of its own parameters to try it with; the defaults for the others.
    expected_failures : dict of str to str or None
        Names of checks that it does not pass, each with the reason.

    Returns
    -------
    `~astropy.table.Table`
        A row a check: ``check``, ``outcome`` (``passed``, ``expected failure`` or ``not applicable``), ``message``.

    Raises
    ------
    ConformanceError
        At the end, with the messages of all checks that it did not pass; also if an expected failure passes.
    CosmicRayError
        If an expected failure names no check.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import check_detector
    >>> outcomes = check_detector("lacosmic")  # doctest: +SKIP
    """
    return _checked(Subject(detector, parameters or {}), expected_failures or {})


def check_stack_detector(
    detector: Any, *, parameters: Mapping[str, Any] | None = None, expected_failures: Mapping[str, str] | None = None
) -> Table:
    """
    Run the checks of a stack detector.

    Parameters
    ----------
    detector : StackDetector or str
        The stack detector, or the name of a registered one.
    parameters : dict or None
        Values of its own parameters to try it with; the defaults for the others.
    expected_failures : dict of str to str or None
        Names of checks that it does not pass, each with the reason.

    Returns
    -------
    `~astropy.table.Table`
        As for `check_detector`.

    Raises
    ------
    ConformanceError
        At the end, with the messages of all checks that it did not pass; also if an expected failure passes.
    CosmicRayError
        If an expected failure names no check.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import check_stack_detector
    >>> outcomes = check_stack_detector("stack")  # doctest: +SKIP
    """
    found = plugins.find_stack_detector(detector) if isinstance(detector, str) else detector
    return _checked(Subject(found, parameters or {}), expected_failures or {})


def check_step(
    step: Any,
    *,
    parameters: Mapping[str, Any] | None = None,
    frame: CCDData | None = None,
    master: CCDData | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Table:
    """
    Run the checks of a reduction step.

    Parameters
    ----------
    step : Step
        The step.
    parameters : dict or None
        Values of its own parameters to try it with; the defaults for the others.
    frame : `~astropy.nddata.CCDData` or None
        The frame to try it on. `None` means a simulated raw light frame in adu.
    master : `~astropy.nddata.CCDData` or None
        The combined frame, if it takes one.
    expected_failures : dict of str to str or None
        Names of checks that it does not pass, each with the reason.

    Returns
    -------
    `~astropy.table.Table`
        As for `check_detector`.

    Raises
    ------
    ConformanceError
        At the end, with the messages of all checks that it did not pass; also if an expected failure passes.
    CosmicRayError
        If an expected failure names no check.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> from ccdproc_crplugin.testing import check_step
    >>> {str(outcome) for outcome in check_step(crp.steps()["correct_gain"])["outcome"]}
    {'passed'}
    """
    return _checked(Subject(step, parameters or {}, frame, master), expected_failures or {})


def outcomes_of(subject: Subject, expected_failures: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The name of each check, its outcome, and the message that goes with it."""
    checks = checks_of(subject.kind)
    refuse_unknown(expected_failures, checks)
    return [(name, *outcome_of(check, subject, expected_failures.get(name))) for name, check in checks.items()]


def outcome_of(check: Check, subject: Subject, expected: str | None = None) -> tuple[str, str]:
    """The outcome of one check and its message; ``expected`` is why it is known to fail."""
    try:
        check(subject)
    except NotApplicableError as reason:
        return "not applicable", str(reason)
    except ConformanceError as failure:
        return ("failed", str(failure)) if expected is None else ("expected failure", expected)
    if expected is not None:
        return "failed", f"Found that it passes; expected a failure ({expected}). Remove it from the expected failures."
    return "passed", ""


def _checked(subject: Subject, expected_failures: Mapping[str, str]) -> Table:
    from astropy.table import Table

    outcomes = outcomes_of(subject, expected_failures)
    failed = [f"{name}: {message}" for name, outcome, message in outcomes if outcome == "failed"]
    if failed:
        lines = "\n".join(failed)
        raise ConformanceError(
            f"{subject.kind} {subject.name!r} fails {len(failed)} of {len(outcomes)} checks:\n{lines}"
        )
    return Table(rows=outcomes, names=("check", "outcome", "message"))
