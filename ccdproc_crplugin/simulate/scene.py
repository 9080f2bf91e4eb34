# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The light of a frame: stars with a Moffat profile and galaxies with a Sersic profile, made by photutils."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.modeling.models import Sersic2D
from astropy.table import QTable
from photutils.datasets import make_model_image
from photutils.psf import ImagePSF, MoffatPSF
from scipy.signal import fftconvolve

PSF_OVERSAMPLING = 5

# Stars are more numerous the fainter they are: N(flux) ~ flux^-1.6, between Euclidean counts and those
# of a galactic field.
FLUX_SLOPE = -1.6


def moffat_psf(fwhm: float, beta: float = 3.0, radius: int | None = None) -> ImagePSF:
    """A Moffat point-spread function integrated over the pixels; ``fwhm`` before that, in pixels."""
    radius = int(np.ceil(10 * fwhm)) + 2 if radius is None else radius
    moffat = MoffatPSF(alpha=fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1)), beta=beta)
    n_samples = (2 * radius + 1) * PSF_OVERSAMPLING
    position = (np.arange(n_samples) - (n_samples - 1) / 2) / PSF_OVERSAMPLING
    samples = moffat(*np.meshgrid(position, position))
    pixel = np.full((PSF_OVERSAMPLING, PSF_OVERSAMPLING), 1 / PSF_OVERSAMPLING**2)
    return ImagePSF(fftconvolve(samples, pixel, mode="same"), oversampling=PSF_OVERSAMPLING)


def draw_stars(n_stars: int, shape: Sequence[int], flux_range: Sequence[float], rng: np.random.Generator) -> QTable:
    """Random ``x``, ``y`` (pix) and ``flux`` (electron) of stars, bright ones rare."""
    low, high = (limit ** (1 + FLUX_SLOPE) for limit in flux_range)
    flux = (low + rng.random(n_stars) * (high - low)) ** (1 / (1 + FLUX_SLOPE))
    return QTable(
        {
            "x": rng.uniform(-0.5, shape[1] - 0.5, n_stars) * u.pix,
            "y": rng.uniform(-0.5, shape[0] - 0.5, n_stars) * u.pix,
            "flux": flux * u.electron,
        }
    )


def star_image(shape: Sequence[int], stars: QTable, fwhm: float, beta: float = 3.0) -> np.ndarray:
    """Light of the stars, electron."""
    if len(stars) == 0:
        return np.zeros(shape)
    flux = stars["flux"].to_value(u.electron)
    # The wings fall to a tenth of an electron a pixel at a radius that grows as flux^(1 / (2 beta)).
    radius = np.ceil(fwhm * np.clip((flux / 0.1) ** (1 / (2 * beta)), 3, 10)).astype(int)
    side = np.repeat(2 * radius[:, np.newaxis] + 1, 2, axis=1)
    parameters = QTable({"x_0": stars["x"].value, "y_0": stars["y"].value, "flux": flux, "model_shape": side})
    return make_model_image(shape, moffat_psf(fwhm, beta), parameters)


def draw_galaxies(n_galaxies: int, shape: Sequence[int], rng: np.random.Generator) -> QTable:
    """Random parameters of `Sersic2D` for galaxies."""
    return QTable(
        {
            "x_0": rng.uniform(0, shape[1] - 1, n_galaxies),
            "y_0": rng.uniform(0, shape[0] - 1, n_galaxies),
            "amplitude": rng.lognormal(5, 1, n_galaxies),
            "r_eff": rng.uniform(3, 15, n_galaxies),
            "n": rng.choice([1.0, 4.0], n_galaxies),
            "ellip": rng.uniform(0, 0.7, n_galaxies),
            "theta": rng.uniform(0, np.pi, n_galaxies),
        }
    )


def galaxy_image(shape: Sequence[int], galaxies: QTable, fwhm: float, beta: float = 3.0) -> np.ndarray:
    """Light of the galaxies blurred by the seeing, electron."""
    if len(galaxies) == 0:
        return np.zeros(shape)
    with np.errstate(divide="ignore"):  # some releases of astropy divide by the radius at the very centre
        sharp = make_model_image(shape, Sersic2D(), galaxies, model_shape=(121, 121))
    radius = int(np.ceil(4 * fwhm))
    position = np.arange(-radius, radius + 1)
    seeing = moffat_psf(fwhm, beta)(*np.meshgrid(position, position))
    return fftconvolve(sharp, seeing / seeing.sum(), mode="same").clip(0)
