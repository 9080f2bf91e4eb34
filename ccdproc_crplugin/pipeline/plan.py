# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The plan of a run: which frames are combined, and what is done to each light frame."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibration.choice import fitting_frames
from ccdproc_crplugin.calibration.grouping import (
    CALIBRATION_KINDS,
    TEMPERATURE_TOLERANCE,
    CalibrationKey,
    free_name,
    group_keys,
)
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.ccd import frame_indices
from ccdproc_crplugin.kernels import n_threads
from ccdproc_crplugin.pipeline.model import Call, Entry, Group, Light, Night, Plan
from ccdproc_crplugin.pipeline.steps import change_files, reason_in_night
from ccdproc_crplugin.pipeline.table import hash_file, hash_settings
from ccdproc_crplugin.plugins.model import Step

#: The folder of the combined frames, in the output folder.
CALIBRATION = "calibration"

#: Steps, and those that belong before each of them.
AFTER = {
    "clean_cosmic_rays": ("subtract_overscan", "subtract_bias", "subtract_dark", "correct_flat"),
    "correct_flat": ("subtract_overscan", "subtract_bias", "subtract_dark"),
}


class Planner:
    """Plans a night kind by kind, because combined darks draw on combined biases, and flats on both."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.groups: list[Group] = []
        self.others: list[tuple[Entry, str, str]] = []
        self.notes: list[str] = []
        self._names: set[str] = set()
        #: How far temperatures may differ, in deg_C.
        self._tolerance = float(night.combine.get("temperature_tolerance", TEMPERATURE_TOLERANCE))

    def plan(self, entries: Iterable[Entry]) -> Plan:
        """The plan for these files, which depends on them and on the settings alone."""
        usable = self._usable(entries)
        self._group([entry for entry in usable if entry.kind in CALIBRATION_KINDS])
        lights = tuple(self._lights([entry for entry in usable if entry.kind == "light"]))
        self.notes += missing_figures(self.night.calls, [light.entry for light in lights])
        doubts = tuple(doubts_about(self.night.calls))
        return Plan(tuple(self.groups), lights, tuple(self.others), tuple(self.notes), doubts)

    def _usable(self, entries: Iterable[Entry]) -> list[Entry]:
        """The files that can be read and whose kind a step takes."""
        taken = {plugins.find_step(call.name).master for call in self.night.calls} | {"light"}
        usable = []
        for entry in entries:
            if entry.reason:
                self.others.append((entry, "failed", entry.reason))
            elif entry.kind not in taken:
                self.others.append((entry, "skipped", _why_skipped(entry)))
            else:
                usable.append(entry)
        return usable

    # --- calibration frames ---

    def _group(self, entries: Sequence[Entry]) -> None:
        with ThreadPoolExecutor(n_threads()) as pool:
            hashed = {entry.path: entry for entry in pool.map(self._hashed, entries)}
        self.others += [(entry, "failed", entry.reason) for entry in hashed.values() if entry.reason]
        keys = {entry.path: entry.key for entry in entries if entry.key}
        for key, paths in group_keys(keys, tolerance=self._tolerance).items():
            members = tuple(hashed[path] for path in paths if not hashed[path].reason)
            if members:
                self.groups.append(self._group_of(key, members))

    def _hashed(self, entry: Entry) -> Entry:
        try:
            return entry if entry.input_hash else replace(entry, input_hash=hash_file(entry.path))
        except CosmicRayError as err:
            return replace(entry, reason=reason_in_night(err, self.night.is_configured))

    def _group_of(self, key: CalibrationKey, members: tuple[Entry, ...]) -> Group:
        name = free_name(key.name, self._names)
        calls = tuple(self._calls_for_calibration(key, name))
        indices = frame_indices(members[0].path)
        alone = len(indices) == 1
        inputs = [[entry.file, entry.input_hash] for entry in members]
        return Group(
            key=key,
            entries=members,
            calls=calls,
            names=tuple(f"{CALIBRATION}/{name if alone else f'{name}_hdu{index}'}.fits" for index in indices),
            hdus=(None,) if alone else tuple(indices),
            settings_hash=self._hash_of(calls, dict(self.night.combine), inputs),
        )

    def _calls_for_calibration(self, key: CalibrationKey, name: str) -> Iterator[Call]:
        """
        The steps for this kind that stand before the one that takes the combined frame.

        Where no combined bias or dark fits, its step is skipped: a short flat has hardly any dark current.
        """
        for call in self.night.calls:
            step = plugins.find_step(call.name)
            if step.master == key.kind:
                return
            if key.kind not in step.kinds:
                continue
            if not step.master:
                yield call
                continue
            # A combined dark is scaled to the exposures of the flats, which takes a dark without its bias.
            biases = any(plugins.find_step(other.name).master == "bias" for other in self.night.calls)
            group = self._fitting(step, key, any_exposure=key.kind == "flat" and biases)
            if group is None:
                self.notes.append(f"{name}: no combined {step.master} fits; it goes without {call.name}")
            else:
                yield self._with_master(call, group)

    def _fitting(self, step: Step, key: CalibrationKey, *, any_exposure: bool) -> Group | None:
        how: dict[str, Any] = {"tolerance": self._tolerance, "any_exposure": any_exposure}
        return next(iter(fitting_frames(self.groups, step.master, key, **how)), None)

    def _with_master(self, call: Call, group: Group) -> Call:
        paths = tuple(str(self.night.output / name) for name in group.names)
        return replace(call, masters=paths, master_names=group.names, master_hash=group.settings_hash)

    # --- light frames ---

    def _lights(self, entries: Sequence[Entry]) -> Iterator[Light]:
        clashing = self._clashes(entries)
        hashes: dict[tuple[str, ...], str] = {}
        for entry in entries:
            try:
                if entry.file in clashing:
                    raise CosmicRayError(clashing[entry.file])
                calls = tuple(self._calls_for_light(entry.key or CalibrationKey(entry.kind)))
            except CosmicRayError as err:
                self.others.append((entry, "failed", reason_in_night(err, self.night.is_configured)))
                continue
            masters = tuple(call.master_hash for call in calls)
            if masters not in hashes:
                hashes[masters] = self._hash_of(calls, self.night.hot_pixels)
            yield Light(entry, calls, self.night.output_name(entry.file), hashes[masters])

    def _clashes(self, lights: Sequence[Entry]) -> dict[str, str]:
        """Messages for the files whose results would have the same name."""
        by_name: dict[str, list[str]] = {}
        for entry in lights:
            by_name.setdefault(os.path.normcase(self.night.output_name(entry.file)), []).append(entry.file)
        return {
            file: f"Found {', '.join(files)}, whose results would all be {name!r}; expected names that differ. "
            "Rename some."
            for name, files in by_name.items()
            if len(files) > 1
            for file in files
        }

    def _calls_for_light(self, key: CalibrationKey) -> Iterator[Call]:
        for call in self.night.calls:
            step = plugins.find_step(call.name)
            if "light" not in step.kinds:
                continue
            if not step.master:
                yield call
                continue
            any_exposure = step.any_exposure is not None and step.any_exposure(**call.parameters)
            group = self._fitting(step, key, any_exposure=any_exposure)
            if group is None:
                raise self._nothing_fits(call, step.master, key, any_exposure)
            yield self._with_master(call, group)

    def _nothing_fits(self, call: Call, kind: str, key: CalibrationKey, any_exposure: bool) -> CosmicRayError:
        there = [Path(group.names[0]).stem for group in self.groups if group.key.kind == kind]
        wanted = key.as_seen_by(kind)
        if any_exposure:
            wanted = replace(wanted, exposure=None)
        return CosmicRayError(
            f"{call.name}: Found no combined {kind} that fits {_in_words(wanted)}; there "
            f"{'are ' + ', '.join(there) if there else 'is none'}. Take such frames, or leave the step out."
        )

    # --- everything that decides a result ---

    def _hash_of(self, calls: tuple[Call, ...], *more: Any) -> str:
        """A hash of everything that decides a result, except for the frame itself."""
        steps = [
            [
                call.name,
                _deciding_parameters(call),
                [_release(*part) for part in deciding_plugins(call)],
                call.master_hash,
            ]
            for call in calls
        ]
        refiners = [(owner.distribution, owner.version) for owner, _ in plugins.host().implementations("ccdcr_refine")]
        releases = [version(name) for name in ("ccdproc_crplugin", "ccdproc")]
        return hash_settings([dict(self.night.headers), steps, refiners, releases, *more])


def _why_skipped(entry: Entry) -> str:
    if entry.kind != "unknown":
        return f"of kind {entry.kind}, which no step takes"
    if entry.said:
        return f"its header says {entry.said}, which is taken for no kind of frame; [select] in a night decides that"
    return f"its header does not say what kind of frame it is (looked for {', '.join(header.KEYWORDS['kind'])})"


def _in_words(key: CalibrationKey) -> str:
    known = {
        "exposure": key.exposure is not None and f"{key.exposure:g} s",
        "filter": key.filter,
        "binning": key.binning and "{} x {}".format(*key.binning),
        "gain": key.gain is not None and f"{key.gain:g}",
        "readout mode": key.readout,
        "temperature": key.temperature is not None and f"{key.temperature:g} deg_C",
    }
    return ", ".join(f"{name} {value}" for name, value in known.items() if value) or "the frame"


def deciding_plugins(call: Call) -> list[tuple[str, str]]:
    """Kind and name of the plugins that decide the result of a step: the step itself, and perhaps a detector."""
    step = plugins.find_step(call.name)
    return [("step", call.name), *(step.plugins(**call.parameters) if step.plugins else ())]


def _deciding_parameters(call: Call) -> dict[str, Any]:
    """The parameters of a step; what a file holds, not its name, decides the result."""
    files = [name for name in plugins.find_step(call.name).files if name in call.parameters]
    return {**call.parameters, **{name: change_files(call.parameters[name], hash_file) for name in files}}


def _release(kind: str, name: str) -> tuple[str, str]:
    plugin = plugins.host().plugin_of(kind, name)
    return plugin.distribution, plugin.version


def doubts_about(calls: Sequence[Call]) -> Iterator[str]:
    """A line for each step whose place among the others is likely a mistake."""
    names = [call.name for call in calls]
    for name, others in AFTER.items():
        late = [other for other in others if name in names and other in names[names.index(name) :]]
        if late:
            yield f"{name} stands before {', '.join(late)}; expected it after"
    for name, number in Counter(names).items():
        if number > 1:
            yield f"{name} stands {number} times; expected it once"


def missing_figures(calls: Iterable[Call], lights: Sequence[Entry]) -> Iterator[str]:
    """A line for gain and read noise if a step needs them and neither a header nor a setting has them."""
    for name in ("gain", "readnoise"):
        if lights and all(name in entry.lacking for entry in lights) and any(_asks_for(call, name) for call in calls):
            yield f"{name}: in no header of a light frame; give {name} = … under [headers]"


def _asks_for(call: Call, name: str) -> bool:
    return name in plugins.step_parameters(plugins.find_step(call.name)) and call.parameters.get(name) is None
