# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Raw calibration frames of a small camera."""

import numpy as np
from astropy.io import fits

SHAPE = (12, 17)
CAMERA = {"bias": 1000.0, "dark": 0.5, "flat": 400.0}  # adu, adu/s, adu/s


def frame_of(kind, seed, exposure):
    """A raw frame, adu, as a camera with a pattern of its own would take it."""
    pattern = np.random.default_rng(0)
    level = CAMERA["bias"] + pattern.normal(0, 20, SHAPE) + CAMERA["dark"] * pattern.uniform(0, 2, SHAPE) * exposure
    if kind == "FLAT":
        level = level + CAMERA["flat"] * pattern.normal(1, 0.05, SHAPE) * exposure
    return np.random.default_rng(seed).normal(level, 3.0)


def some(write, kind, n=5, **cards):
    """Write some raw frames of a kind, each with noise of its own."""
    return [write(f"{kind.lower()}_{i}.fits", kind, seed=i, **cards) for i in range(n)]


def data_of(path):
    """The primary image of a file, float64."""
    return fits.getdata(path).astype(float)
