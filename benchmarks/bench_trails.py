# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How many trails ``docs/plugins/ccdcr-trails`` finds, how many it reports falsely, and how long it takes.

Run as ``python benchmarks/bench_trails.py [--frames 40] [--size 1700] [--real FOLDER]``.

Trails are put on simulated frames, and with ``--real`` on each image of a folder of FITS files that has none. A trail
is recovered if half of its pixels are flagged. Of a recovered one, those pixels count whose light is above the noise of
the sky. False are the flagged pixels more than 3 pixels beyond those with a tenth of the noise, and frames without a
trail that have any. The brightness of a trail is that of its middle in units of the noise of a pixel.
"""

import argparse
import functools
import pathlib
import sys
import time

import numpy as np
from astropy.io import fits
from scipy import ndimage, special

from ccdproc_crplugin.simulate import simulate_frame

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "docs/plugins/ccdcr-trails"))
from ccdcr_trails.search import find, flagged

BRIGHTNESS = (0.1, 0.2, 0.3, 0.5, 1.0, 3.0, 10.0, 50.0)  # in units of the noise of a pixel
SKY, READNOISE = 200.0, 5.0  # electron
NOISE = (SKY + READNOISE**2) ** 0.5

#: Stars of a frame of 1700 x 1700 pixels.
STARS = (300, 3000)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--size", type=int, default=1700)
    parser.add_argument("--real", type=pathlib.Path)
    options = parser.parse_args()
    shape = (options.size, options.size)
    print_time(shape)
    for n_stars in STARS:
        fields = [field(shape, n_stars, seed) for seed in range(options.frames)]
        print_recovery(f"simulated, {n_stars} stars", fields)
    print_false_ones(shape, options.frames)
    if options.real:
        fields = list(real_fields(options.real))
        print_recovery("real", fields)
        false = [name for name, data, bad, _ in fields if find(data, bad).trails]
        print(f"real frames without a trail: {len(fields)}, with a false one: {len(false)} {false}")


@functools.cache
def field(shape, n_stars, seed):
    """A field of stars, galaxies and cosmic rays: its name, data (electron), bad pixels and noise."""
    scale = shape[0] * shape[1] / 1700**2
    rays = {"n_muons": int(150 * scale), "n_worms": int(80 * scale), "n_spots": int(150 * scale)}
    fwhm = (2.5, 3.5, 5.0)[seed % 3]
    n_stars, n_galaxies = int(n_stars * scale), int(60 * scale)
    made = simulate_frame(shape, sky=SKY, n_stars=n_stars, n_galaxies=n_galaxies, fwhm=fwhm, seed=seed, **rays)
    data = np.asarray(made.ccd.data, dtype=np.float32)
    return f"field {seed}", data, np.zeros(shape, dtype=bool), NOISE


def real_fields(folder):
    """The images of a folder, as `field` gives them."""
    for path in sorted(path for path in folder.rglob("*") if ".fit" in path.name.lower()):
        with fits.open(path) as hdus:
            for number, hdu in enumerate(hdus):
                data = hdu.data if hdu.is_image and hdu.name not in ("DQ", "SAMP", "TIME", "ERR") else None
                if data is not None and data.ndim == 2 and min(data.shape) >= 200:
                    data = data.astype(np.float32)
                    bad = ~np.isfinite(data)
                    data[bad] = 0
                    rows = np.diff(data, axis=0)
                    yield f"{path.name}[{number}]", data, bad, 1.4826 * np.median(np.abs(rows)) / 2**0.5


def trail(shape, rng, peak):
    """The light of a trail: sharp or out of focus, some with an end in the frame; float (ny, nx)."""
    angle, fwhm = np.pi * rng.uniform(), rng.uniform(2.5, 6)
    x0, y0 = (rng.uniform(0.2, 0.8) * side for side in shape[::-1])
    y, x = np.ogrid[: shape[0], : shape[1]]
    across = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
    along = (y - y0) * np.sin(angle) + (x - x0) * np.cos(angle)
    scale = 0.5 * fwhm / (2**0.5 - 1) ** 0.5  # a Moffat profile of beta 2.5, summed along the line
    light = (1 + (across / scale) ** 2) ** -2.0
    if rng.uniform() < 0.3:
        disc, sigma = rng.uniform(5, 20), fwhm / 2.3548
        light = special.ndtr((across + disc / 2) / sigma) - special.ndtr((across - disc / 2) / sigma)
        light /= special.ndtr(disc / 2 / sigma) - special.ndtr(-disc / 2 / sigma)
    if rng.uniform() < 0.3:
        light = light * (along < rng.uniform(0, 0.2) * min(shape))
    return peak * light * (1 + 0.2 * np.sin(along / rng.uniform(30, 300)))


def print_recovery(name, fields):
    """A row for each brightness."""
    print(f"\n{name}: {len(fields)} frames")
    print("brightness  recovered  pixels recovered  false pixels")
    for brightness in BRIGHTNESS:
        rows = [recovery(*one[1:], brightness, seed) for seed, one in enumerate(fields)]
        found = [row for row in rows if row[0]]
        pixels = np.nanmean([row[1] for row in found]) if brightness > 1 and found else np.nan
        print(
            f"{brightness:10g}  {len(found) / len(rows):9.1%}  {pixels:16.1%}  {np.mean([r[2] for r in rows]):12.3%}",
            flush=True,
        )


def recovery(data, bad, noise, brightness, seed):
    """Whether a trail is recovered, the share of its pixels above the noise, and the share of pixels that are false."""
    rng = np.random.default_rng([seed, int(100 * brightness)])
    light = trail(data.shape, rng, brightness * noise)
    gain = SKY / NOISE**2
    lit = data + rng.normal(0, np.sqrt(light * gain * noise / NOISE)) + light
    mask = flagged(data.shape, find(lit.astype(np.float32), bad).trails)
    core = light > 0.5 * brightness * noise
    above = light > noise
    beyond = ~ndimage.binary_dilation(light > 0.1 * noise, iterations=3)
    share = np.mean(mask[above]) if above.any() else np.nan
    return (mask[core] & ~bad[core]).sum() > 0.5 * (~bad[core]).sum(), share, np.mean(mask & beyond)


def print_false_ones(shape, n_frames):
    """The share of frames with a false trail, by what is on them."""
    print("\nframes with a false trail")
    for what, scene in SCENES.items():
        n_false = sum(bool(find(*scene(shape, seed)).trails) for seed in range(n_frames))
        print(f"{what:50} {n_false} of {n_frames}", flush=True)


def stars(shape, seed, n_stars=300):
    """A field without a trail."""
    return field(shape, n_stars, seed)[1:3]


def with_light(shape, seed, light):
    """A field with some light added."""
    data, bad = stars(shape, seed)
    rng = np.random.default_rng(seed)
    return np.minimum(data + rng.poisson(np.maximum(light, 0)), 6e4).astype(np.float32), bad


def spikes(shape, seed):
    """Bright stars with a halo and four spikes that fade with the distance or its square, turned by some angle."""
    rng, light = np.random.default_rng(seed), np.zeros(shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    turn, power = rng.uniform(0, np.pi / 2), rng.choice([1, 2])
    for _ in range(4):
        y0, x0 = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        distance = np.hypot(y - y0, x - x0)
        peak = 10 ** rng.uniform(3, 5)
        light += 10 * peak * (1 + (distance / 3) ** 2) ** -1.5
        for angle in (turn, turn + np.pi / 2):
            across = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
            light += peak * np.exp(-0.5 * (across / 1.5) ** 2) * (1 + distance / 8) ** -float(power)
    return with_light(shape, seed, light)


def bleeding(shape, seed):
    """Saturated stars with bleeding columns, and bad columns and rows."""
    data, bad = stars(shape, seed)
    data, rng = data.copy(), np.random.default_rng(seed)
    for _ in range(6):
        column, row, length = rng.integers(shape[1] - 5), rng.integers(shape[0]), rng.integers(100, shape[0])
        data[max(0, row - length // 2) : row + length // 2, column : column + rng.integers(1, 5)] = 6e4
    data[:, rng.integers(shape[1])] += 60
    data[rng.integers(shape[0]) :, rng.integers(shape[1])] += 300
    data[rng.integers(shape[0])] += 40
    return data, bad


def galaxies(shape, seed):
    """Edge-on galaxies of every size."""
    rng, light = np.random.default_rng(seed), np.zeros(shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for _ in range(10):
        y0, x0, angle = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0, np.pi)
        size = 10 ** rng.uniform(1, 2.3)
        across = np.abs((y - y0) * np.cos(angle) - (x - x0) * np.sin(angle))
        along = np.abs((y - y0) * np.sin(angle) + (x - x0) * np.cos(angle))
        light += 10 ** rng.uniform(1.5, 3.5) * np.exp(-along / size - across / (0.08 * size + 1))
    return with_light(shape, seed, light)


def rings(shape, seed):
    """Arcs and rings of reflections, and a filament that bends."""
    rng, light = np.random.default_rng(seed), np.zeros(shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for _ in range(4):
        y0, x0 = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        distance = np.hypot(y - y0, x - x0)
        light += 10 ** rng.uniform(1, 2.5) * np.exp(
            -0.5 * ((distance - rng.uniform(100, 900)) / rng.uniform(2, 30)) ** 2
        )
    return with_light(shape, seed, light)


def chips(shape, seed):
    """Chips of other levels with a gap between them, a little turned, and an overscan."""
    data, bad = stars(shape, seed)
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[: shape[0], : shape[1]]
    edge = x - shape[1] / 2 - rng.uniform(-0.03, 0.03) * (y - shape[0] / 2)
    data = data + np.where(edge > 0, rng.uniform(5, 100), 0)
    data[np.abs(edge) < rng.choice([0, 12])] = 0
    data[:, -50:] = rng.normal(0, 5, (shape[0], 50))
    return data.astype(np.float32), bad


def nebula(shape, seed):
    """A nebula with structure on every scale."""
    rng = np.random.default_rng(seed)
    power = np.fft.rfftfreq(shape[1])[np.newaxis] ** 2 + np.fft.fftfreq(shape[0])[:, np.newaxis] ** 2
    power[0, 0] = np.inf
    noise = np.fft.rfft2(rng.normal(size=shape)) * power**-0.75
    cloud = np.fft.irfft2(noise, shape)
    return with_light(shape, seed, 300 * np.exp(cloud / cloud.std()))


def slit(shape, seed):
    """A spectrum behind a long slit: sky lines, and traces that are a little tilted."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[: shape[0], : shape[1]]
    light = sum(rng.uniform(20, 2000) * np.exp(-0.5 * ((x - rng.uniform(0, shape[1])) / 2) ** 2) for _ in range(30))
    for _ in range(3):
        middle = rng.uniform(0, shape[0]) + rng.uniform(-0.008, 0.008) * x + 1e-6 * (x - 800.0) ** 2
        light = light + 10 ** rng.uniform(1, 3.5) * np.exp(-0.5 * ((y - middle) / 2) ** 2)
    data = rng.poisson(50 + light) + rng.normal(0, READNOISE, shape)
    return data.astype(np.float32), np.zeros(shape, dtype=bool)


def fibres(shape, seed):
    """The orders or fibres of a spectrograph, tilted and bent."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[: shape[0], : shape[1]]
    tilt, bend, step = rng.uniform(-0.08, 0.08), rng.uniform(-3e-5, 3e-5), rng.choice([8, 14, 40])
    phase = (y - tilt * x - bend * (x - shape[1] / 2) ** 2) % step - step / 2
    light = 10 ** rng.uniform(1.5, 3.5) * np.exp(-0.5 * (phase / 1.5) ** 2)
    data = rng.poisson(20 + light) + rng.normal(0, READNOISE, shape)
    return data.astype(np.float32), np.zeros(shape, dtype=bool)


SCENES = {
    "stars": stars,
    "crowded stars": lambda shape, seed: stars(shape, seed, 10_000),
    "spikes": spikes,
    "bleeding and bad columns": bleeding,
    "edge-on galaxies": galaxies,
    "rings and arcs": rings,
    "edges of chips and an overscan": chips,
    "nebula": nebula,
    "long-slit spectrum": slit,
    "fibres or orders": fibres,
}


def print_time(shape, repeats=15):
    """Time of a frame without and with a trail, alternately; time of the processor and of the clock."""
    _, data, bad, _ = field(shape, 300, 0)
    lit = (data + trail(shape, np.random.default_rng(1), 5 * NOISE)).astype(np.float32)
    times = {"without a trail": (data, []), "with a trail": (lit, [])}
    for _ in range(repeats):
        for frame, taken in times.values():
            start = time.process_time(), time.perf_counter()
            find(frame, bad)
            taken.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    for what, (_, taken) in times.items():
        processor, clock = 1e3 * np.median(taken, axis=0)
        print(f"{shape[0]} x {shape[1]} {what}: {processor:.0f} ms of the processor, {clock:.0f} ms")


if __name__ == "__main__":
    main()
