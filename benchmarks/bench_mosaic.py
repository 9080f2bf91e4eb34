# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A colour mosaic beside a monochrome frame of the same depth: F1, completeness, false pixels and stars touched.

Run from the folder of the project as ``PYTHONPATH=. python benchmarks/bench_mosaic.py [--size 768] [--seeds 3]``. The
third row of each width is the mosaic searched as one frame. A star counts if its peak stands 5 standard deviations
above the sky, an event if its best pixel does.
"""

import argparse
import warnings

import numpy as np
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from tests.helpers.mosaic_frames import READNOISE, mosaic_frame

FWHM = (1.2, 1.6, 2.0, 2.5, 3.0, 5.0)
VISIBLE = STAR_PEAK = 5.0
STARS = 300e-6  # per pixel
KINDS = {"monochrome": (None, None), "mosaic": ("RGGB", "RGGB"), "searched as one": ("RGGB", False)}


def measure(frame, mosaic):
    """The figures of one frame."""
    cleaned = crp.clean_cosmic_rays(frame.ccd(), mosaic=mosaic, preflight="off", max_fraction=1)
    found = is_flagged(cleaned.flags, PixelFlag.COSMIC_RAY)
    visible = frame.events["label"][frame.events["significance"] >= VISIBLE]
    return {
        "F1": 2 * np.sum(found & frame.truth) / (found.sum() + frame.truth.sum()),
        "completeness": np.isin(visible, np.unique(frame.labels[found])).mean(),
        "false pixels": np.sum(found & ~frame.truth),
        "stars touched": _touched(frame, found),
    }


def _touched(frame, found):
    """Share of the stars that are touched, those under a cosmic ray left out."""
    sky = np.median(frame.light)
    touched = []
    for x, y in np.rint([frame.stars["x"].value, frame.stars["y"].value]).astype(int).T:
        near = np.s_[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        bright = frame.light[near].max() - sky > STAR_PEAK * np.sqrt(sky + READNOISE**2)
        if bright and not frame.truth[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any():
            touched.append(found[near].any())
    return np.mean(touched)


def main(args=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=768)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(args)
    warnings.simplefilter("ignore", crp.PreflightWarning)
    shape, n_stars, rows = (args.size, args.size), round(STARS * args.size**2), []
    for fwhm in FWHM:
        for kind, (pattern, mosaic) in KINDS.items():
            options = {"fwhm": fwhm, "n_stars": n_stars}
            runs = [measure(mosaic_frame(shape, pattern, seed=seed, **options), mosaic) for seed in range(args.seeds)]
            rows.append(
                {"FWHM": fwhm, "frame": kind, **{name: np.mean([run[name] for run in runs]) for name in runs[0]}}
            )
    table = Table(rows)
    for name, form in {"F1": ".3f", "completeness": ".3f", "false pixels": ".0f", "stars touched": ".1%"}.items():
        table[name].format = f"{{:{form}}}"
    table.pprint_all()


if __name__ == "__main__":
    main()
