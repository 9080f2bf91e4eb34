# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A whole cleaning of a CCDData against ccdproc's and against the engine alone, and its peak memory.

    python benchmarks/bench_clean.py [--side 4096] [--runs 3] [--only-memory]

Runs alternate in one process; medians and their ratios are printed. The memory is that of a process of its own.
"""

import argparse
import multiprocessing
import statistics
import time
import warnings
from pathlib import Path

import ccdproc
import numpy as np
from astropy import units as u
from astropy.nddata import CCDData
from bench_engine import _memory, sky_frame

import ccdproc_crplugin as crp
from ccdproc_crplugin.kernels import lacosmic


def ours(ccd):
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron)


def ours_like_ccdproc(ccd):
    """The options of ccdproc's default: separable medians, sigclip 4.5, objlim 5, no growth."""
    options = {"sigclip": 4.5, "objlim": 5.0, "sepmed": True, "edges": "skip", "grow": False}
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron, saturation=65535, **options)


def without_preflight(ccd):
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron, preflight="off")


def without_growth(ccd):
    return crp.clean_cosmic_rays(ccd, readnoise=6.5 * u.electron, preflight="off", grow=False)


def engine_alone(ccd):
    return lacosmic(ccd.data, readnoise=6.5)


def theirs(ccd):
    return ccdproc.cosmicray_lacosmic(ccd, readnoise=6.5 * u.electron, gain_apply=False)


def seconds(run, ccd):
    start = time.perf_counter()
    run(ccd)
    return time.perf_counter() - start


def peak_memory(side, unit):
    """Memory of a cleaning beside its input, in frames of float32; what it allocates at first is left out."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_memory_here, (side, unit))


def _peak_memory_here(side, unit):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(1)
    data = np.empty((side, side), dtype=np.float32)
    for rows in np.array_split(data, max(side // 64, 1)):
        rows[:] = 200 + 15 * rng.standard_normal(rows.shape, dtype=np.float32)
    data[::128, ::128] += 3000
    known = {"readnoise": 6.5 * u.electron, "preflight": "off"}
    if unit == "adu":
        known["gain"] = 1.5 * u.electron / u.adu
    crp.clean_cosmic_rays(CCDData(data[:300, :300].copy(), unit=unit), **known)
    ccd = CCDData(data, unit=unit)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _memory("VmRSS")
    crp.clean_cosmic_rays(ccd, **known)
    return (_memory("VmHWM") - before) / (4 * side**2)


def print_times(side, runs):
    ccd = CCDData(sky_frame(np.random.default_rng(1), side), unit="electron")
    times = {run: [] for run in (ours, ours_like_ccdproc, without_preflight, without_growth, engine_alone, theirs)}
    ours(ccd)
    for _ in range(runs):
        for run, taken in times.items():
            taken.append(seconds(run, ccd))
    median = {run: statistics.median(taken) for run, taken in times.items()}
    print(f"CCDData of {side} x {side} float32, sky with cosmic rays")
    print(f"{median[theirs]:8.3f} s  ccdproc.cosmicray_lacosmic")
    for run, name in ((ours, "default"), (ours_like_ccdproc, "ccdproc's options")):
        print(f"{median[run]:8.3f} s  clean_cosmic_rays, {name}: {median[theirs] / median[run]:.0f} times less")
    print(f"{median[engine_alone]:8.3f} s  the engine alone")
    for run, name in ((without_preflight, "no preflight"), (without_growth, "no preflight, no growth")):
        print(f"{median[run]:8.3f} s  clean_cosmic_rays, {name}: {median[run] / median[engine_alone]:.1f} x the engine")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only-memory", action="store_true")
    options = parser.parse_args()
    if not options.only_memory:
        print_times(options.side, options.runs)
    for unit in ("electron", "adu"):
        frames = peak_memory(options.side, unit)
        print(f"{options.side} x {options.side} float32 in {unit}: at most {frames:.2f} frames beside the input")


if __name__ == "__main__":
    main()
