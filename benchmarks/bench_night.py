# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A night against a plain loop of ccdproc: ``python benchmarks/bench_night.py [--runs 3] [--night FOLDER]``.

Runs of both alternate, each in a process of its own, which imports both sides before the clock starts. Printed are the
medians of the time on the clock and on the processors, and the ratios of each. How much a second processor of this
machine gives is measured, too: two processes that share nothing, each with half of the frames.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

STEPS = ("subtract_bias", "subtract_dark", "correct_flat", "clean_cosmic_rays")

#: The options of ccdproc's own default, so that both sides search alike.
LIKE_CCDPROC = {"sigclip": 4.5, "objlim": 5.0, "sepmed": True, "edges": "skip", "grow": False}


def ours(raw, output, n_workers="1"):
    import ccdproc_crplugin as crp

    steps = [{"name": name, **(LIKE_CCDPROC if name.startswith("clean") else {})} for name in STEPS]
    night = {"night": {"input": raw, "output": output}, "combine": {"n_iterations": 1}, "step": steps}
    crp.reduce_night(night, n_workers=int(n_workers))


def two_workers(raw, output):
    ours(raw, output, 2)


def one_thread(raw, output):
    os.environ["CCDCR_NUM_THREADS"] = "1"
    ours(raw, output)


def all_frames(raw, output, part=slice(None)):
    import ccdproc_crplugin as crp

    os.environ["CCDCR_NUM_THREADS"] = "1"
    crp.clean_collection(sorted(Path(raw).glob("light_*.fits"))[part], output, n_workers=1, **LIKE_CCDPROC)


def odd_frames(raw, output):
    all_frames(raw, output, slice(0, None, 2))


def even_frames(raw, output):
    all_frames(raw, output, slice(1, None, 2))


def plain_loop(raw, output):
    import ccdproc
    from astropy import units as u
    from astropy.nddata import CCDData
    from astropy.stats import mad_std

    def combined(kind, steps=(), **keywords):
        frames = [CCDData.read(path, unit="adu") for path in sorted(Path(raw).glob(f"{kind}_*.fits"))]
        for step in steps:
            frames = [step(frame) for frame in frames]
        clipping = {"sigma_clip_func": np.ma.median, "sigma_clip_dev_func": mad_std}
        limits = {"sigma_clip_low_thresh": 5, "sigma_clip_high_thresh": 5}
        master = ccdproc.combine(
            frames, method="average", sigma_clip=True, dtype="float32", **clipping, **limits, **keywords
        )
        master.uncertainty = None
        return master

    def no_bias(ccd):
        return ccdproc.subtract_bias(ccd, bias)

    def no_dark(ccd):
        exposures = {"dark_exposure": 300 * u.s, "data_exposure": ccd.header["EXPTIME"] * u.s}
        return ccdproc.subtract_dark(ccd, dark, scale=True, **exposures)

    def inverse_median(data):
        return 1 / np.median(data)

    bias = combined("bias")
    dark = combined("dark", [no_bias])
    flat = combined("flat", [no_bias, no_dark], scale=inverse_median)
    os.makedirs(output)
    for path in sorted(Path(raw).glob("light_*.fits")):
        ccd = ccdproc.flat_correct(no_dark(no_bias(CCDData.read(path, unit="adu"))), flat)
        noise = {"gain": ccd.header["GAIN"] * u.electron / u.adu, "readnoise": ccd.header["RDNOISE"] * u.electron}
        cleaned = ccdproc.cosmicray_lacosmic(ccd, gain_apply=False, sigclip=4.5, objlim=5.0, **noise)
        cleaned.write(Path(output) / path.name)


def clean_only(raw, output):
    import ccdproc_crplugin as crp

    crp.clean_collection(sorted(Path(raw).glob("light_*.fits")), output, n_workers=1, preflight="off", **LIKE_CCDPROC)


def clean_and_check(raw, output):
    import ccdproc_crplugin as crp

    crp.clean_collection(sorted(Path(raw).glob("light_*.fits")), output, n_workers=1)


def read_and_write(raw, output):
    """The raw frames read, and what the cleaning writes of them read back and written once more."""
    from astropy.nddata import CCDData

    os.makedirs(output)
    for path in sorted(Path(raw).glob("light_*.fits")):
        ccd = CCDData.read(path, unit="adu")
        ccd.data = ccd.data.astype("f4")
        ccd.mask = np.zeros(ccd.shape, bool)
        ccd.flags = np.zeros(ccd.shape, "u1")
        ccd.write(Path(output) / path.name, hdu_flags="FLAGS")


JOBS = {
    job.__name__: job
    for job in (
        ours,
        two_workers,
        one_thread,
        all_frames,
        odd_frames,
        even_frames,
        plain_loop,
        clean_only,
        clean_and_check,
        read_and_write,
    )
}


def child(job, raw, output):
    import ccdproc  # noqa: F401

    import ccdproc_crplugin as crp

    warnings.simplefilter("ignore")
    crp.detectors(), crp.reduce_night, crp.clean_collection
    os.sync()  # what earlier runs left to be written must not hold up this one
    wall, cpu = time.perf_counter(), processor_time()
    JOBS[job](raw, output)
    wall, cpu = time.perf_counter() - wall, processor_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": peak_memory()}))


def processor_time():
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_memory():
    """Of this process alone, in MB: what `resource` knows begins with the peak of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def start(job, raw, folder):
    output = Path(folder) / job
    shutil.rmtree(output, ignore_errors=True)
    words = [sys.executable, __file__, "--child", job, str(raw), str(output)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def measure(job, raw, folder):
    """A job, or two at once, of which the longer counts."""
    answers = [process.communicate()[0] for process in [start(name, raw, folder) for name in job.split("+")]]
    results = [json.loads(answer.splitlines()[-1]) for answer in answers]
    return {key: max(result[key] for result in results) for key in results[0]}


def interleaved(jobs, raw, folder, runs):
    results = {job: [] for job in jobs}
    for _ in range(runs):
        for job in jobs:
            results[job].append(measure(job, raw, folder))
    return {job: {key: statistics.median(r[key] for r in rows) for key in rows[0]} for job, rows in results.items()}


def tell(title, numbers, one, other):
    a, b = numbers[one], numbers[other]
    print(f"{title}\n  {one}: {a['wall']:.2f} s ({a['cpu']:.2f} s of processor), {a['memory']:.0f} MB at most")
    print(f"  {other}: {b['wall']:.2f} s ({b['cpu']:.2f} s of processor), {b['memory']:.0f} MB at most")
    print(f"  ratio: {b['wall'] / a['wall']:.2f} on the clock, {b['cpu'] / a['cpu']:.2f} on the processors", flush=True)


def small_frames(folder, n_frames):
    import ccdproc_crplugin as crp

    frame = crp.simulate_frame(shape=(64, 64), corrected=(), unit="adu", seed=1, n_stars=2)
    from astropy.io import fits

    raw = Path(folder) / "small"
    raw.mkdir()
    rng = np.random.default_rng(1)
    for number in range(n_frames):
        noisy = frame.ccd.data + rng.integers(0, 9, frame.ccd.shape).astype("u2")
        fits.writeto(raw / f"light_{number:05d}.fits", noisy, frame.ccd.header)
    paths = sorted(raw.iterdir())
    print(f"{n_frames} frames of 64 x 64")
    for share in (n_frames // 4, n_frames // 2, n_frames):
        output = Path(folder) / f"small-{share}"
        for name in ("first", "again"):
            start = time.perf_counter(), time.process_time()
            crp.clean_collection(paths[:share], output, n_workers=1)
            wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(f"  {share:6d}, {name}: {wall:7.2f} s ({cpu:.2f} s of processor), {peak:.0f} MB at most", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--small", type=int, default=10_000, help="how many small frames")
    parser.add_argument("--lights", type=int, default=20, help="how many light frames")
    parser.add_argument("--night", type=Path, help="raw frames of `simulate_night`, to be used again")
    parser.add_argument("--only", choices=["night", "clean", "workers", "small"], action="append")
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    warnings.simplefilter("ignore")
    wanted = options.only or ["night", "clean", "workers", "small"]
    with tempfile.TemporaryDirectory() as folder:
        raw = options.night or Path(folder) / "raw"
        if not raw.is_dir() and wanted != ["small"]:
            import ccdproc_crplugin as crp

            crp.simulate_night(raw, n_bias=12, n_dark=12, n_flat=12, n_light=options.lights, shape=(2048, 2048))
        if "night" in wanted:
            numbers = interleaved(["ours", "plain_loop"], raw, folder, options.runs)
            tell("a night, one process, against a plain loop of ccdproc", numbers, "ours", "plain_loop")
        if "clean" in wanted:
            numbers = interleaved(["read_and_write", "clean_only", "clean_and_check"], raw, folder, options.runs)
            tell("cleaning alone against reading and writing with astropy", numbers, "read_and_write", "clean_only")
            tell("the same with all defaults and the preflight", numbers, "read_and_write", "clean_and_check")
        if "workers" in wanted:
            halves = "odd_frames+even_frames"
            numbers = interleaved(
                ["two_workers", "ours", "one_thread", halves, "all_frames"], raw, folder, options.runs
            )
            tell("two workers against one, whose engine has two threads", numbers, "two_workers", "ours")
            tell("two workers against one, each with one thread", numbers, "two_workers", "one_thread")
            tell("what this machine gives: two processes that share nothing against one", numbers, halves, "all_frames")
        if "small" in wanted:
            small_frames(folder, options.small)


if __name__ == "__main__":
    main()
