# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The conformance kit as tests of pytest; nothing of it is active unless it is imported.

``from ccdproc_crplugin.testing import parametrize_with_checks`` is all that a test needs. With
``-p ccdproc_crplugin.testing.pytest_plugin`` there is the fixture ``registered_plugin`` too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from ccdproc_crplugin import plugins
from ccdproc_crplugin.testing.checks import Check, ConformanceError, NotApplicableError, refuse_unknown
from ccdproc_crplugin.testing.running import checks_of
from ccdproc_crplugin.testing.subjects import Subject

_numbers = itertools.count(1)


def parametrize_with_checks(
    items: Iterable[Any], *, expected_failures: Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None = None
) -> Any:
    """
    Make a test of each check of some detectors and steps.

    Parameters
    ----------
    items : list of Detector, StackDetector, Step, str or Subject
        What is tested; a registered detector may be given by its name, and a `Subject` says what else is to be given.
    expected_failures : dict of str to str, callable or None
        Names of checks that are not passed, each with the reason; or a function that returns them for an item. Such a
        test fails if its check passes.

    Returns
    -------
    decorator
        For a function with the parameters ``subject`` and ``check``, which calls ``check(subject)``.

    Raises
    ------
    CosmicRayError
        If an expected failure names no check, or an item is nothing that can be tested.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import parametrize_with_checks
    >>> @parametrize_with_checks(["median"], expected_failures={"spares_stars": "it knows no shapes"})
    ... def test_conformance(subject, check):
    ...     check(subject)
    """
    cases: list[Any] = []
    for item in items:
        subject = item if isinstance(item, Subject) else Subject(item)
        known = expected_failures(subject.item) if callable(expected_failures) else expected_failures
        cases += _cases_of(subject, known or {})
    return pytest.mark.parametrize(("subject", "check"), cases)


def _cases_of(subject: Subject, expected_failures: Mapping[str, str]) -> Iterator[Any]:
    checks = checks_of(subject.kind)
    refuse_unknown(expected_failures, checks)
    for name, check in checks.items():
        reason = expected_failures.get(name)
        marks = () if reason is None else pytest.mark.xfail(reason=reason, raises=ConformanceError, strict=True)
        yield pytest.param(subject, _skipping(check), marks=marks, id=f"{subject.name}-{name}")


def _skipping(check: Check) -> Callable[[Subject], None]:
    """The check as a function that skips the test where it does not apply."""

    def run(subject: Subject) -> None:
        try:
            check(subject)
        except NotApplicableError as reason:
            pytest.skip(str(reason))

    return run


@pytest.fixture
def registered_plugin() -> Iterator[Callable[[Any], str]]:
    """A function that registers a module as a plugin for the time of the test, and returns the plugin's name."""
    names = []

    def register(module: Any) -> str:
        name = f"under-test-{next(_numbers)}"
        plugins.register(module, name)
        names.append(name)
        return name

    yield register
    for name in names:
        plugins.unregister(name)
