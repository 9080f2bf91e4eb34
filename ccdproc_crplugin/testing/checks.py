# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a check of the conformance kit is, and how its outcome is told."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn

from ccdproc_crplugin.errors import CosmicRayError

#: How the names of the functions begin that are checks.
PREFIX = "check_"


class ConformanceError(AssertionError):
    """A plugin does not pass a check. The message says what was found, what is expected and what to do."""


class NotApplicableError(Exception):
    """A check asks for what a plugin does not have, such as a score."""


@dataclass(frozen=True)
class Check:
    """A check with its name and, in a sentence, what it asks and why."""

    name: str
    asks: str
    run: Callable[[Any], None]

    def __call__(self, subject: Any) -> None:
        """Run the check on a `Subject`."""
        self.run(subject)


def collect(modules: Iterable[ModuleType]) -> dict[str, Check]:
    """The checks of some modules by name: their functions named ``check_...``, in the order of the source."""
    found = {}
    for module in modules:
        for name, function in vars(module).items():
            if name.startswith(PREFIX) and getattr(function, "__module__", "") == module.__name__:
                short = name.removeprefix(PREFIX)
                found[short] = Check(short, " ".join((function.__doc__ or "").split()), function)
    return found


def fail(found: str, expected: str, advice: str) -> NoReturn:
    """Report that a check is not passed."""
    raise ConformanceError(f"Found {found}; expected {expected}. {advice}")


def ensure(condition: Any, found: str, expected: str, advice: str) -> None:
    """Report that a check is not passed unless a condition holds."""
    if not condition:
        fail(found, expected, advice)


def refuse_unknown(names: Iterable[str], known: Mapping[str, Check]) -> None:
    """Refuse names of expected failures that are no checks."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"The checks are: {', '.join(known)}."
            raise CosmicRayError(f"Found the expected failure {name!r}; expected the name of a check.", advice)
