# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a night's configuration says, checked to the last key before anything is touched."""

from __future__ import annotations

import inspect
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibration.combine import combine_calibrations
from ccdproc_crplugin.calibration.settings import check_argument
from ccdproc_crplugin.errors import CosmicRayError, check_bool
from ccdproc_crplugin.frames.header import KINDS
from ccdproc_crplugin.io.atomic import as_folder
from ccdproc_crplugin.io.ccd import WRITABLE, given_unit
from ccdproc_crplugin.pipeline.model import Call, Night
from ccdproc_crplugin.pipeline.steps import HEADER_KEYWORDS

__all__ = ["check_calls", "check_ending", "read_night"]

#: The tables of a configuration and their keys; [combine] has the keywords of `combine_calibrations`.
NIGHT_KEYS = ("input", "output", "subfolders", "ending")
TABLES = ("night", "headers", "select", "combine", "step")


def read_night(config: str | os.PathLike | Mapping[str, Any]) -> Night:
    """Read a night's configuration."""
    if isinstance(config, Mapping):
        return _Reader("the configuration", "").night(config, Path())
    path = Path(config)
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; expected the configuration of a night.") from err
    except (OSError, ValueError, RecursionError) as err:
        raise CosmicRayError(f"Found {str(path)!r}, which can't be read as TOML: {err}.") from err
    return replace(_Reader(str(path), text).night(content, path.parent), config=str(path))


class _Reader:
    """Takes a configuration apart, and knows the line of whatever is wrong."""

    def __init__(self, name: str, text: str):
        self._name = name
        self._lines = _lines_of(text)

    def night(self, content: Mapping[str, Any], base: Path) -> Night:
        """What the whole of it says, with folders relative to a base."""
        self._known("", content, TABLES, "table")
        folders = self._table(content, "night")
        self._known("night", folders, NIGHT_KEYS, "key")
        for key in ("input", "output"):
            with self._blaming("night", key):
                as_folder(key, folders.get(key))
        subfolders, ending = folders.get("subfolders", False), folders.get("ending", ".fits")
        if not isinstance(subfolders, bool):
            raise self._error("night", "subfolders", f"Found subfolders = {subfolders!r}; expected true or false.")
        with self._blaming("night", "ending"):
            check_ending(ending)
        return Night(
            input=base / folders["input"],
            output=base / folders["output"],
            subfolders=subfolders,
            ending=ending,
            headers=self._headers(self._table(content, "headers")),
            select=self._select(self._table(content, "select")),
            combine=self._combine(self._table(content, "combine")),
            calls=self._steps(content.get("step", ())),
        )

    def _headers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self._known("headers", values, (*HEADER_VALUES, "unit"), "key")
        for name, value in values.items():
            wanted = HEADER_VALUES.get(name, str)
            if not isinstance(value, wanted) or isinstance(value, bool):
                what = "text" if wanted is str else "a number"
                raise self._error("headers", name, f"Found {name} = {value!r}; expected {what}.")
            if not isinstance(value, str) and not math.isfinite(value):
                raise self._error("headers", name, f"Found {name} = {value!r}; expected a finite number.")
            if name in POSITIVE and not value > 0:
                raise self._error("headers", name, f"Found {name} = {value!r}; expected a number above 0.")
            if name in NOT_NEGATIVE and not value >= 0:
                raise self._error("headers", name, f"Found {name} = {value!r}; expected a number that is not negative.")
            if isinstance(value, str) and not (value.isascii() and value.isprintable()):
                raise self._error("headers", name, f"Found {name} = {value!r}; expected what a FITS header can hold.")
        if "unit" in values:
            with self._blaming("headers", "unit"):
                given_unit(values["unit"])
        return dict(values)

    def _select(self, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        self._known("select", values, KINDS, "kind of frame")
        for kind, words in values.items():
            if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
                raise self._error("select", kind, f'Found {kind} = {words!r}; expected a list such as ["object"].')
        return {kind: tuple(words) for kind, words in values.items()}

    def _combine(self, values: Mapping[str, Any]) -> dict[str, Any]:
        keywords = inspect.signature(combine_calibrations).parameters.values()
        known = [par.name for par in keywords if par.kind is par.KEYWORD_ONLY and par.name not in NOT_CONFIGURED]
        self._known("combine", values, known, "key")
        for name, value in values.items():
            with self._blaming("combine", name):
                check_argument(name, value)
        return dict(values)

    def _steps(self, entries: Any) -> tuple[Call, ...]:
        if isinstance(entries, Mapping):
            raise self._error("step 0", "", "Found [step]; expected [[step]], with two brackets, for each step.")
        if not isinstance(entries, list | tuple) or not entries:
            raise self._error("step", "", "Found no step; expected [[step]] tables, each with a name.")
        calls = []
        for number, entry in enumerate(entries):
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise self._error(f"step {number}", "", f"Found the step {entry!r} without a name; expected one.")
            parameters = {name: value for name, value in entry.items() if name != "name"}
            calls.append(Call(entry["name"], parameters))
            try:
                check_calls(calls)
            except CosmicRayError as err:
                wrong = next((name for name in parameters if repr(name) in str(err) or f"{name}=" in str(err)), "name")
                raise self._error(f"step {number}", wrong, str(err)) from err
        return tuple(calls)

    def _table(self, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        table = content.get(name, {})
        if not isinstance(table, Mapping):
            raise self._error(name, "", f"Found {name} = {table!r}; expected a table, [{name}].")
        return table

    def _known(self, table: str, entries: Mapping[str, Any], known: Iterable[str], what: str) -> None:
        for name in entries:
            if name not in known:
                where = f" in [{table}]" if table else ""
                message = f"Found the {what} {name!r}{where}; expected one of: {', '.join(known)}."
                raise self._error(table or str(name), name if table else "", message)

    @contextmanager
    def _blaming(self, table: str, key: str) -> Iterator[None]:
        """Name the line in whatever is refused."""
        try:
            yield
        except CosmicRayError as err:
            raise self._error(table, key, str(err)) from err

    def _error(self, table: str, key: str, message: str) -> CosmicRayError:
        line = self._lines.get((table, key)) or self._lines.get((table, ""))
        place = f"{self._name}, line {line}" if line else self._name
        return CosmicRayError(f"{place}: {message}")


#: What [headers] may say, and the type of each.
HEADER_VALUES: dict[str, Any] = {
    name: str if name in ("filter", "readout_mode", "binning") else (int, float)
    for name in HEADER_KEYWORDS
    if name not in ("kind", "name")
}

POSITIVE, NOT_NEGATIVE = ("gain", "saturation", "pixel_size"), ("readnoise", "exposure")

#: Keywords of `combine_calibrations` that the run itself decides.
NOT_CONFIGURED = (
    "overwrite",
    "progress",
    "on_left_out",
    "subtract",
    "masters",
    "keys",
    "prepare",
    "saturation",
    "unit",
    "hdu",
)


def _lines_of(text: str) -> dict[tuple[str, str], int]:
    """The line of each table and key; steps are tables named by their number, such as ``step 0``."""
    lines: dict[tuple[str, str], int] = {}
    table, n_steps = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[+\s*[\"']?([\w-]+)[\"']?\s*\]+", line)
        entry = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)
        if heading:
            table = heading[1]
            if table == "step":
                table, n_steps = f"step {n_steps}", n_steps + 1
            lines.setdefault((table, ""), number)
        elif entry:
            lines.setdefault((table or entry[1], entry[1] if table else ""), number)
    return lines


def check_calls(calls: Iterable[Call]) -> None:
    """Refuse steps that could not be done."""
    for call in calls:
        step = plugins.find_step(call.name)
        known = plugins.step_parameters(step)
        unknown = [name for name in call.parameters if name not in known]
        if unknown and not plugins.takes_any_parameter(step):
            raise CosmicRayError(
                f"Found the parameter {unknown[0]!r}, which the step {call.name!r} does not have; "
                f"expected one of: {', '.join(known) or '(it has none)'}."
            )
        for name in [name for name, default in known.items() if isinstance(default, bool) and name in call.parameters]:
            check_bool(name, call.parameters[name])
        if step.check is not None:
            step.check(**call.parameters)
        missing = [name for name, value in known.items() if value is inspect.Parameter.empty]
        missing = [name for name in missing if name not in call.parameters]
        if missing:
            raise CosmicRayError(f"Found no {missing[0]!r} for the step {call.name!r}; expected a value for it.")


def check_ending(ending: str) -> None:
    """Refuse an ending under which no frame is written."""
    if ending not in WRITABLE:
        raise CosmicRayError(f"Found ending={ending!r}; expected one of: {', '.join(WRITABLE)}.")
