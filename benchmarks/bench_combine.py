# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Combining calibration frames: ``python benchmarks/bench_combine.py [--runs 3] [--folder FOLDER]``.

Against ``ccdproc.combine``, against reading the same files with astropy and nothing else, and the peak memory. Runs of
all alternate in one process; the medians and their ratios are printed. The frames take up to 2.7 GB in the folder and
are removed. ``ccdproc.combine`` of the 40 large frames is measured on the first rows of each and its time scaled by
the rows: its time goes with the number of pixels, so that is in its favour, for it reads less to make each tile.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import ccdproc
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.stats import mad_std

from ccdproc_crplugin import combine_calibrations
from ccdproc_crplugin.kernels import engine

CLIPPING = {
    "sigma_clip": True,
    "sigma_clip_low_thresh": 5,
    "sigma_clip_high_thresh": 5,
    "sigma_clip_func": np.ma.median,
    "sigma_clip_dev_func": mad_std,
}


def write_frames(folder, n_frames, shape, dtype, kind="BIAS"):
    """Bias frames or flats with a cosmic ray here and there."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 10, (shape[0] + 97, shape[1])).astype(np.float32)
    header = fits.Header({"IMAGETYP": kind, "BUNIT": "adu", "EXPTIME": 0.0})
    paths = []
    for k in range(n_frames):
        start = int(rng.integers(97))
        frame = np.roll(noise[start : start + shape[0]], int(rng.integers(shape[1])), axis=1) + 1000
        hits = rng.integers(0, shape[0] * shape[1], frame.size // 10_000)
        frame.reshape(-1)[hits] += 3000
        paths.append(folder / f"{k:03d}.fits")
        fits.writeto(paths[-1], frame.round().astype(dtype) if np.dtype(dtype).kind == "u" else frame, header)
    return paths


def read_with_astropy(paths):
    for path in paths:
        CCDData.read(path, memmap=False)  # with a memory map nothing would be read


def seconds(run, output):
    """The time of a run that has nothing to replace."""
    shutil.rmtree(output, ignore_errors=True)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()
    return time.perf_counter() - start


def medians(runs, output, n_runs):
    times = {name: [] for name in runs}
    for _ in range(n_runs):
        for name, run in runs.items():
            times[name].append(seconds(run, output))
    return {name: statistics.median(taken) for name, taken in times.items()}


def compare(title, paths, output, n_runs, *, method, theirs=None, n_theirs=1, share=1.0):
    """Ours against reading, and against ccdproc's run, which did a share of the rows."""

    def ours():
        combine_calibrations(paths, output, method=method)

    seconds(ours, output)
    measured = medians({"ours": ours, "reading": lambda: read_with_astropy(paths)}, output, n_runs)
    line = f"{title:58} {measured['ours']:8.2f} s  {measured['ours'] / measured['reading']:5.2f} x reading"
    if theirs is not None:
        taken = medians({"theirs": theirs, "ours": ours}, output, n_theirs)
        theirs_seconds = taken["theirs"] / share
        line += f"  ccdproc {theirs_seconds:8.1f} s: {theirs_seconds / taken['ours']:6.1f} times less"
    print(line, flush=True)


def first_rows(paths, folder, n_rows):
    folder.mkdir()
    cut = []
    for path in paths:
        cut.append(folder / path.name)
        fits.writeto(cut[-1], fits.getdata(path)[:n_rows], fits.Header({"BUNIT": "adu"}))
    return cut


def average_20(folder, n_runs):
    for dtype in ("f4", "u2"):
        paths = write_frames(folder / "small", 20, (2048, 2048), dtype)
        names = [str(path) for path in paths]
        compare(
            f"20 frames of 2048 x 2048 {dtype}, clipped average",
            paths,
            folder / "out",
            n_runs,
            method="average",
            theirs=lambda names=names: ccdproc.combine(names, method="average", **CLIPPING),
            n_theirs=n_runs,
        )
        shutil.rmtree(folder / "small")


def median_40(folder, n_runs, n_rows=512):
    paths = write_frames(folder / "large", 40, (4096, 4096), "f4")
    cut = [str(path) for path in first_rows(paths, folder / "cut", n_rows)]
    limit = 16e9 * n_rows / 4096  # the same number of tiles as for whole frames
    compare(
        f"40 frames of 4096 x 4096 f4, median (ccdproc: {n_rows} rows)",
        paths,
        folder / "out",
        n_runs,
        method="median",
        theirs=lambda: ccdproc.combine(cut, method="median", mem_limit=limit),
        share=n_rows / 4096,
    )
    compare("40 frames of 4096 x 4096 f4, clipped average", paths, folder / "out", n_runs, method="average")
    for name in ("large", "cut"):
        shutil.rmtree(folder / name)


def flats(folder, n_runs):
    paths = write_frames(folder / "flats", 20, (2048, 2048), "u2", kind="FLAT")
    compare("20 flats of 2048 x 2048 u2, scaled, clipped average", paths, folder / "out", n_runs, method="average")
    shutil.rmtree(folder / "flats")


def memory(folder, n_frames, limit, shape=(2048, 2048)):
    """The peak of a process of its own."""
    paths = write_frames(folder / "many", n_frames, shape, "u2")
    command = [sys.executable, __file__, "--peak", str(limit), str(paths[0].parent), str(folder / "out")]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    title = f"{n_frames} frames of {shape[0]} x {shape[1]} u2, memory_limit {limit / 1e6:.0f} MB"
    print(f"{title:58} {peak / 1e6:8.0f} MB at most: limit + {(peak - limit) / 1e6:.0f} MB", flush=True)
    shutil.rmtree(folder / "many")


def print_peak(limit, folder, output):
    combine_calibrations(sorted(Path(folder).glob("*.fits")), output, memory_limit=float(limit), overwrite=True)
    # not ru_maxrss, which on Linux counts what the process had before it became this program
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", help="where the frames are written (default: the system's for temporary files)")
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(*options.peak)
        return
    print(f"engine {engine().name!r}, NumPy {np.__version__}, ccdproc {ccdproc.__version__}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for n_frames in (20, 200):
            memory(folder, n_frames, 200e6)
        average_20(folder, options.runs)
        flats(folder, options.runs)
        median_40(folder, options.runs)


if __name__ == "__main__":
    main()
