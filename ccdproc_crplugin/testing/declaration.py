# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of what a detector or a step says of itself."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins.rules import REGISTRIES, checked_name
from ccdproc_crplugin.testing.checks import ensure, fail
from ccdproc_crplugin.testing.subjects import Subject

#: Longest name; the header of a cleaned frame has it in a card of 80 characters.
LONGEST_NAME = 40

#: Lengths of a summary that fits a line of a table.
SUMMARY = (10, 120)

#: What a reference may be: an ADS bibcode, a DOI, an arXiv number, an address, or an entry of BibTeX.
_REFERENCE = re.compile(
    r"\d{4}\S{15}|(doi:|https?://doi\.org/)?10\.\d{4,}/\S+|arXiv:\S+|https?://\S+|@\w+\s*\{.*", re.S
)


def check_fulfils_the_rules_of_the_host(subject: Subject) -> None:
    """The host takes it: it leaves out whatever breaks one of its rules, and a user sees a warning only."""
    kinds = dict(REGISTRIES.values())
    try:
        checked_name(subject.kind, kinds[subject.kind], subject.item)
    except CosmicRayError as err:
        fail(f"that the host refuses it: {err}", "one that it takes", "Change what the message names.")


def check_has_a_short_name(subject: Subject) -> None:
    """The name is short, because users type it and the header of each cleaned frame has it."""
    name = subject.name
    expected = f"at most {LONGEST_NAME} characters"
    ensure(len(name) <= LONGEST_NAME, f"a name of {len(name)} characters", expected, "Choose a shorter name.")


def check_has_a_name_that_is_free(subject: Subject) -> None:
    """No other plugin here has the name: the first to take a name keeps it, and the second is left out."""
    taken = plugins.host().registered(subject.kind).get(subject.name)
    if taken is None or taken is subject.item:
        return
    owner = plugins.host().plugin_of(subject.kind, subject.name)
    same = _function(taken) is _function(subject.item)
    ensure(same, f"that {owner} has the name {subject.name!r}", "a name of its own", "Choose another name.")


def check_says_in_a_line_what_it_does(subject: Subject) -> None:
    """The summary is one line, because ``ccdcr plugins`` shows it in a table."""
    summary, (least, most) = subject.item.summary, SUMMARY
    good = isinstance(summary, str) and least <= len(summary) <= most and summary.isprintable()
    expected = f"a line of {least} to {most} characters"
    ensure(good, f"the summary {summary!r:.200}", expected, "Say what it finds or does, and what it is not good at.")


def check_has_a_docstring(subject: Subject) -> None:
    """The function says what it does, because help() shows that to the users of its parameters."""
    function = _function(subject.item)
    expected = "one that says what it does and the unit of each parameter"
    ensure(inspect.getdoc(function), f"no docstring of {function!r:.100}", expected, "Write it.")


def check_takes_the_frame_first(subject: Subject) -> None:
    """The first parameter is the frame and is given by position, as the host does."""
    parameters = list(inspect.signature(_function(subject.item)).parameters.values())
    good = parameters and parameters[0].kind in (parameters[0].POSITIONAL_ONLY, parameters[0].POSITIONAL_OR_KEYWORD)
    ensure(good, f"the signature {_signature(subject)}", "the frame as first parameter", "Put the frame first.")


def check_takes_parameters_by_keyword_only(subject: Subject) -> None:
    """Everything after the frame is keyword-only, so that a parameter can be added without breaking a call."""
    others = list(inspect.signature(_function(subject.item)).parameters.values())[1:]
    loose = [par.name for par in others if par.kind not in (par.KEYWORD_ONLY, par.VAR_KEYWORD)]
    ensure(not loose, f"that {', '.join(loose)} may be given by position", "keywords only", "Put * after the frame.")


def check_has_defaults_that_nobody_can_change(subject: Subject) -> None:
    """No default is a list, dict, set or array: a call that changes it would change all later calls."""
    known = subject.own_parameters.items()
    mutable = [name for name, value in known if isinstance(value, list | dict | set) or hasattr(value, "__array__")]
    mutable = [name for name in mutable if name not in subject.parameters]
    ensure(not mutable, f"defaults of {', '.join(mutable)} that can be changed", "others", "Use None or a tuple.")


def check_accepts_its_own_parameters(subject: Subject) -> None:
    """Its ``check`` accepts the defaults, because the host calls it with all parameters."""
    if subject.item.check is None:
        return
    try:
        subject.item.check(**subject.own_parameters)
    except Exception as err:
        found = f"{type(err).__name__} ({err}) from check on {subject.own_parameters!r:.200}"
        fail(found, "nothing", "Make check accept each parameter by keyword, and the defaults.")


def check_can_be_pickled(subject: Subject) -> None:
    """It can be pickled, because a night with several processes sends it to them."""
    try:
        back = pickle.loads(pickle.dumps(subject.item))  # noqa: S301 - made here
    except Exception as err:
        found = f"{type(err).__name__} ({err}) from pickle"
        fail(found, "a copy", "Define its functions at the top of a module, not within a function and not as lambda.")
    found = f"a copy with the name {back.name!r}"
    ensure(back.name == subject.name, found, f"{subject.name!r}", "Let pickle restore the name.")


def check_has_references_that_can_be_cited(subject: Subject) -> None:
    """Each reference is a bibcode, a DOI, an arXiv number, an address or BibTeX, so that ``ccdcr cite`` can use it."""
    references = getattr(subject.item, "references", ())
    advice = 'Give a tuple such as ("2001PASP..113.1420V", "10.5281/zenodo.1482019").'
    good = isinstance(references, tuple | list)
    ensure(good, f"references of type {type(references).__name__}", "a tuple of text", advice)
    odd = [one for one in references if not isinstance(one, str) or not _REFERENCE.fullmatch(one.strip())]
    ensure(not odd, f"the references {odd!r:.200}", "bibcodes, DOIs, arXiv numbers, addresses or BibTeX", advice)


def _function(item: Any) -> Any:
    return item.detect if hasattr(item, "detect") else item.run


def _signature(subject: Subject) -> str:
    return f"{subject.name}{inspect.signature(_function(subject.item))}"
