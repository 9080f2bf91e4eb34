# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events that are light of stars, told from charge by the profile of the frame's own stars.

A star that falls on hardly more than a pixel is as sharp as L.A.Cosmic asks of a cosmic ray. Its light has the profile
of all stars, though, with its place in the pixel the only freedom. Each maximum of an event is compared with one or two
such stars, and with a spot of charge that is sharper than any star, alone or beside a star. An event is let go where
stars fit all its maxima, and no spot fits better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.profile import (
    COLUMNS,
    HALF,
    MIDDLE,
    N_PIXELS,
    ROWS,
    SIDE,
    Windows,
    fit_sources,
    spot_profile,
)
from ccdproc_crplugin.kernels.stellar_profile import StellarProfile, weights

FITS = 2.5  # chi squared per degree of freedom up to which stars fit a maximum
BETTER = 8.0  # by which a spot has to fit better, in chi squared, to be preferred to stars
COST = 4.0  # chi squared that a second source has to gain
FEWEST_PIXELS = 15  # of a window that have to be good
SPOTS = (0.05, 0.25, 0.4)  # standard deviations of spots of charge (pixels); deep chips make wider ones
WIDEST = 0.75  # of the width of a star: wider spots are not sharper

NEAR, BESIDE = 1.7, 3.2  # pixels within which the first and a second star are looked for
AROUND = 1.2  # pixels within which the spot is
REACHED = 0.5  # share of the light of a saturated pixel that its star must have there

#: Pixels sharper than the profile allows by so many standard deviations need no fit.
SHARPER = 6.0
PAIRS = ((0, 1), (1, 0), (1, 1), (1, -1))

SKY_RADIUS = 7
FAINT = 0.1587
AT_ONCE = 4000


@dataclass(frozen=True)
class Noise:
    """What the variance of a pixel consists of, electron."""

    readnoise: float
    variance: np.ndarray | None = None  # (ny, nx), of photons and read-out where it is known
    extra: np.ndarray | None = None  # (ny, nx), beside them

    def at(self, data: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Variance of some pixels."""
        photons = np.maximum(data[y, x], 0) + self.readnoise**2 if self.variance is None else self.variance[y, x]
        return photons if self.extra is None else photons + self.extra[y, x]


def without_stars(
    data: np.ndarray,
    hits: np.ndarray,
    stars: StellarProfile,
    noise: Noise,
    *,
    bad: np.ndarray | None = None,
    saturation: float = np.inf,
) -> tuple[np.ndarray, int]:
    """The hits, bool (ny, nx), without events that are light of one or two stars each, and the number of those."""
    y, x = true_pixels(hits)
    label = label_pixels(y, x, hits.shape)
    n_events = int(label.max(initial=0))
    if n_events == 0:
        return hits, 0
    flagged = np.where(hits, data, -np.inf)
    is_peak = data[y, x] >= maximum_filter(flagged, 3, mode="constant", cval=-np.inf)[y, x]
    starlike = np.zeros(len(y), dtype=bool)
    # An event with one maximum that is sharper than any starlight stays as a whole.
    stays = np.zeros(n_events + 1, dtype=bool)
    sharp = np.zeros(len(y), dtype=bool)
    sharp[is_peak] = _sharper(data, y[is_peak], x[is_peak], hits, bad, stars, noise, saturation)
    stays[label[sharp]] = True
    tested = np.flatnonzero(is_peak & ~stays[label])
    for first in range(0, len(tested), AT_ONCE):
        part = tested[first : first + AT_ONCE]
        starlike[part] = _starlike(data, y[part], x[part], hits, bad, stars, noise, saturation)
    stays[label[is_peak & ~starlike]] = True
    near = maximum_filter(_marked(hits.shape, y[starlike], x[starlike]), SIDE, mode="constant")
    stays[label[~near[y, x]]] = True
    kept = hits.copy()
    go = ~stays[label]
    kept[y[go], x[go]] = False
    return kept, n_events - int(stays[1:].sum())


def _marked(shape: tuple[int, ...], y: np.ndarray, x: np.ndarray) -> np.ndarray:
    marked = np.zeros(shape, dtype=bool)
    marked[y, x] = True
    return marked


def _sky(data: np.ndarray, y: np.ndarray, x: np.ndarray, left_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level around each window without its events, and the scatter towards faint pixels; NaN without any pixel."""
    side = 2 * SKY_RADIUS + 1
    padded = np.pad(np.where(left_out, np.nan, data), SKY_RADIUS, constant_values=np.nan)
    around = sliding_window_view(padded, (side, side))[y, x]
    around[:, SKY_RADIUS - HALF - 1 : SKY_RADIUS + HALF + 2, SKY_RADIUS - HALF - 1 : SKY_RADIUS + HALF + 2] = np.nan
    ordered = np.sort(around.reshape(len(y), -1), axis=1)  # NaN goes last
    n_good = np.isfinite(ordered).sum(axis=1)
    level, faint = (
        ordered[np.arange(len(y)), np.maximum(n_good * share, 0).astype(int).clip(0, side**2 - 1)]
        for share in (0.5, FAINT)
    )
    return level.astype(float), (level - faint).astype(float)


def _pixels(y: np.ndarray, x: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of the windows about some pixels, (n, 25), clipped to the frame, and which lie outside."""
    rows, columns = y[:, np.newaxis] + ROWS, x[:, np.newaxis] + COLUMNS
    outside = (rows < 0) | (columns < 0) | (rows >= shape[0]) | (columns >= shape[1])
    return np.clip(rows, 0, shape[0] - 1), np.clip(columns, 0, shape[1] - 1), outside


def _starlike(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    hits: np.ndarray,
    bad: np.ndarray | None,
    stars: StellarProfile,
    noise: Noise,
    saturation: float,
) -> np.ndarray:
    """Which pixels are maxima of starlight."""
    rows, columns, lost = _pixels(y, x, data.shape)
    sky, scatter = _sky(data, y, x, hits if bad is None else hits | bad)
    full = data[rows, columns] >= saturation
    if bad is not None:
        lost = lost | bad[rows, columns]
    light = (data[rows, columns] - sky[:, np.newaxis]).astype(float)
    variance = noise.at(data, rows, columns).astype(float)
    weight = np.where(lost | full, 0, weights(light, variance, stars.error))
    sky_weight = 1 / (scatter**2 / 4 + np.median(variance, axis=1) / N_PIXELS)
    testable = np.isfinite(sky) & ((weight > 0).sum(axis=1) >= FEWEST_PIXELS)
    starlike = np.zeros(len(y), dtype=bool)
    windows = Windows(light, weight, sky_weight)[testable]
    starlike[testable] = _stars_fit(windows, full[testable] & ~lost[testable], stars)
    return starlike


def _stars_fit(windows: Windows, full: np.ndarray, stars: StellarProfile) -> np.ndarray:
    """Whether one or two stars fit windows, and no spot fits better; ``full`` pixels, (n, 25), are saturated."""
    star = stars.profile
    n_pixels = (windows.weight > 0).sum(axis=1)
    fits = np.zeros(len(windows), dtype=bool)
    chi2 = np.full(len(windows), np.inf)
    for n_stars in (1, 2):
        profiles = [star] * n_stars
        fit = fit_sources(windows, profiles, (NEAR, BESIDE)[:n_stars])
        reached = (~full | (fit.light(profiles) > REACHED * windows.light)).all(axis=1)
        good = (fit.chi2 < FITS * np.maximum(n_pixels - 1 - 3 * n_stars, 1)) & reached
        fits |= good
        chi2 = np.where(good, np.minimum(chi2, fit.chi2 + COST * (n_stars - 1)), chi2)
    possible = np.flatnonzero(fits)
    sharper = [sigma for sigma in SPOTS if 2.355 * sigma < WIDEST * stars.fwhm]
    for spot in (spot_profile(sigma) for sigma in sharper):
        for profiles in ([spot], [spot, star]):
            fit = fit_sources(windows[possible], profiles, (AROUND, BESIDE)[: len(profiles)])
            fits[possible] &= fit.chi2 + COST * (len(profiles) - 1) > chi2[possible] - BETTER
    return fits


def _sharper(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    hits: np.ndarray,
    bad: np.ndarray | None,
    stars: StellarProfile,
    noise: Noise,
    saturation: float,
) -> np.ndarray:
    """Which maxima are sharper than any sum of stars, by their neighbours alone."""
    sharper = np.zeros(len(y), dtype=bool)
    for first in range(0, len(y), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        sharper[part] = _sharper_part(data, y[part], x[part], hits, bad, stars, noise, saturation)
    return sharper


def _sharper_part(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    hits: np.ndarray,
    bad: np.ndarray | None,
    stars: StellarProfile,
    noise: Noise,
    saturation: float,
) -> np.ndarray:
    rows, columns, lost = _pixels(y, x, data.shape)
    sky, scatter = _sky(data, y, x, hits if bad is None else hits | bad)
    low = np.where(np.isfinite(sky), sky - scatter, np.inf)
    light, variance = data[rows, columns] - low[:, np.newaxis], noise.at(data, rows, columns)
    if bad is not None:
        lost = lost | bad[rows, columns]
    sharper = np.zeros(len(y), dtype=bool)
    for dy, dx in PAIRS:
        here, there = MIDDLE + dy * SIDE + dx, MIDDLE - dy * SIDE - dx
        share = _least_share(stars, dy, dx)
        mean, rest = (light[:, here] + light[:, there]) / 2, variance[:, here] + variance[:, there]
        error = variance[:, MIDDLE] + rest / (2 * share) ** 2 + (2 * stars.error * light[:, MIDDLE]) ** 2
        beyond = light[:, MIDDLE] - mean / share > SHARPER * np.sqrt(error)
        sharper |= beyond & ~lost[:, here] & ~lost[:, there]
    return sharper & (data[y, x] < saturation)


def _least_share(stars: StellarProfile, dy: int, dx: int) -> float:
    """The least mean of two opposite neighbours of a pixel, as a share of the pixel, wherever a star stands."""
    grid = np.arange(-9, 10) / 18
    y, x = (places.ravel() for places in np.meshgrid(grid, grid))
    table = stars.profile.at(y, x)[0]
    here, there = MIDDLE + dy * SIDE + dx, MIDDLE - dy * SIDE - dx
    return float((table[:, [here, there]].mean(axis=1) / table[:, MIDDLE]).min())
