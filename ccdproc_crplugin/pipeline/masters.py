# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The work on a group of calibration frames: it is combined."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibration.chips import share_scale
from ccdproc_crplugin.calibration.combine import combine_calibrations
from ccdproc_crplugin.calibration.combined_frame import COMBINED
from ccdproc_crplugin.calibration.key import CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import part_path
from ccdproc_crplugin.io.disk import OutputError, writing
from ccdproc_crplugin.io.inputs import ODD_CARDS, keeping_inputs
from ccdproc_crplugin.pipeline.log import caught_warnings
from ccdproc_crplugin.pipeline.model import Call, CombineTask, Outcome
from ccdproc_crplugin.pipeline.results import first_header, foreign_file, n_bytes_of
from ccdproc_crplugin.pipeline.steps import overrule_header, reason_in_night, refuse_corrected, run_step

#: Steps that `combine_calibrations` does itself, which is faster.
SUBTRACTIONS = ("subtract_bias", "subtract_dark")


@keeping_inputs(warned=[ODD_CARDS])  # the inventory has said so
def combine_group(task: CombineTask) -> Outcome:
    """Combine a group; an error becomes the reason in the rows of its frames."""
    start = time.perf_counter()
    failure = fatal = ""
    targets = [task.night.output / name for name in task.group.names]
    left_out: dict[Path, CosmicRayError | str] = {}
    with caught_warnings() as messages:
        try:
            for number, target in enumerate(targets):
                _combine(task, number, target, left_out)
            if len(targets) > 1 and task.group.key.kind == "flat" and task.night.combine.get("flat_scale") != "frame":
                share_scale(targets)
        except Exception as err:
            failure = reason_in_night(err, task.night.is_configured)
            fatal = failure if isinstance(err, OutputError) else ""
    seconds = round((time.perf_counter() - start) / len(task.rows), 3)
    done = {"status": "done", "n_bytes": n_bytes_of(targets)}
    rows = []
    for entry, row in zip(task.group.entries, task.rows, strict=True):
        reason = left_out.get(entry.path, failure)
        if isinstance(reason, CosmicRayError):
            reason = reason_in_night(reason, task.night.is_configured)
        status = {"status": "failed", "reason": reason, "output": ""} if reason else done
        rows.append({**row, **status, "seconds": seconds})
    return Outcome(rows, tuple(dict.fromkeys(messages)), fatal)


def _combine(task: CombineTask, number: int, target: Path, left_out: dict[Path, CosmicRayError | str]) -> None:
    """Combine the ``number``-th frame of each file in a temporary folder, and move the result to its place."""
    there = first_header(target)
    if there is not None and COMBINED not in there:
        raise foreign_file(target)
    group, night, headers = task.group, task.night, task.night.headers
    first, rest = _split(group.calls)
    prepare = functools.partial(_prepared, headers=headers, number=number, calls=first) if first or headers else None
    paths = [entry.path for entry in group.entries]
    masters = {Path(call.masters[call.master_for(number)]): plugins.find_step(call.name).master for call in rest}
    # the plan has chosen them, so that they fit
    keys: dict[Any, CalibrationKey] = {
        path: replace(group.key, kind=kind).as_seen_by(kind) for path, kind in masters.items()
    }
    with writing():
        scratch = part_path(target)
        scratch.mkdir(parents=True)
    try:
        with writing():
            (made,) = combine_calibrations(
                paths,
                scratch,
                **{**task.memory, **night.combine},
                group_by=night.group.by,
                group_ignore=sorted(night.group.ignore),
                subtract=bool(rest),
                keys={**dict.fromkeys(paths, group.key), **keys},
                masters=list(masters),
                prepare=prepare,
                saturation=headers.get("saturation"),
                unit=headers.get("unit"),
                hdu=group.hdus[number],
                on_left_out=left_out.__setitem__,
            )
            os.replace(made, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _split(calls: tuple[Call, ...]) -> tuple[tuple[Call, ...], tuple[Call, ...]]:
    """The steps that are done frame by frame, and the subtractions at the end that the combination does."""
    n_last = 0
    while n_last < len(calls) and calls[-1 - n_last].name in SUBTRACTIONS:
        n_last += 1
    return calls[: len(calls) - n_last], calls[len(calls) - n_last :]


def _prepared(ccd: CCDData, *, headers: Mapping[str, Any], number: int, calls: tuple[Call, ...]) -> CCDData:
    overrule_header(ccd.meta, headers)
    refuse_corrected(ccd.meta, calls)
    for call in calls:
        ccd, _ = run_step(ccd, number, call)
    return ccd
