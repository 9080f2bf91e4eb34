# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""`simulate_frame`: one frame with known cosmic rays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable

from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.dialects import Exposure, make_header
from ccdproc_crplugin.simulate.particles import KINDS, Chip, charge_image, make_path
from ccdproc_crplugin.simulate.scene import draw_galaxies, draw_stars, galaxy_image, star_image
from ccdproc_crplugin.simulate.settings import CORRECTIONS, check_settings

# A pixel belongs to an event if the event's charge in it exceeds this many standard deviations of the
# noise which that pixel has without the event.
TRUTH_SIGMA = 2.0


@dataclass(frozen=True)
class SimulatedFrame:
    """A frame and the truth about it.

    Parameters
    ----------
    ccd : `astropy.nddata.CCDData`
        The frame, with the header of its dialect.
    truth : `numpy.ndarray` of bool (ny, nx)
        The cosmic rays: pixels in which the charge of one event exceeds ``truth_sigma`` (default 2) standard
        deviations of the noise that the pixel has without cosmic rays: the Poisson noise of sky, stars and
        dark current, and the read noise. Fainter wings of an event are in the frame, not in the mask.
    labels : `numpy.ndarray` of int32 (ny, nx)
        The row of ``events``, counted from 1, to which a pixel of ``truth`` belongs; 0 elsewhere. Where two
        events cross, the later one.
    charge : `numpy.ndarray` of float32 (ny, nx)
        Charge of all cosmic rays, in electrons, down to the last electron.
    events : `astropy.table.QTable`
        A row an event: ``label``, ``kind`` ("muon", "worm" or "spot"), ``x``, ``y`` (centre of the charge, pixels, the
        centre of the first pixel at 0), ``length`` (as projected on the chip, pixels), ``charge`` (electrons within
        the frame), ``significance`` (of its most significant pixel, charge over noise) and ``n_pixels`` (pixels of
        ``truth``; 0 if the event is drowned in the noise).
    stars : `astropy.table.QTable`
        A row a star: ``x``, ``y`` (pixels), ``flux`` (electrons).
    """

    ccd: CCDData
    truth: np.ndarray
    labels: np.ndarray
    charge: np.ndarray
    events: QTable
    stars: QTable


def simulate_frame(
    shape: Sequence[int] = (1024, 1024),
    *,
    sky: float = 150.0,
    fwhm: float = 3.0,
    beta: float = 3.0,
    n_stars: int = 150,
    flux_range: Sequence[float] = (300.0, 300_000.0),
    n_galaxies: int = 0,
    n_muons: int = 30,
    n_worms: int = 20,
    n_spots: int = 30,
    tilt: float = 30.0,
    truth_sigma: float = TRUTH_SIGMA,
    camera: Camera | None = None,
    exposure: float = 300.0,
    kind: str = "light",
    corrected: Collection[str] = CORRECTIONS,
    unit: str = "electron",
    dialect: str = "plain",
    date: str = "2024-01-15T04:00:00",
    seed: int | Sequence[int] = 0,
) -> SimulatedFrame:
    """Simulate a frame with cosmic rays whose every pixel is known.

    Light falls through the camera's vignetting and pixel response, dark current is added, cosmic rays set
    electrons free in the silicon, full pixels spill along their columns, the read-out adds noise and bias.
    ``corrected`` says which of these are then undone as a perfect calibration would, its noise staying: by
    default all, so that the frame is ready for a detector; with ``()`` it is raw.

    Parameters
    ----------
    shape : tuple of int, optional
        Rows and columns.
    sky : float, optional
        Sky (or lamp) level, in electrons per pixel in the exposure.
    fwhm : float, optional
        Full width at half maximum of the stars, in pixels.
    beta : float, optional
        Moffat slope of the stars' wings.
    n_stars : int, optional
        How many stars.
    flux_range : tuple of float, optional
        Fluxes of the faintest and the brightest star, in electrons; numbers go as flux to the power -1.6.
    n_galaxies : int, optional
        How many galaxies.
    n_muons, n_worms, n_spots : int, optional
        How many cosmic rays of each kind.
    tilt : float, optional
        Angle between the chip's normal and the zenith, in degrees.
    truth_sigma : float, optional
        Charge at which a pixel counts as part of an event, in standard deviations of its noise.
    camera : Camera, optional
        The camera; default a thinned chip of 13.5 micron pixels.
    exposure : float, optional
        Exposure time, in seconds: it sets the dark current and the header, not the sky.
    kind : {"bias", "dark", "flat", "light"}, optional
        Kind of frame in the header. The scene is what the other parameters say.
    corrected : tuple of str, optional
        Which of "bias", "dark" and "flat" are corrected.
    unit : {"electron", "adu"}, optional
        Unit of the data. Frames in electrons or with a correction are float32; raw frames in ADU are uint16.
    dialect : str, optional
        Dialect of the header: "plain", "iraf", "maximdl", "ing", "eso" or "nina".
    date : str, optional
        Start of the exposure for the header.
    seed : int, optional
        Same seed, same bytes.

    Returns
    -------
    SimulatedFrame
        The frame and its truth.

    Raises
    ------
    CosmicRayError
        If a number or a word is not within reason, or ``shape`` has no pixel.

    Examples
    --------
    >>> from ccdproc_crplugin.simulate import simulate_frame
    >>> frame = simulate_frame((128, 128), n_stars=10, n_muons=3, n_worms=0, n_spots=2, seed=1)
    >>> frame.ccd.shape, frame.ccd.unit, len(frame.events)
    ((128, 128), Unit("electron"), 5)
    """
    check_settings(locals())
    camera = Camera() if camera is None else camera
    rng = np.random.default_rng(seed)
    stars = draw_stars(n_stars, shape, flux_range, rng)
    light = sky + star_image(shape, stars, fwhm, beta)
    light += galaxy_image(shape, draw_galaxies(n_galaxies, shape, rng), fwhm, beta)
    numbers = {"muon": n_muons, "worm": n_worms, "spot": n_spots}
    header = make_header(_exposure(camera, kind, exposure, date), dialect)
    return expose(light, stars, numbers, camera, header, rng, exposure, tilt, truth_sigma, corrected, unit)


def expose(
    light: np.ndarray,
    stars: QTable,
    numbers: Mapping[str, int],
    camera: Camera,
    header: fits.Header,
    rng: np.random.Generator,
    exposure: float = 300.0,
    tilt: float = 30.0,
    truth_sigma: float = TRUTH_SIGMA,
    corrected: Collection[str] = CORRECTIONS,
    unit: str = "electron",
) -> SimulatedFrame:
    """The frame that a camera makes of light (electron, with the sky) and of so many cosmic rays of each kind."""
    shape = light.shape
    expected = light * camera.flat(shape) + exposure * camera.dark(shape)
    noise = np.sqrt(expected + camera.readnoise**2)
    charge, labels, events = _cosmic_rays(numbers, camera.chip, noise, tilt, truth_sigma, rng)
    electrons = camera.spill(rng.poisson(expected) + charge)
    electrons += camera.readnoise * rng.standard_normal(shape)
    ccd = _read_out(electrons, camera, exposure, corrected, unit, header)
    return SimulatedFrame(ccd, labels > 0, labels, charge.astype(np.float32), events, stars)


def _cosmic_rays(
    numbers: Mapping[str, int],
    chip: Chip,
    noise: np.ndarray,
    tilt: float,
    truth_sigma: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, QTable]:
    """Charge (electron), label image and table of the cosmic rays; ``noise`` in electron."""
    charge = np.zeros(noise.shape)
    labels = np.zeros(noise.shape, dtype=np.int32)
    rows: list[tuple] = []
    for kind in np.repeat(list(KINDS), [numbers[kind] for kind in KINDS]):
        path = make_path(kind, chip, noise.shape, rng, tilt)
        where, deposit = charge_image(path, chip, noise.shape, rng)
        if where is None:
            continue
        significance = deposit / noise[where]
        seen = significance > truth_sigma
        charge[where] += deposit
        labels[where][seen] = len(rows) + 1
        length = path.length / chip.pixel_size
        rows.append((kind, *_centre(where, deposit), length, deposit.sum(), significance.max(), seen.sum()))
    return charge, labels, _event_table(rows)


def _centre(where: tuple[slice, slice], deposit: np.ndarray) -> tuple[float, float]:
    """Centre of the charge, (x, y) in pixels."""
    y = where[0].start + np.arange(deposit.shape[0]) @ deposit.sum(axis=1) / deposit.sum()
    x = where[1].start + np.arange(deposit.shape[1]) @ deposit.sum(axis=0) / deposit.sum()
    return x, y


def _event_table(rows: Sequence[tuple]) -> QTable:
    kind, x, y, length, charge, significance, n_pixels = zip(*rows, strict=True) if rows else [()] * 7
    return QTable(
        {
            "label": np.arange(1, len(rows) + 1),
            "kind": np.array(kind, dtype="U4"),
            "x": np.array(x, dtype=float) * u.pix,
            "y": np.array(y, dtype=float) * u.pix,
            "length": np.array(length, dtype=float) * u.pix,
            "charge": np.array(charge, dtype=float) * u.electron,
            "significance": np.array(significance, dtype=float),
            "n_pixels": np.array(n_pixels, dtype=int),
        }
    )


def _exposure(camera: Camera, kind: str, seconds: float, date: str) -> Exposure:
    saturation = min(camera.full_well / camera.gain + camera.bias_level, 2**camera.bits - 1)
    return Exposure(kind, seconds, camera.gain, camera.readnoise, camera.chip.pixel_size, saturation, date=date)


def _read_out(
    electrons: np.ndarray, camera: Camera, exposure: float, corrected: Collection[str], unit: str, header: fits.Header
) -> CCDData:
    """The raw frame, or what a calibration makes of it."""
    shape = electrons.shape
    counts = camera.digitised(electrons, shape)
    if not corrected and unit == "adu":
        return CCDData(counts, unit="adu", meta=header)
    # A corrected frame keeps the noise of its own conversion to integers, as a real one does.
    data = counts.astype(float)
    if "bias" in corrected:
        data -= camera.bias(shape)
    data *= camera.gain
    if "dark" in corrected:
        data -= exposure * camera.dark(shape)
    if "flat" in corrected:
        data /= camera.flat(shape)
    if unit == "adu":
        data /= camera.gain
    return CCDData(data.astype(np.float32), unit=unit, meta=header)
