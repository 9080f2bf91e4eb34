# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a simulation may be told: numbers and words within reason, checked before anything is drawn or written."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from astropy.time import Time

from ccdproc_crplugin.errors import CosmicRayError, check_ranges
from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.dialects import DIALECTS

__all__ = ["CORRECTIONS", "check_settings"]

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


def check_settings(settings):
    """Refuse what no simulation can be made with."""
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
            _check_word(name, settings[name], known)


def _check_shape(shape):
    expected = f"expected rows and columns, each at least 1, and {MOST_PIXELS} pixels at the most"
    whole = isinstance(shape, Sequence) and all(isinstance(side, Integral) for side in shape)
    if not whole or len(shape) != 2 or min(shape) < 1 or int(shape[0]) * int(shape[1]) > MOST_PIXELS:
        raise CosmicRayError(f"shape is {shape!r}; {expected}")


def _check_fluxes(fluxes):
    try:
        low, high = (float(flux) for flux in fluxes)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not FLUXES[0] <= low <= high <= FLUXES[1]:
        raise CosmicRayError(
            f"flux_range is {fluxes!r}; expected the faintest and the brightest star, between "
            f"{FLUXES[0]:g} and {FLUXES[1]:g} electrons"
        )


def _check_corrected(corrected):
    if isinstance(corrected, str) or not isinstance(corrected, Sequence | set | frozenset):
        raise CosmicRayError(f"corrected is {corrected!r}; expected a tuple of some of {', '.join(CORRECTIONS)}")
    unknown = {str(name) for name in corrected} - set(CORRECTIONS)
    if unknown:
        raise CosmicRayError(f"corrected names {sorted(unknown)}; expected some of {', '.join(CORRECTIONS)}")


def _check_date(date):
    try:
        Time(date, format="isot")
    except (TypeError, ValueError) as err:
        raise CosmicRayError(f"date is {date!r}; expected a date such as 2024-01-15T04:00:00") from err


def _check_seed(seed):
    try:
        np.random.default_rng(seed)
    except (TypeError, ValueError) as err:
        raise CosmicRayError(f"seed is {seed!r}; expected a whole number, 0 or more") from err


def _check_camera(camera):
    if not isinstance(camera, Camera | None):
        raise CosmicRayError(f"camera is {camera!r}; expected a Camera")


def _check_word(name, word, known):
    if not isinstance(word, str) or word not in known:
        options = "expected 'electron' or 'adu'" if name == "unit" else f"expected one of {', '.join(known)}"
        raise CosmicRayError(f"{name} is {word!r}; {options}")
