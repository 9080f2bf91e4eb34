# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Events that noise alone makes, and the share found of cosmic rays of a given brightness.

Run as ``python benchmarks/bench_noise.py [--side 4096] [--seeds 1] [--sky 5 150 3000]``. The first table counts the
events on empty frames, with a read noise of 6 electrons; the second the share found of cosmic rays whose brightest
pixel stands so many standard deviations out of the noise, by kind.
"""

import argparse
from functools import partial

import numpy as np
from bench_quality import _lacosmic, astroscrappy_default
from scipy.ndimage import label

from ccdproc_crplugin.kernels.noise_events import expected_noise_events, pixel_limit
from ccdproc_crplugin.simulate import Camera, simulate_frame

READNOISE, SATURATION = 6.0, 80_000.0  # electron
CONNECTED = np.ones((3, 3))
BRIGHTNESS = (4, 5, 6, 7, 8, 10, 14, 20)  # standard deviations, limits of the rows of the second table

DETECTORS = {
    "astroscrappy": astroscrappy_default,
    "sigclip=5": partial(_lacosmic, sigclip=5),
    "default": _lacosmic,
}


def empty_frame(side, sky, seed):
    """Noise of a sky and of the read-out, electron."""
    rng = np.random.default_rng([seed, round(sky)])
    return np.concatenate(
        [
            rng.poisson(sky, (part, side)) + READNOISE * rng.standard_normal((part, side))
            for part in [512] * (side // 512) + ([side % 512] if side % 512 else [])
        ]
    ).astype(np.float32)


def n_events(data, detect):
    """Events that a detector finds in a frame."""
    bad = np.zeros(data.shape, dtype=bool)
    return label(np.asarray(detect(data, bad, READNOISE, SATURATION), dtype=bool), CONNECTED)[1]


def show_noise(side, skies, seeds):
    """Print the events on empty frames, and how many are expected."""
    limit = pixel_limit(side**2)
    print(f"events from noise alone, {side} x {side} pixels, mean of {seeds}; the limit of a pixel is {limit:.2f}")
    print(f"{'sky':>6}", *(f"{name:>13}" for name in DETECTORS), "  expected at sigclip=5, by default")
    for sky in skies:
        frames = [empty_frame(side, sky, seed) for seed in range(seeds)]
        found = [np.mean([n_events(frame, detect) for frame in frames]) for detect in DETECTORS.values()]
        known = {"level": sky, "readnoise": READNOISE}
        expected = [expected_noise_events(side**2, 5.0, passed, **known) for passed in (0.0, limit)]
        print(f"{sky:6g}", *(f"{number:13.1f}" for number in found), "  ", *(f"{number:.3g}" for number in expected))


def show_completeness(skies, seeds):
    """Print the share of the cosmic rays found, by kind and by the significance of the brightest pixel."""
    print("share found by the default and by sigclip=5, by kind and standard deviations of the brightest pixel")
    rows = []
    for sky in skies:
        for seed in range(seeds):
            frame = simulate_frame(
                (1024, 1024), sky=sky, n_stars=50, n_muons=400, n_worms=200, n_spots=900, seed=seed, camera=CAMERA
            )
            data, bad = frame.ccd.data, np.zeros(frame.ccd.shape, dtype=bool)
            found = [
                np.isin(frame.events["label"], frame.labels[np.asarray(detect(data, bad, READNOISE, SATURATION))])
                for detect in (DETECTORS["default"], DETECTORS["sigclip=5"])
            ]
            rows += zip(frame.events["kind"], frame.events["significance"], *found, strict=True)
    kind, brightness, default, at_five = (np.array(column) for column in zip(*rows, strict=True))
    print(f"{'from':>5} {'to':>5}", *(f"{name:>22}" for name in ("muon", "worm", "spot")))
    for low, high in zip(BRIGHTNESS, (*BRIGHTNESS[1:], np.inf), strict=True):
        cells = []
        for name in ("muon", "worm", "spot"):
            here = (kind == name) & (brightness >= low) & (brightness < high)
            cells.append(f"{default[here].mean():.3f} {at_five[here].mean():.3f} of {here.sum():4d}".rjust(22))
        print(f"{low:5} {high:5}", *cells)


CAMERA = Camera(hot_fraction=0)


def main(args=None):
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096, help="side of the empty frames, in pixels")
    parser.add_argument("--seeds", type=int, default=1, help="frames of each sky")
    parser.add_argument("--sky", type=float, nargs="+", default=[5.0, 150.0, 3000.0], help="electrons")
    options = parser.parse_args(args)
    show_noise(options.side, options.sky, options.seeds)
    show_completeness(options.sky, options.seeds)


if __name__ == "__main__":
    main()
