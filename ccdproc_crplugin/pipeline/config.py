# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The configuration of a night, checked completely before any file is touched."""

from __future__ import annotations

import inspect
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
from ccdproc_crplugin.calibration.key import GroupRule
from ccdproc_crplugin.calibration.settings import check_argument
from ccdproc_crplugin.errors import CosmicRayError, check_bool, check_choice, check_number, wrong_value
from ccdproc_crplugin.frames.dialects import dialects_in
from ccdproc_crplugin.frames.gain_and_noise import BY_AMPLIFIER, check_figures
from ccdproc_crplugin.frames.header import KINDS
from ccdproc_crplugin.io.atomic import as_folder
from ccdproc_crplugin.io.ccd import WRITABLE, given_unit
from ccdproc_crplugin.io.inputs import note_read
from ccdproc_crplugin.io.remote import remote_path
from ccdproc_crplugin.pipeline.criteria import Criterion, read_criteria
from ccdproc_crplugin.pipeline.model import HOT_PIXELS, Call, Night
from ccdproc_crplugin.pipeline.steps import HEADER_KEYWORDS, as_setting, change_files
from ccdproc_crplugin.plugins.model import Dialect

#: The tables of a configuration and their keys; [combine] has the keywords of `combine_calibrations`.
NIGHT_KEYS = ("input", "output", "subfolders", "ending", "hot_pixels")
TABLES = ("night", "headers", "select", "group", "combine", "step", "dialect")
GROUP_KEYS = ("by", "ignore")

#: The keys of [headers] whose values are texts; those of all others are numbers.
TEXTS = (
    *("kind", "unit", "filter", "disperser", "slit", "camera", "detector", "amplifier", "readout_mode", "binning"),
    *("overscan", "trim"),
)

#: The keys of [headers].
HEADER_KEYS = (*HEADER_KEYWORDS, "unit", "kind")

#: The numbers in [headers] that have a limit.
ABOVE_ZERO, ZERO_OR_MORE = ("gain", "saturation", "pixel_size"), ("readnoise", "exposure")

#: Keywords of `combine_calibrations` that the run itself sets.
NOT_CONFIGURED = (
    "overwrite",
    "progress",
    "on_left_out",
    "subtract",
    "masters",
    "keys",
    "prepare",
    "group_by",
    "group_ignore",
    "saturation",
    "unit",
    "hdu",
)


def read_night(config: str | os.PathLike | Mapping[str, Any]) -> Night:
    """Read a configuration: a TOML file, whose folder is the base of relative paths, or what such a file holds."""
    if isinstance(config, Mapping):
        return _Reader("the configuration", "").night(config, Path())
    path = Path(config)
    try:
        note_read(path)
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; expected the configuration of a night.") from err
    except (OSError, ValueError, RecursionError) as err:
        raise CosmicRayError(f"Found {str(path)!r}, which can't be read as TOML: {err}.") from err
    return replace(_Reader(str(path), text).night(content, path.parent), config=str(path))


class _Reader:
    """Reads the tables of a configuration; its errors name the line."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = _lines_of(text)

    def night(self, content: Mapping[str, Any], base: Path) -> Night:
        """The whole night, with folders relative to a base."""
        self._known("", content, TABLES, "table")
        folders = self._table(content, "night")
        self._known("night", folders, NIGHT_KEYS, "key")
        subfolders, ending = folders.get("subfolders", False), folders.get("ending", ".fits")
        hot_pixels = folders.get("hot_pixels", "flag")
        for key in ("input", "output"):
            with self._naming_line("night", key):
                as_folder(key, folders.get(key))
        with self._naming_line("night", "subfolders"):
            check_bool("subfolders", subfolders)
        with self._naming_line("night", "ending"):
            check_ending(ending)
        with self._naming_line("night", "hot_pixels"):
            check_hot_pixels(hot_pixels)
        return Night(
            input=base / folders["input"],
            output=base / folders["output"],
            subfolders=subfolders,
            ending=ending,
            hot_pixels=hot_pixels,
            headers=self._headers(self._table(content, "headers")),
            dialects=self._dialects(content.get("dialect", ())),
            select=self._select(self._table(content, "select")),
            group=self._group(self._table(content, "group")),
            combine=self._combine(self._table(content, "combine")),
            calls=self._steps(content.get("step", ()), base),
        )

    def _headers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self._known("headers", values, HEADER_KEYS, "key")
        for name, value in values.items():
            with self._naming_line("headers", name):
                if name == "unit":
                    given_unit(value)
                elif name == "kind":
                    check_choice("kind", value, KINDS)
                elif name in BY_AMPLIFIER and isinstance(value, Mapping):
                    check_figures(**{name: value})
                elif name not in TEXTS:
                    least, above = 0 if name in ZERO_OR_MORE else None, 0 if name in ABOVE_ZERO else None
                    check_number(name, value, least, above=above)
                elif not (isinstance(value, str) and value.isascii() and value.isprintable()):
                    raise wrong_value(name, value, "text that a FITS header can hold")
        return dict(values)

    def _dialects(self, tables: Any) -> tuple[Dialect, ...]:
        try:
            return tuple(dialects_in(tables, "of the night"))
        except CosmicRayError:
            table, key = _wrong_entry(tables)
            inline = ("dialect", table.partition(".")[2])
            with self._naming_line(*((table, key) if (table, "") in self._lines else inline)):
                raise

    def _select(self, values: Mapping[str, Any]) -> dict[str, tuple[Criterion, ...]]:
        self._known("select", values, KINDS, "kind of frame")
        criteria = {}
        for kind, entries in values.items():
            with self._naming_line("select", kind):
                criteria[kind] = read_criteria(kind, entries)
        return criteria

    def _group(self, values: Mapping[str, Any]) -> GroupRule:
        self._known("group", values, GROUP_KEYS, "key")
        for name in values:
            with self._naming_line("group", name):
                GroupRule(**{name: values[name]})
        return GroupRule(**values)

    def _combine(self, values: Mapping[str, Any]) -> dict[str, Any]:
        keywords = inspect.signature(combine_calibrations).parameters.values()
        known = [par.name for par in keywords if par.kind is par.KEYWORD_ONLY and par.name not in NOT_CONFIGURED]
        self._known("combine", values, known, "key")
        for name, value in values.items():
            with self._naming_line("combine", name):
                check_argument(name, value)
        return dict(values)

    def _steps(self, entries: Any, base: Path) -> tuple[Call, ...]:
        if isinstance(entries, Mapping):
            raise self._error("step 0", "", "Found [step]; expected [[step]], with two brackets, for each step.")
        if not isinstance(entries, list | tuple) or not entries:
            raise self._error("step", "", "Found no step; expected [[step]] tables, each with a name.")
        calls: list[Call] = []
        for number, entry in enumerate(entries):
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise self._error(f"step {number}", "", f"Found the step {entry!r} without a name; expected one.")
            call = Call(entry["name"], {name: value for name, value in entry.items() if name != "name"})
            try:
                call = _with_paths(call, base)
                check_calls([call])
            except CosmicRayError as err:
                with self._naming_line(f"step {number}", _wrong_parameter(call, err)):
                    raise
            if _is_made_again(call, calls):
                message = f"Found the step {call.name!r} after its correction was made; expected each correction once."
                raise self._error(f"step {number}", "name", message)
            calls.append(call)
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
    def _naming_line(self, table: str, key: str) -> Iterator[None]:
        """Add the line of a key to an error, and spell its parameters as settings."""
        try:
            yield
        except CosmicRayError as err:
            raise self._error(table, key, err.spelled(as_setting)) from err

    def _error(self, table: str, key: str, message: str) -> CosmicRayError:
        line = self._lines.get((table, key)) or self._lines.get((table, ""))
        place = f"{self._name}, line {line}" if line else self._name
        return CosmicRayError(f"{place}: {message}")


def _with_paths(call: Call, base: Path) -> Call:
    """A call whose parameters that name files are relative to a base."""
    paths = {
        name: change_files(call.parameters[name], lambda file: _anchored(base, file))
        for name in plugins.find_step(call.name).files
        if name in call.parameters
    }
    return replace(call, parameters={**call.parameters, **paths}) if paths else call


def _anchored(base: Path, path: str) -> str:
    """A path relative to a base, or the address of a remote file."""
    return path if remote_path(path) else os.path.abspath(base / path)


def _lines_of(text: str) -> dict[tuple[str, str], int]:
    """The line of each table, such as ``dialect.keywords``, and key; those of steps are named ``step 0`` and so on."""
    lines: dict[tuple[str, str], int] = {}
    table, n_steps = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[+\s*[\"']?([\w.-]+)[\"']?\s*\]+", line)
        entry = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)
        if heading:
            table = heading[1]
            if table == "step":
                table, n_steps = f"step {n_steps}", n_steps + 1
            lines.setdefault((table, ""), number)
        elif entry:
            lines.setdefault((table or entry[1], entry[1] if table else ""), number)
    return lines


def _wrong_entry(dialect: Any) -> tuple[str, str]:
    """The table and the key of a dialect that is refused by itself too, such as ``dialect.keywords`` and ``gain``."""
    tables = dialect.items() if isinstance(dialect, Mapping) else ()
    for table, entries in tables:
        for key in entries if isinstance(entries, Mapping) else ():
            if _is_refused({table: {key: entries[key]}}):
                return f"dialect.{table}", key
        if _is_refused({table: entries}):
            return f"dialect.{table}", ""
    return "dialect", ""


def _is_refused(dialect: Mapping[str, Any]) -> bool:
    try:
        dialects_in(dialect, "of the night")
    except CosmicRayError:
        return True
    return False


def _wrong_parameter(call: Call, err: CosmicRayError) -> str:
    """The parameter that an error names, or else the one without which the step can be done."""
    if err.parameter is not None and err.parameter[0] in call.parameters:
        return err.parameter[0]
    for name in call.parameters:
        rest = {other: value for other, value in call.parameters.items() if other != name}
        try:
            check_calls([replace(call, parameters=rest)])
        except CosmicRayError:
            continue
        return name
    return "name"


def check_calls(calls: Iterable[Call]) -> None:
    """Refuse unknown steps, unknown or missing parameters, and wrong values."""
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


def _is_made_again(call: Call, calls: Iterable[Call]) -> bool:
    """Whether earlier steps make the correction of a step."""
    step = plugins.find_step(call.name)
    if not (step.correction or step.master):
        return False
    made = {plugins.find_step(other.name).correction for other in calls} - {""}
    return step.correction in made or call.name in [other.name for other in calls]


def check_ending(ending: str) -> None:
    """Refuse an ending under which frames can't be written."""
    check_choice("ending", ending, WRITABLE)


def check_hot_pixels(hot_pixels: str) -> None:
    """Refuse what can't be done about hot pixels."""
    check_choice("hot_pixels", hot_pixels, HOT_PIXELS)
