# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The plan of a run: which frames are combined, and what is done to each light frame."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.calibration.choice import doubt_about, fitting_frames, nothing_fits
from ccdproc_crplugin.calibration.group_combination import LEAST_FRAMES
from ccdproc_crplugin.calibration.grouping import group_keys, group_names, unsure_of
from ccdproc_crplugin.calibration.key import CALIBRATION_KINDS, TEMPERATURE_TOLERANCE, CalibrationKey
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.dialects import in_use
from ccdproc_crplugin.io.ccd import frame_indices
from ccdproc_crplugin.kernels import n_threads
from ccdproc_crplugin.pipeline.model import Call, Entry, Group, Light, Night, Plan
from ccdproc_crplugin.pipeline.stacks import nothing_to_compare
from ccdproc_crplugin.pipeline.steps import change_files, reason_in_night
from ccdproc_crplugin.pipeline.table import hash_file, hash_settings
from ccdproc_crplugin.plugins.model import StackStep, Step

#: The folder of the combined frames, in the output folder.
CALIBRATION = "calibration"

#: Steps, and those that belong before each of them.
AFTER = {
    "clean_cosmic_rays_stack": ("subtract_overscan", "subtract_bias", "subtract_dark", "correct_flat"),
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
        self.doubts: list[str] = [*doubts_about(night.calls)]
        #: By step, combined frame and doubt, the frames that it is taken for in spite of that.
        self._doubtful: dict[tuple[str, str, str], list[str]] = {}
        #: How far temperatures may differ, in deg_C.
        self._tolerance = float(night.combine.get("temperature_tolerance", TEMPERATURE_TOLERANCE))

    def plan(self, entries: Iterable[Entry]) -> Plan:
        """The plan for these files, which depends on them and on the settings alone."""
        entries = list(entries)
        self.doubts += criteria_of_nothing(self.night, entries)
        self.doubts += selected_twice(entries)
        usable = self._usable(entries)
        self.notes += _named_by_object(usable)
        self._group([entry for entry in usable if entry.kind in CALIBRATION_KINDS])
        lights = tuple(self._lights([entry for entry in usable if entry.kind == "light"]))
        self.notes += missing_figures(self.night.calls, [light.entry for light in lights])
        self.notes += missing_for_steps(usable)
        self.doubts += [
            f"{name}: {master} is taken for {_listed(files)}, though {doubt}"
            for (name, master, doubt), files in self._doubtful.items()
        ]
        return Plan(tuple(self.groups), lights, tuple(self.others), tuple(self.notes), tuple(self.doubts))

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
        hashed = {entry.path: entry for entry in self._all_hashed(entries)}
        keys = {entry.path: entry.key for entry in entries if entry.key}
        groups = group_keys(keys, tolerance=self._tolerance)
        for name, (key, paths) in zip(group_names(groups), groups.items(), strict=True):
            members = tuple(hashed[path] for path in paths if not hashed[path].reason)
            for unsure, number in unsure_of(key, [keys[path] for path in paths]).items():
                self.doubts.append(
                    f"{name} is made of {len(paths)} frames, of which {number} do not say their {unsure}"
                )
            if 0 < len(members) < LEAST_FRAMES:
                few = f"{name} is made of {len(members)} of at least {LEAST_FRAMES} frames"
                self.notes.append(f"{few}; cosmic rays stay in it")
            if members:
                self.groups.append(self._group_of(name, key, members))

    def _all_hashed(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries with the hashes of their files; those that can't be read fail."""
        with ThreadPoolExecutor(n_threads()) as pool:
            hashed = list(pool.map(self._hashed, entries))
        self.others += [(entry, "failed", entry.reason) for entry in hashed if entry.reason]
        return hashed

    def _hashed(self, entry: Entry) -> Entry:
        try:
            return entry if entry.input_hash else replace(entry, input_hash=hash_file(entry.path))
        except CosmicRayError as err:
            return replace(entry, reason=reason_in_night(err, self.night.is_configured))

    def _group_of(self, name: str, key: CalibrationKey, members: tuple[Entry, ...]) -> Group:
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
            any_exposure = key.kind == "flat" and biases
            group = self._fitting(step, key, any_exposure=any_exposure)
            if group is None:
                why, _ = nothing_fits(self.groups, step.master, key, **self._how(any_exposure))
                self.notes.append(
                    f"{name}: no combined {step.master} fits{f' ({why})' if why else ''}; it goes without {call.name}"
                )
            else:
                yield self._with_master(call, group, key, name)

    def _how(self, any_exposure: bool) -> dict[str, Any]:
        return {"tolerance": self._tolerance, "any_exposure": any_exposure}

    def _fitting(self, step: Step, key: CalibrationKey, *, any_exposure: bool) -> Group | None:
        return next(iter(fitting_frames(self.groups, step.master, key, **self._how(any_exposure))), None)

    def _with_master(self, call: Call, group: Group, key: CalibrationKey, taker: str) -> Call:
        """The call with its combined frame; ``taker`` names the frame with this key that takes it."""
        doubt = doubt_about(group, key)
        if doubt:
            self._doubtful.setdefault((call.name, Path(group.names[0]).stem, doubt), []).append(taker)
        paths = tuple(str(self.night.output / name) for name in group.names)
        return replace(call, masters=paths, master_names=group.names, master_hash=group.settings_hash)

    # --- light frames ---

    def _lights(self, entries: Sequence[Entry]) -> Iterator[Light]:
        clashing = self._clashes(entries)
        hashes: dict[tuple[str, ...], str] = {}
        stacked: dict[Entry, tuple[Call, ...]] = {}
        for entry in entries:
            try:
                if entry.file in clashing:
                    raise CosmicRayError(clashing[entry.file])
                calls = tuple(self._calls_for_light(entry))
            except CosmicRayError as err:
                self.others.append((entry, "failed", reason_in_night(err, self.night.is_configured)))
                continue
            if any(map(_takes_several, calls)):
                stacked[entry] = calls
                continue
            masters = tuple(call.master_hash for call in calls)
            if masters not in hashes:
                hashes[masters] = self._hash_of(calls, self.night.hot_pixels)
            yield Light(entry, calls, self.night.output_name(entry.file), hashes[masters])
        yield from self._stacked(stacked)

    def _stacked(self, calls_of: Mapping[Entry, tuple[Call, ...]]) -> Iterator[Light]:
        """The light frames of a step that takes several; the result of each depends on all that show its field."""
        hashed = self._all_hashed(list(calls_of))
        calls = {entry.file: calls for entry, calls in calls_of.items()}
        for stack in stacks_of(entry for entry in hashed if not entry.reason):
            taker = next(call for call in calls[stack[0].file] if _takes_several(call))
            if len(stack) == 1:
                err = nothing_to_compare(taker) if stack[0].object else no_object(taker)
                self.others.append((stack[0], "failed", reason_in_night(err, self.night.is_configured)))
                continue
            inputs = [[one.file, one.input_hash, [call.master_hash for call in calls[one.file]]] for one in stack]
            files = tuple(one.file for one in stack)
            for entry in stack:
                settings_hash = self._hash_of(calls[entry.file], self.night.hot_pixels, inputs)
                yield Light(entry, calls[entry.file], self.night.output_name(entry.file), settings_hash, files)

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

    def _calls_for_light(self, entry: Entry) -> Iterator[Call]:
        key = entry.key or CalibrationKey(entry.kind)
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
            yield self._with_master(call, group, key, entry.file)

    def _nothing_fits(self, call: Call, kind: str, key: CalibrationKey, any_exposure: bool) -> CosmicRayError:
        there = [Path(group.names[0]).stem for group in self.groups if group.key.kind == kind]
        wanted = key.as_seen_by(kind)
        if any_exposure:
            wanted = replace(wanted, exposure=None)
        why, advice = nothing_fits(self.groups, kind, key, **self._how(any_exposure))
        return CosmicRayError(
            f"{call.name}: Found no combined {kind} that fits {wanted.described()}; there "
            f"{'are ' + ', '.join(there) if there else 'is none'}. {why}{'. ' if why else ''}"
            "Take such frames, or leave the step out.",
            advice,
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
        return hash_settings([dict(self.night.headers), repr(in_use()), steps, refiners, releases, *more])


def _takes_several(call: Call) -> bool:
    return isinstance(plugins.find_step(call.name), StackStep)


def stacks_of(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The light frames of one object, filter, exposure time and camera together; one that names no object is alone."""
    stacks: list[list[Entry]] = []
    for entry in entries:
        fitting = (stack for stack in stacks if entry.object and _show_one_field(stack[0], entry))
        stack = next(fitting, None)
        if stack is None:
            stacks.append([entry])
        else:
            stack.append(entry)
    return stacks


def _show_one_field(first: Entry, other: Entry) -> bool:
    """Whether two light frames agree; what a header does not say agrees with anything, and so does any temperature."""
    if first.key is None or other.key is None or _bare(first.object) != _bare(other.object):
        return False
    return first.key.fits(other.key, tolerance=math.inf)


def _bare(name: str) -> str:
    """A name in lower case and without blanks and underscores."""
    return re.sub(r"[\s_]", "", name.lower())


def no_object(call: Call) -> CosmicRayError:
    """The error for a frame of which nobody knows what it shows."""
    return CosmicRayError(
        f"{call.name}: Found no object in the header (looked for {', '.join(header.keywords('object', {}))}); expected "
        "it, to know which exposures show one field. Take such frames in a night of their own, with clean_cosmic_rays."
    )


def _why_skipped(entry: Entry) -> str:
    if entry.kind != "unknown":
        return f"of kind {entry.kind}, which no step takes"
    if entry.said:
        return f"its header says {entry.said}, which is taken for no kind of frame; [select] in a night decides that"
    return (
        f"its header does not say what kind of frame it is (looked for {', '.join(header.keywords('kind', {}))}); "
        "kind under [headers] or [select] in a night decides that"
    )


def _named_by_object(entries: Sequence[Entry]) -> list[str]:
    """A line for each name of an object that alone says the kind of frames."""
    names = Counter((entry.named, entry.kind) for entry in entries if entry.named)
    return [
        f"{name} alone says that {number} of the frames are of kind {kind}" for (name, kind), number in names.items()
    ]


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


def criteria_of_nothing(night: Night, entries: Iterable[Entry]) -> Iterator[str]:
    """A line for each criterion of [select] that no file meets."""
    met = {criterion for entry in entries for criterion in entry.selected}
    for kind, criteria in night.select.items():
        for criterion in criteria:
            if f"{kind}: {criterion}" not in met:
                yield f"{kind} under [select]: no file fits {criterion}"


def missing_for_steps(entries: Iterable[Entry]) -> Iterator[str]:
    """A line for each thing that a step misses in headers, with the frames that lack it."""
    files: dict[str, list[str]] = {}
    for entry in entries:
        for missing in entry.lacking:
            if missing not in ("gain", "readnoise"):
                files.setdefault(missing, []).append(entry.file)
    for missing, names in files.items():
        yield f"{missing} ({_listed(names)})"


def _listed(names: Sequence[str]) -> str:
    """The number of frames, and the first of them."""
    return names[0] if len(names) == 1 else f"{len(names)} frames: {names[0]}, …"


def missing_figures(calls: Iterable[Call], lights: Sequence[Entry]) -> Iterator[str]:
    """A line for gain and read noise if a step needs them and neither a header nor a setting has them."""
    for name in ("gain", "readnoise"):
        if lights and all(name in entry.lacking for entry in lights) and any(_asks_for(call, name) for call in calls):
            yield f"{name}: in no header of a light frame; give {name} = … under [headers]"


def _asks_for(call: Call, name: str) -> bool:
    return name in plugins.step_parameters(plugins.find_step(call.name)) and call.parameters.get(name) is None


def selected_twice(entries: Iterable[Entry]) -> Iterator[str]:
    """A doubt about the files that [select] names for more than one kind."""
    files: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        kinds = tuple(dict.fromkeys(text.partition(":")[0] for text in entry.selected))
        if len(kinds) > 1:
            files.setdefault(kinds, []).append(entry.file)
    for kinds, names in files.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"[select] names {names[0]}{more} for the kinds {', '.join(kinds)}; taken for {kinds[0]}"
