# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How fast the engines are, side by side with astroscrappy.

Runs of both alternate in one process, so that whatever else the machine does
falls on both; the ratio of their medians is printed. Run it with

    python benchmarks/bench_engine.py [--quick]

and put the figures into docs/data/speed.csv and docs/data/scaling.csv.
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import time
from functools import partial
from pathlib import Path

import astroscrappy
import numpy as np

from ccdproc_crplugin.kernels import engine, lacosmic, n_threads
from ccdproc_crplugin.lacosmic import detect_cosmics

READNOISE = 6.5  # electrons


# --- frames -------------------------------------------------------------------


def sky_frame(rng, n, sky=200.0):
    """Sky, and a hit of up to eight pixels for every 16,000 pixels."""
    frame = rng.poisson(sky, (n, n)) + rng.normal(0, READNOISE, (n, n))
    add_tracks(rng, frame, n * n // 16000)
    return frame.astype(np.float32)


def add_tracks(rng, frame, n_tracks):
    for _ in range(n_tracks):
        y, x = rng.integers(0, frame.shape[0] - 10, 2)
        angle = rng.uniform(0, np.pi / 2)
        steps = np.arange(rng.integers(1, 9))
        track = (y + steps * np.sin(angle)).astype(int), (x + steps * np.cos(angle)).astype(int)
        frame[track] += rng.uniform(100, 3000)


def add_stars(rng, frame, n_stars, fwhm):
    sigma = fwhm / 2.3548
    half = int(4 * fwhm) + 2
    yy, xx = np.mgrid[-half : half + 1, -half : half + 1]
    for _ in range(n_stars):
        y, x = rng.integers(half, frame.shape[0] - half, 2)
        dy, dx = rng.uniform(-0.5, 0.5, 2)
        profile = np.exp(-((yy - dy) ** 2 + (xx - dx) ** 2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
        frame[y - half : y + half + 1, x - half : x + half + 1] += 10 ** rng.uniform(2.5, 5) * profile


def dense_frame(rng, n, hits_per_megapixel=4000):
    """Sky, and hits of up to eight pixels, as many as a space telescope gets in half an hour."""
    frame = observed(rng, np.full((n, n), 200.0))
    add_tracks(rng, frame, n * n * hits_per_megapixel // 10**6)
    return frame.astype(np.float32)


def observed(rng, expected):
    return rng.poisson(expected) + rng.normal(0, READNOISE, expected.shape)


def worst_frames(rng, n):
    """The frames with the most candidates."""
    crowded = np.full((n, n), 200.0)
    add_stars(rng, crowded, n * n // 100, 2.5)
    sharp = np.full((n, n), 200.0)
    add_stars(rng, sharp, n * n // 1000, 1.3)
    lines = np.full((n, n), 20.0)
    lines[:, rng.integers(0, n, n // 20)] += 10 ** rng.uniform(2, 4.3, n // 20)
    dense = observed(rng, np.full((n, n), 200.0))
    hit = rng.random((n, n)) < 0.03
    dense[hit] += 10 ** rng.uniform(2, 4, np.count_nonzero(hit))
    return {
        "crowded field": observed(rng, crowded).astype(np.float32),
        "3 % of the pixels hit": dense.astype(np.float32),
        "sky of 5 electrons": sky_frame(rng, n, 5.0),
        "spectrum with sky lines": observed(rng, lines).astype(np.float32),
        "stars of FWHM 1.3 pixels": observed(rng, sharp).astype(np.float32),
    }


# --- measuring ----------------------------------------------------------------


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(ours, theirs, rounds, ours_per_round=5):
    """Medians of runs that alternate, seconds."""
    our_times, their_times = [], []
    ours()
    for _ in range(rounds):
        our_times += [seconds(ours) for _ in range(ours_per_round)]
        their_times.append(seconds(theirs))
        our_times += [seconds(ours) for _ in range(ours_per_round)]
    return statistics.median(our_times), statistics.median(their_times)


def peak_memory(n):
    """Memory of a run above its input and outputs, in frames of n x n float32."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_memory_here, (n,))


def _peak_memory_here(n):
    frame = np.full((n, n), 200.0, dtype=np.float32)
    frame[::50, ::50] += 3000
    lacosmic(frame[:64, :64], readnoise=READNOISE)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _memory("VmRSS")
    result = lacosmic(frame, readnoise=READNOISE)
    return (_memory("VmHWM") - before - result.mask.nbytes - result.cleaned.nbytes) / frame.nbytes


def _memory(name):
    """A line of Linux's account of this process, bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


# --- the table ----------------------------------------------------------------


def drop_in(name, frame, sepmed, rounds, ours_per_round):
    """A row for the drop-in and the original with the same options."""
    ours = partial(detect_cosmics, frame, sepmed=sepmed)
    theirs = partial(astroscrappy.detect_cosmics, frame, sepmed=sepmed)
    medians = "separable" if sepmed else "true"
    return (f"{name}, {medians} medians, drop-in", *interleaved(ours, theirs, rounds, ours_per_round))


def rows(quick):
    """Measure, one row of the table at a time: what, ours, theirs, ratio."""
    rng = np.random.default_rng(2026)
    large, small, rounds = (1024, 512, 1) if quick else (4096, 2048, 2)
    frame = sky_frame(rng, large)
    for sepmed in (True, False):
        yield drop_in(f"sky, {large} x {large}", frame, sepmed, rounds, 5)
    copy = np.empty_like(frame)
    default = partial(lacosmic, frame, readnoise=READNOISE)
    yield (
        f"sky, {large} x {large}, default, against numpy.copyto",
        *interleaved(default, partial(np.copyto, copy, frame), 15, 1),
    )
    for n in (small, large):
        dense = dense_frame(rng, n)
        for sepmed in (True, False):
            yield drop_in(f"4,000 hits a megapixel, {n} x {n}", dense, sepmed, 1, 3)
    for name, worst in worst_frames(rng, small).items():
        for sepmed in (True, False):
            yield drop_in(f"{name}, {small} x {small}", worst, sepmed, 1, 3)
    frame = sky_frame(rng, small)
    by_numpy = partial(lacosmic, frame, readnoise=READNOISE, engine="numpy")
    yield (
        f"NumPy engine, one thread, sky, {small} x {small}",
        *interleaved(by_numpy, partial(astroscrappy.detect_cosmics, frame), rounds, 2),
    )


def growth(quick):
    """Time for each pixel and memory, from small frames to large ones, whose runs alternate."""
    rng = np.random.default_rng(2027)
    sizes = (512, 1024) if quick else (1024, 2048, 4096, 8192)
    frames = {n: sky_frame(rng, n) for n in sizes}
    times = {n: [] for n in sizes}
    for _ in range(11):
        for n, frame in frames.items():
            times[n].append(seconds(partial(lacosmic, frame, readnoise=READNOISE)))
    for n in sizes:
        yield n, statistics.median(times[n]), peak_memory(n)


def machine():
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} processors, {n_threads()} threads, {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, engine '{engine().name}'"
    )


def main(args=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small frames, to try the script")
    quick = parser.parse_args(args).quick
    print(f"Machine: {machine()}\n")
    print(f"{'measure':<72} {'ours':>10} {'theirs':>10} {'ratio':>9}", flush=True)
    for name, ours, theirs in rows(quick):
        print(f"{name:<72} {1e3 * ours:8.1f}ms {1e3 * theirs:8.0f}ms {theirs / ours:9.2f}", flush=True)
    print(f"\n{'frame':<16} {'time':>10} {'each pixel':>12} {'memory above input and outputs':>34}", flush=True)
    for n, taken, memory in growth(quick):
        print(f"{n} x {n:<9} {1e3 * taken:8.1f}ms {1e9 * taken / n**2:10.2f}ns {memory:25.2f} frames", flush=True)


if __name__ == "__main__":
    main()
