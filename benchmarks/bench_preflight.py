# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the preflight says of frames that break a note for users, and of good ones; and what it costs.

Run as ``python benchmarks/bench_preflight.py [--size 512] [--seeds 2] [--verbose]``. Real frames join in where
``CCDCR_REAL_DATA`` says where they are. For each violation the table counts the frames on which the check that is
meant for it said ``fail`` or ``warn``, and those on which it said nothing.
"""

import argparse
import functools
import itertools
import os
import statistics
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import ccdproc
import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.utils.data import get_pkg_data_filename

import ccdproc_crplugin as crp
from ccdproc_crplugin.cleaning.preflight import run_checks
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.simulate import THICK, THIN, Camera

SKY = (5.0, 150.0, 3000.0, 50_000.0)  # electrons
FWHM = (1.3, 2.0, 3.0, 6.0)  # pixels
STARS = {"sparse": 150e-6, "crowded": 3000e-6}  # stars per pixel
RAYS = {"n_muons": 60e-6, "n_worms": 20e-6, "n_spots": 20e-6}  # events per pixel
CAMERA = Camera(hot_fraction=0.0, dark_current=0.002)
READNOISE = CAMERA.readnoise

ADU_FRAME = {"unit": "adu"}


def simulated(scene, seed, *, camera=CAMERA, **settings):
    sky, fwhm, stars, size = scene
    numbers = {name: int(rate * size**2) for name, rate in RAYS.items()}
    return crp.simulate_frame(
        (size, size),
        sky=sky,
        fwhm=fwhm,
        n_stars=int(STARS[stars] * size**2),
        camera=camera,
        seed=seed,
        **numbers,
        **settings,
    ).ccd


def findings_of(ccd, *, dark=None, detector="lacosmic", parameters=None, **figures):
    try:
        electronics = electronics_of(ccd, **figures)
    except crp.CosmicRayError:
        electronics = None
    return run_checks(ccd, electronics, dark=dark, detector=detector, parameters=parameters or {})


def scaled(ccd, factor):
    new = ccd.copy()
    new.data = (ccd.data * factor).astype(np.float32)
    return new


# Each violation makes of a scene the findings on a frame that breaks one note.


def bias_left_in(scene, seed):
    return findings_of(simulated(scene, seed, corrected=("dark", "flat")))


def raw_frame(scene, seed):
    return findings_of(simulated(scene, seed, corrected=(), unit="adu"))


def hot_camera():
    return replace(CAMERA, hot_fraction=8e-4, hot_current=4.0)


def no_dark(scene, seed):
    return findings_of(simulated(scene, seed, camera=hot_camera(), corrected=("bias", "flat")))


def no_dark_but_at_hand(scene, seed):
    camera = hot_camera()
    frame = simulated(scene, seed, camera=camera, corrected=("bias", "flat"))
    dark = 300 * camera.dark(frame.shape) + READNOISE * np.random.default_rng(seed).normal(size=frame.shape)
    return findings_of(frame, dark=CCDData(dark, unit="electron"))


def not_flat_fielded(scene, seed):
    return findings_of(simulated(scene, seed, camera=replace(CAMERA, pixel_response=0.03), corrected=("bias", "dark")))


def sky_subtracted(scene, seed):
    ccd = simulated(scene, seed)
    ccd.data = ccd.data - np.median(ccd.data)
    return findings_of(ccd)


def gain_off(factor):
    def run(scene, seed):
        return findings_of(simulated(scene, seed, **ADU_FRAME), gain=CAMERA.gain * factor)

    return run


def gain_twice(scene, seed):
    return findings_of(scaled(simulated(scene, seed, camera=replace(CAMERA, gain=2.5)), 2.5))


def adu_as_electrons(scene, seed):
    return findings_of(scaled(simulated(scene, seed, camera=replace(CAMERA, gain=4.0)), 0.25))


def readnoise_off(factor):
    def run(scene, seed):
        return findings_of(simulated(scene, seed), readnoise=READNOISE * factor)

    return run


def rate_by_unit(scene, seed):
    ccd = scaled(simulated(scene, seed), 1 / 300)
    return findings_of(CCDData(ccd.data, unit="electron / s", meta=ccd.meta))


def rate_without_unit(scene, seed):
    return findings_of(scaled(simulated(scene, seed), 1 / 300))


def bright_stars(scene, seed):
    return simulated(scene, seed, flux_range=(3e5, 1e7))


def saturation_absent(scene, seed):
    ccd = bright_stars(scene, seed)
    del ccd.meta["SATURATE"]
    return findings_of(ccd)


def saturation_in_adu(scene, seed):
    return findings_of(bright_stars(scene, seed), saturation=CAMERA.saturation / 4)


def undersampled(scene, seed):
    return findings_of(simulated((scene[0], 1.4, *scene[2:]), seed), parameters={"sepmed": True, "objlim": 5.0})


def convolved(scene, seed):
    return findings_of(simulated(scene, seed), parameters={"fsmode": "convolve", "objlim": 5.0, "psffwhm": 2.5})


def calibration_frame(scene, seed):
    kind = ("bias", "dark", "flat")[seed % 3]
    return findings_of(simulated(scene, seed, kind=kind))


def combined_frame(scene, seed):
    ccd = simulated(scene, seed)
    ccd.meta["NCOMBINE"] = 5
    return findings_of(ccd)


def combined_without_record(scene, seed):
    frames = [simulated(scene, [seed, number]) for number in range(4)]
    frames[0].data = np.mean([frame.data for frame in frames], axis=0)
    return findings_of(frames[0])


#: Row of the table: what makes the findings, the checks meant to catch it, and in what skies it matters.
VIOLATIONS = {
    "bias of 1000 adu left in": (bias_left_in, {"noise", "overscan"}),
    "raw frame in adu": (raw_frame, {"noise", "overscan"}),
    "no dark, 800 hot pixels a million": (no_dark, {"hot_pixels"}),
    "the same, the dark at hand": (no_dark_but_at_hand, {"hot_pixels"}),
    "no flat, 3 % pixel response": (not_flat_fielded, {"noise"}),
    "sky subtracted": (sky_subtracted, {"noise"}),
    "gain x 1.5": (gain_off(1.5), {"noise"}),
    "gain x 4": (gain_off(4), {"noise"}),
    "gain x 0.25": (gain_off(0.25), {"noise"}),
    "gain of 2.5 applied twice": (gain_twice, {"noise"}),
    "adu for electrons, gain 4": (adu_as_electrons, {"noise"}),
    "read noise half": (readnoise_off(0.5), {"noise"}),
    "read noise double": (readnoise_off(2), {"noise"}),
    "read noise zero": (readnoise_off(0), {"noise"}),
    "electron / s": (rate_by_unit, {"unit"}),
    "a rate without its unit": (rate_without_unit, {"noise"}),
    "saturation level absent": (saturation_absent, {"saturation"}),
    "saturation level a quarter": (saturation_in_adu, {"saturation"}),
    "FWHM 1.4 with sepmed=True": (undersampled, {"sampling"}),
    "convolve with objlim=5": (convolved, {"sampling"}),
    "bias, dark or flat frame": (calibration_frame, {"kind"}),
    "combined, NCOMBINE=5": (combined_frame, {"kind"}),
    "average of 4 without record": (combined_without_record, {"noise"}),
}


def verdict(findings, meant):
    statuses = {finding.status for finding in findings if finding.check in meant}
    return next((status for status in ("fail", "warn") if status in statuses), "missed")


def print_violations(names, size, seeds, verbose):
    print(f"Violations on simulated frames of {size} x {size}: fail + warn + missed, by sky (electrons);")
    print(f"each over FWHM {FWHM}, {' and '.join(STARS)} stars, {seeds} seeds")
    print(f"{'':36}" + "".join(f"{sky:>14g}" for sky in SKY))
    for name in names:
        run, meant = VIOLATIONS[name]
        cells = []
        for sky in SKY:
            count, quiet = Counter(), []
            for fwhm, stars, seed in itertools.product(FWHM, STARS, range(seeds)):
                findings = run((sky, fwhm, stars, size), seed)
                result = verdict(findings, meant)
                count[result] += 1
                if result == "missed":
                    quiet += [(fwhm, stars, finding.message) for finding in findings if finding.check in meant]
            cells.append(f"{count['fail']} + {count['warn']} + {count['missed']}")
            if verbose:
                for item in quiet[:3]:
                    print("    ", sky, *item)
        print(f"{name:36}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


# Good frames.


def good_simulated(size):
    for sky, fwhm, stars in itertools.product((5.0, 50.0, 500.0, 5000.0, 50_000.0), (1.3, 1.6, 2.5, 6.0), STARS):
        chip = THICK if stars == "crowded" else THIN
        scene = (sky, fwhm, stars, size)
        yield f"sky {sky:g}, FWHM {fwhm}, {stars}", simulated(scene, 7, camera=replace(CAMERA, chip=chip))


def good_special(size):
    scene = (150.0, 2.5, "sparse", size)
    yield "dark current of 0.02 electron/s", simulated(scene, 1, camera=Camera())
    yield "in adu", simulated(scene, 2, unit="adu")
    yield "galaxies all over", simulated(scene, 3, n_galaxies=int(400e-6 * size**2))
    yield "a nebula", nebula(simulated(scene, 4), size)
    yield "spectrum", spectrum(size)
    yield "cut-out of 100 x 100", simulated((*scene[:3], 100), 5)
    yield "cut-out of 40 x 60", CCDData(simulated((*scene[:3], 60), 5)[:40])
    masked = simulated(scene, 6)
    masked.mask = np.random.default_rng(0).random(masked.shape) < 0.05
    masked.data[:, 77] = np.nan
    yield "masked pixels and a dead column", masked
    noisy = simulated(scene, 8)
    noisy.uncertainty = StdDevUncertainty(np.sqrt(np.maximum(noisy.data, 0) + READNOISE**2))
    yield "with uncertainty", noisy
    subtracted = noisy.copy()
    subtracted.data = noisy.data - 150
    yield "sky subtracted, with uncertainty", subtracted
    yield "cleaned already", simulated(scene, 9).clean_cosmic_rays(preflight="off")
    yield "vignetted, not flat-fielded (1 %)", simulated(scene, 10, corrected=("bias", "dark"))
    yield "saturated stars", bright_stars(scene, 11)


def nebula(ccd, size):
    y, x = np.mgrid[:size, :size] / size
    light = 2000 * np.exp(-((y - 0.5) ** 2 + (x - 0.4) ** 2) / 0.1) * (1 + 0.5 * np.sin(9 * x + 5 * y))
    ccd.data = (ccd.data + np.random.default_rng(4).poisson(light)).astype(np.float32)
    return ccd


def spectrum(size):
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:size, :size]
    lines = sum(
        h * np.exp(-((x - c) ** 2) / 3)
        for h, c in zip(rng.uniform(50, 5000, 30), rng.uniform(0, size, 30), strict=True)
    )
    trace = 4000 * np.exp(-((y - size / 2 - x / 60) ** 2) / 5) * (1 + 0.3 * np.sin(x / 20))
    data = rng.poisson(20 + lines + trace) + rng.normal(0, 4, y.shape)
    return CCDData(data.astype(np.float32), unit="electron", meta={"RDNOISE": 4.0})


def reduced_saao():
    raw = crp.read_ccd(get_pkg_data_filename("data/a8280271.fits", package="ccdproc.tests"))
    overscan = ccdproc.subtract_overscan(raw, fits_section="[4:13,1:520]", overscan_axis=1, median=True)
    return ccdproc.trim_image(overscan, fits_section="[17:528,1:512]")


def gmos():
    path = get_pkg_data_filename("data/gmos.fits", package="astroscrappy.tests")
    return CCDData.read(path, hdu=1, unit="electron", hdu_mask=None)


def wht_frames():
    folder = os.environ.get("CCDCR_REAL_DATA")
    if not folder:
        return
    folder = Path(folder) / "wht_isis"
    frames = [crp.read_ccd(folder / f"r27009{number}.fit.gz") for number in (82, 84, 86, 88, 90)]
    bias = ccdproc.combine(frames, method="average", sigma_clip=True)
    bias.uncertainty = None
    for number in (1242, 1244, 1253, 1255):
        raw = crp.read_ccd(folder / f"r270{number}.fit.gz")
        yield f"WHT {number}", raw, ccdproc.trim_image(ccdproc.subtract_bias(raw, bias), fits_section="[1:966,1:4096]")


def good_real():
    yield "SAAO, overscan and trim", reduced_saao(), {}
    yield "GMOS spectrum, resampled", gmos(), {"readnoise": 3.9}
    for name, _, reduced in wht_frames():
        yield f"{name}, bias and trim", reduced, {}
        yield f"{name}, cut-out", CCDData(reduced[2000:2100, 300:400]), {}


def print_good(size):
    frames = [(name, ccd, {}) for name, ccd in itertools.chain(good_simulated(size), good_special(size))]
    frames += list(good_real())
    count = Counter()
    print(f"\nGood frames ({len(frames)}): those of which something is said")
    for name, ccd, figures in frames:
        for finding in findings_of(ccd, **figures):
            count[finding.status] += 1
            if finding.status != "ok":
                print(f"  {name}: {finding.status}: {finding.check}: {finding.message}")
    print(f"  fail: {count['fail']}, warn: {count['warn']}, ok: {count['ok']}")


def broken_real():
    saao = reduced_saao()
    raw = crp.read_ccd(get_pkg_data_filename("data/a8280271.fits", package="ccdproc.tests"))
    frames = [("SAAO", raw, saao), *wht_frames()]
    for name, raw, reduced in frames:
        gain = electronics_of(reduced).gain
        bare = reduced.copy()
        bare.data = reduced.data.astype(np.float32)
        less_sky = bare.copy()
        less_sky.data = bare.data - np.float32(np.median(bare.data))
        rate = CCDData(bare.data / 100, unit="adu / s", meta=bare.meta)
        yield name, "raw", findings_of(raw), {"noise", "overscan"}
        yield name, "raw, cut-out", findings_of(CCDData(raw[100:400, 100:400])), {"noise"}
        yield name, "gain x 1.5", findings_of(bare, gain=1.5 * gain), {"noise"}
        yield name, "gain x 4", findings_of(bare, gain=4 * gain), {"noise"}
        yield name, "gain x 0.25", findings_of(bare, gain=0.25 * gain), {"noise"}
        yield name, "sky subtracted", findings_of(less_sky), {"noise"}
        yield name, "read noise double", findings_of(bare, readnoise=2 * electronics_of(bare).readnoise), {"noise"}
        yield name, "read noise half", findings_of(bare, readnoise=0.5 * electronics_of(bare).readnoise), {"noise"}
        yield name, "read noise zero", findings_of(bare, readnoise=0), {"noise"}
        yield name, "a rate", findings_of(rate), {"unit"}


def print_broken_real():
    print("\nViolations on real frames")
    for name, violation, findings, meant in broken_real():
        said = [finding.message for finding in findings if finding.check in meant and finding.status != "ok"]
        print(f"  {name:10} {violation:20} {verdict(findings, meant):7} {' | '.join(said)[:150]}")


def milliseconds(run, n_runs):
    """Median time of a call."""
    times = []
    for _ in range(n_runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def print_times(side=4096, n_runs=7):
    data = np.random.default_rng(1).normal(200, 15.4, (side, side)).astype(np.float32)
    for dtype in (np.float32, np.uint16):
        ccd = CCDData(data.astype(dtype), unit="electron", meta={"RDNOISE": 6.5})
        report = milliseconds(functools.partial(crp.cr_preflight, ccd), n_runs)
        cleaning = milliseconds(functools.partial(findings_of, ccd), n_runs)
        print(f"\n{side} x {side} {dtype.__name__}: cr_preflight {report:.0f} ms, before a cleaning {cleaning:.0f} ms")
        figures = {"gain": 1 * u.electron / u.adu, "readnoise": 6.5 * u.electron, "dark": None}
        for name, check in crp.checks().items():
            print(f"  {name:12} {milliseconds(functools.partial(check.run, ccd, **figures), n_runs):6.1f} ms")


def known_violations(names):
    unknown = set(names) - set(VIOLATIONS)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(VIOLATIONS)}")
    return names or list(VIOLATIONS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[], help="these violations alone")
    parser.add_argument("--verbose", action="store_true", help="print what was measured where a check said nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = known_violations(options.only)
    if not options.only:
        print_good(options.size)
        print_broken_real()
        print_times()
    print_violations(names, options.size, options.seeds, options.verbose)


if __name__ == "__main__":
    main()
