# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What growth adds to the events of L.A.Cosmic, and what it costs.

Run as ``python benchmarks/bench_growth.py [--size 768] [--no-times]``. Three parts:

* simulated cells of `bench_quality` with stars of 3 and 5 pixels, whose every charge is known: precision, recall and F1
  of the pixels, for a truth of all pixels with a charge of 2, 1 or 0.5 standard deviations of the noise;
* two real exposures of one field, where ``CCDCR_REAL_DATA`` has them (``wht_isis``). A pixel that is
  no cosmic ray is as often above as below the same pixel of the other exposure, so the share of real ones among the
  added pixels is 1 - 2 x (share below). The difference is taken less its running median over 101 columns; pixels within
  3 of an event of the other exposure are left out;
* the time of the detection with and without growth, on a plain frame and on one of 4,000 hits a megapixel. Runs
  alternate; medians are compared.
"""

import argparse
import itertools
import os
import statistics
import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from bench_quality import CHIPS, SKY, STARS, make_frame
from scipy.ndimage import binary_dilation, median_filter

from ccdproc_crplugin import detectors

GROWTH = {"no growth": False, "context": "context", "1 pixel": 1}
TRUTHS = (2.0, 1.0, 0.5)  # standard deviations
WIDTHS = (3.0, 5.0)  # pixels
GAIN, READNOISE = 0.98, 4.2  # of the pair of real exposures: electron/adu, electron
LIGHTS, N_BIASES = ("r2701242", "r2701244"), 5
SECTION = slice(20, 946)  # columns that see the sky


def found(data, readnoise, grow):
    nothing = np.zeros(data.shape, dtype=bool)
    detect = detectors()["lacosmic"].detect
    return detect(data, mask=nothing, variance=None, readnoise=readnoise, saturation=np.inf, grow=grow).mask


# --- known charge -------------------------------------------------------------


def scores(size):
    """Precision, recall and F1 by kind of growth and least charge of the truth: means over the cells."""
    rows = {}
    for cell in itertools.product(WIDTHS, SKY, STARS, CHIPS):
        frame = make_frame(*cell, size, 0)
        noise = np.sqrt(cell[1] + 6.0**2)
        for name, grow in GROWTH.items():
            mask = found(np.asarray(frame.ccd.data, np.float32), 6.0, grow)
            for least in TRUTHS:
                truth = frame.truth if least == 2 else frame.charge > least * noise
                right = np.count_nonzero(mask & truth)
                rows.setdefault((name, least), []).append(
                    (right / mask.sum(), right / truth.sum(), 2 * right / (mask.sum() + truth.sum()))
                )
    return {key: np.mean(values, axis=0) for key, values in rows.items()}


def show_scores(size):
    print(
        "Pixels of simulated frames, stars of 3 and 5 pixels; a pixel counts as hit from so many sigma of charge on\n"
    )
    print(f"{'growth':12}" + "".join(f"{f'{least:g} sigma: precision recall F1':>36}" for least in TRUTHS))
    means = scores(size)
    for name in GROWTH:
        print(f"{name:12}" + "".join("{:22.3f} {:6.3f} {:6.3f}".format(*means[name, least]) for least in TRUTHS))


# --- the pair of real exposures -------------------------------------------------


def real_pair(folder):
    """Both exposures, electron."""
    frames = {path.name.split(".")[0]: path for path in sorted(folder.glob("*.fit.gz"))}
    biases = [fits.getdata(path) for path in frames.values() if fits.getheader(path)["IMAGETYP"].strip() == "zero"]
    bias = np.median(biases[:N_BIASES], axis=0)
    return [((fits.getdata(frames[name]) - bias)[:, SECTION] * GAIN).astype(np.float32) for name in LIGHTS]


def real_pixels(data, other):
    """By kind of growth: how many pixels it adds to the events of an exposure, how many are real, and their share."""
    core, core_of_other = (found(frame, READNOISE, False) for frame in (data, other))
    difference = data - other
    difference -= median_filter(difference, (1, 101))
    judged = ~core & ~binary_dilation(core_of_other, np.ones((7, 7)))
    rows = {}
    for name, grow in GROWTH.items():
        if grow:
            added = found(data, READNOISE, grow) & judged
            share = 1 - 2 * np.mean(difference[added] < 0)
            rows[name] = added.sum(), round(added.sum() * share), share
    return rows


def show_real_pixels():
    folder = Path(os.environ.get("CCDCR_REAL_DATA", "")) / "wht_isis"
    if not os.environ.get("CCDCR_REAL_DATA") or not folder.is_dir():
        print("\nNo real exposures: set CCDCR_REAL_DATA to a folder that holds wht_isis.")
        return
    print("\nPixels added to the events of two exposures of 1800 s, and those of them that are real\n")
    print(f"{'growth':12}" + f"{'added  real  share':>25}" * 2)
    first, second = real_pair(folder)
    both = [real_pixels(first, second), real_pixels(second, first)]
    for name in both[0]:
        print(f"{name:12}" + "".join("{:12d} {:5d} {:6.3f}".format(*rows[name]) for rows in both))


# --- time ---------------------------------------------------------------------


def hit_frame(n, hits_per_megapixel, seed=1):
    rng = np.random.default_rng(seed)
    frame = rng.poisson(150, (n, n)) + 6 * rng.standard_normal((n, n))
    y, x = rng.integers(0, n, (2, round(hits_per_megapixel * n * n / 1e6)))
    frame[y, x] += rng.uniform(200, 5000, y.size)
    return frame.astype(np.float32)


def show_times(n, repeats):
    print(f"\nDetection of {n} x {n} pixels, seconds\n")
    for hits in (60, 4000):
        frame, times = hit_frame(n, hits), {}
        for _, (name, grow) in itertools.product(range(repeats), list(GROWTH.items())[:2]):
            start = time.perf_counter()
            found(frame, 6.0, grow)
            times.setdefault(name, []).append(time.perf_counter() - start)
        without, with_growth = (statistics.median(values) for values in times.values())
        print(
            f"{hits:5} hits a megapixel: {without:.3f} without, {with_growth:.3f} with growth, "
            f"{100 * (with_growth / without - 1):+.0f} %"
        )


def main(args=None):
    """Print all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=768, help="side of a simulated frame, in pixels")
    parser.add_argument("--side", type=int, default=4096, help="side of the frames that are timed")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-times", action="store_true")
    options = parser.parse_args(args)
    show_scores(options.size)
    show_real_pixels()
    if not options.no_times:
        show_times(options.side, options.repeats)


if __name__ == "__main__":
    main()
