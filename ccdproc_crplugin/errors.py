# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The errors and warnings of this package, and the checks of arguments that raise them.

A message says what was found, what is expected and what to do. It names parameters as Python has them; the command line
and a night's configuration have their own spelling of the same parameters, see `CosmicRayError.spelled` and `Wording`.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

#: A parameter or function named in the advice: ``{gain}``, ``{force=True}`` or ``{restore_cosmic_rays()}``.
_NAMED = re.compile(r"\{(\w+)(?:=([^{}]*)|(\(\)))?\}")

#: Words for readers who write Python: ``{python: with ccd.multiply}``.
_FOR_PYTHON = re.compile(r"\{python:([^{}]*)\}")

_GIVE_BOTH = re.compile(r"Give (\{\w+\})\. Give (\{\w+\})\.")

#: ``spell(name, value)`` returns a parameter as its reader gives it.
Spell = Callable[[str, str], str]


def _in_python(name: str, value: str) -> str:
    """Spell a parameter as a Python keyword, and a function by its name."""
    return name if value == "()" else f"{name}={value}"


def _filled(template: str, spell: Spell = _in_python) -> str:
    """A template with its parameters as a reader gives them."""
    for_reader = _FOR_PYTHON.sub(r"\1" if spell is _in_python else "", template)
    return _NAMED.sub(lambda named: spell(named[1], named[2] or named[3] or ""), for_reader)


class Wording(str):
    """
    A text in the spelling of Python that knows its words for other readers: ``spelled(spell)`` returns them.
    """

    spelled: Callable[[Spell], str]

    def __new__(cls, spelled: Callable[[Spell], str]) -> Wording:
        """Make it from the function that returns its words."""
        text = super().__new__(cls, spelled(_in_python))
        text.spelled = spelled
        return text

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), (self.spelled,)


def advice(template: str) -> Wording:
    """Words that name parameters in braces, as the advice of a `CosmicRayError` does."""
    return Wording(functools.partial(_filled, template))


def as_fix(template: str) -> Wording:
    """The advice of an error as the ``fix`` of a Finding: without capital and full stop."""
    return advice(template[:1].lower() + template[1:].removesuffix("."))


def wording(message: str, template: str) -> Wording:
    """A message and its advice, as those of a `CosmicRayError`."""
    return Wording(CosmicRayError(message, template).spelled)


def spelled(text: str, spell: Spell = _in_python) -> str:
    """A text in the spelling of its reader, if it knows it."""
    return text.spelled(spell) if isinstance(text, Wording) else str(text)


class CosmicRayError(ValueError):
    """
    A wrong input. The message says what was found, what is expected and what to do.

    Parameters
    ----------
    message : str
        What was found and what is expected.
    advice : str
        What to do, as a sentence of its own. Parameters and functions in braces, such as ``{gain}``, ``{force=True}``
        or ``{restore_cosmic_rays()}``, are spelled as the reader would write them; what follows ``{python:`` is for
        those who write Python. Never put in what comes from a user.
    parameter : (str, str) or None
        Name and value of the parameter that is wrong, if it is one; ``message`` then follows after
        "Found name=value".
    exposure : int or None
        Which of several exposures is wrong, counted from 0, if one is. A night then goes on with the others.

    Examples
    --------
    >>> from ccdproc_crplugin import CosmicRayError
    >>> error = CosmicRayError("Found a cleaned frame; expected a raw one.", "Give {force=True} to clean it again.")
    >>> str(error)
    'Found a cleaned frame; expected a raw one. Give force=True to clean it again.'
    >>> error.spelled(lambda name, value: f"--{name}")
    'Found a cleaned frame; expected a raw one. Give --force to clean it again.'
    """

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        parameter: tuple[str, str] | None = None,
        exposure: int | None = None,
    ):
        super().__init__(message)
        self.advice = advice
        self.parameter = parameter
        self.exposure = exposure
        self.before = self.after = ""

    def __str__(self) -> str:
        return self.spelled(_in_python)

    def spelled(self, spell: Spell) -> str:
        """
        The message in the spelling of its reader.

        Parameters
        ----------
        spell : callable
            ``spell(name, value)`` returns a parameter as the reader gives it; ``value`` is its value in Python, empty
            where the message names the parameter alone, and ``"()"`` for a function.

        Returns
        -------
        str
            The message.
        """
        advice = _filled(self.advice, spell)
        return f"{self.without_advice(spell)}{' ' if advice else ''}{advice}{self.after}"

    def without_advice(self, spell: Spell = _in_python) -> str:
        """
        What was found and what is expected, in the spelling of its reader.

        Parameters
        ----------
        spell : callable
            As for `spelled`.

        Returns
        -------
        str
            The message without its advice and without the words that follow it.
        """
        found = "" if self.parameter is None else f"Found {spell(*self.parameter)}"
        return f"{self.before}{found}{spelled(self.args[0], spell)}"

    def within(self, before: str = "", after: str = "", kind: type[CosmicRayError] | None = None) -> CosmicRayError:
        """
        The same error with words around it that say where it happened.

        Parameters
        ----------
        before, after : str
            The words, with the blanks and punctuation that they need.
        kind : type or None
            The class of the new error. `None` means the class of this one.

        Returns
        -------
        CosmicRayError
            A new error.
        """
        wrapped = (kind or type(self))(self.args[0], self.advice, parameter=self.parameter, exposure=self.exposure)
        wrapped.before, wrapped.after = before + self.before, self.after + after
        return wrapped


def joined_errors(errors: Sequence[CosmicRayError]) -> CosmicRayError:
    """One error with the messages of several, and their advice after them."""
    message = Wording(functools.partial(_joined_messages, errors))
    advices = " ".join(error.advice for error in errors if error.advice)
    return CosmicRayError(message, _GIVE_BOTH.sub(r"Give \1 and \2.", advices))


def _joined_messages(errors: Sequence[CosmicRayError], spell: Spell) -> str:
    return " ".join(error.without_advice(spell) for error in errors)


class PluginWarning(UserWarning):
    """
    A plugin was left out, wholly or in part; everything else works.
    """


class PreflightWarning(UserWarning):
    """
    The frame fails to meet a condition of the method.
    """


class HeaderWarning(UserWarning):
    """
    Header cards break the FITS standard; they are mended or left out.
    """


class CalibrationWarning(UserWarning):
    """
    A calibration frame was left out, or a combined frame is worse than it could be.
    """


def reason_of(err: BaseException, spell: Spell = _in_python) -> str:
    """The message of an error in one line, with its type unless it is one of ours."""
    text = err.spelled(spell) if isinstance(err, CosmicRayError) else f"{type(err).__name__}: {err}"
    return " ".join(text.split())


def wrong_value(name: str, value: Any, expected: str, advice: str = "") -> CosmicRayError:
    """The error to raise for a parameter whose value is not ``expected``."""
    return CosmicRayError(f"; expected {expected}.", advice, parameter=(name, repr(value)))


def check_bool(name: str, value: object) -> None:
    """Refuse a switch that is not a bool, such as the word ``"false"``, which is true in Python."""
    if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":
        raise wrong_value(name, value, "True or False (true or false in a file)")


def check_callable(name: str, value: object) -> None:
    """Refuse a value that can't be called and is not None."""
    if value is not None and not callable(value):
        raise wrong_value(name, value, "a function, or None")


def check_choice(name: str, value: object, known: Iterable[Any]) -> None:
    """Refuse a value that is not one of the known ones."""
    known = tuple(known)
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in known):
        raise wrong_value(name, value, f"one of: {', '.join(map(repr, known))}")


def check_number(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
    finite: bool = True,
) -> None:
    """Refuse a value that is not a real number within the limits: ``least`` or more, but more than ``above``."""
    _check_range(name, value, (Real, "number"), (least, most, above), finite)


def check_whole(name: str, value: object, least: int | None = None, most: int | None = None) -> None:
    """Refuse a value that is not a whole number within the limits."""
    _check_range(name, value, (Integral, "whole number"), (least, most, None))


def check_ranges(values: Mapping[str, Any], numbers: Mapping[str, tuple], whole_numbers: Mapping[str, tuple]) -> None:
    """Refuse the first value that is not a number, or not a whole number, within its limits, both given by name."""
    for check, ranges in ((check_number, numbers), (check_whole, whole_numbers)):
        for name, (least, most) in ranges.items():
            check(name, values.get(name, least), least, most)


def _check_range(name: str, value: Any, kind: tuple[type, str], limits: tuple, finite: bool = True) -> None:
    (wanted, word), (least, most, above) = kind, limits
    number = isinstance(value, wanted) and not isinstance(value, bool) and _is_usable(value, finite)
    if (
        not number
        or (least is not None and value < least)
        or (most is not None and value > most)
        or (above is not None and value <= above)
    ):
        raise wrong_value(name, value, f"a {word}{_in_words(*limits)}")


def _is_usable(value: Any, finite: bool) -> bool:
    """Whether a number is not NaN and, if need be, finite; a whole number may be too large for a float."""
    return isinstance(value, Integral) or (math.isfinite(value) if finite else not math.isnan(value))


def _in_words(least: float | None, most: float | None, above: float | None) -> str:
    """The limits of a number."""
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    limits = (("of {:g} or more", least), ("above {:g}", above), ("of {:g} or less", most))
    words = [word.format(limit) for word, limit in limits if limit is not None]
    return " " + " and ".join(words) if words else ""
