# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The work on light frames that show one field: the steps from their raw files to their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.disk import OutputError
from ccdproc_crplugin.io.inputs import ODD_CARDS, keeping_inputs
from ccdproc_crplugin.pipeline.lights import Frames, kept_result, naming, read_raw, write_result
from ccdproc_crplugin.pipeline.log import caught_warnings
from ccdproc_crplugin.pipeline.model import Call, Outcome, StackTask, Task, Vote
from ccdproc_crplugin.pipeline.steps import reason_in_night, run_stack_step
from ccdproc_crplugin.pipeline.table import hash_file
from ccdproc_crplugin.plugins.model import StackStep


@keeping_inputs(warned=[ODD_CARDS])  # the inventory has said so
def work_on_stack(work: StackTask) -> list[Outcome]:
    """Reduce light frames that show one field; an error costs the frames in which it is."""
    start = time.perf_counter()
    with ThreadPoolExecutor(1) as beside:
        exposures = [Exposed(task, beside.submit(hash_file, task.source)) for task in work.tasks]
        if work.only:
            wanted = [one for one in exposures if one.task.row["file"] == work.only]
        else:
            for one in exposures:
                one.attempt(one.look_for_result)
            if all(one.facts for one in exposures):
                return [one.outcome(start, len(exposures)) for one in exposures]
            wanted = [one for one in exposures if not one.stays]
        _reduce(exposures)
        for one in wanted:
            if one.frames is not None and one.error is None:
                one.attempt(one.write, one.frames)
    shown = wanted if work.only else exposures
    return [one.outcome(start, len(exposures)) for one in shown]


class Exposed:
    """One of the light frames that show a field, and what has become of it."""

    def __init__(self, task: Task, hashing: Future) -> None:
        self.task = task
        self.frames: Frames | None = None  # None if it can't be reduced
        self.facts: dict[str, Any] = {}  # columns of the table, once there is a result
        self.error: Exception | None = None
        self._hashing = hashing
        self._votes: tuple[Vote, ...] = ()
        self._messages: list[str] = []

    @property
    def stays(self) -> bool:
        """Whether its result was edited by hand, and so is not written again."""
        return bool(self.facts.get("reason"))

    def attempt(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Do a part of the work; an error takes it out of the rest."""
        with self.noting():
            try:
                work(*arguments)
            except Exception as err:
                self.fail(err)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the warnings."""
        with caught_warnings() as messages:
            try:
                yield
            finally:
                self._messages += messages

    def fail(self, err: Exception) -> None:
        """Take it out of the work, with the first of its errors as the reason."""
        self.error, self.frames = self.error or err, None

    def look_for_result(self) -> None:
        """Look whether the result is there already; a file of somebody else in its place is an error."""
        self.facts = kept_result(self.task, self._hashing) or {}

    def read(self) -> None:
        """Read the raw frames."""
        self.frames = read_raw(self.task)

    def write(self, frames: Frames) -> None:
        """Write the result."""
        self.facts, self._votes = write_result(self.task, frames, self._hashing)

    def outcome(self, start: float, n_exposures: int) -> Outcome:
        """The row and the warnings; the time since ``start`` is shared by the exposures."""
        row, fatal, err = {**self.task.row, **self.facts}, "", self.error
        if err is not None:
            fatal = str(err) if isinstance(err, OutputError) else ""
            row = {**self.task.row, "status": "failed", "reason": reason_in_night(err, self.task.is_configured)}
            row["output"] = ""
        row["seconds"] = round((time.perf_counter() - start) / n_exposures, 3)
        messages = [*self._messages, *([row["reason"]] if self.stays else [])]
        return Outcome([row], tuple(dict.fromkeys(messages)), fatal, self._votes)


def _reduce(exposures: Sequence[Exposed]) -> None:
    """Take the exposures through the steps, one step after the other."""
    for one in exposures:
        one.attempt(one.read)
    for number in range(len(exposures[0].task.calls)):
        at_work = [one for one in exposures if one.frames is not None]
        if isinstance(plugins.find_step(exposures[0].task.calls[number].name), StackStep):
            _step_on_all(at_work, number)
            continue
        for one in at_work:
            one.attempt(_step_on_each, one.frames, one.task.calls[number])


def _step_on_each(frames: Frames, call: Call) -> None:
    """Do a step on each frame of a file."""
    for number, hdu in enumerate(frames.by_hdu):
        frames.run(hdu, number, call)


def _step_on_all(exposures: Sequence[Exposed], number_of_call: int) -> None:
    """Do a step on the exposures together: frame by frame of their files, those of one shape together."""
    n_frames = max((len(one.frames.by_hdu) for one in exposures if one.frames), default=0)
    for number in range(n_frames):
        by_shape: dict[tuple[int, ...], list[Exposed]] = {}
        for one in exposures:
            if one.frames is not None and number < len(one.frames.by_hdu):
                by_shape.setdefault(_nth(one.frames, number)[1].shape, []).append(one)
        for of_shape in by_shape.values():
            _step_on_one_field(of_shape, number, of_shape[0].task.calls[number_of_call])


def _nth(frames: Frames, number: int) -> tuple[int, CCDData]:
    """The ``number``-th frame of a file from 0, after its HDU."""
    return list(frames.by_hdu.items())[number]


def _step_on_one_field(exposures: list[Exposed], number: int, call: Call) -> None:
    """Do a step on a frame of each file; an error that names one of them costs this one, and the others go on."""
    while len(exposures) > 1:
        places = [(one.frames, *_nth(one.frames, number)) for one in exposures if one.frames is not None]
        try:
            with exposures[0].noting(), naming(call):
                results = run_stack_step([ccd for *_, ccd in places], call)
        except CosmicRayError as err:
            exposures = _without_failed(exposures, err, call)
            continue
        for (frames, hdu, _), result in zip(places, results, strict=True):
            frames.by_hdu[hdu] = result
        return
    for one in exposures:
        one.fail(nothing_to_compare(call))


def _without_failed(exposures: list[Exposed], err: CosmicRayError, call: Call) -> list[Exposed]:
    """The exposures but the one that an error names; without all if it names none."""
    if err.exposure is None or err.exposure >= len(exposures):
        failed = exposures
    else:
        failed = [exposures[err.exposure]]
        err.before = f"{call.name}: "  # its number says nothing to readers of the table
    for one in failed:
        one.fail(err)
    return [one for one in exposures if one not in failed]


def nothing_to_compare(call: Call) -> CosmicRayError:
    """The error for an exposure without another one of its field."""
    return CosmicRayError(
        f"{call.name}: Found no other exposure of its object, filter, exposure time and shape that can be compared; "
        "expected two or more. Take it in a night of its own, with clean_cosmic_rays."
    )
