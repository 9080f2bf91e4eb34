# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
New values for lost pixels that keep the fluxes of stars.

On a star the mean of the pixels around says little: a lost core comes back far too faint. `repair_with_profile` fits
the profile of the frame's stars to the good pixels around each lost one, its place, flux and sky free, two stars
where one does not fit. Elsewhere it takes a plane through the good pixels of the 5 x 5 around.

The profile is the Moffat function that best foretells the brightest pixels of the frame's stars from the pixels around
them. Where none foretells them, no star is fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ccdproc_crplugin.kernels.profile import Fit, Pixels, Profile, Windows, fit_sources, moffat_profile
from ccdproc_crplugin.kernels.repair import repair
from ccdproc_crplugin.kernels.statistics import finite_median
from ccdproc_crplugin.kernels.stellar_width import RADIUS as STAMP_RADIUS
from ccdproc_crplugin.kernels.stellar_width import candidates, tiles

REACH = 1.2  # FWHM that a window reaches from the lost pixel, and a pixel more
NEAR = 1.2  # FWHM within which a pixel of a star must stand out
STANDS_OUT = 6.0  # standard deviations of the sky
FEWEST = 8  # good pixels of a window
BETTER = 25.0  # chi squared by which a star must fit better than a sky
SECOND = 10.0  # the same for a second star beside the first
POOR = 1.5  # chi squared per degree of freedom above which a second star is tried
FITS = 6.0  # the same above which what is there is no star
#: The profiles that are tried: shares of the width, and slopes of a Moffat function.
WIDTHS, SLOPES = (0.6, 0.75, 0.9, 1.05, 1.2), (2.0, 3.0, 5.0)
FIRST_SLOPE = 3.0
MOST_STARS, FEWEST_STARS = 24, 4  # stars on which they are tried
BRIGHT = 20.0  # standard deviations by which these stand out
ROUND = 0.08  # share of their peak that the four pixels beside it have at least: a hot pixel has none
WRONG = 0.3  # median error (of the logarithm) of the brightest pixels from which on a profile is of no use
LEAST_ERROR = 0.02  # share of its light by which a pixel of a star may differ from the profile
BESIDE = 0.6  # pixels from the middle of its brightest pixel within which a star has its centre

LEAST_NOISE = 1e-3  # variance of a pixel as a share of the largest one around
CHUNK = 500  # lost pixels that are fitted at once
MOST = 20_000  # lost pixels beside bright ones beyond which the frame is no field of stars


@dataclass(frozen=True)
class MeasuredProfile:
    """The profile of a frame's stars."""

    profile: Profile
    error: float  # share of its light by which a pixel may differ


@dataclass(frozen=True)
class _Around:
    """The pixels around lost ones: windows less their sky, and what the fits need."""

    windows: Windows
    sky: np.ndarray  # (n,), electron
    good: np.ndarray  # (n, m)
    taper: np.ndarray  # (m,), weight of a pixel by its distance
    degrees: np.ndarray  # (n,), degrees of freedom of a star's fit

    def __getitem__(self, part: np.ndarray | slice) -> _Around:
        return _Around(self.windows[part], self.sky[part], self.good[part], self.taper, self.degrees[part])


def repair_with_profile(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    lost: np.ndarray,
    *,
    readnoise: float,
    fwhm: float | None,
    saturation: float | None = None,
    variance: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Estimates of lost pixels (y, x) and the standard deviations of the pixels about them, float64 (n,) each.

    ``data``, ``readnoise`` and ``saturation`` are in electrons, ``variance`` is that of each pixel where it is known.
    ``fwhm`` is the width of the stars (pixels), None where there are none.
    """
    values, scatter = repair(data, y, x, lost, "plane")
    if fwhm is None or not len(y):
        return values, scatter
    beside_light = _beside_light(data, y, x, lost, readnoise, fwhm)
    if not 0 < len(beside_light) <= MOST:
        return values, scatter
    measured = measured_profile(data, lost, readnoise, fwhm, saturation)
    if measured is None:
        return values, scatter
    for start in range(0, len(beside_light), CHUNK):
        part = beside_light[start : start + CHUNK]
        around = _around(data, y[part], x[part], lost, readnoise, variance, fwhm, measured.error)
        found, about, is_star = _on_stars(around, measured.profile, fwhm)
        values[part[is_star]], scatter[part[is_star]] = found[is_star], about[is_star]
    return values, scatter


def _pixels(fwhm: float) -> Pixels:
    """The pixels of a window that the light of a star near its middle fills."""
    half = _half(fwhm)
    rows, columns = (np.indices((2 * half + 1, 2 * half + 1)) - half).reshape(2, -1)
    return rows, columns


def _half(fwhm: float) -> int:
    """Half the side of a window (pix)."""
    return int(np.ceil(REACH * fwhm)) + 1


def _values(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, lost: np.ndarray, pixels: Pixels
) -> tuple[np.ndarray, np.ndarray]:
    """The windows about pixels, (n, m), and which of their pixels are good."""
    rows, columns = y[:, np.newaxis] + pixels[0], x[:, np.newaxis] + pixels[1]
    inside = (rows >= 0) & (rows < data.shape[0]) & (columns >= 0) & (columns < data.shape[1])
    rows, columns = rows.clip(0, data.shape[0] - 1), columns.clip(0, data.shape[1] - 1)
    return data[rows, columns].astype(np.float64), inside & ~lost[rows, columns]


def _beside_light(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, lost: np.ndarray, readnoise: float, fwhm: float
) -> np.ndarray:
    """Indices of the lost pixels beside which a good one stands out of the sky as a star does."""
    pixels = _pixels(fwhm)
    near = np.hypot(*pixels) <= max(2.0, NEAR * fwhm)
    found = []
    for start in range(0, len(y), 10 * CHUNK):
        part = slice(start, start + 10 * CHUNK)
        values, good = _values(data, y[part], x[part], lost, pixels)
        highest = np.where(good & near, values, -np.inf).max(axis=1)
        sky = _low_level(values, good)
        bright = highest - sky > STANDS_OUT * np.sqrt(np.maximum(sky, 0) + readnoise**2)
        found.append(start + np.flatnonzero(bright & (good.sum(axis=1) >= FEWEST)))
    return np.concatenate(found)


def _low_level(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """The median of the lower half of the good pixels of each window, (n,); NaN without any."""
    known = np.where(good, values, np.nan)
    middle = finite_median(known, axis=1)
    return finite_median(np.where(known <= middle[:, np.newaxis], known, np.nan), axis=1)


def _around(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    lost: np.ndarray,
    readnoise: float,
    variance: np.ndarray | None,
    fwhm: float,
    error: float,
) -> _Around:
    """The pixels around lost ones, which may differ from the profile by this share of their light."""
    pixels = _pixels(fwhm)
    values, good = _values(data, y, x, lost, pixels)
    sky = _low_level(values, good)
    light = np.where(good, values - sky[:, np.newaxis], 0)
    if variance is None:
        noise = np.maximum(np.where(good, values, 0), 0) + readnoise**2
    else:
        noise, _ = _values(variance, y, x, lost, pixels)
    # Without a read noise, pixels of no light would have no noise at all.
    noise = np.maximum(noise, LEAST_NOISE * np.maximum(noise.max(axis=1, keepdims=True), 1))
    taper = np.exp(-(pixels[0] ** 2 + pixels[1] ** 2) / (2 * (REACH * fwhm) ** 2))
    weight = good * taper / (noise + (error * np.maximum(light, 0)) ** 2)
    degrees = np.maximum((good * taper).sum(axis=1) - 4, 1)
    return _Around(Windows(light, weight, np.full(len(y), 1e-12), pixels), sky, good, taper, degrees)


def measured_profile(
    data: np.ndarray, lost: np.ndarray, readnoise: float, fwhm: float, saturation: float | None
) -> MeasuredProfile | None:
    """The profile that best foretells the brightest pixels of the frame's stars; None where none does."""
    stamps = _bright_stars(data, lost, readnoise, saturation)
    if len(stamps) < FEWEST_STARS:
        return None
    side = stamps.shape[1]
    strip = stamps.reshape(-1, side).astype(np.float64)
    y, x = STAMP_RADIUS + side * np.arange(len(stamps)), np.full(len(stamps), STAMP_RADIUS)
    peaks = np.zeros(strip.shape, dtype=bool)
    peaks[y, x] = True
    around = _around(strip, y, x, peaks, readnoise, None, fwhm, LEAST_ERROR)
    truth = np.log(np.maximum(strip[y, x] - around.sky, 1))

    @cache
    def error_of(width: float, slope: float) -> float:
        profile = moffat_profile(width, slope, radius=_half(fwhm) + 1)
        light = _model(around.windows, fit_sources(around.windows, [profile], [BESIDE]), [profile])
        return float(np.median(np.abs(np.log(np.maximum(light[:, light.shape[1] // 2], 1)) - truth)))

    width = _lowest([share * fwhm for share in WIDTHS], lambda width: error_of(width, FIRST_SLOPE))
    best = min(((width, slope) for slope in SLOPES), key=lambda trial: error_of(*trial))
    error = error_of(*best)
    # The stars that are fitted may stand at the side of a window opposite to its farthest pixel.
    profile = moffat_profile(*best, radius=2 * _half(fwhm) + 1)
    return MeasuredProfile(profile, max(error, LEAST_ERROR)) if error < WRONG else None


def _lowest(values: list[float], error_of: Callable[[float], float]) -> float:
    """The value of the lowest error to which steps down lead from the middle of the values."""
    place = len(values) // 2
    for step in (-1, 1):
        while 0 <= place + step < len(values) and error_of(values[place + step]) < error_of(values[place]):
            place += step
    return values[place]


def _bright_stars(data: np.ndarray, lost: np.ndarray, readnoise: float, saturation: float | None) -> np.ndarray:
    """Stamps (n, side, side) of bright stars that stand alone."""
    found: list[np.ndarray] = []
    for tile in tiles(data.shape):
        stamps = candidates(data, *tile, lost, saturation)
        sky = np.median(stamps[:, [0, -1]].reshape(len(stamps), -1), axis=1) if len(stamps) else np.zeros(0)
        middle = slice(STAMP_RADIUS - 1, STAMP_RADIUS + 2)
        core = stamps[:, middle, middle] - sky[:, np.newaxis, np.newaxis]
        peak, beside = core[:, 1, 1], (core[:, 0, 1] + core[:, 2, 1] + core[:, 1, 0] + core[:, 1, 2]) / 4
        bright = peak > BRIGHT * np.sqrt(np.maximum(sky, 0) + readnoise**2)
        found.append(stamps[bright & (beside > ROUND * peak)])
        if sum(map(len, found)) >= MOST_STARS:
            break
    return np.concatenate(found)[:MOST_STARS]


def _fit(around: _Around, profiles: list[Profile], fwhm: float) -> Fit:
    return fit_sources(around.windows, profiles, [_half(fwhm)] * len(profiles))


def _on_stars(around: _Around, profile: Profile, fwhm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of lost pixels from the stars around, the scatter about these, and where stars fit, (n,) each."""
    windows = around.windows
    one = _fit(around, [profile], fwhm)
    model, chi2 = _model(windows, one, [profile]), one.chi2
    poor = np.flatnonzero(chi2 > POOR * around.degrees)
    if len(poor):
        two = _fit(around[poor], [profile] * 2, fwhm)
        better = two.chi2 < chi2[poor] - SECOND
        model[poor[better]] = _model(windows[poor], two, [profile] * 2)[better]
        chi2[poor[better]] = two.chi2[better]
    without = windows.light - _weighted_mean(windows.light, windows.weight)
    is_star = (windows.weight * without**2).sum(axis=1) - chi2 > BETTER
    is_star &= chi2 < FITS * around.degrees
    middle = windows.light.shape[1] // 2
    rest = around.good * around.taper * (windows.light - model) ** 2
    scatter = np.sqrt(rest.sum(axis=1) / around.degrees)
    return model[:, middle] + around.sky, scatter, is_star


def _model(windows: Windows, fit: Fit, profiles: list[Profile]) -> np.ndarray:
    """The light of the sources and the sky under them, (n, m)."""
    light = fit.light(profiles, windows.pixels)
    return light + _weighted_mean(windows.light - light, windows.weight)


def _weighted_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weighted mean of each row, (n, 1)."""
    return (values * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
