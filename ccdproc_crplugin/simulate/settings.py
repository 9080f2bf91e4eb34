# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the settings of a simulation, made before anything is drawn or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from numbers import Integral
from typing import Any

import numpy as np
from astropy.time import Time

from ccdproc_crplugin.errors import check_choice, check_ranges, wrong_value
from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.dialects import DIALECTS

CORRECTIONS = ("bias", "dark", "flat")
KINDS = ("bias", "dark", "flat", "light")
UNITS = ("electron", "adu")

MOST_PIXELS = 2**30

# Least and most of each number. The upper ends are beyond any telescope's; narrower stars than the lowest can't be
# sampled, wider ones or more events take hours.
NUMBERS = {
    "sky": (0, 1e9),
    "fwhm": (0.3, 50),
    "beta": (1.1, 100),
    "tilt": (-180, 180),
    "truth_sigma": (0, 1e6),
    "exposure": (0, 1e6),
}
WHOLE_NUMBERS = dict.fromkeys(("n_stars", "n_galaxies", "n_muons", "n_worms", "n_spots"), (0, 10**7))
FLUXES = (1e-3, 1e12)  # electrons


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse the first setting of `simulate_frame` that is wrong."""
    check_ranges(settings, NUMBERS, WHOLE_NUMBERS)
    checks = {
        "shape": _check_shape,
        "flux_range": _check_fluxes,
        "corrected": _check_corrected,
        "date": _check_date,
        "seed": _check_seed,
        "camera": _check_camera,
    }
    for name, check in checks.items():
        if name in settings:
            check(settings[name])
    for name, known in {"unit": UNITS, "kind": KINDS, "dialect": sorted(DIALECTS)}.items():
        if name in settings:
            check_choice(name, settings[name], known)


def _check_shape(shape: Any) -> None:
    whole = isinstance(shape, Sequence) and all(isinstance(side, Integral) for side in shape)
    if not whole or len(shape) != 2 or min(shape) < 1 or int(shape[0]) * int(shape[1]) > MOST_PIXELS:
        raise wrong_value("shape", shape, f"rows and columns, each at least 1, and at most {MOST_PIXELS} pixels")


def _check_fluxes(fluxes: Any) -> None:
    try:
        low, high = (float(flux) for flux in fluxes)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not FLUXES[0] <= low <= high <= FLUXES[1]:
        limits = "between {:g} and {:g} electrons".format(*FLUXES)
        raise wrong_value("flux_range", fluxes, f"the faintest and the brightest star, {limits}")


def _check_corrected(corrected: Any) -> None:
    if (
        isinstance(corrected, str)
        or not isinstance(corrected, Sequence | Set)
        or not all(name in CORRECTIONS for name in corrected)
    ):
        raise wrong_value("corrected", corrected, f"a tuple of some of {', '.join(CORRECTIONS)}")


def _check_date(date: Any) -> None:
    try:
        Time(date, format="isot")
    except (TypeError, ValueError) as err:
        raise wrong_value("date", date, "a date such as 2024-01-15T04:00:00") from err


def _check_seed(seed: Any) -> None:
    try:
        np.random.default_rng(seed)
    except (TypeError, ValueError) as err:
        raise wrong_value("seed", seed, "a whole number of 0 or more") from err


def _check_camera(camera: Any) -> None:
    if not isinstance(camera, Camera | None):
        raise wrong_value("camera", camera, "a Camera")
