# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several exposures of one field, each with its own shift, seeing, transparency, sky and cosmic rays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.dialects import Exposure, make_header
from ccdproc_crplugin.simulate.frame import SimulatedFrame, expose
from ccdproc_crplugin.simulate.scene import draw_stars, star_image

#: How far beyond the frame stars are drawn that a shift may bring into it (pix).
MARGIN = 50


def simulate_exposures(
    shape: Sequence[int] = (512, 512),
    *,
    offsets: Sequence[tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
    fwhm: float | Sequence[float] = 3.0,
    transparency: float | Sequence[float] = 1.0,
    sky: float | Sequence[float] = 150.0,
    n_stars: int = 40,
    flux_range: Sequence[float] = (300.0, 300_000.0),
    beta: float = 3.0,
    numbers: Mapping[str, int] | None = None,
    camera: Camera | None = None,
    seed: int = 0,
) -> list[SimulatedFrame]:
    """
    Exposures of one field, calibrated and in electron.

    ``offsets`` says where a star lies in each, (dy, dx) in pixels relative to the first. ``fwhm`` (pix),
    ``transparency`` (the light of the stars over that of the first) and ``sky`` (electron) are those of each, or one
    number for all. ``numbers`` of "muon", "worm" and "spot" are for each exposure.
    """
    n_exposures = len(offsets)
    settings = [_for_each(value, n_exposures) for value in (fwhm, transparency, sky)]
    camera = Camera(hot_fraction=0) if camera is None else camera
    field = np.random.default_rng([seed, 0])
    wide = tuple(side + 2 * MARGIN for side in shape)
    stars = draw_stars(round(n_stars * np.prod(wide) / np.prod(shape)), wide, flux_range, field)
    exposure = Exposure("light", 300.0, camera.gain, camera.readnoise, camera.chip.pixel_size, camera.saturation)
    frames = []
    for number, ((dy, dx), width, light, level) in enumerate(zip(offsets, *settings, strict=True), start=1):
        seen = stars.copy()
        seen["y"], seen["x"], seen["flux"] = seen["y"] + dy * u.pix, seen["x"] + dx * u.pix, seen["flux"] * light
        seen = seen[_within(seen, wide)]
        image = star_image(wide, seen, width, beta)[MARGIN:-MARGIN, MARGIN:-MARGIN]
        seen["y"], seen["x"] = seen["y"] - MARGIN * u.pix, seen["x"] - MARGIN * u.pix
        random = np.random.default_rng([seed, number])
        numbers = numbers or {"muon": 15, "worm": 10, "spot": 15}
        frames.append(expose(level + image, seen, numbers, camera, make_header(exposure, "plain"), random))
    return frames


def _within(stars: QTable, shape: Sequence[int]) -> np.ndarray:
    """Which stars lie in a frame, bool (n,)."""
    y, x = stars["y"].to_value(u.pix), stars["x"].to_value(u.pix)
    return (y > -0.5) & (y < shape[0] - 0.5) & (x > -0.5) & (x < shape[1] - 0.5)


def _for_each(value: float | Sequence[float], n_exposures: int) -> list[float]:
    """A value for each exposure."""
    values = [float(value)] * n_exposures if np.isscalar(value) else [float(one) for one in value]  # type: ignore
    if len(values) != n_exposures:
        raise CosmicRayError(f"Found {len(values)} values for {n_exposures} exposures; expected one for each.")
    return values
