# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of a colour mosaic: each plane by itself, and one answer for the frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ccdproc_crplugin.frames.electrons import ElectronFrame
from ccdproc_crplugin.frames.planes import split_known
from ccdproc_crplugin.kernels.mosaic import join_planes
from ccdproc_crplugin.kernels.mosaic_events import joined_events
from ccdproc_crplugin.kernels.noise_events import NOISE_EVENTS
from ccdproc_crplugin.kernels.refine import widen_events
from ccdproc_crplugin.plugins.model import ALONG_EDGES, Detection


def search_planes(
    frame: ElectronFrame, parameters: Mapping[str, Any], search: Callable[[ElectronFrame, dict], Detection]
) -> tuple[Detection, np.ndarray]:
    """
    Search the four planes of a mosaic.

    Returns the detection of the whole frame, whose mask lacks the stars that are too sharp for a plane, and the mask
    grown into the pixels between, bool (ny, nx). A detector with ``grow=False`` is obeyed; a number is one of pixels
    of the frame. The planes are searched without growth.
    """
    shape, not_to_search = frame.data.shape, frame.not_to_search
    grow = parameters.get("grow", True)
    n_pixels = grow if isinstance(grow, int | np.integer) and not isinstance(grow, bool) else None
    parameters = {**parameters, "grow": False} if "grow" in parameters else parameters
    planes = zip(split_known(frame, shape), split_known(parameters, shape), strict=True)
    found = [_search_plane(plane, own, search) for plane, own in planes]
    mask = join_planes([detection.mask for detection in found], shape) & ~not_to_search
    mask, grown = joined_events(
        frame.data if frame.background is None else frame.data - frame.background,
        mask,
        not_to_search,
        frame.readnoise,
        frame.variance,
        frame.extra_variance,
        grow=grow is not False and n_pixels is None,
    )
    if n_pixels is not None:
        grown = widen_events(grown, int(n_pixels), not_to_search)
    arrays = {name: _joined(found, name, shape) for name in ("score", "cleaned", "not_searched")}
    info = _joined_info(found, frame.mosaic.names, shape)
    return Detection(mask, info=info, flags=_joined_flags(found, shape), **arrays), grown


def _search_plane(
    plane: ElectronFrame, parameters: dict[str, Any], search: Callable[[ElectronFrame, dict], Detection]
) -> Detection:
    """The detection in a plane, nothing in one without a good pixel."""
    return Detection(np.zeros_like(plane.bad)) if plane.not_to_search.all() else search(plane, parameters)


def _joined(found: Sequence[Detection], name: str, shape: tuple[int, int]) -> np.ndarray | None:
    """An array of the detections; None if a plane has none, but where nothing was left out by some planes."""
    planes = [getattr(detection, name) for detection in found]
    if name == "not_searched" and any(plane is not None for plane in planes):
        planes = [
            np.zeros_like(detection.mask) if plane is None else plane
            for detection, plane in zip(found, planes, strict=True)
        ]
    return None if any(plane is None for plane in planes) else join_planes(planes, shape)


def _joined_flags(found: Sequence[Detection], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The pixels of each flag; a plane may have none."""
    names = dict.fromkeys(name for detection in found for name in detection.flags)
    none = [np.zeros_like(detection.mask) for detection in found]
    return {
        name: join_planes([plane.flags.get(name, no) for plane, no in zip(found, none, strict=True)], shape)
        for name in names
    }


def _joined_info(found: Sequence[Detection], names: Sequence[str], shape: tuple[int, int]) -> dict[str, Any]:
    """What the detector said: once where all planes agree, images joined, else with the name of each plane."""
    keys = dict.fromkeys(key for detection in found for key in detection.info)
    info = {}
    for key in keys:
        told = [(name, plane.info[key]) for name, plane in zip(names, found, strict=True) if key in plane.info]
        values = [value for _, value in told]
        if key in (ALONG_EDGES, NOISE_EVENTS):
            info[key] = sum(values)
        elif [getattr(value, "shape", None) for value in values] == [plane.mask.shape for plane in found]:
            info[key] = join_planes(values, shape)
        elif all(_same(value, values[0]) for value in values):
            info[key] = values[0]
        else:
            info[key] = ", ".join(f"{name} {_short(value)}" for name, value in told)
    return info


def _same(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, int | float | str | bool) and a == b)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
