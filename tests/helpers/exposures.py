# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Exposures of one field with known cosmic rays, for the tests of stacks."""

import numpy as np
from scipy.ndimage import gaussian_filter

READNOISE = 5.0
SKY = 200.0


def scene(shape=(80, 90), shift=(0.0, 0.0), fwhm=3.0, light=1.0, n_stars=15, flux=20_000.0, seed=0):
    """The light of round stars on a sky, electron; ``shift`` is (dy, dx) in pixels."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    image = np.full(shape, SKY)
    variance = (fwhm / 2.3548) ** 2
    for row, column, share in random.uniform((0, 0, 0.1), (*shape, 1), (n_stars, 3)):
        distance2 = (y - row - shift[0]) ** 2 + (x - column - shift[1]) ** 2
        image += light * flux * share / (2 * np.pi * variance) * np.exp(-0.5 * distance2 / variance)
    return image


def expose(image, seed, hits=()):
    """A frame with the noise of photons and read-out, float32, and ``hits`` of ((y, x), electrons)."""
    random = np.random.default_rng([seed, 99])
    data = random.poisson(image) + random.normal(0, READNOISE, image.shape)
    for (y, x), charge in hits:
        data[y, x] += charge
    return data.astype(np.float32)


def blurred(image, sigma):
    """The light through worse seeing."""
    return gaussian_filter(image, sigma)
