# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detection quality over stellar width, sky, star density and chip: one table.

Run as ``python benchmarks/bench_quality.py [--size 768] [--seeds 1] [--fwhm 3 5] [--detectors 'name;name']``.
The learned detectors that `learned` finds may be named, too: ``--detectors 'lacosmic;deepCR;Cosmic-CoNN'``.
With ``--auto`` it prints instead the pixel F1 of ``sigclip="auto"`` beside that of the fixed values 4.5, 5 and 8.

A detector is a callable ``(data, mask, readnoise, saturation) -> mask``: data in electrons (float32), the mask of bad
pixels, read noise and saturation level in electrons. Add one to `DETECTORS` to see it in the table.
"""

import argparse
import itertools
from functools import partial

import astroscrappy
import numpy as np
from astropy.nddata import CCDData
from astropy.table import QTable, Table
from learned import installed, masks_of
from photutils.datasets import make_model_image, make_model_params
from photutils.psf import CircularGaussianPSF
from photutils.segmentation import detect_sources

from ccdproc_crplugin import PixelFlag
from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.simulate import THICK, THIN, Camera, simulate_frame

FWHM = (1.3, 1.6, 2.0, 3.0, 5.0)  # pixels
SKY = (5.0, 150.0, 3000.0)  # electrons
STARS = {"low": 100e-6, "crowded": 3000e-6}  # stars per pixel
RAYS = {"n_muons": 60e-6, "n_worms": 40e-6, "n_spots": 60e-6}  # events per pixel
CHIPS = {"thin": THIN, "thick": THICK}

# An event is to be found if its best pixel stands this many times above the noise.
VISIBLE = 5.0
# A star is one to be spared if its peak stands this many times above the noise of the sky.
STAR_PEAK = 5.0


def astroscrappy_default(data, mask, readnoise, saturation):
    """astroscrappy as it comes: separable medians, sigclip 4.5, objlim 5."""
    return _scrappy(data, mask, readnoise, saturation)


def astroscrappy_true_medians(data, mask, readnoise, saturation):
    """The same with true medians."""
    return _scrappy(data, mask, readnoise, saturation, sepmed=False)


def default(data, mask, readnoise, saturation):
    """The default detector."""
    return _lacosmic(data, mask, readnoise, saturation)


def default_without_growth(data, mask, readnoise, saturation):
    """The same, its events not grown into their wings."""
    return _lacosmic(data, mask, readnoise, saturation, grow=False)


def detector_alone(data, mask, readnoise, saturation):
    """The default detector without the plugins that refine its mask."""
    return _lacosmic(data, mask, readnoise, saturation, refine=False)


def _lacosmic(data, mask, readnoise, saturation, **settings):
    ccd = CCDData(data, unit="electron", mask=mask)
    cleaned = ccd.clean_cosmic_rays(
        readnoise=readnoise, saturation=saturation, preflight="off", max_fraction=1, **settings
    )
    return (cleaned.flags & PixelFlag.COSMIC_RAY) > 0


def _scrappy(data, mask, readnoise, saturation, **settings):
    found, _ = astroscrappy.detect_cosmics(
        data, inmask=mask, gain=1.0, readnoise=readnoise, satlevel=saturation, **settings
    )
    return found


AUTO = "sigclip=auto"
FIXED = ("sigclip=4.5", "sigclip=5", "sigclip=8")

DETECTORS = {
    "astroscrappy": astroscrappy_default,
    "true medians": astroscrappy_true_medians,
    "lacosmic": default,
    "lacosmic, grow=False": default_without_growth,
    "lacosmic, refine=False": detector_alone,
}
SHOWN = tuple(DETECTORS)
DETECTORS |= {f"sigclip={value}": partial(_lacosmic, sigclip=value) for value in (4.5, 5, 8, "auto")}
DETECTORS |= {name: lambda data, *_, name=name: masks_of(name, [data])[0] for name in installed()}


def make_frame(fwhm, sky, density, chip, size, seed):
    """A frame of the battery: calibrated, in electrons, no hot pixels."""
    n_pixels = size**2
    camera = Camera(chip=CHIPS[chip], hot_fraction=0)
    rays = {name: round(share * n_pixels) for name, share in RAYS.items()}
    n_stars = round(STARS[density] * n_pixels)
    return simulate_frame(
        (size, size),
        sky=sky,
        fwhm=fwhm,
        n_stars=n_stars,
        camera=camera,
        seed=[seed, round(10 * fwhm), round(sky)],
        **rays,
    )


def score(frame, mask):
    """Figures of one mask against the truth of its frame, as counts that add up over frames."""
    right = mask & frame.truth
    visible = frame.events["label"][frame.events["significance"] >= VISIBLE]
    segments = detect_sources(mask.astype(float), 0.5, n_pixels=1) if mask.any() else None
    true_segments = 0 if segments is None else np.unique(segments.data[right]).size
    touched, spared_or_touched = stars_touched(frame, mask & ~frame.truth)
    return {
        "events": len(visible),
        "events_found": np.isin(visible, np.unique(frame.labels[right])).sum(),
        "segments": 0 if segments is None else segments.n_labels,
        "true_segments": true_segments,
        "truth": frame.truth.sum(),
        "flagged": mask.sum(),
        "right": right.sum(),
        "stars": spared_or_touched,
        "stars_touched": touched,
    }


def stars_touched(frame, false_pixels):
    """How many stars have a falsely flagged pixel within a pixel and a half of their centre, and how many there are."""
    inside = np.array(frame.ccd.shape) - 1
    y = np.clip(np.rint(frame.stars["y"].value).astype(int), 1, inside[0] - 1)
    x = np.clip(np.rint(frame.stars["x"].value).astype(int), 1, inside[1] - 1)
    sky = np.median(frame.ccd.data)
    noise = 1.4826 * np.median(np.abs(frame.ccd.data - sky))
    offset = np.array([-1, 0, 1])
    around = (y[:, None, None] + offset[:, None], x[:, None, None] + offset)
    star = (frame.ccd.data[y, x] - sky) > STAR_PEAK * noise
    return false_pixels[around].any(axis=(1, 2))[star].sum(), star.sum()


def rates(counts):
    """Completeness, purity, precision, recall and F1 from counts."""

    def share(part, whole):
        return counts[part] / counts[whole] if counts[whole] else np.nan

    return {
        "completeness": share("events_found", "events"),
        "purity": share("true_segments", "segments"),
        "precision": share("right", "flagged"),
        "recall": share("right", "truth"),
        "F1": 2 * counts["right"] / max(counts["flagged"] + counts["truth"], 1),
        "false": int(counts["flagged"] - counts["right"]),
        "stars_touched": int(counts["stars_touched"]),
        "stars": int(counts["stars"]),
    }


def run_cell(cell, detectors, size, seeds):
    """Rows of the table for one cell of the battery, a row a detector."""
    totals = {}
    for seed in range(seeds):
        frame = make_frame(*cell, size, seed)
        bad = np.zeros(frame.ccd.shape, dtype=bool)
        for name in detectors:
            mask = np.asarray(DETECTORS[name](frame.ccd.data, bad, 6.0, 80_000.0), dtype=bool)
            for key, count in score(frame, mask).items():
                totals.setdefault(name, {}).setdefault(key, 0)
                totals[name][key] += count
    names = ("fwhm", "sky", "density", "chip")
    return [{**dict(zip(names, cell, strict=True)), "detector": name, **counts} for name, counts in totals.items()]


def totals_by(rows, keys):
    """Counts of all rows that share ``keys``, as rates."""
    table = Table(rows)
    counted = [name for name in table.colnames if name not in ("fwhm", "sky", "density", "chip", "detector")]
    groups = table.group_by(list(keys)).groups
    return [
        {**{key: group[key][0] for key in keys}, **rates({name: group[name].sum() for name in counted})}
        for group in groups
    ]


# --- sharp stars: what true medians are for ------------------------------------


def sharp_stars(seed):
    """150 stars of FWHM 1.6 pixels on 1024 x 1024, the same with 100 hits of a pixel each, and where these are.

    The stars are Gaussians of 1,000 to 100,000 electrons, the hits have 1,000 to 30,000 electrons; the sky has 1,000
    electrons, the read noise is 6.5 electrons.
    """
    rng = np.random.default_rng(seed)
    shape = (1024, 1024)
    stars = make_model_params(shape, 150, x_name="x_0", y_name="y_0", flux=(1e3, 1e5), fwhm=(1.6, 1.6), seed=seed)
    light = make_model_image(shape, CircularGaussianPSF(), stars, model_shape=(25, 25), x_name="x_0", y_name="y_0")
    frame = (rng.poisson(1000 + light) + rng.normal(0, 6.5, shape)).astype(np.float32)
    with_hits = frame.copy()
    y, x = rng.integers(5, 1019, (2, 100))
    with_hits[y, x] += rng.uniform(1e3, 3e4, 100).astype(np.float32)
    return frame, with_hits, (y, x)


def score_sharp_stars(seed, *, sepmed):
    """False pixels where there is no hit at all, and the share of the hits found, of the engine alone."""
    frame, with_hits, hits = sharp_stars(seed)
    settings = {"readnoise": 6.5, "sigclip": 5, "objlim": 5, "sepmed": sepmed}
    false = np.count_nonzero(lacosmic(frame, **settings).mask)
    return false, lacosmic(with_hits, **settings).mask[hits].mean()


def show_sharp_stars(seeds):
    """Print the scores of both kinds of medians."""
    print("150 stars of FWHM 1.6 on 1024 x 1024, sigclip 5, objlim 5: false pixels a frame, hits found")
    for name, sepmed in (("true medians", False), ("separable medians", True)):
        false, found = np.transpose([score_sharp_stars(seed, sepmed=sepmed) for seed in range(seeds)])
        print(f"{name:<18} {false.mean():7.1f} ({false.min():.0f} to {false.max():.0f}) {found.mean():6.3f}")


def show(rows):
    """Print rows as a table."""
    table = QTable(rows)
    for name in ("completeness", "purity", "precision", "recall", "F1"):
        table[name].format = ".3f"
    table.pprint_all()


def show_auto(rows):
    """Print the pixel F1 of ``sigclip="auto"`` and of the fixed values, and how far it is above their best."""
    cells = {}
    for row in totals_by(rows, ("fwhm", "sky", "density", "chip", "detector")):
        cells.setdefault((row["fwhm"], row["sky"], row["density"], row["chip"]), {})[row["detector"]] = row["F1"]
    print(f"{'FWHM':>5} {'sky':>6} {'density':8} {'chip':6}", *(f"{name:>12}" for name in (AUTO, *FIXED)), "  above")
    above = []
    for (fwhm, sky, density, chip), found in cells.items():
        above.append(found[AUTO] - max(found[name] for name in FIXED))
        scores = " ".join(f"{found[name]:12.3f}" for name in (AUTO, *FIXED))
        print(f"{fwhm:5} {sky:6.0f} {density:8} {chip:6} {scores} {above[-1]:+7.3f}")
    short = sum(value < -0.01 for value in above)
    print(f"{short} of {len(above)} cells fall short by more than 0.01; {np.mean(above):+.4f} in the mean")


def main(args=None):
    """Run the battery and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=768, help="side of a frame, in pixels")
    parser.add_argument("--seeds", type=int, default=1, help="frames a cell")
    parser.add_argument("--detectors", default=";".join(SHOWN), help="names, semicolons between")
    parser.add_argument("--fwhm", type=float, nargs="+", default=FWHM, help="stellar widths, in pixels")
    parser.add_argument("--csv", help="write the counts of every cell to this file")
    parser.add_argument("--auto", action="store_true", help="sigclip='auto' against fixed values")
    options = parser.parse_args(args)
    rows = []
    detectors = [AUTO, *FIXED] if options.auto else options.detectors.split(";")
    for cell in itertools.product(options.fwhm, SKY, STARS, CHIPS):
        rows += run_cell(cell, detectors, options.size, options.seeds)
    if options.csv:
        Table(rows).write(options.csv, format="ascii.csv", overwrite=True)
    if options.auto:
        show_auto(rows)
        return
    show(totals_by(rows, ("fwhm", "sky", "density", "chip", "detector")))
    show(totals_by(rows, ("fwhm", "density", "detector")))
    show(totals_by(rows, ("detector",)))
    show_sharp_stars(20)


if __name__ == "__main__":
    main()
