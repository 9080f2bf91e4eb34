# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The plugins under test, called as the host calls them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
from ccdproc_crplugin.errors import wrong_value
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Detector, StackDetector, StackStep, Step
from ccdproc_crplugin.testing.checks import fail
from ccdproc_crplugin.testing.frames import Scene, raw_frame

_numbers = itertools.count(1)


def _detector_named(name: str) -> Detector | StackDetector:
    """The detector of a name, or else the stack detector."""
    if name in plugins.stack_detectors() and name not in plugins.detectors():
        return plugins.find_stack_detector(name)
    return plugins.find_detector(name)


@dataclass(frozen=True)
class Subject:
    """
    A detector, a stack detector or a step under test, with what it is to be called with.

    Parameters
    ----------
    item : Detector, StackDetector, Step or str
        What is tested; a registered detector or stack detector may be given by its name.
    parameters : dict
        Values of its own parameters that differ from the defaults, such as those of parameters without one.
    frame : `~astropy.nddata.CCDData` or None
        For a step: the frame that it is tried on. `None` means a raw light frame in adu.
    master : `~astropy.nddata.CCDData` or None
        For a step that takes a combined frame: this frame.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import Subject
    >>> Subject("median", parameters={"mbox": 7}).name
    'median'
    """

    item: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)
    frame: CCDData | None = None
    master: CCDData | None = None

    def __post_init__(self) -> None:
        item = _detector_named(self.item) if isinstance(self.item, str) else self.item
        if not isinstance(item, Detector | StackDetector | Step) or isinstance(item, StackStep):
            raise wrong_value("item", item, "a Detector, a StackDetector, a Step, or the name of a detector")
        object.__setattr__(self, "item", item)

    @property
    def name(self) -> str:
        """The name of what is tested."""
        return str(self.item.name)

    @property
    def kind(self) -> str:
        """The kind of what is tested."""
        kinds = {Detector: "detector", StackDetector: "stack detector"}
        return kinds.get(type(self.item), "step")

    @property
    def own_parameters(self) -> dict[str, Any]:
        """Its own parameters with the values that they are tried with; those without a value are left out."""
        known = plugins.step_parameters if self.kind == "step" else plugins.detector_parameters
        own = {**known(self.item), **self.parameters}
        return {name: value for name, value in own.items() if value is not inspect.Parameter.empty}

    def detect(self, scene: Scene, **changes: Any) -> Detection:
        """The answer of the detector on a scene; an error is a check that is not passed."""
        found = self.attempt(scene, **changes)
        if not isinstance(found, Detection):
            fail(f"{type(found).__name__} from detect", "a Detection", "Return Detection(mask).")
        return found

    def attempt(self, scene: Scene, **changes: Any) -> Any:
        """What ``detect`` returns on a scene."""
        facts = {"mask": scene.mask, "variance": scene.variance} | {
            "readnoise": scene.readnoise,
            "saturation": scene.saturation,
        }
        known: dict[str, Any] = {"extra_variance": None, "protected": None, "header": {}}
        optional = {name: value for name, value in known.items() if plugins.takes_keyword(self.item, name)}
        try:
            return self.item.detect(scene.data, **{**facts, **optional, **self.own_parameters, **changes})
        except Exception as err:
            fail(
                f"{type(err).__name__} ({err}) on {scene.what}",
                "an answer",
                "Make detect work on such a frame; where it can't search, return an empty mask and say so in "
                "Detection.not_searched.",
            )

    def flagged(self, scene: Scene, **changes: Any) -> np.ndarray:
        """The good pixels that the detector flags on a scene, bool (ny, nx)."""
        mask = self.detect(scene, **changes).mask
        if not isinstance(mask, np.ndarray) or mask.shape != scene.data.shape or mask.dtype != bool:
            shown = f"{getattr(mask, 'dtype', type(mask).__name__)} of shape {getattr(mask, 'shape', None)}"
            fail(
                f"a mask that is {shown} on {scene.what}",
                f"bool of shape {scene.data.shape}",
                "Return a NumPy array of bool with the shape of data.",
            )
        return mask & ~scene.mask

    @contextmanager
    def registered(self) -> Iterator[str]:
        """The name under which the host knows the detector meanwhile."""
        if plugins.host().registered(self.kind).get(self.name) is self.item:
            yield self.name
            return
        plugin, name = f"conformance-kit-{next(_numbers)}", f"{self.name}.tried-{next(_numbers)}"
        named = replace(self.item, name=name)

        @hookimpl
        def ccdcr_detectors() -> list[Detector]:
            return [named]

        @hookimpl
        def ccdcr_stack_detectors() -> list[StackDetector]:
            return [named]

        hook = ccdcr_detectors if self.kind == "detector" else ccdcr_stack_detectors
        plugins.register(SimpleNamespace(**{hook.__name__: hook}), plugin)
        try:
            yield name
        finally:
            plugins.unregister(plugin)

    def clean(self, ccd: CCDData, **keywords: Any) -> CCDData:
        """A frame cleaned by the host with the detector."""
        settings = {"preflight": "off", "saturation": 1e6, "max_fraction": 1, **self.parameters, **keywords}
        with self.registered() as name:
            return clean_cosmic_rays(ccd, name, **settings)

    def frame_for_step(self, dtype: str = "f4") -> CCDData:
        """A new frame for the step."""
        return raw_frame(dtype) if self.frame is None else self.frame.copy()

    def run(self, ccd: CCDData, **changes: Any) -> tuple[CCDData, Mapping[str, Any]]:
        """The frame and the tables that the step makes of a frame; an error is a check that is not passed."""
        taken = {"master": self.master} if self.item.master else {}
        try:
            made = self.item.run(ccd, **{**taken, **self.own_parameters, **changes})
        except Exception as err:
            fail(
                f"{type(err).__name__} ({err}) on a frame of {ccd.data.dtype} in {ccd.unit}",
                "a new frame",
                "Make run work on such a frame, or give the kit a frame that suits the step.",
            )
        if isinstance(made, tuple) and len(made) == 2:
            return made
        return made, {}
