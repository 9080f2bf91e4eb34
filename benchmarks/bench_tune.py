# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What choosing ``sigclip`` takes: ``python benchmarks/bench_tune.py [--side 4096] [--runs 5]``.

Runs of the detector with a fixed and with an automatic ``sigclip`` and of `cr_tune` alternate in one process; the
medians and their ratios are printed. The frame has stars of FWHM 2, so that the trials have stars to draw.
"""

import argparse
import statistics
import time

import numpy as np
from astropy.nddata import CCDData

import ccdproc_crplugin as crp

READNOISE = 6.0  # electrons


def star_frame(side):
    """Tiles of one simulated field."""
    tile = min(side, 1024)
    field = crp.simulate_frame((tile, tile), fwhm=2.0, n_stars=400, n_muons=60, n_worms=40, n_spots=60, seed=1)
    repeats = -(-side // tile)
    return np.ascontiguousarray(np.tile(field.ccd.data, (repeats, repeats))[:side, :side])


def seconds(run):
    """Wall clock of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    data = star_frame(options.side)
    ccd = CCDData(data, unit="electron")
    detect = crp.detectors()["lacosmic"].detect
    frame = {"mask": np.zeros(data.shape, bool), "variance": None, "readnoise": READNOISE, "saturation": np.inf}
    runs = {
        "detector, sigclip=5": lambda: detect(data, **frame),
        "detector, sigclip='auto'": lambda: detect(data, sigclip="auto", **frame),
        "cr_tune": lambda: crp.cr_tune(ccd, readnoise=READNOISE),
        "clean_cosmic_rays, sigclip=5": lambda: crp.clean_cosmic_rays(ccd, readnoise=READNOISE, preflight="off"),
    }
    for run in runs.values():
        run()
    times = {name: [] for name in runs}
    for _ in range(options.runs):
        for name, run in runs.items():
            times[name].append(seconds(run))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    one = medians["detector, sigclip=5"]
    print(f"{options.side} x {options.side}, medians of {options.runs}")
    for name, median in medians.items():
        print(f"{median:8.3f} s {median / one:6.1f}  {name}")


if __name__ == "__main__":
    main()
