# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One step done on one frame, and the errors of steps and of writing."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.cards import write_history
from ccdproc_crplugin.frames.entries import GIVEN
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.frames.sections import as_pairs, read_section
from ccdproc_crplugin.frames.subtracted import attach_calibration, calibration_of, level_of_division
from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.pipeline.model import Call

#: Corrections whose records in headers are sure. What cameras write of overscan and trim may be sizes of the chip.
TRUSTED = frozenset({"bias", "dark", "flat", "gain"})

#: The steps that remove cosmic rays, which write their own history.
CLEANING = ("clean_cosmic_rays", "clean_cosmic_rays_stack")

#: The names of header values in a configuration, and the keyword under which each is written to the header.
HEADER_KEYWORDS = {
    name: keyword for name, keyword in header.QUANTITIES.items() if name not in ("kind", "object", "name", "unit")
}


def change_files(value: Any, change: Callable[[str], str]) -> Any:
    """A parameter that names files with each name changed; sections of a frame and other values stay as they are."""
    if isinstance(value, list | tuple):
        return [change_files(one, change) for one in value]
    is_file = isinstance(value, str | os.PathLike) and read_section(value) is None
    return change(os.fspath(value)) if is_file else value


def as_setting(name: str, value: str) -> str:
    """Spell a parameter of an error message as a setting of a night's configuration."""
    if value == "()":
        return name
    table = {"temperature_tolerance": "combine", "statistics_section": "combine"}.get(name, "")
    if name in ("group_by", "group_ignore"):
        table, name = "group", name.removeprefix("group_")
    # Steps have a gain of their own, too, so that a gain that is wrong may stand elsewhere; a unit may not.
    in_headers = name == "unit" or (name in HEADER_KEYWORDS and not value)
    table = "headers" if in_headers else table if not value else ""
    value = {"": "…", "True": "true", "False": "false"}.get(value, value)
    return f"{name} = {value}{f' under [{table}]' if table else ''}"


def reason_in_night(err: BaseException, is_configured: bool) -> str:
    """The message of an error in one line, with parameters as settings if the night has a configuration."""
    return reason_of(err, as_setting) if is_configured else reason_of(err)


def run_step(ccd: CCDData, number: int, call: Call) -> tuple[CCDData, Mapping[str, Table]]:
    """
    Do a step on a frame, the ``number``-th of its file from 0; return the new frame and the tables measured.

    The frame carries on which combined frames were taken, so that the cleaning knows their noise.
    """
    step = plugins.find_step(call.name)
    calibration = calibration_of(ccd)
    taken = {}
    if call.masters:
        which = call.master_for(number)
        path = call.masters[which]
        master = _read_master(path, os.stat(path).st_mtime_ns)
        taken["master"] = master if ccd.uncertainty is not None else _without_uncertainty(master)
        calibration = replace(calibration, **{step.master: master})
        if step.master == "dark" and step.any_exposure is not None:
            calibration = replace(calibration, scale_dark=bool(step.any_exposure(**call.parameters)))
    result = step.run(ccd, **taken, **call.parameters)
    result, tables = result if isinstance(result, tuple) else (result, {})
    if not isinstance(result, CCDData):
        raise CosmicRayError(f"Found {type(result).__name__} as the result of the step; expected a CCDData.")
    if call.masters and step.master == "flat":
        calibration = replace(calibration, flat_level=level_of_division(ccd, result, master))
    attach_calibration(result, calibration)
    if call.name not in CLEANING:
        names = {"master": call.master_names[which]} if call.masters else {}
        write_history(result.meta, call.name, {**names, **call.parameters}, "done")
    return result, tables


def run_stack_step(ccds: Sequence[CCDData], call: Call) -> list[CCDData]:
    """Do a step on several exposures of a field; return the new frames in their order."""
    results = plugins.find_step(call.name).run(list(ccds), **call.parameters)
    if not isinstance(results, list | tuple) or not all(isinstance(result, CCDData) for result in results):
        raise CosmicRayError(f"Found {type(results).__name__} as the result of the step; expected a list of CCDData.")
    if len(results) != len(ccds):
        raise CosmicRayError(f"Found {len(results)} frames as the result of the step; expected {len(ccds)}.")
    for ccd, result in zip(ccds, results, strict=True):
        attach_calibration(result, calibration_of(ccd))
        if call.name not in CLEANING:
            write_history(result.meta, call.name, call.parameters, "done")
    return list(results)


def refuse_corrected(meta: Mapping, calls: Iterable[Call]) -> None:
    """Refuse a raw frame whose header says that one of the steps was done."""
    made = corrections(meta) & TRUSTED
    for call in calls:
        correction = plugins.find_step(call.name).correction
        if correction in made:
            raise CosmicRayError(
                f"{call.name}: Found that the header records the correction for {correction}; expected a frame without "
                "it, because no correction is made twice. Leave the step out, or take the raw frame."
            )


@functools.lru_cache(maxsize=4)
def _read_master(path: str, changed: int) -> CCDData:
    """A combined frame, cached until its file changes."""
    master = read_ccd(path)
    master.data = master.data.astype(master.data.dtype.newbyteorder("="))
    return master


def _without_uncertainty(master: CCDData) -> CCDData:
    """The combined frame for a frame that has no uncertainty; the arrays are shared."""
    plain = copy.copy(master)
    plain.uncertainty = None
    return plain


def overrule_header(meta: Any, headers: Mapping[str, Any]) -> None:
    """Put the values of [headers] into a header, in place."""
    for name, value in headers.items():
        if name in HEADER_KEYWORDS:
            meta[HEADER_KEYWORDS[name]] = (as_pairs(value) if isinstance(value, Mapping) else value, GIVEN)
