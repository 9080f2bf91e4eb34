# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a repair does to the fluxes of stars that a cosmic ray hit: one table.

Run as ``python benchmarks/bench_photometry.py [--stars 144] [--seeds 1] [--fwhm 2 3] [--csv FILE]``.

Stars of known places stand far apart. On half of them lies a cosmic ray within the aperture; the others show the
profile. The pixels that the cosmic ray touched are known exactly, so that the repair alone is judged, not the detector.
The flux after the repair less that of the same frame without the cosmic ray, in units of the error of that flux: its
median is the bias, 1.48 times its median absolute deviation the scatter, ``worst`` the value that 5 % exceed.
"""

import argparse
import itertools
import warnings

import numpy as np
from astropy.nddata import NDData
from astropy.table import QTable, Table
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.datasets import make_model_image
from photutils.psf import EPSFBuilder, PSFPhotometry, extract_stars
from scipy.ndimage import label
from scipy.optimize import least_squares

from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import ESTIMATORS, repair
from ccdproc_crplugin.simulate.particles import THIN, charge_image, make_path
from ccdproc_crplugin.simulate.scene import moffat_psf

FWHM = (1.3, 2.0, 3.0, 5.0)  # pixels
SKY = (5.0, 150.0, 3000.0)  # electrons
READNOISE = 6.0  # electrons
SIGNAL_TO_NOISE = (20.0, 500.0)  # of the stars' fluxes
APERTURE = 1.5  # radius, in FWHM
KINDS = ("muon", "worm", "spot")

# A pixel is lost if the cosmic ray left more than this in it, in standard deviations of its noise; less is not put in.
LOST = 0.5

# A star is fitted if its chi-square is so much less than that of a plane.
STAR_GAIN = 16.0


class Field:
    """Stars far apart with and without cosmic rays; arrays (ny, nx) in electrons."""

    def __init__(self, fwhm, sky, n_stars, rng):
        self.fwhm, self.sky = fwhm, sky
        self.radius = APERTURE * fwhm
        spacing = int(np.ceil(max(24, 9 * fwhm)))
        side = int(np.ceil(n_stars**0.5))
        self.shape = (side * spacing, side * spacing)
        grid = (np.indices((side, side)).reshape(2, -1) + 0.5) * spacing
        self.y, self.x = grid + rng.uniform(-0.5, 0.5, grid.shape)
        n = self.x.size
        self.psf = moffat_psf(fwhm)
        # Flux of a given signal to noise in the aperture.
        ratio = np.exp(rng.uniform(*np.log(SIGNAL_TO_NOISE), n))
        noise = np.pi * self.radius**2 * (sky + READNOISE**2)
        self.flux = (ratio**2 + np.sqrt(ratio**4 + 4 * ratio**2 * noise)) / 2
        stars = QTable({"x_0": self.x, "y_0": self.y, "flux": self.flux})
        expected = sky + make_model_image(self.shape, self.psf, stars, model_shape=(spacing, spacing))
        self.variance = expected + READNOISE**2
        self.clean = rng.poisson(expected) + READNOISE * rng.standard_normal(self.shape)
        self.is_hit = np.arange(n) % 2 == 0
        charge = np.zeros(self.shape)
        for index in np.flatnonzero(self.is_hit):
            self._hit(charge, index, rng)
        self.lost = charge > LOST * np.sqrt(self.variance)
        self.hit = self.clean + np.where(self.lost, charge, 0)

    def _hit(self, charge, index, rng):
        """Add a cosmic ray whose brightest pixel lies in the aperture of a star."""
        while True:
            path = make_path(str(rng.choice(KINDS)), THIN, (400, 400), rng, 30.0)
            where, deposit = charge_image(path, THIN, (400, 400), rng)
            if where is None or max(deposit.shape) > 4 * self.radius + 6:
                continue
            y, x = np.unravel_index(deposit.argmax(), deposit.shape)
            angle, distance = rng.uniform(0, 2 * np.pi), self.radius * rng.random() ** 0.5
            top = round(self.y[index] + distance * np.sin(angle)) - y
            left = round(self.x[index] + distance * np.cos(angle)) - x
            noise = np.sqrt(self.variance[top : top + deposit.shape[0], left : left + deposit.shape[1]])
            if noise.shape == deposit.shape and (deposit > 5 * noise).any():
                charge[top : top + deposit.shape[0], left : left + deposit.shape[1]] += deposit
                return


def aperture_fluxes(field, data, mask=None):
    """Aperture fluxes of the stars that were hit; masked pixels are left out."""
    places = np.transpose([field.x, field.y])[field.is_hit]
    apertures = CircularAperture(places, field.radius)
    return np.array(aperture_photometry(data - field.sky, apertures, mask=mask)["aperture_sum"])


def psf_fluxes(field, data, mask=None):
    """PSF fluxes of the stars that were hit, with the true profile; masked pixels are not fitted."""
    size = 2 * int(np.ceil(1.5 * field.fwhm)) + 1
    fit = PSFPhotometry(field.psf, (size, size), aperture_radius=field.radius)
    start = Table({"x": field.x, "y": field.y, "flux": field.flux})[field.is_hit]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fit(data - field.sky, mask=mask, error=np.sqrt(field.variance), init_params=start)
    return np.array(found["flux_fit"], dtype=float), np.array(found["flux_err"], dtype=float)


def aperture_errors(field):
    places = np.transpose([field.x, field.y])[field.is_hit]
    variance = aperture_photometry(field.variance, CircularAperture(places, field.radius))["aperture_sum"]
    return np.sqrt(np.array(variance))


def repaired(field, method):
    data = field.hit.copy()
    y, x = true_pixels(field.lost)
    data[y, x] = repair(field.hit, y, x, field.lost, method)[0]
    return data


def own_profile(field):
    """The profile of the frame from its bright stars without lost pixels (photutils' effective PSF)."""
    good = np.flatnonzero(~field.is_hit)
    good = good[np.argsort(-field.flux[good])][:100]
    places = Table({"x": field.x[good], "y": field.y[good]})
    size = 2 * int(np.ceil(3.5 * field.fwhm)) + 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stars = extract_stars(NDData(field.hit - field.sky), places, size=size)
        return EPSFBuilder(oversampling=4 if field.fwhm < 2.5 else 2, maxiters=6, progress_bar=False)(stars)[0]


def repaired_by_profile(field, profile):
    """The trial: pixels on a star from a profile fitted to the good ones around, others from a plane."""
    data = field.hit.copy()
    level = np.median(data)
    labels, n_events = label(field.lost, np.ones((3, 3)))
    for event in range(1, n_events + 1):
        y, x = np.nonzero(labels == event)
        data[y, x] = _estimate(field, profile, level, y, x)
    return data


def _estimate(field, profile, level, y, x):
    """Values of the lost pixels of one event: those of a star where that fits better than a plane."""
    reach = int(np.ceil(1.5 * field.fwhm)) + 2
    rows, columns = np.mgrid[y.min() - reach : y.max() + reach + 1, x.min() - reach : x.max() + reach + 1]
    inside = (rows >= 0) & (columns >= 0) & (rows < field.shape[0]) & (columns < field.shape[1])
    rows, columns = rows[inside], columns[inside]
    good = ~field.lost[rows, columns]
    rows, columns = rows[good], columns[good]
    values = field.hit[rows, columns]
    weight = 1 / np.sqrt(np.maximum(values, level) + READNOISE**2)

    def solved(terms):
        solution = np.linalg.lstsq(terms * weight[:, np.newaxis], values * weight, rcond=None)[0]
        return solution, (terms @ solution - values) * weight

    def star(place, rows, columns):
        shape = profile.evaluate(columns.astype(float), rows.astype(float), 1.0, place[1], place[0])
        return np.stack([shape, np.ones(len(shape))], axis=1)

    def plane(rows, columns):
        return np.stack([np.ones(len(rows)), rows, columns], axis=1)

    brightest = np.argmax(values)
    starts = [(rows[brightest], columns[brightest]), (y.mean(), x.mean()), *zip(y, x, strict=True)]
    # The start that fits best before the place is fitted, among those with light.
    trials = [(solved(star(start, rows, columns)), start) for start in starts]
    start = min(trials, key=lambda trial: (trial[0][1] ** 2).sum())[1]
    fit = least_squares(
        lambda place: solved(star(place, rows, columns))[1],
        np.array(start, dtype=float),
        bounds=(np.array(start) - 1.5, np.array(start) + 1.5),
    )
    (flux, _), residuals = solved(star(fit.x, rows, columns))
    flat, flat_residuals = solved(plane(rows, columns))
    if flux > 0 and (residuals**2).sum() + STAR_GAIN < (flat_residuals**2).sum():
        return star(fit.x, y, x) @ solved(star(fit.x, rows, columns))[0]
    return plane(y, x) @ flat


#: How lost pixels are treated: the repairs, no repair but a mask, and the trial with the profile that the frame itself
#: gives or, as its limit, with the true one.
METHODS = (*ESTIMATORS, "masked", "profile", "true profile")


def compare(field):
    """The differences of the fluxes in units of their errors, by photometry and method."""
    errors = {"aperture": aperture_errors(field)}
    without = {"aperture": aperture_fluxes(field, field.clean)}
    without["psf"], errors["psf"] = psf_fluxes(field, field.clean)
    for method in METHODS:
        data, mask = field.hit, field.lost if method == "masked" else None
        if method in ESTIMATORS:
            data = repaired(field, method)
        elif mask is None:
            data = repaired_by_profile(field, own_profile(field) if method == "profile" else field.psf)
        fluxes = {"aperture": aperture_fluxes(field, data, mask), "psf": psf_fluxes(field, data, mask)[0]}
        for photometry, flux in fluxes.items():
            yield photometry, method, (flux - without[photometry]) / errors[photometry]


def summary(differences):
    differences = differences[np.isfinite(differences)]
    median = np.median(differences)
    scatter = 1.4826 * np.median(np.abs(differences - median))
    return median, np.mean(differences), scatter, np.percentile(np.abs(differences), 95)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=144)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--fwhm", type=float, nargs="+", default=FWHM)
    parser.add_argument("--sky", type=float, nargs="+", default=SKY)
    parser.add_argument("--csv")
    options = parser.parse_args()
    rows = []
    for fwhm, sky in itertools.product(options.fwhm, options.sky):
        found = {}
        for seed in range(options.seeds):
            field = Field(fwhm, sky, options.stars, np.random.default_rng([seed, int(10 * fwhm), int(sky)]))
            for photometry, method, differences in compare(field):
                found.setdefault((photometry, method), []).append(differences)
        for (photometry, method), parts in found.items():
            rows.append((photometry, fwhm, sky, method, *summary(np.concatenate(parts))))
    names = ("photometry", "fwhm", "sky", "method", "bias", "mean", "scatter", "worst")
    table = Table(rows=rows, names=names)
    for name in names[4:]:
        table[name].info.format = ".2f"
    table.sort(["photometry", "fwhm", "sky"])
    table.pprint(max_lines=-1, max_width=-1)
    if options.csv:
        table.write(options.csv, overwrite=True)


if __name__ == "__main__":
    main()
