# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""`simulate_night`: a folder of calibration and light frames with known cosmic rays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import QTable
from astropy.time import Time, TimeDelta

from ccdproc_crplugin.errors import CosmicRayError, check_ranges
from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.frame import SimulatedFrame, simulate_frame
from ccdproc_crplugin.simulate.settings import check_settings

COLUMNS = ("file", "truth", "kind", "n_events", "n_pixels")
FLAT_LEVEL = 20_000.0  # electrons; or half of the saturation, if that is less
SET_BY_THE_NIGHT = ("shape", "exposure", "camera", "dialect", "seed", "kind", "corrected", "unit", "date")
MOST_FRAMES = 999  # of a kind, for the three digits of their names


def simulate_frames(folder: str | os.PathLike, *, n_frames: int = 1, seed: int = 0, **settings: Any) -> QTable:
    """
    Write calibrated frames (float32, electron), each of a scene of its own, and the truth about their cosmic rays.

    The files are ``frame_001.fits`` and so on; truth and table are as for `simulate_night`.
    """
    _check_numbers(n_frames=n_frames)
    check_settings({**settings, "seed": [seed, 1]})
    folder = _new_folder(folder)
    rows = []
    for count in range(1, n_frames + 1):
        frame = simulate_frame(**settings, seed=[seed, count])
        rows.append(_write(folder, f"frame_{count:03d}.fits", "light", frame))
    return QTable(rows=rows, names=COLUMNS)


def simulate_night(
    folder: str | os.PathLike,
    *,
    n_bias: int = 5,
    n_dark: int = 5,
    n_flat: int = 5,
    n_light: int = 3,
    shape: Sequence[int] = (512, 512),
    exposure: float = 300.0,
    camera: Camera | None = None,
    dialect: str = "plain",
    seed: int = 0,
    **scene: Any,
) -> QTable:
    """Write a night of raw FITS frames, with the truth about their cosmic rays beside them.

    Frames are ``bias_001.fits``, ``dark_001.fits``, ``flat_001.fits``, ``light_001.fits`` and so on, uint16 in
    ADU. The truth about ``light_001.fits`` is in the folder ``truth``: ``light_001.fits`` with the compressed images
    ``TRUTH`` (uint8, 1 where a cosmic ray hit), ``LABELS`` (int32, the event of each pixel, 0 for none) and ``CHARGE``
    (int32, electrons), ``light_001_events.ecsv`` and ``light_001_stars.ecsv``, the tables of `SimulatedFrame`.

    Parameters
    ----------
    folder : path-like
        Where to write; made if missing, and refused if it holds frames.
    n_bias, n_dark, n_flat, n_light : int, optional
        How many frames of each kind. Flats and biases get a tenth of a light frame's cosmic rays.
    shape : tuple of int, optional
        Rows and columns.
    exposure : float, optional
        Exposure of lights and darks, in seconds.
    camera : Camera, optional
        The camera; its fixed patterns are those of every frame.
    dialect : str, optional
        Dialect of the headers.
    seed : int, optional
        Same seed, same files.
    **scene
        What `simulate_frame` takes for the light frames: ``sky``, ``fwhm``, ``n_stars``, ``n_muons`` ...

    Returns
    -------
    `astropy.table.QTable`
        A row a frame: ``file`` (path), ``truth`` (path), ``kind``, ``n_events``, ``n_pixels``.

    Raises
    ------
    CosmicRayError
        If the folder already holds FITS files, or a parameter is not within reason.

    Examples
    --------
    >>> import tempfile
    >>> import ccdproc_crplugin as crp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     night = crp.simulate_night(folder, n_bias=1, n_dark=1, n_flat=1, n_light=2, shape=(64, 64))
    >>> print(*night["kind"])
    bias dark flat light light
    """
    _check_numbers(n_bias=n_bias, n_dark=n_dark, n_flat=n_flat, n_light=n_light)
    _check_scene(scene)
    camera = Camera() if camera is None else camera
    common: dict[str, Any] = {"shape": shape, "camera": camera, "dialect": dialect}
    check_settings({**common, "exposure": exposure, **scene, "seed": [seed, 1]})
    folder = _new_folder(folder)
    rows: list[tuple] = []
    start = Time("2024-01-15T04:00:00")
    for kind, number in (("bias", n_bias), ("dark", n_dark), ("flat", n_flat), ("light", n_light)):
        for count in range(1, number + 1):
            settings = _settings(kind, exposure, scene, camera)
            date = (start + TimeDelta(len(rows) * 360, format="sec")).isot[:19]
            frame_seed = [seed, ("bias", "dark", "flat", "light").index(kind), count]
            frame = simulate_frame(
                **common, **settings, kind=kind, corrected=(), unit="adu", date=date, seed=frame_seed
            )
            rows.append(_write(folder, f"{kind}_{count:03d}.fits", kind, frame))
    return QTable(rows=rows, names=COLUMNS)


def _new_folder(name: str | os.PathLike) -> Path:
    """Make a folder and its subfolder ``truth``, or refuse it if it holds frames."""
    try:
        folder = Path(name)
        taken = any(place.is_dir() and any(place.glob("*.fits")) for place in (folder, folder / "truth"))
        if not taken:
            (folder / "truth").mkdir(parents=True, exist_ok=True)
    except (OSError, TypeError, ValueError) as err:
        raise CosmicRayError(
            f"Found that {str(name)!r} can't be made a folder ({err}); expected an empty or a new folder."
        ) from err
    if taken:
        raise CosmicRayError(
            f"Found that {str(folder)!r} already holds FITS files; expected an empty or a new folder.", "Name another."
        )
    return folder


def _check_numbers(**numbers: int) -> None:
    check_ranges(numbers, {}, dict.fromkeys(numbers, (0, MOST_FRAMES)))


def _check_scene(scene: Mapping[str, Any]) -> None:
    known = [name for name in signature(simulate_frame).parameters if name not in SET_BY_THE_NIGHT]
    unknown = sorted(set(scene) - set(known))
    if unknown:
        raise CosmicRayError(f"Found {', '.join(unknown)}; expected parameters of the scene: {', '.join(known)}.")


def _settings(kind: str, exposure: float, scene: Mapping[str, Any], camera: Camera) -> dict[str, Any]:
    """Parameters of `simulate_frame` for a frame of that kind."""
    if kind == "light":
        return {"exposure": exposure, **scene}
    full = {"n_muons": 30, "n_worms": 20, "n_spots": 30, **{k: v for k, v in scene.items() if k.startswith("n_")}}
    share = 1.0 if kind == "dark" else 0.1
    rays = {name: round(share * full[name]) for name in ("n_muons", "n_worms", "n_spots")}
    seconds = {"bias": 0.0, "dark": exposure, "flat": 10.0}[kind]
    sky = min(FLAT_LEVEL, camera.saturation / 2) if kind == "flat" else 0.0
    return {"sky": sky, "n_stars": 0, "exposure": seconds, **rays}


def _write(folder: Path, name: str, kind: str, frame: SimulatedFrame) -> tuple:
    """Write frame and truth, and return the row of the table."""
    path, truth = folder / name, folder / "truth" / name
    header = frame.ccd.header.copy()
    header["BUNIT"] = str(frame.ccd.unit)
    fits.PrimaryHDU(frame.ccd.data, header).writeto(path)
    images = [
        _compressed(frame.truth.astype(np.uint8), "TRUTH"),
        _compressed(frame.labels, "LABELS"),
        _compressed(frame.charge.astype(np.int32), "CHARGE"),
    ]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(truth)
    frame.events.write(truth.with_name(f"{truth.stem}_events.ecsv"), format="ascii.ecsv")
    frame.stars.write(truth.with_name(f"{truth.stem}_stars.ecsv"), format="ascii.ecsv")
    return str(path), str(truth), kind, len(frame.events), int(frame.truth.sum())


def _compressed(image: np.ndarray, name: str) -> fits.CompImageHDU:
    """An image of whole numbers, compressed without loss; gzip would write the time."""
    return fits.CompImageHDU(image, name=name, compression_type="RICE_1")
