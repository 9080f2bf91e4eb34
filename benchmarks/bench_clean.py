# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A whole cleaning of a CCDData against ccdproc's: ``python benchmarks/bench_clean.py [--side 4096] [--runs 3]``.

Runs of both alternate in one process; the medians and their ratio are printed.
"""

import argparse
import statistics
import time

import ccdproc
import numpy as np
from astropy import units as u
from astropy.nddata import CCDData
from bench_engine import sky_frame

import ccdproc_crplugin as crp


def ours(ccd):
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron)


def ours_like_ccdproc(ccd):
    """The options of ccdproc's default: separable medians, sigclip 4.5, objlim 5, no growth."""
    options = {"sigclip": 4.5, "objlim": 5.0, "sepmed": True, "edges": "skip", "grow": False}
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron, saturation=65535, **options)


def theirs(ccd):
    return ccdproc.cosmicray_lacosmic(ccd, readnoise=6.5 * u.electron, gain_apply=False)


def seconds(run, ccd):
    start = time.perf_counter()
    run(ccd)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    ccd = CCDData(sky_frame(np.random.default_rng(1), options.side), unit="electron")
    ours(ccd)
    times = {run: [] for run in (ours, ours_like_ccdproc, theirs)}
    for _ in range(options.runs):
        for run, taken in times.items():
            taken.append(seconds(run, ccd))
    peer = statistics.median(times[theirs])
    print(f"CCDData of {options.side} x {options.side} float32, sky with cosmic rays")
    print(f"{peer:8.3f} s  ccdproc.cosmicray_lacosmic")
    for run, name in ((ours, "default"), (ours_like_ccdproc, "ccdproc's options")):
        median = statistics.median(times[run])
        print(f"{median:8.3f} s  clean_cosmic_rays, {name}: {peer / median:.0f} times less")


if __name__ == "__main__":
    main()
