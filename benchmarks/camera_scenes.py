# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Simulated frames of cameras that are not ideal, and real ones, for ``bench_cameras.py``."""

import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.simulate import Camera, SimulatedFrame
from ccdproc_crplugin.simulate.scene import star_image

READNOISE = 6.0  # electron

# --- a dark that was subtracted ---------------------------------------------------

N_DARKS = 20


class DarkSubtracted(NamedTuple):
    """A frame from which a combined dark was subtracted, and that dark."""

    frame: SimulatedFrame
    ccd: CCDData  # electron
    dark: CCDData  # electron, with its uncertainty
    hot: np.ndarray  # bool, the hot pixels


def dark_subtracted(shape, camera, *, seed, exposure, **scene):
    """A frame with an average of twenty darks subtracted as an observer does, and the flat divided by."""
    frame = crp.simulate_frame(shape, camera=camera, exposure=exposure, corrected=("bias",), seed=seed, **scene)
    current = exposure * camera.dark(shape)
    error = np.sqrt((current + camera.readnoise**2) / N_DARKS)
    values = current + error * np.random.default_rng([seed, 1]).standard_normal(shape)
    error = error.astype(np.float32)
    dark = CCDData(
        values.astype(np.float32), unit="electron", uncertainty=StdDevUncertainty(error), meta={"EXPTIME": exposure}
    )
    ccd = frame.ccd.copy()
    ccd.data = ((ccd.data - values) / camera.flat(shape)).astype(np.float32)
    return DarkSubtracted(frame, ccd, dark, camera.dark(shape) > camera.dark_current)


@cache
def hot_frame(seed, side=4096, n_rays=32):
    """A chip of which 0.05 % of the pixels are hot by 20 electron/s on average, exposed for 90 s."""
    camera = Camera(hot_fraction=5e-4, hot_current=20.0)
    rays = {"n_muons": 3 * n_rays // 8, "n_worms": n_rays // 4, "n_spots": 3 * n_rays // 8}
    return dark_subtracted((side, side), camera, seed=seed, exposure=90.0, **rays)


def warm_frame(level, seed):
    """A chip without hot pixels whose dark current left ``level`` electrons in every pixel."""
    camera = Camera(dark_current=level / 300.0, hot_fraction=0.0)
    return dark_subtracted((512, 512), camera, seed=seed, exposure=300.0, sky=150.0)


# --- dead pixels of a flat ----------------------------------------------------------

DEAD_SIDE = 256


def dead_pixels():
    """A dead column and ten dead rows."""
    dead = np.zeros((DEAD_SIDE, DEAD_SIDE), dtype=bool)
    dead[:, 100] = True
    dead[120:130] = True
    return dead


def dead_camera_night(folder, *, dead, seed):
    """Write a small night whose flats and lights have no light in ``dead`` (a mask, or None for a good chip)."""
    camera = Camera(hot_fraction=0.0)
    shape = (DEAD_SIDE, DEAD_SIDE)
    rays = {"n_muons": 8, "n_worms": 5, "n_spots": 8}
    crp.simulate_night(
        folder, shape=shape, camera=camera, n_light=1, seed=seed, n_stars=40, sky=1000.0, flux_range=(300, 3e4), **rays
    )
    if dead is not None:
        for path in (*Path(folder).glob("flat_*.fits"), *Path(folder).glob("light_*.fits")):
            _take_light(path, dead, camera, np.random.default_rng([seed, *path.name.encode()]))


def _take_light(path, dead, camera, rng):
    """Leave nothing but bias and read noise in pixels of a raw frame."""
    with fits.open(path, mode="update") as hdus:
        noise = rng.normal(0, camera.readnoise / camera.gain, dead.sum())
        hdus[0].data[dead] = np.rint(camera.bias(dead.shape)[dead] + noise).astype(np.uint16)


def dead_camera_frames(*, dead, seed):
    """A light and an average of five flats of that chip, bias and dark subtracted, in adu: what is divided by hand."""
    shape = (DEAD_SIDE, DEAD_SIDE)
    common = {"camera": Camera(hot_fraction=0.0), "unit": "adu", "corrected": ("bias", "dark")}
    scene = {"n_stars": 40, "sky": 1000.0, "flux_range": (300, 3e4), "n_muons": 8, "n_worms": 5, "n_spots": 8}
    light = crp.simulate_frame(shape, seed=[seed, 0], **scene, **common).ccd
    nothing = {"n_stars": 0, "n_muons": 0, "n_worms": 0, "n_spots": 0}
    flats = [
        crp.simulate_frame(shape, sky=2e4, exposure=10.0, kind="flat", seed=[seed, n], **nothing, **common).ccd
        for n in range(1, 6)
    ]
    flat = flats[0]
    flat.data = np.mean([one.data for one in flats], axis=0)
    if dead is not None:
        rng = np.random.default_rng([seed, 9])
        noise = READNOISE / common["camera"].gain
        light.data[dead] = rng.normal(0, noise, dead.sum())
        flat.data[dead] = rng.normal(0, noise / np.sqrt(5), dead.sum())
    return light, flat


# --- others -------------------------------------------------------------------------


def frame_with_holes(seed, depth=8000.0, n_holes=5):
    """A flat sky without cosmic rays and pixels ``depth`` electrons below it: the frame, rows and columns of these."""
    rng = np.random.default_rng(seed)
    data = rng.poisson(200.0, (512, 512)) + rng.normal(0, READNOISE, (512, 512))
    y, x = rng.integers(10, 500, (2, n_holes))
    data[y, x] -= depth
    return CCDData(data.astype(np.float32), unit="electron", meta={"RDNOISE": READNOISE}), (y, x)


#: Share of the light that passes the filters of a Bayer mosaic whose first row is red and green.
BAYER = np.array([[0.35, 0.9], [0.9, 0.25]])


class Mosaic(NamedTuple):
    """A scene seen through colour filters, and through a grey filter of their mean transmission."""

    frame: SimulatedFrame
    colour: CCDData
    grey: CCDData


def mosaic(seed, side=600):
    """Photons of one simulated frame thinned by the filters; its cosmic rays and their truth are in both frames."""
    camera = Camera(gain=1.0, readnoise=0.0, dark_current=0.0, hot_fraction=0.0, pixel_response=0.0, vignetting=0.0)
    scene = {"sky": 400.0, "fwhm": 4.0, "n_stars": 150, "flux_range": (300.0, 5e4)}
    frame = crp.simulate_frame((side, side), camera=camera, seed=seed, **scene)
    photons = np.rint(np.clip(frame.ccd.data - np.rint(frame.charge), 0, None)).astype(int)
    rng = np.random.default_rng([seed, 1])
    frames = []
    for passed, filter_name in ((np.tile(BAYER, (side // 2, side // 2)), "RGGB"), (BAYER.mean(), "clear")):
        data = rng.binomial(photons, passed) + frame.charge + READNOISE * rng.standard_normal(photons.shape)
        meta = {"FILTER": filter_name, "RDNOISE": READNOISE, "EXPTIME": 300.0, "IMAGETYP": "object"}
        frames.append(CCDData(data.astype(np.float32), unit="electron", meta=meta))
    return Mosaic(frame, *frames)


class Spectrum(NamedTuple):
    """A long-slit spectrum, and where it was hit."""

    ccd: CCDData  # electron
    truth: np.ndarray  # bool


def spectrum(fwhm, seed, *, n_hits=40, shape=(900, 400)):
    """Sixty tilted sky lines of up to 10,000 electrons and a tilted trace, dispersed along y, and hits of one pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape, dtype=float)
    scene = np.full(shape, 40.0)
    for centre, height in zip(rng.uniform(0, shape[0], 60), 10 ** rng.uniform(1.5, 4.0, 60), strict=True):
        scene += height * np.exp(-4 * np.log(2) * ((y - centre - 0.002 * (x - 200)) / fwhm) ** 2)
    scene += 800 * np.exp(-4 * np.log(2) * ((x - 180 - 0.004 * y) / 3.0) ** 2)
    image = rng.poisson(scene) + rng.normal(0, 4.0, shape)
    rows, columns = rng.integers(5, shape[0] - 5, n_hits), rng.integers(5, shape[1] - 5, n_hits)
    image[rows, columns] += 12 * np.sqrt(scene[rows, columns] + 16.0) + 200
    truth = np.zeros(shape, dtype=bool)
    truth[rows, columns] = True
    return Spectrum(CCDData(image.astype(np.float32), unit="electron", meta={"RDNOISE": 4.0}), truth)


def border_stars(fwhm, seed, n_stars=120, side=700):
    """Bright stars two to three pixels from the four borders, without cosmic rays: the frame, and their places."""
    rng = np.random.default_rng(seed)
    along = (np.arange(n_stars) // 4 + 0.5) * side / (n_stars // 4) + rng.uniform(-3, 3, n_stars)
    inside = rng.uniform(2, 3, n_stars)
    across = np.where(np.arange(n_stars) % 2, side - 1 - inside, inside)
    on_rows = np.arange(n_stars) % 4 < 2
    y, x = np.where(on_rows, across, along), np.where(on_rows, along, across)
    flux = 10 ** rng.uniform(4.3, 5.5, n_stars)
    stars = QTable({"x": x * u.pix, "y": y * u.pix, "flux": flux * u.electron})
    light = star_image((side, side), stars, fwhm, beta=10.0)
    data = rng.poisson(200.0 + light) + rng.normal(0, READNOISE, light.shape)
    return CCDData(data.astype(np.float32), unit="electron", meta={"RDNOISE": READNOISE}), (y, x)


# --- real frames --------------------------------------------------------------------


def real_data():
    """The folder of the real frames, or None where the environment does not name it."""
    folder = os.environ.get("CCDCR_REAL_DATA")
    return Path(folder) if folder else None


def camera_frame(name, **reading: Any):
    """A real frame of one of the cameras."""
    return crp.read_ccd(real_data() / "cameras" / name, **reading)


def wht_pair():
    """Two exposures of one field, the median of the biases subtracted, without overscan and dark borders."""
    part = np.s_[:4096, 20:945]
    folder = real_data() / "wht_isis"
    numbers = (2700982, 2700984, 2700986, 2700988, 2700990)
    bias = np.median([crp.read_ccd(folder / f"r{number}.fit.gz").data[part] for number in numbers], axis=0)
    pair = []
    for number in (2701242, 2701244):
        raw = crp.read_ccd(folder / f"r{number}.fit.gz")
        pair.append(CCDData((raw.data[part] - bias).astype(np.float32), unit="adu", meta=raw.meta))
    return pair
