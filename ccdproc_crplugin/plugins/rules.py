# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The rules that a plugin and everything that it registers must fulfil."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pluggy

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins import hookspecs
from ccdproc_crplugin.plugins.model import (
    CORRECTIONS,
    DETECTOR_KEYWORDS,
    FREE_BITS,
    HOST_FLAGS,
    HOST_KEYWORDS,
    KINDS,
    OPTIONAL_KEYWORDS,
    QUANTITIES,
    Check,
    Detector,
    Dialect,
    Flag,
    StackDetector,
    StackStep,
    Step,
)

#: The hooks that declare something, and what each must yield.
REGISTRIES: dict[str, tuple[str, Any]] = {
    "ccdcr_detectors": ("detector", Detector),
    "ccdcr_stack_detectors": ("stack detector", StackDetector),
    "ccdcr_steps": ("step", Step),
    "ccdcr_checks": ("check", Check),
    "ccdcr_dialects": ("dialect", Dialect),
    "ccdcr_flags": ("flag", Flag),
    "ccdcr_methods": ("method", Callable),
}

#: The kinds of frame that are combined and that a step may take.
MASTER_KINDS = ("bias", "dark", "flat")

#: The keyword of a card, of one word or of several, as ESO's are; a card of 80 characters must have room for a value.
_KEYWORD, LONGEST_KEYWORD = re.compile(r"[A-Z0-9_.#-]+( [A-Z0-9_.#-]+)*", re.IGNORECASE), 66

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_FLAG_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def new_manager() -> pluggy.PluginManager:
    """A new plugin manager that knows the hooks."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def check_plugin(module: Any, name: str) -> None:
    """Refuse a plugin if one of its hooks would be ignored or could not be called."""
    if inspect.isclass(module):
        raise CosmicRayError(f"it is the class {module.__name__!r}; give a module or an instance.")
    probe = new_manager()
    probe.register(module, name=name)
    probe.check_pending()
    callers = probe.get_hookcallers(module) or []
    if not callers:
        raise CosmicRayError("it implements no hook; mark its ccdcr_* functions with ccdproc_crplugin.hookimpl.")
    marked = {caller.name for caller in callers}
    for name in dir(module):
        if name.startswith("ccdcr_") and name not in marked and callable(getattr(module, name)):
            raise CosmicRayError(f"its function {name} is not marked with ccdproc_crplugin.hookimpl.")
    for implementation in (impl for caller in callers for impl in caller.get_hookimpls()):
        if implementation.wrapper or implementation.hookwrapper:
            raise CosmicRayError(f"{implementation.function.__name__} is a hook wrapper, which no hook here takes.")


def checked_name(kind: str, expected: type[Any], item: Any) -> str:
    """The name of an item, after a check that it is of the type that its hook expects."""
    if not isinstance(item, expected):
        raise CosmicRayError(f"expected a {kind} ({expected.__name__}), found {type(item).__name__}: {item!r:.80}.")
    checked: Any = item  # the type of each kind is known at run time alone
    name = checked.__name__ if kind == "method" else checked.name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CosmicRayError(f"the {kind} name {name!r} should be letters, digits, '_', '-' and '.'.")
    if kind in ("detector", "stack detector"):
        _check_detector(kind, checked)
    elif kind == "dialect":
        check_dialect(checked)
    elif kind == "flag":
        _check_flag(checked)
    elif kind != "method" and not callable(checked.run):
        raise CosmicRayError(f"the {kind} {name!r} has a `run` that can't be called: {checked.run!r:.80}.")
    if kind == "step":
        _check_step(checked)
    return name


def check_dialect(dialect: Dialect) -> None:
    """Refuse a dialect whose tables name what does not exist, or hold what is not text."""
    where = f"the dialect {dialect.name!r}"
    _check_table(where, "cards", dialect.cards, str)
    known = {"keywords": QUANTITIES, "ignored": QUANTITIES, "kinds": KINDS, "corrections": CORRECTIONS}
    for table in ("keywords", "ignored", "kinds", "units", "corrections"):
        entries = getattr(dialect, table)
        _check_table(where, table, entries, list | tuple)
        names = known.get(table)
        for name, words in entries.items():
            if names is not None and name not in names:
                raise CosmicRayError(f"{where} has {table} for {name!r}; expected one of: {', '.join(names)}.")
            if not words or not all(isinstance(word, str) and word.strip() for word in words):
                raise CosmicRayError(
                    f"{where} has {table} for {name!r} that are {words!r:.80}; expected a list of text."
                )
            if table == "units":
                _check_unit(where, name)
            if table in ("keywords", "ignored", "corrections"):
                _check_keywords(where, table, [word.partition("/")[0] for word in words])
        if table in ("kinds", "units"):
            _check_meanings(where, table, entries)
    _check_keywords(where, "cards", list(dialect.cards))


def _check_keywords(where: str, table: str, keywords: list[str]) -> None:
    """Refuse keywords that no card can have; "#" in them stands for a digit."""
    for keyword in map(str.strip, keywords):
        if len(keyword) > LONGEST_KEYWORD or not _KEYWORD.fullmatch(keyword):
            raise CosmicRayError(
                f"{where} has the keyword {keyword!r:.80} under {table}; expected that of a header card, letters, "
                "digits, '_', '-' and '.', with # for a digit."
            )


def _check_meanings(where: str, table: str, entries: dict[str, Any]) -> None:
    """Refuse a word that means two kinds or two units."""
    meanings: dict[str, str] = {}
    for name, words in entries.items():
        for word in words:
            earlier = meanings.setdefault(word.strip().lower(), name)
            if earlier != name:
                raise CosmicRayError(
                    f"{where} has {word!r:.80} for the {table} {earlier!r} and {name!r}; expected one."
                )


def _check_unit(where: str, name: str) -> None:
    from astropy import units as u

    try:
        u.Unit(name)
    except ValueError as err:
        raise CosmicRayError(f"{where} has units for {name!r}; expected the name of a unit of astropy.") from err


def _check_table(where: str, table: str, entries: Any, expected: Any) -> None:
    """Refuse a table of a dialect that is no dict of text to what is expected."""
    what = "text" if expected is str else "a list"
    if not isinstance(entries, dict):
        raise CosmicRayError(f"{where} has {table} that are {entries!r:.80}; expected a dict to {what}.")
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, expected):
            raise CosmicRayError(f"{where} has {name!r:.80} = {value!r:.80} under {table}; expected text and {what}.")


def _check_flag(flag: Flag) -> None:
    if not _FLAG_NAME.fullmatch(flag.name):
        raise CosmicRayError(f"the flag name {flag.name!r} should be capital letters, digits and '_'.")
    if flag.name in HOST_FLAGS:
        raise CosmicRayError(f"the flag name {flag.name!r} is the host's; choose another name.")
    if flag.bit not in FREE_BITS:
        free = ", ".join(map(str, FREE_BITS))
        raise CosmicRayError(f"the flag {flag.name!r} claims the bit {flag.bit!r:.80}; expected one of: {free}.")


def _check_step(step: Step) -> None:
    kinds = (*MASTER_KINDS, "light")
    strange = set(step.kinds) - set(kinds)
    if strange or isinstance(step.kinds, str):
        raise CosmicRayError(
            f"the step {step.name!r} is for kinds {step.kinds!r}; expected some of {', '.join(kinds)}."
        )
    if step.master not in ("", *MASTER_KINDS):
        raise CosmicRayError(f"the step {step.name!r} takes a combined {step.master!r}; expected bias, dark or flat.")
    if isinstance(step, StackStep) and (step.master or tuple(step.kinds) != ("light",)):
        raise CosmicRayError(
            f"the step {step.name!r} takes several exposures; expected it to be for light frames alone, without a "
            "combined frame."
        )
    parameters = list(inspect.signature(step.run).parameters)[1:]
    if step.master and "master" not in parameters:
        raise CosmicRayError(f"the step {step.name!r} takes a combined {step.master} but has no keyword master.")
    if step.check is None and takes_any_parameter(step):
        raise CosmicRayError(f"the step {step.name!r} takes **parameters but has no check; name them, or add one.")


def _check_detector(kind: str, detector: Detector | StackDetector) -> None:
    what = f"the {kind} {detector.name!r}"
    if not callable(detector.detect):
        raise CosmicRayError(f"{what} has a `detect` that can't be called: {detector.detect!r:.80}.")
    if detector.check is not None and not callable(detector.check):
        raise CosmicRayError(f"{what} has a `check` that can't be called: {detector.check!r:.80}.")
    keywords = list(inspect.signature(detector.detect).parameters.values())[1:]
    variable = [par.name for par in keywords if par.kind in (par.VAR_KEYWORD, par.VAR_POSITIONAL)]
    if variable:
        raise CosmicRayError(f"{what} takes *{variable[0]}; name each of its parameters.")
    names = {par.name for par in keywords if par.kind is not par.POSITIONAL_ONLY}
    always, optional = _hosts_keywords(detector)
    missing = [keyword for keyword in always if keyword not in names]
    if missing:
        raise CosmicRayError(f"{what} does not take the keywords {', '.join(missing)}.")
    clashing = sorted((names & HOST_KEYWORDS) - {*always, *optional})
    if clashing:
        raise CosmicRayError(f"{what} has a parameter named {clashing[0]!r}, which is the host's own; rename it.")
    required = [par.name for par in _own_parameters(detector) if par.default is par.empty]
    if required:
        raise CosmicRayError(f"{what} gives its parameter {required[0]!r} no default.")


def _hosts_keywords(detector: Detector | StackDetector) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keywords with which the host calls a detector, and those that the detector may have; none in a stack."""
    return ((), ()) if isinstance(detector, StackDetector) else (DETECTOR_KEYWORDS, OPTIONAL_KEYWORDS)


def _own_parameters(detector: Detector | StackDetector) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(detector.detect).parameters.values())[1:]
    always, optional = _hosts_keywords(detector)
    return [par for par in parameters if par.name not in (*always, *optional)]


def takes_keyword(detector: Detector, name: str) -> bool:
    """Whether a detector has one of the `OPTIONAL_KEYWORDS`."""
    return name in inspect.signature(detector.detect).parameters


def detector_parameters(detector: Detector | StackDetector) -> dict[str, Any]:
    """A detector's own parameters and their defaults."""
    return {par.name: par.default for par in _own_parameters(detector)}


def switches(detector: Detector | StackDetector) -> set[str]:
    """A detector's own parameters that are True or False and nothing else."""
    return {
        par.name
        for par in _own_parameters(detector)
        if isinstance(par.default, bool) and par.annotation in (bool, "bool", par.empty)
    }


def step_parameters(step: Step) -> dict[str, Any]:
    """A step's own parameters and their defaults."""
    parameters = list(inspect.signature(step.run).parameters.values())[1:]
    named = [par for par in parameters if par.kind in (par.KEYWORD_ONLY, par.POSITIONAL_OR_KEYWORD)]
    return {par.name: par.default for par in named if not (step.master and par.name == "master")}


def takes_any_parameter(step: Step) -> bool:
    """Whether a step has ``**parameters``, which its ``check`` has to check."""
    return any(par.kind is par.VAR_KEYWORD for par in inspect.signature(step.run).parameters.values())
