# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a run will do: which frames are combined, and what each light frame gets."""

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
from ccdproc_crplugin.calibration.grouping import CALIBRATION_KINDS, TEMPERATURE_TOLERANCE, CalibrationKey, group_keys
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.ccd import frame_indices
from ccdproc_crplugin.io.selection import stem
from ccdproc_crplugin.kernels import n_threads
from ccdproc_crplugin.pipeline.model import Call, Entry, Group, Light, Night, Plan
from ccdproc_crplugin.pipeline.table import hash_file, hash_settings
from ccdproc_crplugin.plugins.model import Step

__all__ = ["CALIBRATION", "deciding_plugins", "make_plan", "output_name"]

#: The folder of the combined frames, in the output.
CALIBRATION = "calibration"


def make_plan(night: Night, entries: Iterable[Entry]) -> Plan:
    """Decide what to do."""
    readable, others = [], []
    taken = {plugins.find_step(call.name).master for call in night.calls} | {"light"}
    for entry in entries:
        if entry.reason:
            others.append((entry, "failed", entry.reason))
        elif entry.kind not in taken:
            others.append((entry, "skipped", _why_skipped(entry)))
        else:
            readable.append(entry)
    notes: list[str] = []
    groups: list[Group] = []
    for group in _groups(night, readable, others, groups, notes):
        groups.append(group)
    lights = list(_lights(night, readable, groups, others))
    notes += missing_figures(night.calls, [light.entry for light in lights])
    return Plan(tuple(groups), tuple(lights), tuple(others), tuple(notes), tuple(doubts_about(night.calls)))


def _why_skipped(entry: Entry) -> str:
    if entry.kind != "unknown":
        return f"of kind {entry.kind}, which no step takes"
    if entry.said:
        return f"its header says {entry.said}, which is taken for no kind of frame; [select] in a night decides that"
    return f"its header does not say what kind of frame it is (looked for {', '.join(header.KEYWORDS['kind'])})"


# --- calibration frames ------------------------------------------------------


def _groups(night: Night, entries: list[Entry], others: list, groups: list[Group], notes: list[str]) -> Iterator[Group]:
    """The groups, bias first; ``groups`` are those given so far, which the next ones draw on."""
    by_path = {entry.path: entry for entry in entries}
    keys = {entry.path: entry.key for entry in entries if entry.kind in CALIBRATION_KINDS}
    names: set[str] = set()
    with ThreadPoolExecutor(n_threads()) as pool:
        hashed = dict(zip(keys, pool.map(_hashed, map(by_path.get, keys)), strict=True))
    others += [(entry, "failed", entry.reason) for entry in hashed.values() if entry.reason]
    for key, paths in group_keys(keys, tolerance=_tolerance(night)).items():
        members = [hashed[path] for path in paths if not hashed[path].reason]
        if members:
            yield _group(night, key, tuple(members), groups, names, notes)


def _hashed(entry: Entry) -> Entry:
    try:
        return entry if entry.input_hash else replace(entry, input_hash=hash_file(entry.path))
    except CosmicRayError as err:
        return replace(entry, reason=str(err))


def _tolerance(night: Night) -> float:
    """What temperatures may differ by, deg_C."""
    return float(night.combine.get("temperature_tolerance", TEMPERATURE_TOLERANCE))


def _group(
    night: Night,
    key: CalibrationKey,
    members: tuple[Entry, ...],
    groups: list[Group],
    taken: set[str],
    notes: list[str],
) -> Group:
    base = _free_name(key.name, taken)
    calls = tuple(_calls_for_calibration(night, key, groups, base, notes))
    indices = frame_indices(members[0].path)
    alone = len(indices) == 1
    inputs = [[entry.file, entry.input_hash] for entry in members]
    return Group(
        key=key,
        entries=members,
        calls=calls,
        names=tuple(f"{CALIBRATION}/{base if alone else f'{base}_hdu{index}'}.fits" for index in indices),
        hdus=(None,) if alone else tuple(indices),
        settings_hash=_hash_of(night, calls, dict(night.combine), inputs),
    )


def _free_name(name: str, taken: set[str]) -> str:
    names = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
    free = next(candidate for candidate in names if os.path.normcase(candidate) not in taken)
    taken.add(os.path.normcase(free))
    return free


def _calls_for_calibration(
    night: Night, key: CalibrationKey, groups: list[Group], name: str, notes: list[str]
) -> Iterator[Call]:
    """
    The steps before the one that takes the combined frame, as far as they are for this kind.

    What of bias and dark there is not is left out: a short flat hardly has any dark current.
    """
    for call in night.calls:
        step = plugins.find_step(call.name)
        if step.master == key.kind:
            return
        if key.kind not in step.kinds:
            continue
        if not step.master:
            yield call
            continue
        # A combined dark is scaled to the flats, whose exposures are others; that takes a dark without its bias.
        scaled = key.kind == "flat" and any(plugins.find_step(c.name).master == "bias" for c in night.calls)
        group = _fitting(night, step, key, groups, any_exposure=scaled)
        if group is None:
            notes.append(f"{name}: no combined {step.master} fits; it goes without {call.name}")
        else:
            yield _with_master(call, group, night)


def _fitting(
    night: Night, step: Step, key: CalibrationKey, groups: Iterable[Group], *, any_exposure: bool
) -> Group | None:
    """The combined frame that fits, the nearest in exposure, then in temperature."""
    how = {"tolerance": _tolerance(night), "any_exposure": any_exposure}
    fitting = [group for group in groups if group.key.kind == step.master and group.key.fits(key, **how)]
    return min(
        fitting, key=lambda group: (_apart(group, key, "exposure"), _apart(group, key, "temperature")), default=None
    )


def _apart(group: Group, key: CalibrationKey, what: str) -> float:
    a, b = getattr(group.key, what), getattr(key, what)
    return 0.0 if a is None or b is None else abs(a - b)


def _with_master(call: Call, group: Group, night: Night) -> Call:
    paths = tuple(str(night.output / name) for name in group.names)
    return replace(call, masters=paths, master_names=group.names, master_hash=group.settings_hash)


# --- light frames ------------------------------------------------------------


def _lights(night: Night, entries: list[Entry], groups: list[Group], others: list) -> Iterator[Light]:
    lights = [entry for entry in entries if entry.kind == "light"]
    clashing = _clashes(night, lights)
    hashes: dict[tuple[Call, ...], str] = {}
    for entry in lights:
        try:
            if entry.file in clashing:
                raise CosmicRayError(clashing[entry.file])
            calls = tuple(_calls_for_light(night, entry.key, groups))
        except CosmicRayError as err:
            others.append((entry, "failed", str(err)))
            continue
        masters = tuple(call.master_hash for call in calls)
        if masters not in hashes:
            hashes[masters] = _hash_of(night, calls)
        yield Light(entry, calls, output_name(night, entry.file), hashes[masters])


def _calls_for_light(night: Night, key: CalibrationKey, groups: list[Group]) -> Iterator[Call]:
    for call in night.calls:
        step = plugins.find_step(call.name)
        if "light" not in step.kinds:
            continue
        if not step.master:
            yield call
            continue
        any_exposure = step.any_exposure is not None and step.any_exposure(**call.parameters)
        group = _fitting(night, step, key, groups, any_exposure=any_exposure)
        if group is None:
            there = [Path(group.names[0]).stem for group in groups if group.key.kind == step.master]
            wanted = key.as_seen_by(step.master)
            wanted = _in_words(replace(wanted, exposure=None) if any_exposure else wanted)
            raise CosmicRayError(
                f"{call.name}: Found no combined {step.master} that fits {wanted}; there "
                f"{'are ' + ', '.join(there) if there else 'is none'}. Take such frames, or leave the step out."
            )
        yield _with_master(call, group, night)


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


def output_name(night: Night, file: str) -> str:
    """How the result of a light frame goes by."""
    return Path(file).with_name(f"{stem(file)}{night.ending}").as_posix()


def _clashes(night: Night, lights: list[Entry]) -> dict[str, str]:
    """Files whose results would go by one name, and what to say of each."""
    by_name: dict[str, list[str]] = {}
    for entry in lights:
        by_name.setdefault(os.path.normcase(output_name(night, entry.file)), []).append(entry.file)
    return {
        file: f"Found {', '.join(files)}, whose results would all be {name!r}; expected names that differ. Rename some."
        for name, files in by_name.items()
        if len(files) > 1
        for file in files
    }


# --- what decides ------------------------------------------------------------


def _hash_of(night: Night, calls: tuple[Call, ...], *more: Any) -> str:
    """What decides a result but for the frame itself."""
    steps = [
        [call.name, dict(call.parameters), [_release(*part) for part in deciding_plugins(call)], call.master_hash]
        for call in calls
    ]
    refiners = [(plugin.distribution, plugin.version) for plugin, _ in plugins.host().implementations("ccdcr_refine")]
    releases = [version(name) for name in ("ccdproc_crplugin", "ccdproc")]
    return hash_settings([dict(night.headers), steps, refiners, releases, *more])


def deciding_plugins(call: Call) -> list[tuple[str, str]]:
    """What is registered and decides the result of a step."""
    step = plugins.find_step(call.name)
    return [("step", call.name), *(step.plugins(**call.parameters) if step.plugins else ())]


def _release(kind: str, name: str) -> tuple[str, str]:
    plugin = plugins.host().plugin_of(kind, name)
    return plugin.distribution, plugin.version


# --- doubts ------------------------------------------------------------------


#: Steps, and those that stand before each if at all.
AFTER = {
    "clean_cosmic_rays": ("subtract_overscan", "subtract_bias", "subtract_dark", "correct_flat"),
    "correct_flat": ("subtract_overscan", "subtract_bias", "subtract_dark"),
}


def doubts_about(calls: Sequence[Call]) -> Iterator[str]:
    """Steps in an order that can't be meant."""
    names = [call.name for call in calls]
    for name, others in AFTER.items():
        late = [other for other in others if name in names and other in names[names.index(name) :]]
        if late:
            yield f"{name} stands before {', '.join(late)}; expected it after"
    for name, number in Counter(names).items():
        if number > 1:
            yield f"{name} stands {number} times; expected it once"


def missing_figures(calls: Iterable[Call], lights: Sequence[Entry]) -> Iterator[str]:
    """Gain and read noise that a step needs and nobody gives."""
    for name in ("gain", "readnoise"):
        if lights and all(name in entry.lacking for entry in lights) and any(_asks_for(call, name) for call in calls):
            yield f"{name}: in no header of a light frame; give {name} = … under [headers]"


def _asks_for(call: Call, name: str) -> bool:
    return name in plugins.step_parameters(plugins.find_step(call.name)) and call.parameters.get(name) is None
