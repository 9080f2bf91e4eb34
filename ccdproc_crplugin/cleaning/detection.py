# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search for cosmic rays: run the detector, check its answer and let plugins refine the mask."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.mosaic import search_planes
from ccdproc_crplugin.errors import CosmicRayError, check_bool
from ccdproc_crplugin.frames.copies import read_only
from ccdproc_crplugin.frames.electrons import ElectronFrame
from ccdproc_crplugin.frames.header import frame_name
from ccdproc_crplugin.plugins.model import HOST_KEYWORDS, Detection, Detector, Exposure, StackDetector

#: Kind and name of the dtype of each array that a detector returns.
ARRAYS = {
    "mask": ("b", "bool"),
    "not_searched": ("b", "bool"),
    "score": ("f", "floating-point numbers"),
    "cleaned": ("f", "floating-point numbers"),
}


@dataclass(frozen=True)
class FoundCosmicRays:
    """The result of a search."""

    mask: np.ndarray  # bool, shape (ny, nx): good pixels hit by cosmic rays, after the refinement
    detection: Detection  # as the detector returned it
    parameters: dict[str, Any]  # those in force, with the values that the detector chose itself
    background: np.ndarray | None = None  # float32 (ny, nx), electron: the structure on top of which it searched


def choose_detector(
    name: str, parameters: Mapping[str, Any], find: Callable[[str], Any] = plugins.find_detector
) -> tuple[Any, dict[str, Any]]:
    """Find a detector by its name, and complete its parameters with their defaults; refuse unknown ones."""
    detector = find(name)
    known = plugins.detector_parameters(detector)
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise CosmicRayError(
                f"Found the parameter {name!r}, which detector {detector.name!r} does not have; "
                f"expected one of: {', '.join(known) or '(it has none)'}.",
                f"Did you mean {near[0]}?" if near else "",
            )
    switches = plugins.switches(detector)
    for name, value in parameters.items():
        if name in switches:
            check_bool(name, value)
        if isinstance(value, numbers.Real) and not math.isfinite(value):
            raise CosmicRayError(
                f" for detector {detector.name!r}; expected a finite number.", parameter=(name, repr(value))
            )
    completed = {**known, **parameters}
    if detector.check is not None:
        _check_values(detector, completed)
    return detector, completed


def _check_values(detector: Detector | StackDetector, parameters: dict[str, Any]) -> None:
    try:
        detector.check(**parameters)  # type: ignore[misc]
    except CosmicRayError:
        raise
    except Exception as err:
        raise CosmicRayError(f"Found that detector {detector.name!r} refuses its parameters: {err}.") from err


def find_cosmic_rays(
    ccd: CCDData, frame: ElectronFrame, detector: Detector, parameters: Mapping[str, Any], *, refine: bool = True
) -> FoundCosmicRays:
    """
    Run a detector on a frame and let plugins ``refine`` its mask.

    Errors of plugins become ours, with plugin and frame named. What the plugins tell is added to the detection.
    """
    where = _describe(ccd)
    searched = with_background(parameters, frame)
    plugin = plugins.host().plugin_of("detector", detector.name)
    blame = f"{plugin}, detector {detector.name!r}, on {where}"

    facts = {"header": MappingProxyType(dict(ccd.meta))} if plugins.takes_keyword(detector, "header") else {}

    def search(plane: ElectronFrame, own: Mapping[str, Any]) -> Detection:
        return _detect(plane, detector, own, blame, facts)

    if frame.mosaic.pattern is None:
        detection = search(frame, searched)
        mask = detection.mask
        if frame.not_to_search.any():
            mask = mask & ~frame.not_to_search
    else:
        detection, mask = search_planes(frame, searched, search)
    return _found(ccd, frame, detection, mask, parameters, searched.get("background"), refine=refine)


def _found(
    ccd: CCDData,
    frame: ElectronFrame,
    detection: Detection,
    mask: np.ndarray,
    parameters: Mapping[str, Any],
    background: Any = None,
    *,
    refine: bool = True,
) -> FoundCosmicRays:
    """The result of a search with its mask refined, and with the parameters that the detector chose."""
    if refine:
        mask, detection = _refined(ccd, frame, mask, detection, parameters, _describe(ccd))
    else:
        parameters = {**parameters, "refine": False}
    chosen = {name: value for name, value in detection.info.items() if name not in HOST_KEYWORDS}
    if not (isinstance(background, np.ndarray) and background.shape == frame.data.shape):
        background = frame.background
    return FoundCosmicRays(mask, detection, {**parameters, **chosen}, background)


def find_in_stack(
    ccds: Sequence[CCDData],
    frames: Sequence[ElectronFrame],
    offsets: Sequence[tuple[float, float]],
    detector: StackDetector,
    parameters: Mapping[str, Any],
    *,
    refine: bool = True,
) -> list[FoundCosmicRays]:
    """Run a stack detector on exposures and let plugins ``refine`` its masks; its errors become ours."""
    exposures = [_exposure(frame, offset) for frame, offset in zip(frames, offsets, strict=True)]
    plugin = plugins.host().plugin_of("stack detector", detector.name)
    blame = f"{plugin}, stack detector {detector.name!r}, on {', '.join(map(_describe, ccds))}"
    detections = _called(detector, blame, parameters, exposures)
    if not isinstance(detections, list | tuple) or len(detections) != len(ccds):
        found = f"{len(detections)} items" if isinstance(detections, list | tuple) else type(detections).__name__
        raise CosmicRayError(f"Found {found} from {blame}; expected a list of {len(ccds)} Detections.")
    checked = [checked_detection(detection, ccds[0].shape, blame) for detection in detections]
    return [
        _found(ccd, frame, detection, detection.mask & ~frame.not_to_search, parameters, refine=refine)
        for ccd, frame, detection in zip(ccds, frames, checked, strict=True)
    ]


def _exposure(frame: ElectronFrame, offset: tuple[float, float]) -> Exposure:
    variance, readnoise = frame.variance, frame.readnoise
    if frame.extra_variance is not None:
        photons = np.maximum(frame.data, 0) + np.float32(readnoise) ** 2
        variance = frame.extra_variance + (photons if variance is None else variance)
        readnoise = frame.electronics.median_readnoise
    return Exposure(frame.data, frame.not_to_search, readnoise, frame.saturation, offset, variance, frame.background)


def _called(
    detector: Detector | StackDetector, blame: str, parameters: Mapping[str, Any], *facts: Any, **known: Any
) -> Any:
    """The answer of a detector; its errors become ours."""
    try:
        return detector.detect(*facts, **known, **parameters)
    except CosmicRayError as err:
        raise err.within(after=f" ({blame})") from err
    except plugins.FAILURES as err:
        defaults = plugins.detector_parameters(detector)
        given = {name: value for name, value in parameters.items() if value is not defaults[name]}
        raise CosmicRayError(
            f"Failed: {blame}, with the parameters {given!r:.200}: {type(err).__name__}: {err}"
        ) from err


def _detect(
    frame: ElectronFrame, detector: Detector, parameters: Mapping[str, Any], blame: str, facts: Mapping[str, Any]
) -> Detection:
    """The answer of a detector on a frame or a plane of it; its errors become ours."""
    detection = _called(detector, blame, parameters, frame.data, **_facts_for(detector, frame), **facts)
    return checked_detection(detection, frame.data.shape, blame)


def with_background(parameters: Mapping[str, Any], frame: ElectronFrame) -> dict[str, Any]:
    """The parameters of a detector, with the model of a spectrum as its ``background`` unless that was given."""
    given = dict(parameters)
    if frame.background is not None and "background" in given and given["background"] is None:
        given["background"] = frame.background
    return given


def _facts_for(detector: Detector, frame: ElectronFrame) -> dict[str, Any]:
    """The keywords with which the host calls a detector; one that takes no extra variance gets it with the rest."""
    takes_protected = plugins.takes_keyword(detector, "protected")
    facts: dict[str, Any] = {
        "mask": frame.bad if takes_protected else frame.not_to_search,
        "variance": frame.variance,
        "readnoise": frame.readnoise,
        "saturation": frame.saturation,
    }
    if takes_protected:
        facts["protected"] = frame.protected
    if plugins.takes_keyword(detector, "extra_variance"):
        return {**facts, "extra_variance": frame.extra_variance}
    if frame.extra_variance is not None:
        photons = np.maximum(frame.data, 0) + np.float32(frame.readnoise) ** 2
        facts["variance"] = frame.extra_variance + (photons if frame.variance is None else frame.variance)
        facts["readnoise"] = frame.electronics.median_readnoise
    return facts


def _describe(ccd: CCDData) -> str:
    name = frame_name(ccd.meta)
    return f"frame {name!r}" if name else f"a frame of shape {ccd.data.shape}"


def checked_detection(detection: Any, shape: tuple[int, int], blame: str) -> Detection:
    """The answer of a detector, refused unless all of its parts are of the right type and shape."""
    if not isinstance(detection, Detection):
        raise CosmicRayError(f"Found {type(detection).__name__} from {blame}; expected a Detection.")
    if not isinstance(detection.info, Mapping):
        raise CosmicRayError(f"Found info of type {type(detection.info).__name__} from {blame}; expected a dict.")
    given = {name: getattr(detection, name) for name in ARRAYS}
    arrays: dict[str, Any] = {
        name: _array(name, array, shape, blame) for name, array in given.items() if array is not None or name == "mask"
    }
    if "cleaned" in arrays and not np.isfinite(arrays["cleaned"][arrays["mask"]]).all():
        raise CosmicRayError(f"Found values that are not finite in the cleaned frame from {blame}; expected numbers.")
    return replace(detection, **arrays, flags=_checked_flags(detection.flags, shape, blame))


def _checked_flags(flags: Any, shape: tuple[int, int], blame: str) -> dict[str, np.ndarray]:
    """The pixels that get flags of their own, refused unless each name is one that a detector may set."""
    if not isinstance(flags, Mapping):
        raise CosmicRayError(f"Found flags of type {type(flags).__name__} from {blame}; expected a dict.")
    known = ("TRAIL", *plugins.flags())
    for name in flags:
        if name not in known:
            raise CosmicRayError(
                f"Found the flag {name!r:.80} from {blame}; expected one of: {', '.join(known)}.",
                "A plugin claims a flag with its hook ccdcr_flags.",
            )
    return {name: _array("mask", array, shape, blame) for name, array in flags.items()}


def _array(name: str, array: Any, shape: tuple[int, int], blame: str) -> np.ndarray:
    """An array from a plugin, refused unless it has the shape of the frame and its dtype in `ARRAYS`."""
    kind, expected = ARRAYS[name]
    if not isinstance(array, np.ndarray):
        raise CosmicRayError(f"Found a {name} of type {type(array).__name__} from {blame}; expected a NumPy array.")
    array = np.asarray(array)
    if array.shape != shape:
        raise CosmicRayError(f"Found a {name} of shape {array.shape} from {blame}; expected {shape}.")
    if array.dtype.kind != kind:
        raise CosmicRayError(f"Found a {name} of dtype {array.dtype} from {blame}; expected {expected}.")
    return array


def _refined(
    ccd: CCDData,
    frame: ElectronFrame,
    mask: np.ndarray,
    detection: Detection,
    parameters: Mapping[str, Any],
    where: str,
) -> tuple[np.ndarray, Detection]:
    """The mask as the plugins leave it, and the detection with what they tell."""
    for plugin, call in plugins.host().implementations("ccdcr_refine"):
        blame = f"{plugin}, hook ccdcr_refine, on {where}"
        try:
            answer = call(
                ccd=read_only(ccd), mask=mask.copy(), frame=frame, detection=detection, parameters=dict(parameters)
            )
        except plugins.FAILURES as err:
            raise CosmicRayError(f"Failed: {blame}: {type(err).__name__}: {err}") from err
        changed, told = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, {})
        if not isinstance(told, Mapping):
            raise CosmicRayError(f"Found info of type {type(told).__name__} from {blame}; expected a dict.")
        if changed is not None:
            mask = _array("mask", changed, mask.shape, blame) & ~frame.not_to_search
        if told:
            detection = replace(detection, info={**detection.info, **told})
    return mask, detection
