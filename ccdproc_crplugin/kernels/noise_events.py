# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events that noise alone makes: how many to expect, and which are no more than that.

The Laplacian of a pixel carries the noise of its four neighbours too, so that S' exceeds 5 at dozens of pixels of plain
sky in a large frame. The pixel itself tells more. The chance of its value is that of photons (Poisson) and of the
read-out (Gaussian) together. It follows from the cumulant generating function of their sum, with the tail formulas of
Lugannani and Rice (1980, Adv. Appl. Prob. 12, 475) and Barndorff-Nielsen (1986, Biometrika 73, 307). It is given as the
number of standard deviations at which a Gaussian has the same chance, so that one limit holds for all skies.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import finite_median

#: What a detector calls the number of events to expect from noise alone, and the significance that the brightest pixel
#: of an event has to exceed.
NOISE_EVENTS, PIXEL_LIMIT = "noise_events", "pixel_limit"

#: Events of noise to expect in a search at the most. A colour mosaic is four searches.
EXPECTED = 0.25

#: The sky of a pixel is the median of the others of 7 x 7, of which so many must be good.
RADIUS = 3
SIDE = 2 * RADIUS + 1
FEWEST_GOOD = 8

#: Variance of a median in units of that of a mean.
MEDIAN_VARIANCE = math.pi / 2

#: The noise is that of a sky higher by so many of its standard errors: a sky of a few electrons is known to a fifth or
#: less, and many more pixels stand out where it is taken too low.
CAUTION = 2.0

#: The variance at a rough sky, the repaired value of a pixel, counts so many times.
ROUGH = 2.0

#: Weight of each of the four neighbours in S, where nothing is clipped.
NEIGHBOUR = 0.25
#: Mean and variance of the median of S that is taken off, of Gaussian noise, and the error of the noise, electron, by
#: which S is divided: that of a median of 25 variances. Measured on simulated skies.
MEDIAN_OF_S, VARIANCE_OF_MEDIAN_OF_S, ERROR_OF_NOISE = 0.28, 0.07, 0.16

#: What keeps the formulas finite: photons, electrons squared, and the steps to the saddle point.
LEAST_PHOTONS, LEAST_VARIANCE, MOST_STEPS = 1e-12, 1e-6, 40


def pixel_limit(n_pixels: int) -> float:
    """The significance that noise makes a pixel reach `EXPECTED` times among so many."""
    return float(-ndtri(min(EXPECTED / max(n_pixels, 1), 0.5)))


def significance(
    excess: np.ndarray | float, photons: np.ndarray | float, gaussian2: np.ndarray | float, neighbour: float = 0.0
) -> np.ndarray:
    """
    The standard deviations at which a Gaussian has the same chance as the excess of a pixel; 0 below its mean.

    ``excess`` (electrons) is that over the mean, ``photons`` the mean number of photons and ``gaussian2`` (electrons
    squared) the variance of all other noise. Four neighbours with as many photons each are taken off with a weight.
    """
    given = np.broadcast_arrays(excess, photons, gaussian2)
    z = np.zeros(given[0].shape)
    above = given[0] > 0
    x, mean, variance = (np.asarray(array[above], dtype=float) for array in given)
    mean, variance = np.maximum(mean, LEAST_PHOTONS), np.maximum(variance, LEAST_VARIANCE)
    # Both are above the saddle point, from where Newton's steps go down to it.
    u = np.minimum(x / (mean * (1 + 4 * neighbour**2) + variance), np.log1p(x / mean))
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(u, mean, variance, neighbour)
        step = (slope - x) / curvature
        u -= step
        if not (np.abs(step) > 1e-9 * u).any():
            break
    cumulant = mean * (np.expm1(u) - u + 4 * (np.expm1(-neighbour * u) + neighbour * u)) + variance * u**2 / 2
    w = np.sqrt(2 * np.maximum(u * x - cumulant, 1e-12))
    z[above] = w + np.log(u * np.sqrt(_derivatives(u, mean, variance, neighbour)[1]) / w) / w
    return z


def _derivatives(
    u: np.ndarray, photons: np.ndarray, gaussian2: np.ndarray, neighbour: float
) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the cumulant generating function."""
    own, others = np.exp(u), np.exp(-neighbour * u)
    slope = photons * (own - 1 + 4 * neighbour * (1 - others)) + gaussian2 * u
    return slope, photons * (own + 4 * neighbour**2 * others) + gaussian2


def expected_noise_events(
    n_pixels: float, sigclip: float, photons: float, gaussian2: float, limit: float | None = None
) -> float:
    """
    Number of events to expect from noise alone among so many pixels of plain sky.

    ``photons`` (electrons) is the sky, ``gaussian2`` (electrons squared) the variance of all other noise of a pixel;
    with a ``limit`` the brightest pixel of an event has to be as significant.
    """
    variance = photons + gaussian2
    threshold = sigclip + MEDIAN_OF_S
    other = VARIANCE_OF_MEDIAN_OF_S * variance + (threshold * ERROR_OF_NOISE) ** 2
    gaussian2 = gaussian2 * (1 + 4 * NEIGHBOUR**2) + other
    z = float(significance(threshold * math.sqrt(variance), photons, gaussian2, NEIGHBOUR))
    return n_pixels * float(ndtr(-(z if limit is None else max(z, limit))))


def beyond_noise(
    data: np.ndarray,
    hits: np.ndarray,
    *,
    repaired: np.ndarray,
    readnoise: float,
    limit: float | None,
    bad: np.ndarray,
    variance: np.ndarray | None = None,
    extra_variance: np.ndarray | None = None,
    background: np.ndarray | None = None,
) -> np.ndarray:
    """
    The hits, bool (ny, nx), but for events without a pixel whose significance exceeds the limit.

    ``data``, the ``repaired`` frame, ``background`` and ``readnoise`` are in electrons, the variances as for the search
    in electrons squared. Events whose sky is not known are kept; without a limit all are.
    """
    y, x = true_pixels(hits)
    if limit is None or not len(y):
        return hits
    far_out = _stand_far_out(data, repaired, y, x, limit, readnoise, variance, extra_variance)
    y, x = _unconnected(y, x, far_out, hits.shape)
    label = label_pixels(y, x, hits.shape)
    z = _significance_of(data, y, x, (hits, bad), readnoise, variance, extra_variance, background)
    lost = ~np.isin(label, label[z > limit])
    if not lost.any():
        return hits
    result = hits.copy()
    result[y[lost], x[lost]] = False
    return result


def _unconnected(
    y: np.ndarray, x: np.ndarray, chosen: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pixels, in reading order, that no path of others connects with a chosen one."""
    width = shape[1] + 2
    place = (y + 1) * width + x + 1
    reached = np.zeros((shape[0] + 2) * width, dtype=bool)
    reached[place[chosen]] = True
    rest = np.flatnonzero(~chosen)
    around = [dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    while len(rest):
        touched = np.logical_or.reduce([reached[place[rest] + step] for step in around])
        if not touched.any():
            break
        reached[place[rest[touched]]] = True
        rest = rest[~touched]
    return y[rest], x[rest]


def _stand_far_out(
    data: np.ndarray,
    repaired: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    limit: float,
    readnoise: float,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None,
) -> np.ndarray:
    """
    Whether pixels exceed the limit for sure, by the bound of Bernstein on the tail.

    Photons come one by one, so an excess x over a mean with the variance v has at most the chance
    exp(-x**2 / 2 / (v + x / 3)).
    """
    sky = repaired[y, x].astype(float)
    noise2 = np.maximum(sky, 0) + readnoise**2 if variance is None else variance[y, x]
    if extra_variance is not None:
        noise2 = noise2 + extra_variance[y, x]
    excess = data[y, x] - sky
    return (excess > 0) & (excess**2 > limit**2 * (ROUGH * noise2 + excess / 3))


def _significance_of(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    left_out: tuple[np.ndarray, ...],
    readnoise: float,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None,
    background: np.ndarray | None,
) -> np.ndarray:
    """Significance of pixels over the sky around them; infinite where too few pixels show it."""
    place, use = _windows(y, x, left_out)
    around = data.ravel()[place].astype(float)
    own = 0.0
    if background is not None:
        around, own = around - background.ravel()[place], np.maximum(background[y, x], 0)
    use &= np.isfinite(around)
    n_good = np.count_nonzero(use, axis=1)
    known = n_good >= FEWEST_GOOD
    sky = np.where(known, finite_median(np.where(use, around, np.nan), axis=1), 0)
    photons, gaussian2 = np.maximum(sky, 0) + own, np.full(len(y), float(readnoise) ** 2)
    if variance is not None:
        given = finite_median(np.where(use, variance.ravel()[place], np.nan), axis=1)
        given = np.where(np.isfinite(given), given, variance[y, x])
        photons = np.minimum(photons, given)
        gaussian2 = given - photons
    if extra_variance is not None:
        gaussian2 = gaussian2 + extra_variance[y, x]
    error2 = MEDIAN_VARIANCE * (photons + gaussian2) / np.maximum(n_good, 1)
    if variance is None:
        photons = np.maximum(sky + CAUTION * np.sqrt(error2), 0) + own
    z = significance(around[:, SIDE**2 // 2] - sky, photons, gaussian2 + error2)
    return np.where(known, z, np.inf)


def _windows(y: np.ndarray, x: np.ndarray, left_out: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the 7 x 7 pixels around some, int (n, 49), and which of these show the sky."""
    offset_y, offset_x = np.indices((SIDE, SIDE)).reshape(2, SIDE**2) - RADIUS
    rows, columns = y[:, np.newaxis] + offset_y, x[:, np.newaxis] + offset_x
    (ny, nx), middle = left_out[0].shape, SIDE**2 // 2
    use = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    place = np.clip(rows, 0, ny - 1) * nx + np.clip(columns, 0, nx - 1)
    for array in left_out:
        use &= ~array.ravel()[place]
    use[:, middle] = False
    return place, use
