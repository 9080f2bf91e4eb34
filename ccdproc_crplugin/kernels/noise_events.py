# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How many events noise alone makes, and the limit that lets at most one of them pass.

The Laplacian of a pixel carries the noise of its neighbours, so where S' passes ``sigclip`` by noise, the pixel itself
stands only `OF_LAPLACIAN` times as many standard deviations out of its sky. `beyond_noise` looks at the pixel itself:
an event stays if its brightest pixel is higher than noise makes any pixel of the frame.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.special import ndtr, ndtri

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import finite_median, medians_around

#: Standard deviations of a pixel at the limit of S', as a share of that limit.
OF_LAPLACIAN = 0.9
#: Events that noise alone may make in a frame.
MOST_EVENTS = 1.0
#: Half the side of the window in which the sky of a pixel is measured.
RADIUS = 3
#: Standard deviations above the limit from which on a rough sky, the repaired value, is good enough.
CLEAR = 2.0


Values: TypeAlias = float | np.ndarray


def expected_noise_events(
    n_pixels: float, sigclip: float, limit: float = 0.0, *, level: float = np.inf, readnoise: float = 0.0
) -> float:
    """
    Events that noise alone makes in so many pixels, beyond ``sigclip`` in S' and ``limit`` in the pixel itself.

    ``level`` is that of the sky, electrons; by default the noise is normal.
    """
    if limit > OF_LAPLACIAN * sigclip:
        return float(n_pixels * ndtr(-limit))  # the limit of a pixel allows for its sky
    passed = OF_LAPLACIAN * sigclip
    if np.isfinite(level) and level > 0:
        # The limit of normal noise that is passed as often.
        normal = np.linspace(0.0, passed, 200)
        passed = float(
            np.interp(passed, skewed_limit(normal, np.float64(level), np.float64(level + readnoise**2)), normal)
        )
    return float(n_pixels * ndtr(-passed))


def pixel_limit(n_pixels: float) -> float:
    """Standard deviations that normal noise passes `MOST_EVENTS` times in so many pixels; 0 for none."""
    return max(0.0, -float(ndtri(min(MOST_EVENTS / max(n_pixels, 1.0), 0.5))))


def skewed_limit(limit: Values, level: Values, noise2: Values) -> np.ndarray:
    """
    The limit for photons of a sky of ``level`` electrons and other noise, ``noise2`` electrons squared in all.

    Its skewness and kurtosis are those of the Poisson distribution of the photons; the limit follows by the expansion
    of Cornish and Fisher [1]_.

    References
    ----------
    .. [1] E. A. Cornish and R. A. Fisher, Revue de l'Institut International de Statistique 5, 307 (1938).
    """
    level = np.maximum(level, 0)
    skewness, kurtosis = level / noise2**1.5, level / noise2**2
    return np.asarray(
        limit
        + skewness * (limit**2 - 1) / 6
        + kurtosis * (limit**3 - 3 * limit) / 24
        - skewness**2 * (2 * limit**3 - 5 * limit) / 36
    )


def beyond_noise(
    data: np.ndarray,
    hits: np.ndarray,
    *,
    repaired: np.ndarray,
    readnoise: float,
    limit: float,
    bad: np.ndarray | None = None,
    variance: np.ndarray | None = None,
    extra_variance: np.ndarray | None = None,
) -> np.ndarray:
    """
    The hits without events whose brightest pixel stands less than ``limit`` standard deviations out of its sky.

    Without a limit all stay. ``data``, the ``repaired`` frame and the read noise are in electrons, the variances in
    electrons squared.
    """
    y, x = true_pixels(hits)
    if not limit or not len(y):
        return hits
    label = label_pixels(y, x, data.shape)
    noise2 = _noise2(repaired[y, x], readnoise, variance, extra_variance, y, x)
    stays = np.zeros(label.max() + 1, dtype=bool)
    stays[label[data[y, x] - repaired[y, x] > (limit + CLEAR) * np.sqrt(noise2)]] = True
    near = np.flatnonzero(~stays[label])
    if not len(near):
        return hits
    sky, n_good = _sky(data, hits, bad, y[near], x[near])
    noise2 = _noise2(sky, readnoise, variance, extra_variance, y[near], x[near])
    limits = skewed_limit(limit, sky, noise2) * np.sqrt(1 + np.pi / 2 / np.maximum(n_good, 1))
    # Without any good pixel around there is no sky, and the event stays.
    stays[label[near[~(data[y[near], x[near]] - sky < limits * np.sqrt(noise2))]]] = True
    if stays[1:].all():
        return hits
    kept, gone = hits.copy(), ~stays[label]
    kept[y[gone], x[gone]] = False
    return kept


def _noise2(
    sky: np.ndarray,
    readnoise: float,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None,
    y: np.ndarray,
    x: np.ndarray,
) -> np.ndarray:
    """Variance of pixels on a sky, electrons squared; the ``variance`` of their neighbourhood where it is known."""
    noise2 = np.maximum(sky, 0) + readnoise**2 if variance is None else medians_around(variance, y, x)
    return noise2 if extra_variance is None else noise2 + extra_variance[y, x]


def _sky(
    data: np.ndarray, hits: np.ndarray, bad: np.ndarray | None, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The median of the good pixels around some pixels, NaN without any, and how many there are, (n,) each."""
    offset_y, offset_x = (np.indices((2 * RADIUS + 1, 2 * RADIUS + 1)) - RADIUS).reshape(2, -1)
    rows, columns = y[:, np.newaxis] + offset_y, x[:, np.newaxis] + offset_x
    inside = (rows >= 0) & (rows < data.shape[0]) & (columns >= 0) & (columns < data.shape[1])
    rows, columns = rows.clip(0, data.shape[0] - 1), columns.clip(0, data.shape[1] - 1)
    good = inside & ~hits[rows, columns]
    if bad is not None:
        good &= ~bad[rows, columns]
    return finite_median(np.where(good, data[rows, columns], np.nan), axis=1), good.sum(axis=1)
