# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Quality and time of the search in stacks: simulated exposures, the pair of the WHT, and the ways of others.

Run as ``python benchmarks/bench_stack.py [--size 512] [--seeds 3] [--wht FOLDER] [--others] [--time]``.

Ten events of the first exposure cross one of the second in their brightest pixels. A hit counts if its brightest pixel
stands 8 standard deviations of the difference out: of the exposure against the mean of the others. The core of a star
is the 3 x 3 pixels about its centre; it is touched if a pixel is flagged there in which no cosmic ray left half a
standard deviation.

The ways of others are written from what their authors publish, on plain arrays, given the true offsets:

* drizzlepac: the clean image is the median or, where this is far above the minimum, the minimum of the exposures; it
  is shifted back; a pixel is hit if ``|data - clean| > scale * derivative + snr * noise``, its neighbours with second,
  lower limits (Fruchter and Hook 2002, PASP, 114, 144, section 4; snr 3.5 and 3.0, scale 1.2 and 0.7).
* numina: a pixel is hit if its excess over the minimum of the aligned exposures is above the largest that simulated
  exposures with the same noise reach at that level (the diagram of median minus minimum against minimum, by N. Cardiel
  and others, applied to each exposure).
"""

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, shift

import ccdproc_crplugin as crp
from ccdproc_crplugin.simulate import Camera
from ccdproc_crplugin.simulate.exposures import simulate_exposures

READNOISE = 6.0
STARS, RAYS = 150e-6, {"muon": 60e-6, "worm": 40e-6, "spot": 60e-6}  # per pixel
VISIBLE = 8.0  # standard deviations of the difference
CASES = {"aligned": (0.0, 1.0), "shifted": (3.4, 1.0), "seeing": (0.0, 1.2), "shifted, seeing": (3.4, 1.2)}


def offsets_of(n_exposures, step):
    """Exposures shifted by so many pixels from one to the next, to and fro along the rows."""
    return [(step * number, step * number * (-1) ** number) for number in range(n_exposures)]


def make_stack(n_exposures, case, size, seed, fwhm=3.0, density=STARS):
    """Exposures of one field, and their offsets."""
    step, worse = CASES[case]
    offsets = offsets_of(n_exposures, step)
    widths = [fwhm * (worse if number % 2 else 1.0) for number in range(n_exposures)]
    numbers = {kind: round(share * size**2) for kind, share in RAYS.items()}
    frames = simulate_exposures(
        (size, size),
        offsets=offsets,
        fwhm=widths,
        n_stars=round(density * size**2),
        numbers=numbers,
        camera=Camera(hot_fraction=0),
        seed=seed,
    )
    return [frames[0], hit_again(*frames[:2], offsets[1], seed), *frames[2:]], offsets


def hit_again(first, second, offset, seed, n_events=10):
    """The second frame with more events, copies of its own whose brightest pixels fall on those of the first frame."""
    random = np.random.default_rng(seed)
    charge, labels = second.charge.copy(), second.labels.copy()
    noise = np.sqrt(np.maximum(second.ccd.data - second.charge, 0) + READNOISE**2)
    targets, sources = (random.permutation(bright_events(frame))[:n_events] for frame in (first, second))
    for target, source in zip(targets, sources, strict=False):
        y, x = brightest_pixel(first, target) + np.rint(offset).astype(int)
        own_y, own_x = brightest_pixel(second, source)
        event = np.roll(np.where(second.labels == source, second.charge, 0), (y - own_y, x - own_x), (0, 1))
        charge += event
        labels[event > 2 * noise] = labels.max() + 1
    ccd = second.ccd.copy()
    ccd.data = ccd.data + (charge - second.charge)
    return replace(second, ccd=ccd, charge=charge, truth=labels > 0, labels=labels)


def bright_events(frame):
    """The labels of events whose brightest pixel stands far out."""
    return frame.events["label"][frame.events["significance"] > 30].value


def brightest_pixel(frame, number):
    """Row and column of the brightest pixel of an event."""
    return np.array(np.unravel_index(np.argmax(np.where(frame.labels == number, frame.charge, 0)), frame.labels.shape))


def ours(frames, offsets, **limits):
    """The masks of the default stack detector."""
    nothing = np.zeros(frames[0].ccd.shape, dtype=bool)
    exposures = [
        crp.Exposure(frame.ccd.data, nothing, READNOISE, 80_000.0, offset)
        for frame, offset in zip(frames, offsets, strict=True)
    ]
    found = crp.stack_detectors()["stack"].detect(exposures, **limits)
    return [detection.mask for detection in found]


def _aligned(frames, offsets):
    """The exposures on the pixels of the first."""
    back = [np.negative(offset) for offset in offsets]
    return np.stack(
        [shift(frame.ccd.data, step, order=1, mode="nearest") for frame, step in zip(frames, back, strict=True)]
    )


def drizzlepac(frames, offsets, factor=1.0):
    """The masks by the clean image, its derivative and the noise; ``factor`` multiplies both signal-to-noise limits."""
    aligned = _aligned(frames, offsets)
    lowest, middle = aligned.min(axis=0), np.median(aligned, axis=0)
    noise = np.sqrt(np.maximum(lowest, 0) + READNOISE**2)
    clean = np.where(middle - lowest > 4 * noise, lowest, middle)
    if len(frames) == 2:
        clean = np.where(np.ptp(aligned, axis=0) > 4 * noise, lowest, middle)
    masks = []
    for frame, offset in zip(frames, offsets, strict=True):
        there = shift(clean, offset, order=1, mode="nearest")
        difference, own = np.abs(frame.ccd.data - there), np.sqrt(np.maximum(there, 0) + READNOISE**2)
        steps = [np.abs(there - np.roll(there, step, axis)) for axis in (0, 1) for step in (1, -1)]
        derivative = np.max(steps, axis=0)
        first = difference > 1.2 * derivative + 3.5 * factor * own
        near = binary_dilation(first, np.ones((3, 3)))
        masks.append(near & (difference > 0.7 * derivative + 3.0 * factor * own))
    return masks


def numina(frames, offsets, factor=1.0):
    """The masks by the excess over the minimum, above what simulated exposures reach; ``factor`` multiplies that."""
    aligned = _aligned(frames, offsets)
    lowest = aligned.min(axis=0)
    levels = np.geomspace(10, 1e5, 40)
    random = np.random.default_rng(0)
    simulated = random.poisson(levels, (20_000, len(frames), 40)) + random.normal(
        0, READNOISE, (20_000, len(frames), 40)
    )
    boundary = np.quantile(np.ptp(simulated, axis=1), 0.9999, axis=0)
    limit = factor * np.interp(np.log(np.maximum(lowest, 10)), np.log(levels), boundary)
    hits = [one - lowest > limit for one in aligned]
    return [shift(hit.astype(float), offset, order=1) > 0.5 for hit, offset in zip(hits, offsets, strict=True)]


def score(frames, offsets, masks):
    """Counts that add up over stacks."""
    counts = Counter()
    for number, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
        light = frame.ccd.data - frame.charge
        noise = np.sqrt((np.maximum(light, 0) + READNOISE**2) * (1 + 1 / (len(frames) - 1)))
        significance = frame.charge / noise
        peak = np.zeros(frame.labels.max() + 1)
        np.maximum.at(peak, frame.labels.ravel(), significance.ravel())
        visible = np.flatnonzero(peak >= VISIBLE)
        visible = visible[visible > 0]
        bright = significance >= VISIBLE
        core = star_cores(frame, light - np.median(light), noise)
        counts.update(
            hits=len(visible),
            found=np.isin(visible, frame.labels[mask]).sum(),
            pixels=bright.sum(),
            pixels_found=(bright & mask).sum(),
            flagged=mask.sum(),
            right=(mask & frame.truth).sum(),
            truth=frame.truth.sum(),
            cores=core.sum(),
            touched=(core & mask & (frame.charge < 0.5 * noise)).sum(),
        )
        if number < 2:
            other, between = frames[1 - number], np.subtract(offsets[1 - number], offsets[number])
            twice = bright & (shift(other.charge, -np.rint(between), order=0) > VISIBLE * noise)
            counts.update(twice=twice.sum(), twice_found=(twice & mask).sum())
    return counts


def star_cores(frame, light, noise):
    """The pixels about the centres of the stars that stand 5 standard deviations out."""
    core = np.zeros(light.shape, dtype=bool)
    for y, x in np.rint([frame.stars["y"].value, frame.stars["x"].value]).astype(int).T:
        inside = 1 <= y < light.shape[0] - 1 and 1 <= x < light.shape[1] - 1
        if inside and light[y, x] > 5 * noise[y, x]:
            core[y - 1 : y + 2, x - 1 : x + 2] = True
    return core


def in_words(counts):
    """Counts as shares."""
    return (
        f"found {counts['found'] / counts['hits']:.4f} of {counts['hits']:5d} hits, "
        f"{counts['pixels_found'] / counts['pixels']:.4f} of their pixels, "
        f"{counts['right'] / counts['truth']:.4f} of all, twice {counts['twice_found']}/{counts['twice']}, "
        f"precision {counts['right'] / max(counts['flagged'], 1):.4f}, cores {counts['touched']}/{counts['cores']}"
    )


def show_simulated(size, seeds, **scene):
    """Print a row for each number of exposures and each case."""
    for n_exposures in (2, 3, 5):
        for case in CASES:
            counts = Counter()
            for seed in range(seeds):
                stack = make_stack(n_exposures, case, size, seed, **scene)
                counts.update(score(*stack, ours(*stack)))
            print(f"{n_exposures} {case:16} {in_words(counts)}", flush=True)


def show_others(size, seeds):
    """Print the share of the hits' pixels found by each way, at the limit where the precision is nearest to ours."""
    for n_exposures in (2, 3):
        for case in CASES:
            stacks = [make_stack(n_exposures, case, size, seed) for seed in range(seeds)]
            own = sum((score(*stack, ours(*stack)) for stack in stacks), Counter())
            print(f"{n_exposures} {case:16} stack      {in_words(own)}")
            for way in (drizzlepac, numina):
                tried = [
                    sum((score(*stack, way(*stack, factor)) for stack in stacks), Counter()) for factor in (1, 2, 4, 8)
                ]
                aim = own["right"] / own["flagged"]
                best = min(tried, key=lambda counts: abs(counts["right"] / max(counts["flagged"], 1) - aim))
                print(f"{n_exposures} {case:16} {way.__name__:10} {in_words(best)}", flush=True)


def show_wht(folder, rows=slice(None)):
    """Print how the pair of long exposures of the WHT fares."""
    folder = Path(folder)
    bias = np.median(
        [crp.read_ccd(folder / f"r2700{number}.fit.gz").data for number in (982, 984, 986, 988, 990)], axis=0
    )
    ccds = []
    for name in ("r2701242", "r2701244"):
        ccd = crp.read_ccd(folder / f"{name}.fit.gz")
        ccd = type(ccd)(ccd.data - bias.astype(np.float32), unit=ccd.unit, meta=ccd.meta)
        ccds.append(ccd[rows])
    level = np.median(ccds[0].data, axis=0)
    dark = level < 0.5 * np.median(level)
    for ccd in ccds:
        ccd.mask = np.broadcast_to(dark, ccd.shape).copy()
    cleaned = crp.clean_cosmic_rays_stack(ccds, offsets=[(0, 0), (0, 0)], preflight="off")
    lost = cleaned[0].flags & 14 | cleaned[1].flags & 14
    for number in (0, 1):
        own, other = ccds[number].data * 0.98, ccds[1 - number].data * 0.98
        # Sky lines that change from one exposure to the other lie along the rows.
        difference = own - other - np.median((own - other)[:, ~dark], axis=1, keepdims=True)
        noise = np.sqrt(2 * (np.maximum(np.minimum(own, other), 0) + 16))
        stands_out, mask = (difference > 7 * noise) & (lost == 0), (cleaned[number].flags & 1) != 0
        print(
            f"WHT exposure {number + 1}: {stands_out.sum()} pixels stand out by 7 sigma, found "
            f"{(mask & stands_out).sum() / stands_out.sum():.4f}; {mask.sum()} flagged, positive difference "
            f"{(mask & (difference > 0)).sum() / mask.sum():.4f}"
        )
    cleaned.table.pprint_all()


def show_time(size=2048):
    """Print the time of the stack over that of reading its frames from .fits and from .fits.gz, the median of 3."""
    import tempfile

    frames, offsets = make_stack(2, "shifted", size, 0)
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        for ending in (".fits", ".fits.gz"):
            paths = [crp.write_ccd(f.ccd, Path(folder) / f"{n}{ending}") for n, f in enumerate(frames)]
            for _ in range(3):
                start = time.perf_counter()
                ccds = [crp.read_ccd(path) for path in paths]
                read = time.perf_counter()
                ours(frames, offsets)
                detected = time.perf_counter()
                crp.clean_cosmic_rays_stack(ccds, offsets=offsets, preflight="off")
                cleaned = time.perf_counter()
                ratios.setdefault(ending, []).append((read - start, detected - read, cleaned - detected))
    for ending, times in ratios.items():
        read, detected, cleaned = np.median(times, axis=0)
        print(
            f"{ending}: read {read:.2f} s, detector {detected:.2f} s ({detected / read:.1f} times), "
            f"whole {cleaned:.2f} s ({cleaned / read:.1f} times), two frames of {size} x {size}"
        )


def main(args=None):
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of a frame, in pixels")
    parser.add_argument("--seeds", type=int, default=3, help="stacks a row")
    parser.add_argument("--fwhm", type=float, default=3.0, help="width of the stars, in pixels")
    parser.add_argument("--density", type=float, default=STARS, help="stars per pixel")
    parser.add_argument("--wht", help="folder with the frames of the WHT")
    parser.add_argument("--others", action="store_true", help="the ways of others at equal precision")
    parser.add_argument("--time", action="store_true", help="time against reading")
    options = parser.parse_args(args)
    if options.wht:
        show_wht(options.wht)
    elif options.others:
        show_others(options.size, options.seeds)
    elif options.time:
        show_time()
    else:
        show_simulated(options.size, options.seeds, fwhm=options.fwhm, density=options.density)


if __name__ == "__main__":
    main()
