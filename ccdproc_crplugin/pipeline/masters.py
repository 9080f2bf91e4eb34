# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a worker does with a group of calibration frames: combine it."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.calibration.combine import combine_calibrations
from ccdproc_crplugin.calibration.combined_frame import COMBINED
from ccdproc_crplugin.calibration.grouping import CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.io.atomic import part_path
from ccdproc_crplugin.pipeline.lights import (
    Call,
    Outcome,
    OutputError,
    overrule_header,
    run_step,
    writing,
)
from ccdproc_crplugin.pipeline.model import Night
from ccdproc_crplugin.pipeline.plan import Group
from ccdproc_crplugin.pipeline.results import is_readable, n_bytes_of
from ccdproc_crplugin.pipeline.thread_warnings import caught_warnings

__all__ = ["CombineTask", "combine_group"]

#: Steps that `combine_calibrations` does by itself, faster.
SUBTRACTIONS = ("subtract_bias", "subtract_dark")


@dataclass(frozen=True)
class CombineTask:
    """A group to be combined."""

    key: CalibrationKey
    paths: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    targets: tuple[str, ...]
    hdus: tuple[int | None, ...]
    calls: tuple[Call, ...]
    headers: Mapping[str, Any]
    combine: Mapping[str, Any]

    @classmethod
    def of(cls, group: Group, night: Night, rows: list[dict[str, Any]]) -> CombineTask:
        """The task of a group."""
        return cls(
            key=group.key,
            paths=tuple(str(entry.path) for entry in group.entries),
            rows=tuple(rows),
            targets=tuple(str(night.output / name) for name in group.names),
            hdus=group.hdus,
            calls=group.calls,
            headers=dict(night.headers),
            combine=dict(night.combine),
        )


def combine_group(task: CombineTask) -> Outcome:
    """Do a task; whatever goes wrong stays with it."""
    start = time.perf_counter()
    failure = fatal = ""
    left_out: dict[Path, str] = {}
    with caught_warnings() as messages:
        try:
            for number, target in enumerate(task.targets):
                _combine(task, number, Path(target), left_out)
        except Exception as err:
            failure = reason_of(err)
            fatal = failure if isinstance(err, OutputError) else ""
    seconds = round((time.perf_counter() - start) / len(task.rows), 3)
    done = {"status": "done", "n_bytes": n_bytes_of(map(Path, task.targets))}
    rows = []
    for path, row in zip(task.paths, task.rows, strict=True):
        reason = left_out.get(Path(path), failure)
        status = {"status": "failed", "reason": reason, "output": ""} if reason else done
        rows.append({**row, **status, "seconds": seconds})
    return Outcome(rows, tuple(dict.fromkeys(messages)), fatal)


def _combine(task: CombineTask, number: int, target: Path, left_out: dict[Path, str]) -> None:
    """Combine one frame of each file, in a folder of its own, and put it where it belongs."""
    if is_readable(target) and COMBINED not in fits.getheader(target):
        raise CosmicRayError(f"Found {target.name!r} in the output, which no run wrote; expected none. Move it away.")
    first, rest = _split(task.calls)
    prepare = functools.partial(_prepared, task=task, number=number, calls=first) if first or task.headers else None
    with writing():
        scratch = part_path(target)
        scratch.mkdir(parents=True)
    try:
        with writing():
            (made,) = combine_calibrations(
                task.paths,
                scratch,
                **task.combine,
                subtract=bool(rest),
                keys=dict.fromkeys(task.paths, task.key),
                masters=[call.masters[call.master_for(number)] for call in rest],
                prepare=prepare,
                saturation=task.headers.get("saturation"),
                unit=task.headers.get("unit"),
                hdu=task.hdus[number],
                on_left_out=left_out.__setitem__,
            )
            os.replace(made, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _split(calls: tuple[Call, ...]) -> tuple[tuple[Call, ...], tuple[Call, ...]]:
    """The steps done frame by frame, and the subtractions at the end that the combining does."""
    n_last = 0
    while n_last < len(calls) and calls[-1 - n_last].name in SUBTRACTIONS:
        n_last += 1
    return calls[: len(calls) - n_last], calls[len(calls) - n_last :]


def _prepared(ccd: CCDData, *, task: CombineTask, number: int, calls: tuple[Call, ...]) -> CCDData:
    overrule_header(ccd.meta, task.headers)
    for call in calls:
        ccd, _ = run_step(ccd, number, call)
    return ccd
