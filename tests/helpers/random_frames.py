# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Seeded frames and option sets for the tests of the engines."""

import numpy as np

KINDS = ("sky", "stars", "crowded", "dense", "faint", "spectrum", "constant", "saturated", "steps", "negative")


def random_shape(rng, largest=96):
    """Sizes from 7 x 7, odd ones and thin ones too."""
    if rng.random() < 0.15:
        return tuple(int(n) for n in rng.integers(7, 12, 2))
    return tuple(int(n) for n in rng.integers(7, largest, 2))


def add_stars(rng, frame, n, fwhm, brightest):
    ny, nx = frame.shape
    y, x = np.mgrid[:ny, :nx]
    sigma = fwhm / 2.3548
    for _ in range(n):
        flux = np.exp(rng.uniform(np.log(300.0), np.log(brightest)))
        y0, x0 = rng.uniform(0, ny), rng.uniform(0, nx)
        frame += flux / (2 * np.pi * sigma**2) * np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (2 * sigma**2))


def add_hits(rng, frame, fraction):
    """Single pixels, and tracks of up to twelve pixels."""
    ny, nx = frame.shape
    for _ in range(max(1, int(frame.size * fraction))):
        y, x = rng.uniform(0, ny), rng.uniform(0, nx)
        angle, length = rng.uniform(0, 2 * np.pi), int(rng.choice([1, 1, 2, 4, 12]))
        energy = np.exp(rng.uniform(np.log(40.0), np.log(2e4)))
        for step in range(length):
            yy, xx = int(y + step * np.sin(angle)), int(x + step * np.cos(angle))
            if 0 <= yy < ny and 0 <= xx < nx:
                frame[yy, xx] += energy


def random_frame(rng, kind, shape, readnoise=6.5):
    """Electrons, float32."""
    sky = {"faint": 5.0, "negative": 0.0}.get(kind, float(rng.uniform(20, 2000)))
    if kind == "constant":
        frame = np.full(shape, sky)
        if rng.random() < 0.7:
            add_hits(rng, frame, 0.01)
        return frame.astype(np.float32)
    frame = np.full(shape, sky)
    if kind in ("stars", "crowded", "saturated"):
        n = {"stars": 8, "crowded": 60, "saturated": 12}[kind]
        add_stars(rng, frame, n, rng.uniform(1.3, 4.0), 3e6 if kind == "saturated" else 1e5)
    if kind == "spectrum":
        columns = rng.integers(0, shape[1], 6)
        frame[:, columns] += rng.uniform(500, 2e4, 6)
        frame[shape[0] // 2] += 3000
    if kind == "steps":
        frame[:, shape[1] // 2 :] += 1000
    frame = rng.poisson(np.maximum(frame, 0)).astype(float)
    add_hits(rng, frame, 0.03 if kind == "dense" else 0.004)
    frame += rng.normal(0, readnoise, shape)
    if kind == "negative":
        frame -= 30
    if rng.random() < 0.2:
        frame = np.round(frame)
    return np.minimum(frame, 65535 * 2).astype(np.float32)


def random_options(rng, shape, frame):
    """Keywords of `detect_cosmics`, but the broken ``cleantype="median"``."""
    options = {
        "sepmed": bool(rng.random() < 0.5),
        "cleantype": str(rng.choice(["meanmask", "medmask", "idw"])),
        "sigclip": float(rng.choice([1.0, 3.0, 4.5, 4.5, 7.3])),
        "sigfrac": float(rng.choice([0.0, 0.1, 0.3, 0.3, 0.5, 1.0, 1.3])),
        "objlim": float(rng.choice([-1.0, 0.5, 1.7, 5.0, 5.0])),
        "niter": int(rng.choice([0, 1, 2, 4, 4, 7])),
        "readnoise": float(rng.choice([0.0, 6.5, 10.3])),
        "gain": float(rng.choice([1.0, 1.0, 1.7, 0.37])),
        "satlevel": float(rng.choice([65536.0, 5000.0, 300.0, np.inf])),
        "fsmode": str(rng.choice(["median", "median", "convolve"])),
    }
    if options["fsmode"] == "convolve":
        options["objlim"] = float(rng.choice([0.5, 1.5, 2.0]))
        options["psfmodel"] = str(rng.choice(["gauss", "gaussx", "gaussy", "moffat"]))
        options["psffwhm"] = float(rng.uniform(1.3, 4.0))
        options["psfsize"] = int(rng.choice([3, 5, 7, 9]))
        options["psfbeta"] = float(rng.choice([4.765, 2.5]))
        if rng.random() < 0.25:
            size = tuple(int(n) for n in rng.integers(1, 8, 2))
            options["psfk"] = rng.uniform(0.1, 1, size).astype(np.float32)
    if rng.random() < 0.3:
        options["inmask"] = rng.random(shape) < rng.choice([0.002, 0.05, 0.4])
    if rng.random() < 0.3:
        smooth = np.median(frame) + rng.normal(0, 1, shape).cumsum(axis=1)
        options["inbkg"] = smooth.astype(np.float32)
    if rng.random() < 0.3:
        options["invar"] = (np.abs(frame) + rng.uniform(10, 50, shape)).astype(np.float32)
    return options


def random_case(seed):
    """A frame and the options to search it with."""
    rng = np.random.default_rng(seed)
    shape = random_shape(rng)
    kind = KINDS[seed % len(KINDS)]
    frame = random_frame(rng, kind, shape)
    if rng.random() < 0.1:
        frame = np.asfortranarray(frame)
    elif rng.random() < 0.1:
        frame = frame.astype(rng.choice(["f8", "i4", ">f4"]))
    return frame, random_options(rng, shape, frame)
