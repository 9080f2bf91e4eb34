# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Seeded frames and options that nobody would choose, for the tests that the engines agree on anything."""

import numpy as np

from ccdproc_crplugin.kernels.psf import PSF_MODELS, psf_kernel

NOT_NUMBERS = (np.nan, np.inf, -np.inf)
ODD_NUMBERS = (-0.0, 0.0, 1e-3, 1e-42, 1e6)
HUGE_NUMBERS = (1e19, -1e25, 3e38, -3e38)


def choice(rng, *values):
    """One of the values, its type kept."""
    return values[rng.integers(len(values))]


def shape(rng, smallest):
    """From a few pixels to several tiles; rows and columns too where one pixel is enough."""
    if rng.random() < 0.03:
        return int(rng.integers(60, 140)), int(rng.integers(250, 600))
    largest = choice(rng, 12, 12, 90, 90, 90)
    ny, nx = (int(n) for n in rng.integers(smallest, largest, 2))
    if smallest > 1:
        return ny, nx
    return choice(rng, *[(ny, nx)] * 8, (choice(rng, 1, 2, 3), nx), (ny, choice(rng, 1, 2, 3)))


def plane(rng, size, tame):
    """Levels of all kinds, and hits."""
    kinds = ("sky", "sky", "counts", "few values", "zeros", "all magnitudes", "negative", "constant", "numbers")
    kinds += () if tame else ("huge",)
    made = {
        "sky": lambda: rng.normal(100, 10, size),
        "counts": lambda: rng.poisson(50, size),
        "few values": lambda: rng.integers(0, 3, size),
        "zeros": lambda: rng.choice([0.0, -0.0], size),
        "all magnitudes": lambda: rng.normal(0, 1, size) * 10.0 ** rng.integers(-3, 7, size),
        "negative": lambda: rng.normal(-5, 20, size),
        "constant": lambda: np.full(size, choice(rng, 0.0, -0.0, 1.0, 100.0, 6e4)),
        "numbers": lambda: rng.integers(0, 65535, size),
        "huge": lambda: rng.normal(0, 1, size) * 10.0 ** rng.integers(0, 38, size),
    }[choice(rng, *kinds)]()
    frame = np.array(made, dtype=np.float32)
    hit = rng.integers(0, frame.size, rng.integers(0, frame.size // 8 + 2))
    frame.flat[hit] += rng.choice(np.float32([500, 5000, 60000, 1e6, -500]), hit.size)
    return frame


def spoil(rng, frame, values, probability):
    """Put some of the values into some of the pixels, now and then."""
    if rng.random() < probability:
        spoilt = rng.random(frame.shape) < choice(rng, 0.01, 0.05, 0.1, 0.6)
        frame[spoilt] = rng.choice(np.float32(values), np.count_nonzero(spoilt))


def profile(rng, tame):
    """A matched filter: of a star, of random weights, or one whose weights cancel."""
    kind = choice(rng, "star", "star", "random", "random", *(() if tame else ("whole numbers", "wide", "zero")))
    if kind == "star":
        return psf_kernel(choice(rng, *PSF_MODELS), rng.uniform(0.5, 6), int(rng.integers(1, 16)))
    if kind == "wide":
        return rng.random(choice(rng, (65, 65), (1, 65), (65, 1), (64, 2), (33, 20)))
    if kind == "zero":
        return np.zeros((3, 3))
    size = rng.integers(1, 14, 2)
    return rng.integers(-1, 2, size) if kind == "whole numbers" else rng.normal(0, 1, size)


def options(rng, tame):
    """Keywords of `lacosmic` but the arrays of the frame's size."""
    made = {
        "readnoise": choice(rng, *[5.0] * 5, *[0.0, 0.01, 1.0] * 2, 100.0),
        "sigclip": choice(rng, *[0.0, 1.0, 3.0, 4.5] * 3, 20.0, np.inf),
        "sigfrac": choice(rng, 0.0, 0.1, 0.3, 0.5, 1.0, 3.0),
        "objlim": choice(rng, *[None, 0.0, 1.0, 2.0, 5.0, -1.0] * 2, np.inf, -np.inf),
        "niter": choice(rng, 0, 1, 2, 4, 4, 7, 7),
        "sepmed": choice(rng, False, True),
        "edges": choice(rng, "search", "skip"),
        "repair": choice(rng, "meanmask", "medmask", "median", "idw", None),
        "fsmode": choice(rng, "median", "convolve"),
        "scores_above": choice(rng, np.inf, np.inf, 0.0, 0.5, 1.0, 4.0, 50.0),
        "saturation": choice(rng, None, None, 50.0, 1000.0, 60000.0, 0.0, -10.0, np.inf),
    }
    if made["fsmode"] == "convolve" and rng.random() < 0.7:
        made["psf_kernel"] = profile(rng, tame)
    return made


def companions(rng, size):
    """A mask, a background and a variance, each now and then."""
    made = {}
    if rng.random() < 0.4:
        made["mask"] = rng.random(size) < choice(rng, *[0.01, 0.1] * 3, 0.7, 1.0)
    if rng.random() < 0.35:
        level, scatter = choice(rng, 0.0, 50.0, 1e6), choice(rng, 0.0, 5.0, 100.0)
        made["background"] = rng.normal(level, scatter, size).astype(np.float32)
    if rng.random() < 0.35:
        made["variance"] = rng.normal(choice(rng, 0.0, 100.0), 30, size).astype(np.float32)
    return made


def case(seed, *, tame=False, smallest=1):
    """
    A frame and what to do with it.

    A tame case is finite, does not overflow and has no profile whose weights cancel, so that the oracle and
    astroscrappy have a result too.
    """
    rng = np.random.default_rng(seed)
    size = shape(rng, smallest)
    frame, made = plane(rng, size, tame), options(rng, tame) | companions(rng, size)
    values, probability = (ODD_NUMBERS if tame else ODD_NUMBERS + NOT_NUMBERS), 0.3
    if not tame and rng.random() < 0.2:  # single precision overflows
        values, probability = HUGE_NUMBERS, choice(rng, 0.3, 1.0)
        made |= {"readnoise": choice(rng, 5.0, 5.0, 1e19, 1e25), "sigclip": choice(rng, 0.0, 1.0, 4.5, 1e25)}
    for array in (frame, made.get("background"), made.get("variance")):
        if array is not None:
            spoil(rng, array, values, probability)
    return np.asfortranarray(frame) if rng.random() < 0.1 else frame, made
