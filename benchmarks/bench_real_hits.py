# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Real cosmic rays put on simulated and on real skies: how many are found, and how much else is flagged.

Run as ``python benchmarks/bench_real_hits.py [--hits 300] [--seeds 1] [--csv FILE]`` with the folder of the real frames
in ``CCDCR_REAL_DATA``. The detectors are astroscrappy with true medians, the default one, and what `learned` finds.

The cosmic rays come from two exposures of 1800 s of one field (WHT, ISIS red arm): what stands out of one of them by
more than 5 standard deviations of the difference, with all pixels connected to it above 2. They are turned, mirrored
and put at random places. A pixel is true if it got more than 2 standard deviations of the noise that it had before.

On a real sky the detector runs with and without the added cosmic rays; what it flags without them does not count.
"""

import argparse
import os
from collections import Counter
from functools import partial
from pathlib import Path

import ccdproc
import numpy as np
from astropy.io import fits
from astropy.table import Table
from bench_quality import astroscrappy_true_medians, default, rates
from learned import installed, masks_of
from scipy.ndimage import binary_dilation, find_objects, label, median_filter

from ccdproc_crplugin.simulate import Camera, simulate_frame

CONNECTED = np.ones((3, 3), dtype=bool)
NEAR = 3  # pixels about an event of the other exposure that are left out
READNOISE = 6.0  # electron, of the simulated frames
SATURATION = 80_000.0  # electron

# --- cosmic rays of the WHT pair ---------------------------------------------------

BIASES = (982, 984, 986, 988, 990)
EXPOSURES = ("r2701242", "r2701244")
GAIN = 0.98  # electron/adu
COLUMNS = slice(20, 946)
SEED, WING = 5.0, 2.0  # standard deviations of the difference


def wht_pair(folder):
    """The two exposures, bias subtracted, in electron."""

    def image(name):
        return fits.getdata(folder / f"{name}.fit.gz").astype(np.float32)

    bias = np.median([image(f"r2700{number}") for number in BIASES], axis=0)
    return [GAIN * (image(name) - bias)[:, COLUMNS] for name in EXPOSURES]


def hits_of(frame, other):
    """Cut-outs of the charge, electron, of the events that ``frame`` has and the ``other`` exposure has not."""
    difference = frame - other
    difference -= median_filter(difference, size=(1, 101))
    scatter = 1.4826 * median_filter(np.abs(difference), size=(1, 101))
    significance = difference / np.maximum(scatter, np.median(scatter))
    taken = (significance > WING) & ~binary_dilation(significance < -SEED, CONNECTED, iterations=NEAR)
    labels, _ = label(taken, CONNECTED)
    seeds = np.unique(labels[significance > SEED])
    boxes = find_objects(labels)
    return [np.where(labels[boxes[n - 1]] == n, difference[boxes[n - 1]], 0) for n in seeds if n]


def real_hits(folder):
    """Cut-outs of all events of the pair."""
    first, second = wht_pair(folder)
    return hits_of(first, second) + hits_of(second, first)


def scatter_hits(hits, shape, n_hits, rng):
    """Charge, electron, and labels of hits put at random places, each turned and mirrored at random."""
    charge, labels = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    for number in range(1, n_hits + 1):
        hit = np.rot90(hits[rng.integers(len(hits))], rng.integers(4))
        hit = hit[:, ::-1] if rng.integers(2) else hit
        y, x = (rng.integers(0, size - side + 1) for size, side in zip(shape, hit.shape, strict=True))
        place = (slice(y, y + hit.shape[0]), slice(x, x + hit.shape[1]))
        charge[place] += hit
        labels[place][hit > 0] = number
    return charge, labels


# --- skies --------------------------------------------------------------------------


def simulated_sky(fwhm, sky, n_stars, seed):
    """A frame of 1024 x 1024 without cosmic rays, electron, and what a detector is to know of it."""
    rays = {"n_muons": 0, "n_worms": 0, "n_spots": 0}
    camera = Camera(hot_fraction=0)
    frame = simulate_frame(sky=sky, fwhm=fwhm, n_stars=n_stars, camera=camera, seed=seed, **rays)
    return frame.ccd.data, READNOISE, SATURATION


def real_sky(path, section, gain, readnoise, saturation):
    """
    A real frame in electron, and what a detector is to know of it.

    Its pedestal follows from the noise: the sky has as many electrons as its variance, less that of the read-out.
    """
    data = gain * fits.getdata(path).astype(np.float32)[section]
    steps = np.diff(data, axis=1)
    variance = (1.4826 * np.median(np.abs(steps - np.median(steps)))) ** 2 / 2
    pedestal = np.median(data) - (variance - readnoise**2)
    return data - pedestal, readnoise, gain * saturation - pedestal


def skies(folder, seed):
    """The frames by name, made when called."""
    simulated = {
        f"FWHM {fwhm}, sky {sky}, {name}": partial(simulated_sky, fwhm, sky, n_stars, seed)
        for fwhm in (1.6, 3.0, 5.0)
        for sky in (20, 150, 3000)
        for name, n_stars in (("few stars", 100), ("crowded", 3000))
    }
    saao = Path(ccdproc.__file__).parent / "tests/data/a8280271.fits"
    kmtnet = folder / "cameras/kmtnet_saao/20180413SAAO_targ.fits"
    return simulated | {
        "SAAO 1 m": partial(real_sky, saao, np.s_[10:-10, 20:-20], 1.9, 5.0, 60_000),
        "KMTNet": partial(real_sky, kmtnet, np.s_[:, :], 1.6, 6.6, 60_000),
    }


# --- scores -------------------------------------------------------------------------


def detectors():
    """The detectors by name: (frames, bad pixels, read noise, saturation) to masks."""

    def each(detect):
        return lambda frames, *known: [np.asarray(detect(frame, *known), dtype=bool) for frame in frames]

    ours = {"astroscrappy, true medians": each(astroscrappy_true_medians), "lacosmic": each(default)}
    return ours | {name: lambda frames, *_, name=name: masks_of(name, frames) for name in installed()}


def score(mask, without, labels, charge, noise):
    """Counts of one frame: events and pixels of the added cosmic rays."""
    truth = charge > 2 * noise
    visible = np.unique(labels[(charge > 5 * noise) & (labels > 0)])
    flagged = mask & ~without | mask & truth
    right = flagged & truth
    return {
        "events": visible.size,
        "events_found": np.isin(visible, labels[right]).sum(),
        "truth": truth.sum(),
        "flagged": flagged.sum(),
        "right": right.sum(),
        "right_1": (flagged & (charge > noise)).sum(),
        "truth_1": (charge > noise).sum(),
    }


def run_sky(make, hits, n_hits, seed):
    """Counts of each detector on one sky."""
    sky, readnoise, saturation = make()
    rng = np.random.default_rng(seed)
    charge, labels = scatter_hits(hits, sky.shape, round(n_hits * sky.size / 2**20), rng)
    noise = np.sqrt(np.maximum(sky, 0) + readnoise**2)
    bad = np.zeros(sky.shape, dtype=bool)
    counts = {}
    for name, detect in detectors().items():
        without, mask = detect([sky, sky + charge], bad, readnoise, saturation)
        counts[name] = score(mask, without, labels, charge, noise)
    return counts


def figures(counts):
    """Completeness of events, precision, recall and F1 of pixels, for a truth of 2 and of 1 standard deviation."""
    stars = {"segments": 0, "true_segments": 0, "stars": 0, "stars_touched": 0}
    rate = rates(counts | stars)
    shown = {name: round(float(rate[name]), 3) for name in ("completeness", "precision", "recall", "F1")}
    f1 = 2 * counts["right_1"] / (counts["flagged"] + counts["truth_1"])
    return shown | {"F1 (1 sigma)": round(float(f1), 3)}


def main(args=None):
    """Print a row for each sky and detector, and the sums over simulated and over real skies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=300, help="cosmic rays per 1024 x 1024 pixels")
    parser.add_argument("--seeds", type=int, default=1, help="frames of each sky")
    parser.add_argument("--csv", help="write the rows to this file")
    options = parser.parse_args(args)
    folder = Path(os.environ["CCDCR_REAL_DATA"])
    hits = real_hits(folder / "wht_isis")
    sums = {}
    for name in skies(folder, 0):
        kind = "simulated skies" if name.startswith("FWHM") else "real skies"
        for seed in range(options.seeds):
            for detector, counts in run_sky(skies(folder, seed)[name], hits, options.hits, seed).items():
                for key in ((name, detector), (kind, detector)):
                    sums.setdefault(key, Counter()).update(counts)
    rows = [{"sky": sky, "detector": detector, **figures(counts)} for (sky, detector), counts in sums.items()]
    table = Table(rows)
    print(f"{len(hits)} cosmic rays to draw from")
    table.pprint_all()
    if options.csv:
        table.write(options.csv, format="ascii.csv", overwrite=True)


if __name__ == "__main__":
    main()
