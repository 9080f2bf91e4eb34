# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What noise alone makes, and which hits are found beside it: the default against ``sigclip=5``.

Run as ``python benchmarks/bench_noise.py [--side 4096] [--seeds 2] [--sky 5 150 3000] [--readnoise 5]``. The first
table counts the events in frames of plain sky, beside the number that the program expects. The second has the share
found of hits whose brightest pixel holds a given charge, in units of the noise of a pixel: hits of a single pixel,
spots as charge spreads in a thinned chip, and muons in a thinned and in a thick one, each scaled to the charge.
"""

import argparse
import itertools

import astroscrappy
import numpy as np
from scipy import ndimage

from ccdproc_crplugin.default_plugins.lacosmic import detect
from ccdproc_crplugin.simulate import THICK, THIN
from ccdproc_crplugin.simulate.particles import charge_image, make_path

#: Sky and read noise (electron) of the frames, where none are given.
SKIES = ((0.3, 1), (1, 2), (5, 2), (5, 5), (150, 5), (3000, 5))
SKIES_OF_HITS = ((5, 5), (150, 5), (3000, 5))
KINDS = {"pixel": None, "spot": ("spot", THIN), "muon, thin": ("muon", THIN), "muon, thick": ("muon", THICK)}
BINS = (4, 5, 6, 7, 8, 10, 14)
SPACING, LARGEST = 32, 24  # pixels between hits, and of a hit at the most
EIGHT = np.ones((3, 3), dtype=bool)


def plain_sky(sky, readnoise, size, rng):
    """A frame without any light but the sky (electron)."""
    noise = np.float32(readnoise) * rng.standard_normal((size, size), dtype=np.float32)
    return rng.poisson(sky, (size, size)).astype(np.float32) + noise


def search(data, readnoise, **options):
    """The answer of the detector, without growth."""
    mask = np.zeros(data.shape, dtype=bool)
    return detect(data, mask=mask, variance=None, readnoise=readnoise, saturation=np.inf, grow=False, **options)


def n_events(mask):
    """The number of events in a mask."""
    return ndimage.label(mask, structure=EIGHT)[1]


def show_noise(size, seeds, skies):
    """Print the number of events in frames of plain sky."""
    print(f"events in frames of plain sky, {size} x {size} pixels; in brackets the number that is expected")
    print(f"{'sky':>6} {'read noise':>10} {'astroscrappy':>14} {'sigclip=5':>20} {'default':>20} {'limit':>6}")
    for sky, readnoise in skies:
        frames = [plain_sky(sky, readnoise, size, np.random.default_rng([seed, round(sky)])) for seed in range(seeds)]
        theirs = [n_events(astroscrappy.detect_cosmics(data, readnoise=readnoise)[0]) for data in frames]
        fixed, own = ([search(data, readnoise, sigclip=sigclip) for data in frames] for sigclip in (5.0, None))
        columns = [f"{' '.join(map(str, theirs)):>14}"]
        for found in (fixed, own):
            counts = " ".join(str(n_events(one.mask)) for one in found)
            columns.append(f"{counts} ({found[0].info['noise_events']:g})".rjust(20))
        print(f"{sky:6g} {readnoise:10g}", *columns, f"{own[0].info['pixel_limit']:6.2f}", flush=True)


def hit(kind, rng):
    """The charge of a hit, shape (n, m), in units of its brightest pixel."""
    while kind is not None:
        where, charge = charge_image(make_path(*kind, (256, 256), rng, 30.0), kind[1], (256, 256), rng)
        if where is not None and max(charge.shape) <= LARGEST and charge.max() > 0:
            return charge / charge.max()
    return np.ones((1, 1))


def add_hits(data, kind, sigma, rng):
    """Add hits on a grid; return the row, the column and the height (standard deviations) of each brightest pixel."""
    added = []
    for top in range(4, data.shape[0] - LARGEST, SPACING):
        for left in range(4, data.shape[1] - LARGEST, SPACING):
            shape, height = hit(kind, rng), rng.uniform(BINS[0], BINS[-1])
            rows, columns = shape.shape
            data[top : top + rows, left : left + columns] += np.rint(height * sigma * shape).astype(np.float32)
            y, x = np.unravel_index(shape.argmax(), shape.shape)
            added.append((top + y, left + x, height))
    y, x, height = np.transpose(added)
    return y.astype(int), x.astype(int), height


def show_completeness(size, seeds, skies):
    """Print the share of hits found at each charge."""
    print(f"\nshare of the hits found by sigclip=5 and by the default, {size} x {size} pixels, by the brightest pixel")
    labels = [f"{low} to {high}" for low, high in itertools.pairwise(BINS)]
    print(f"{'sky':>6} {'hits':12}", *(f"{label:>15}" for label in labels))
    for sky, readnoise in skies:
        for name, kind in KINDS.items():
            shares = []
            for seed in range(seeds):
                rng = np.random.default_rng([seed, round(sky), len(name)])
                data = plain_sky(sky, readnoise, size, rng)
                y, x, height = add_hits(data, kind, np.hypot(np.sqrt(sky), readnoise), rng)
                masks = [search(data, readnoise, sigclip=sigclip).mask for sigclip in (5.0, None)]
                found = np.array([ndimage.maximum_filter(mask, 3)[y, x] for mask in masks])
                in_bin = np.digitize(height, BINS) - 1
                shares.append([found[:, in_bin == number].mean(axis=1) for number in range(len(labels))])
            means = np.mean(shares, axis=0)
            print(f"{sky:6g} {name:12}", *(f"{a:8.3f} {b:.3f}".rjust(15) for a, b in means), flush=True)


def main(args=None):
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096, help="side of a frame, in pixels")
    parser.add_argument("--seeds", type=int, default=2, help="frames a row")
    parser.add_argument("--sky", type=float, nargs="+", help="electrons")
    parser.add_argument("--readnoise", type=float, default=5.0, help="electrons, of the skies given")
    options = parser.parse_args(args)
    given = [(sky, options.readnoise) for sky in options.sky or ()]
    show_noise(options.side, options.seeds, given or SKIES)
    show_completeness(options.side, 1, given or SKIES_OF_HITS)


if __name__ == "__main__":
    main()
