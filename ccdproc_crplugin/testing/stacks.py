# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The exposures on which the conformance kit tries stack detectors, called as the host calls them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.plugins.model import Detection, Exposure
from ccdproc_crplugin.simulate import Camera
from ccdproc_crplugin.simulate.exposures import simulate_exposures
from ccdproc_crplugin.stacking.clean import clean_cosmic_rays_stack
from ccdproc_crplugin.testing.checks import fail
from ccdproc_crplugin.testing.frames import READNOISE, SIDE, SKY, in_words, noisy_sky
from ccdproc_crplugin.testing.subjects import Subject

#: Saturation level of the exposures, electron.
SATURATION = 80_000.0


@dataclass(frozen=True)
class Stack:
    """Exposures of a field, and what is known of each."""

    what: str  # in words
    exposures: tuple[Exposure, ...]
    charge: tuple[np.ndarray, ...]  # that cosmic rays left, electron
    stars: tuple[np.ndarray, ...] = ()  # int, shape (n, 2): y and x of the centres of stars

    def changed(self, number: int, **changes: Any) -> Stack:
        """The same stack with other facts of an exposure."""
        exposures = list(self.exposures)
        exposures[number] = exposure_of(**{**vars(exposures[number]), **changes})
        return replace(self, exposures=tuple(exposures))


def exposure_of(data: np.ndarray, mask: np.ndarray | None = None, **facts: Any) -> Exposure:
    """An exposure whose arrays nobody can write to."""
    arrays = {"data": np.array(data, dtype=np.float32), "mask": np.zeros(data.shape, bool) if mask is None else mask}
    arrays |= {name: facts.pop(name) for name in ("variance", "background") if facts.get(name) is not None}
    arrays = {name: np.array(array) for name, array in arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    return Exposure(**{"readnoise": READNOISE, "saturation": SATURATION, **facts, **arrays})


@functools.cache
def bright_hits(n_exposures: int = 3, shape: tuple[int, int] = (64, 72)) -> Stack:
    """A flat sky; each exposure has a track and a spot of its own."""
    charges = [np.zeros(shape, dtype=np.float32) for _ in range(n_exposures)]
    for number, charge in enumerate(charges):
        charge[10 + 8 * number, 12:20] = charge[10 + 8 * number, 40] = 3000
    exposures = [exposure_of(noisy_sky(shape, seed=number) + charge) for number, charge in enumerate(charges, start=1)]
    what = f"{n_exposures} exposures of a flat sky with bright hits, {in_words(shape)}"
    return Stack(what, tuple(exposures), tuple(charges))


@functools.cache
def sky(shape: tuple[int, int] = (SIDE, SIDE), n_exposures: int = 3) -> Stack:
    """A flat sky without anything."""
    exposures = [exposure_of(noisy_sky(shape, seed=number)) for number in range(n_exposures)]
    nothing = (np.zeros(shape, dtype=np.float32),) * n_exposures
    return Stack(f"{n_exposures} exposures of a flat sky, {in_words(shape)}", tuple(exposures), nothing)


@functools.cache
def field(step: float = 0.0, worse: float = 1.0, n_exposures: int = 3) -> Stack:
    """Stars and cosmic rays; from one exposure to the next a shift (pixels), and every second in worse seeing."""
    offsets = [(step * number, -step * number) for number in range(n_exposures)]
    widths = [3.0 * (worse if number % 2 else 1.0) for number in range(n_exposures)]
    simulated = simulate_exposures(
        (SIDE, SIDE),
        offsets=offsets,
        fwhm=widths,
        sky=SKY,
        n_stars=15,
        numbers={"muon": 4, "worm": 3, "spot": 5},
        camera=Camera(hot_fraction=0, readnoise=READNOISE),
        seed=11,
    )
    exposures = [exposure_of(one.ccd.data, offset=offset) for one, offset in zip(simulated, offsets, strict=True)]
    cores = [np.rint([one.stars["y"].value, one.stars["x"].value]).astype(int).T for one in simulated]
    what = f"{n_exposures} exposures of a field with stars, shifted by {step:g} pixels, seeing changed by {worse:g}"
    return Stack(what, tuple(exposures), tuple(one.charge for one in simulated), tuple(cores))


def search(subject: Subject, stack: Stack, **changes: Any) -> Sequence[Detection]:
    """The answer of the stack detector; an error is a check that is not passed."""
    try:
        found = subject.item.detect(list(stack.exposures), **{**subject.own_parameters, **changes})
    except Exception as err:
        fail(
            f"{type(err).__name__} ({err}) on {stack.what}",
            "an answer",
            "Make detect work on such exposures; where it can't search, return an empty mask.",
        )
    if not isinstance(found, list | tuple) or not all(isinstance(one, Detection) for one in found):
        fail(f"{type(found).__name__} from detect", "a list of Detections", "Return one for each exposure.")
    if len(found) != len(stack.exposures):
        fail(f"{len(found)} Detections", f"{len(stack.exposures)}", "Return one for each exposure, in their order.")
    return found


def flagged(subject: Subject, stack: Stack) -> list[np.ndarray]:
    """The good pixels that the detector flags in each exposure, bool (ny, nx)."""
    masks = []
    for exposure, found in zip(stack.exposures, search(subject, stack), strict=True):
        mask = found.mask
        if not isinstance(mask, np.ndarray) or mask.shape != exposure.data.shape or mask.dtype != bool:
            shown = f"{getattr(mask, 'dtype', type(mask).__name__)} of shape {getattr(mask, 'shape', None)}"
            fail(f"a mask that is {shown}", f"bool of shape {exposure.data.shape}", "Return a NumPy array of bool.")
        masks.append(mask & ~exposure.mask)
    return masks


def clean(subject: Subject, stack: Stack, dtype: str = "f4", **changes: Any) -> list[CCDData]:
    """The exposures of a stack cleaned by the host with the detector."""
    ccds = [CCDData(one.data.astype(dtype), unit="electron", meta={"RDNOISE": READNOISE}) for one in stack.exposures]
    settings = {"preflight": "off", "saturation": SATURATION, "max_fraction": 1, "refine": False}
    offsets = [one.offset for one in stack.exposures]
    with subject.registered() as name:
        return clean_cosmic_rays_stack(ccds, name, offsets=offsets, **{**settings, **subject.parameters, **changes})
