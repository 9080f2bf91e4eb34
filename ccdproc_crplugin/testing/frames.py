# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The frames on which the conformance kit tries plugins."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.wcs import WCS

from ccdproc_crplugin.simulate import Camera, simulate_frame

#: Read noise of the frames, electron.
READNOISE = 5.0

#: Sky of the frames, electron.
SKY = 200.0

#: Charge of a hit that no detector may miss, in units of the noise.
BRIGHT = 20.0

#: Sides of the frames of the battery, pixels.
SIDE = 192


@dataclass(frozen=True)
class Scene:
    """What a detector is given, and what is known about it; the arrays have shape (ny, nx) and are read-only."""

    what: str  # in words
    data: np.ndarray  # float32, electron
    mask: np.ndarray  # bool, bad pixels
    variance: np.ndarray | None = None  # float32, electron squared
    readnoise: float = READNOISE  # electron
    saturation: float = np.inf  # electron
    truth: Any = None  # bool, the cosmic rays
    stars: Any = None  # int, shape (n, 2): y and x of the centres of stars
    extra: dict[str, Any] = field(default_factory=dict)  # optional keywords

    def changed(self, **changes: Any) -> Scene:
        """The same scene with other facts; new arrays are read-only too."""
        return replace(self, **{name: _frozen(value) for name, value in changes.items()})


def _frozen(value: Any) -> Any:
    """An array that nobody can write to; anything else as it is."""
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.flags.writeable = False
    return value


def scene_of(what: str, data: np.ndarray, **facts: Any) -> Scene:
    """A scene from an image; without a mask no pixel is bad."""
    mask = facts.pop("mask", np.zeros(data.shape, dtype=bool))
    facts = {name: _frozen(value) for name, value in facts.items()}
    return Scene(what, _frozen(data.astype(np.float32)), _frozen(mask), **facts)


def in_words(shape: tuple[int, ...]) -> str:
    """The size of a frame."""
    return " x ".join(map(str, shape)) + " pixels"


def noisy_sky(shape: tuple[int, int], level: float = SKY, readnoise: float = READNOISE, seed: int = 1) -> np.ndarray:
    """A flat sky with the noise of photons and read-out, electron."""
    rng = np.random.default_rng(seed)
    return (rng.poisson(level, shape) + rng.normal(0, readnoise, shape)).astype(np.float32)


@functools.cache
def sky(shape: tuple[int, int] = (SIDE, SIDE), level: float = SKY, readnoise: float = READNOISE) -> Scene:
    """A flat sky without anything."""
    what = f"a flat sky of {level:g} electron without cosmic rays, {in_words(shape)}"
    return scene_of(what, noisy_sky(shape, level, readnoise), readnoise=readnoise)


@functools.cache
def hits(shape: tuple[int, int] = (64, 72), seed: int = 1) -> Scene:
    """A flat sky with a few bright hits far from the border."""
    data, truth = noisy_sky(shape, seed=seed), np.zeros(shape, dtype=bool)
    truth[20, 12:20] = truth[40, 30] = truth[41, 31] = truth[30, 50] = True
    data[truth] += 3000
    return scene_of(f"a flat sky with bright hits, {in_words(shape)}", data, truth=truth)


@functools.cache
def battery() -> Scene:
    """A simulated field: stars, galaxies and cosmic rays of three kinds."""
    frame = _simulated(n_stars=25, n_galaxies=3, n_muons=8, n_worms=6, n_spots=10)
    noise = np.sqrt(np.maximum(np.asarray(frame.ccd.data) - frame.charge, 1) + READNOISE**2)
    what = f"a simulated field with stars, galaxies and cosmic rays, {in_words(frame.truth.shape)}"
    scene = scene_of(what, frame.ccd.data, truth=frame.truth, stars=_cores(frame))
    scene.extra["significance"] = frame.charge / noise
    scene.extra["labels"] = frame.labels
    return scene


@functools.cache
def star_field(fwhm: float) -> Scene:
    """Stars of one width without cosmic rays."""
    frame = _simulated(n_stars=40, fwhm=fwhm, n_muons=0, n_worms=0, n_spots=0)
    what = f"stars of FWHM {fwhm:g} pixels without cosmic rays, {in_words(frame.truth.shape)}"
    return scene_of(what, frame.ccd.data, stars=_cores(frame))


@functools.cache
def galaxies() -> Scene:
    """Galaxies without stars and cosmic rays."""
    frame = _simulated(n_stars=0, n_galaxies=8, n_muons=0, n_worms=0, n_spots=0)
    return scene_of(f"galaxies without cosmic rays, {in_words(frame.truth.shape)}", frame.ccd.data)


def _simulated(**scene: Any) -> Any:
    camera = Camera(hot_fraction=0, readnoise=READNOISE)
    return simulate_frame((SIDE, SIDE), sky=SKY, flux_range=(3000, 100_000), camera=camera, seed=7, **scene)


def _cores(frame: Any) -> np.ndarray:
    """Row and column of the stars' centres that lie on the frame, int (n, 2)."""
    centres = np.column_stack([frame.stars["y"].value, frame.stars["x"].value]).round().astype(int)
    return centres[((centres >= 0) & (centres < SIDE)).all(axis=1)]


def ccd_of(scene: Scene, **changes: Any) -> CCDData:
    """A scene as a frame in electron."""
    settings = {"unit": "electron", "mask": scene.mask.copy() if scene.mask.any() else None, **changes}
    data = settings.pop("data", scene.data.copy())
    return CCDData(data, meta={"RDNOISE": scene.readnoise}, **settings)


def raw_frame(dtype: str = "f4") -> CCDData:
    """A raw light frame in adu with header, coordinates, mask and uncertainty, as steps are given it."""
    data = np.random.default_rng(2).normal(500, 3, (48, 64))
    data[:, :56] += noisy_sky((48, 56)) / 1.5
    data[20, 30] += 2000
    data = data.astype(dtype)
    mask = np.zeros(data.shape, dtype=bool)
    mask[5, 7] = True
    meta = {"OBJECT": "M 31", "IMAGETYP": "light", "EGAIN": 1.5, "RDNOISE": READNOISE, "EXPTIME": 60.0}
    meta |= {"OBSERVER": "A", "BIASSEC": "[57:64, 1:48]", "TRIMSEC": "[1:56, 1:48]"}
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (10.0, 41.0), (32.0, 24.0), (-1e-4, 1e-4)
    uncertainty = StdDevUncertainty(np.sqrt(np.abs(data.astype(float)) / 1.5 + 11.0), unit=u.adu)
    return CCDData(data, unit="adu", meta=meta, mask=mask, uncertainty=uncertainty, wcs=wcs)
