# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The fluxes of stars on which a cosmic ray was repaired.

Run as ``python benchmarks/bench_photometry.py [--side 12] [--seed 1] [--detected]``. In each frame stars stand on a
grid, a cosmic ray in the aperture of each. The flux of each star, after the repair, is compared with its flux in the
same frame without cosmic rays, in units of the error of that flux: the median is the bias, half of the central 68 % the
scatter.

The lost pixels are those that got more than half a standard deviation of charge; with ``--detected`` those that the
default detector flags, so that what it misses counts, too. "masked" leaves the lost pixels out of the photometry.
"""

import argparse
import itertools
import warnings

import numpy as np
from astropy.table import QTable, Table
from bench_quality import default
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.psf import PSFPhotometry

from ccdproc_crplugin.kernels.repair import ESTIMATORS, repair
from ccdproc_crplugin.kernels.star_repair import repair_with_profile
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.simulate import Camera
from ccdproc_crplugin.simulate.particles import charge_image, make_path
from ccdproc_crplugin.simulate.scene import moffat_psf

FWHM = (1.3, 2.0, 3.0, 5.0)  # pixels
SKY = (5.0, 150.0, 3000.0)  # electrons
SIGNAL_TO_NOISE = (15.0, 500.0)  # of a star's flux in its aperture
RADIUS = 1.5  # of the aperture, FWHM
SPACING = 8  # of the grid, FWHM, and 15 pixels beside
READNOISE = 6.0  # electron
LOST = 0.5  # standard deviations of charge

# --- frames ------------------------------------------------------------------------


def star_grid(fwhm, sky, side, rng):
    """Positions and fluxes of stars on a grid, and the shape of the frame."""
    step = 15 + round(SPACING * fwhm)
    y, x = (step * (np.indices((side, side)) + 0.5)).reshape(2, -1) + rng.uniform(-0.5, 0.5, (2, side**2))
    signal = np.exp(rng.uniform(*np.log(SIGNAL_TO_NOISE), side**2))
    background = np.pi * (RADIUS * fwhm) ** 2 * (sky + READNOISE**2)
    flux = (signal**2 + np.sqrt(signal**4 + 4 * signal**2 * background)) / 2
    return QTable({"x": x, "y": y, "flux": flux}), (side * step, side * step)


def hit_beside(y, x, reach, rng):
    """Rows, columns and charge of the pixels that a cosmic ray hits within ``reach`` of a place."""
    box = (61, 61)
    kind = rng.choice(["muon", "worm", "spot"])
    where, charge = None, np.zeros((0, 0))
    while where is None or charge.sum() < 100:
        where, charge = charge_image(make_path(kind, Camera().chip, box, rng, 30.0), Camera().chip, box, rng)
    rows, columns = np.nonzero(charge)
    chosen = rng.integers(rows.size)
    angle, distance = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
    rows_on_frame = rows - rows[chosen] + round(y + distance * np.sin(angle))
    return rows_on_frame, columns - columns[chosen] + round(x + distance * np.cos(angle)), charge[rows, columns]


def make_frame(fwhm, sky, side, seed):
    """Stars, the frame without and with cosmic rays, and the lost pixels."""
    rng = np.random.default_rng([seed, round(10 * fwhm), round(sky)])
    stars, shape = star_grid(fwhm, sky, side, rng)
    light = np.full(shape, sky)
    psf, reach = moffat_psf(fwhm), int(10 * fwhm)
    for star in stars:
        rows = slice(max(int(star["y"]) - reach, 0), int(star["y"]) + reach + 1)
        columns = slice(max(int(star["x"]) - reach, 0), int(star["x"]) + reach + 1)
        y, x = np.mgrid[rows.start : min(rows.stop, shape[0]), columns.start : min(columns.stop, shape[1])]
        light[y, x] += star["flux"] * psf(x - star["x"], y - star["y"])
    clean = rng.poisson(light) + READNOISE * rng.standard_normal(shape)
    charge = np.zeros(shape)
    for star in stars:
        y, x, electrons = hit_beside(star["y"], star["x"], RADIUS * fwhm, rng)
        inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
        np.add.at(charge, (y[inside], x[inside]), electrons[inside])
    noise = np.sqrt(light + READNOISE**2)
    return stars, clean.astype(np.float32), (clean + charge).astype(np.float32), charge > LOST * noise, noise


# --- photometry --------------------------------------------------------------------


def aperture_fluxes(data, stars, fwhm, sky, mask=None):
    """Flux of each star in its aperture, the sky known."""
    apertures = CircularAperture(np.transpose([stars["x"], stars["y"]]), RADIUS * fwhm)
    return np.asarray(aperture_photometry(data - sky, apertures, mask=mask)["aperture_sum"])


def fitted_fluxes(data, stars, fwhm, sky, error, mask=None):
    """Flux of each star by a fit of its profile, the sky known."""
    side = 2 * int(np.ceil(1.2 * fwhm)) + 3
    start = QTable({"x": stars["x"], "y": stars["y"], "flux": stars["flux"]})
    fit = PSFPhotometry(moffat_psf(fwhm), (side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(fit(data - sky, mask=mask, error=error, init_params=start)["flux_fit"])


def figures(change):
    """Bias and scatter of changes of flux in units of their errors."""
    low, middle, high = np.nanpercentile(change, [16, 50, 84])
    return middle, (high - low) / 2


def score(cell, side, seed, detected):
    """A row for each method: bias and scatter of the aperture's and the fit's flux."""
    fwhm, sky = cell
    stars, clean, hit, lost, noise = make_frame(fwhm, sky, side, seed)
    if detected:
        lost = default(hit, np.zeros(hit.shape, dtype=bool), READNOISE, 80_000.0)
    aperture = aperture_fluxes(clean, stars, fwhm, sky)
    fitted = fitted_fluxes(clean, stars, fwhm, sky, noise)
    area = np.pi * (RADIUS * fwhm) ** 2
    error = np.sqrt(np.maximum(stars["flux"], 0) + area * (sky + READNOISE**2))
    rows = []
    for name in (*METHODS, "masked"):
        mask = lost if name == "masked" else None
        data = hit if name == "masked" else repaired(hit, lost, name)
        by_aperture = figures((aperture_fluxes(data, stars, fwhm, sky, mask) - aperture) / error)
        by_fit = figures((fitted_fluxes(data, stars, fwhm, sky, noise, mask) - fitted) / error)
        rows.append((fwhm, sky, name, *by_aperture, *by_fit))
    return rows


METHODS = (*ESTIMATORS, "profile")


def repaired(hit, lost, method):
    """The frame with its lost pixels replaced."""
    y, x = np.nonzero(lost)
    data = hit.copy()
    if method == "profile":
        width = stellar_width(hit, mask=lost)
        data[y, x], _ = repair_with_profile(hit, y, x, lost, readnoise=READNOISE, fwhm=width)
    else:
        data[y, x], _ = repair(hit, y, x, lost, method)
    return data


def main(args=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=12, help="stars along each side of a frame")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detected", action="store_true", help="lose what the default detector flags")
    options = parser.parse_args(args)
    rows = []
    for cell in itertools.product(FWHM, SKY):
        rows += score(cell, options.side, options.seed, options.detected)
    columns = ("FWHM", "sky", "repair", "aperture bias", "scatter", "fit bias", "fit scatter")
    table = Table(rows=rows, names=columns)
    for name in columns[3:]:
        table[name].format = "+.2f"
    table.pprint_all()


if __name__ == "__main__":
    main()
