# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Flagged pixels that are light of stars, told from charge by the profile of the frame's own stars.

A star that falls on hardly more than a pixel is as sharp as L.A.Cosmic asks of a cosmic ray. Its light has the profile
of all stars, though, with its place in the pixel the only freedom. Each maximum of an event is compared with one or two
such stars, and with a spot of charge that is sharper than any star, alone or beside a star. An event is let go where
stars fit all its maxima and no spot fits better. Of an event that stays, the stars into which it has grown are let go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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

FITS = 2.5  # chi squared per degree of freedom up to which stars fit
COST = 4.0  # chi squared that a second source has to gain
BETTER = 8.0  # by how much the chi squared of a spot has to be lower than that of stars
FEWEST_PIXELS = 12  # of a window that have to be good
SPOTS = (0.05, 0.25, 0.4)  # standard deviations of spots of charge (pixels); deep chips make wider ones
WIDEST = 0.75  # of the width of a star: wider spots are not sharper
FWHM_OF_SIGMA = 2.355

BESIDE = 3.2  # pixels from the middle within which stars are looked for
AROUND = 1.2  # pixels within which the spot is
REACHED = 0.5  # share of the light of a saturated pixel that its star must have there

BEYOND = HALF + 1  # pixels from a maximum up to which flagged ones are its star's

#: A maximum that the profile does not allow, by so many standard deviations, needs no fit.
SHARPER = 6.0
PAIRS = ((0, 1), (1, 0), (1, 1), (1, -1))
NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx)

SKY_RADIUS = 7  # pixels
FAINT = 0.1587  # share of the pixels that are fainter than the sky by a standard deviation
AT_ONCE = 4000  # maxima that are fitted together


@dataclass(frozen=True)
class Scene:
    """A frame in which something was flagged, electron; arrays of shape (ny, nx)."""

    data: np.ndarray
    hits: np.ndarray  # bool
    readnoise: float
    variance: np.ndarray | None = None  # of photons and read-out, where it is known
    extra_variance: np.ndarray | None = None  # beside them
    bad: np.ndarray | None = None  # bool
    saturation: float = np.inf

    def windows(self, y: np.ndarray, x: np.ndarray) -> Surroundings:
        """The windows about some pixels."""
        rows, columns, lost = _inside(y[:, np.newaxis] + ROWS, x[:, np.newaxis] + COLUMNS, self.data.shape)
        light = self.data[rows, columns].astype(float)
        variance = np.maximum(light, 0) + self.readnoise**2
        if self.variance is not None:
            variance = self.variance[rows, columns].astype(float)
        if self.extra_variance is not None:
            variance = variance + self.extra_variance[rows, columns]
        if self.bad is not None:
            lost |= self.bad[rows, columns]
        sky, scatter = self._sky(y, x)
        full = (light >= self.saturation) & ~lost
        return Surroundings(light - sky[:, np.newaxis], variance, lost, full, scatter)

    def _sky(self, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Level around windows without what was flagged, and its scatter towards faint pixels; NaN without any."""
        offset = np.arange(-SKY_RADIUS, SKY_RADIUS + 1)
        dy, dx = (each.ravel() for each in np.meshgrid(offset, offset, indexing="ij"))
        outer = np.maximum(abs(dy), abs(dx)) > HALF + 1
        rows, columns, lost = _inside(y[:, np.newaxis] + dy[outer], x[:, np.newaxis] + dx[outer], self.data.shape)
        lost |= self.hits[rows, columns]
        if self.bad is not None:
            lost |= self.bad[rows, columns]
        ordered = np.sort(np.where(lost, np.nan, self.data[rows, columns]), axis=1)  # NaN goes last
        n_good = np.count_nonzero(~lost, axis=1)
        level, faint = (ordered[np.arange(len(y)), (n_good * share).astype(int)] for share in (0.5, FAINT))
        return level.astype(float), (level - faint).astype(float)


@dataclass(frozen=True)
class Surroundings:
    """Windows of 5 x 5 pixels, (n, 25), electron."""

    light: np.ndarray  # less the sky
    variance: np.ndarray
    lost: np.ndarray  # bool: bad, or beyond the border
    full: np.ndarray  # bool: saturated
    scatter: np.ndarray  # (n,), of the sky around

    def for_fit(self, error: float) -> tuple[Windows, np.ndarray]:
        """The windows as they are fitted, and which have enough pixels to be."""
        weight = np.where(self.lost | self.full, 0, weights(self.light, self.variance, error))
        sky_weight = 1 / (self.scatter**2 / 4 + np.median(self.variance, axis=1) / N_PIXELS)
        testable = np.isfinite(self.light).all(axis=1) & (np.count_nonzero(weight, axis=1) >= FEWEST_PIXELS)
        return Windows(self.light, weight, sky_weight), testable


def without_stars(scene: Scene, stars: StellarProfile) -> tuple[np.ndarray, int]:
    """The hits, bool (ny, nx), without those that are light of stars, and the number of events that are gone."""
    y, x = true_pixels(scene.hits)
    if not len(y):
        return scene.hits, 0
    events = _Events(y, x, scene)
    sharp = np.zeros(len(y), dtype=bool)
    peaks = np.flatnonzero(events.is_peak)
    sharp[peaks] = _by_parts(peaks, lambda part: _sharper(scene.windows(y[part], x[part]), stars))
    # One maximum sharper than any starlight, and the event is not light alone.
    tested = peaks[~events.any(sharp)[peaks]]
    starlike = np.zeros(len(y), dtype=bool)
    starlike[tested] = _by_parts(tested, lambda part: _starlike(scene.windows(y[part], x[part]), stars))
    go = ~events.any(events.is_peak & ~starlike)
    go &= ~events.any(~_beside(y, x, starlike, scene.hits.shape))
    kept = scene.hits.copy()
    kept[y[go], x[go]] = False
    return kept, len(np.unique(events.label[go]))


class _Events:
    """Flagged pixels in reading order, (n,)."""

    def __init__(self, y: np.ndarray, x: np.ndarray, scene: Scene) -> None:
        self.label = label_pixels(y, x, scene.hits.shape)
        self.is_peak = np.ones(len(y), dtype=bool)
        for dy, dx in NEIGHBOURS:
            rows, columns, outside = _inside(y + dy, x + dx, scene.hits.shape)
            higher = scene.hits[rows, columns] & (scene.data[rows, columns] > scene.data[y, x])
            self.is_peak &= outside | ~higher

    def any(self, chosen: np.ndarray) -> np.ndarray:
        """Which pixels belong to an event with a chosen one."""
        return np.isin(self.label, self.label[chosen])


def _beside(y: np.ndarray, x: np.ndarray, chosen: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels lie at most `BEYOND` rows and columns from a chosen one."""
    marked = np.zeros(shape, dtype=bool)
    marked[y[chosen], x[chosen]] = True
    dy, dx = (np.indices((2 * BEYOND + 1,) * 2) - BEYOND).reshape(2, -1)
    rows, columns, outside = _inside(y[:, np.newaxis] + dy, x[:, np.newaxis] + dx, shape)
    return (marked[rows, columns] & ~outside).any(axis=1)


def _inside(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns clipped to the frame, and which were outside."""
    outside = (rows < 0) | (columns < 0) | (rows >= shape[0]) | (columns >= shape[1])
    return np.clip(rows, 0, shape[0] - 1), np.clip(columns, 0, shape[1] - 1), outside


def _by_parts(pixels: np.ndarray, judge: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What is judged of pixels, some thousand at a time."""
    parts = [judge(pixels[first : first + AT_ONCE]) for first in range(0, len(pixels), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


def _starlike(around: Surroundings, stars: StellarProfile) -> np.ndarray:
    """Whether one or two stars fit windows, and no spot fits better."""
    windows, testable = around.for_fit(stars.error)
    chi2 = _chi2_of_stars(windows[testable], around.full[testable], stars)
    fits = np.isfinite(chi2)
    chosen = np.flatnonzero(testable)[fits]
    starlike = np.zeros(len(testable), dtype=bool)
    starlike[chosen] = chi2[fits] - BETTER < _chi2_of_spots(windows[chosen], stars)
    return starlike


def _chi2_of_stars(windows: Windows, full: np.ndarray, stars: StellarProfile) -> np.ndarray:
    """Chi squared, with the `COST`, of one or two stars; infinity where they do not fit."""
    n_pixels = np.count_nonzero(windows.weight, axis=1)
    chi2 = np.full(len(windows), np.inf)
    for n_stars in (1, 2):
        profiles = [stars.profile] * n_stars
        fit = fit_sources(windows, profiles, [BESIDE] * n_stars)
        good = fit.chi2 < FITS * np.maximum(n_pixels - 1 - 3 * n_stars, 1)
        good &= (~full | (fit.light(profiles) > REACHED * windows.light)).all(axis=1)
        chi2[good] = np.minimum(chi2, fit.chi2 + COST * (n_stars - 1))[good]
    return chi2


def _chi2_of_spots(windows: Windows, stars: StellarProfile) -> np.ndarray:
    """The least chi squared, with the `COST`, of a spot alone or beside a star."""
    chi2 = np.full(len(windows), np.inf)
    for sigma in SPOTS:
        if sigma == SPOTS[0] or FWHM_OF_SIGMA * sigma < WIDEST * stars.fwhm:
            spot = spot_profile(sigma)
            for profiles in ([spot], [spot, stars.profile]):
                fit = fit_sources(windows, profiles, (AROUND, BESIDE)[: len(profiles)])
                chi2 = np.minimum(chi2, fit.chi2 + COST * (len(profiles) - 1))
    return chi2


def _sharper(around: Surroundings, stars: StellarProfile) -> np.ndarray:
    """Which maxima are sharper than any sum of stars, by their neighbours alone; a sky too low spares stars."""
    light = around.light + around.scatter[:, np.newaxis]
    middle, variance = light[:, MIDDLE], around.variance
    sharper = np.zeros(len(light), dtype=bool)
    for dy, dx in PAIRS:
        here, there = MIDDLE + dy * SIDE + dx, MIDDLE - dy * SIDE - dx
        share = _least_share(stars, here, there)
        mean, rest = (light[:, here] + light[:, there]) / 2, variance[:, here] + variance[:, there]
        error = variance[:, MIDDLE] + rest / (2 * share) ** 2 + (2 * stars.error * middle) ** 2
        beyond = middle - mean / share > SHARPER * np.sqrt(error)  # a NaN compares false
        sharper |= beyond & ~around.lost[:, here] & ~around.lost[:, there]
    return sharper & ~around.full[:, MIDDLE]


def _least_share(stars: StellarProfile, here: int, there: int) -> float:
    """The least mean of two opposite neighbours of the middle, as a share of it, wherever in it a star stands."""
    grid = np.arange(-9, 10) / 18
    y, x = (places.ravel() for places in np.meshgrid(grid, grid))
    light = stars.profile.at(y, x)[0]
    return float((light[:, [here, there]].mean(axis=1) / light[:, MIDDLE]).min())
