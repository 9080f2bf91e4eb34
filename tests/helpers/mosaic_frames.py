"""Colour mosaics with known cosmic rays, and monochrome frames of the same depth."""

from dataclasses import dataclass

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.kernels.mosaic import PLANES
from ccdproc_crplugin.simulate.frame import TRUTH_SIGMA, _cosmic_rays
from ccdproc_crplugin.simulate.particles import THIN
from ccdproc_crplugin.simulate.scene import draw_stars, star_image

READNOISE = 6.0

#: Sky behind each filter, electron.
SKIES = {"R": 90.0, "G": 160.0, "B": 60.0}


@dataclass(frozen=True)
class MosaicFrame:
    """A frame in electron, its light without noise, and its cosmic rays."""

    data: np.ndarray
    light: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    events: object
    stars: object

    def ccd(self, **meta):
        return CCDData(self.data.copy(), unit="electron", meta={"RDNOISE": READNOISE, "SATURATE": 1e6, **meta})


def mosaic_frame(shape=(512, 512), pattern="RGGB", *, skies=SKIES, fwhm=3.0, n_stars=80, density=150e-6, seed=0):
    """A mosaic, or with ``pattern=None`` a monochrome frame of the mean sky, and stars from red to blue."""
    rng = np.random.default_rng(seed)
    stars = draw_stars(n_stars, shape, (300.0, 3e5), rng)
    red = rng.uniform(0.25, 1.0, n_stars)
    share = {"R": red, "G": np.full(n_stars, 0.8), "B": 1.1 - red}
    if pattern is None:
        light = np.mean([skies[colour] for colour in "RGGB"]) + _starlight(shape, stars, 0.7, fwhm)
    else:
        light = np.empty(shape)
        for (row, column), colour in zip(PLANES, pattern, strict=True):
            whole = skies[colour] + _starlight(shape, stars, share[colour], fwhm)
            light[row::2, column::2] = whole[row::2, column::2]
    numbers = dict.fromkeys(("muon", "worm", "spot"), round(density / 3 * light.size))
    noise = np.sqrt(light + READNOISE**2)
    charge, labels, events = _cosmic_rays(numbers, THIN, noise, 30.0, TRUTH_SIGMA, rng)
    data = rng.poisson(light) + charge + READNOISE * rng.standard_normal(shape)
    return MosaicFrame(data.astype(np.float32), light, labels > 0, labels, events, stars)


def _starlight(shape, stars, share, fwhm):
    own = stars.copy()
    own["flux"] = stars["flux"] * share
    return star_image(shape, own, fwhm)
