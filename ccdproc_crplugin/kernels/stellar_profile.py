# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The profile that the stars of a frame share: a Moffat function [1]_ whose parameters come from the frame's own stars.

Candidates are round maxima that stand alone, of the width on which most of the frame's round objects agree. Cosmic rays
are among them, and detectors flag sharp stars, so no mask decides: the profile is the one that most candidates
fit with their places free, and those that do not fit it are left out before it is refined.

References
----------
.. [1] A. F. J. Moffat, A&A 3, 455 (1969).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from ccdproc_crplugin.kernels import stellar_width as width
from ccdproc_crplugin.kernels.profile import (
    HALF,
    LONGEST_STEP,
    N_PIXELS,
    Fit,
    Profile,
    Windows,
    fit_sources,
    least_squares_of,
    moffat_profile,
    unit_columns,
)

LEAST_PEAK = 8.0  # standard deviations by which the peak of a star stands above its sky
SAME = 1.25  # adaptive widths within this factor of the common one are those of stars
FEWEST = 8  # stars that must share the profile
MOST = 60  # stars that are fitted
LEAST_SHARE = 0.5  # of the candidates that must share it

#: What is tried first: shares of the common width (FWHM), and slopes between strong wings and a Gaussian.
WIDTHS = (0.7, 0.8, 0.9, 1.0, 1.1)
SLOPES = (2.5, 4.0, 12.0)
FIRST_ERROR = 0.05  # share of its light by which a pixel may differ from the profile
#: The same of the refined profile: the first with which the stars are as far from it as their noise.
ERRORS = (0.02, 0.03, 0.05, 0.08, 0.12)
AS_NOISE = 1.2  # median chi squared per degree of freedom up to which that is so
PEAK_ERROR = 0.005  # share of the brightest pixel by which all pixels may differ

FITS = 3.0  # chi squared per degree of freedom of a star that shares the profile
MOST_COUNTED = 4.0  # more of it counts no more in the choice of the profile
DEGREES = N_PIXELS - 4
SKY_PIXELS = 9.0  # the error of a sky is that of a mean of so many pixels
#: Charge set free deep in a chip diffuses by a Gaussian of up to this width (FWHM, pixels), 0.6 pixels of standard
#: deviation. A Moffat function of more than this slope is as good as one.
WIDEST_CHARGE, GAUSSIAN = 1.45, 10.0
REACH = 0.56  # pixels from the brightest pixel within which a star has its centre
NEAR = 3  # pixels that the table of a star in the middle of its window reaches
EVALUATIONS = 6
LOWEST, HIGHEST = (np.log(0.6), -0.5, -0.5, np.log(1.5)), (np.log(5.0), 0.5, 0.5, np.log(30.0))


@dataclass(frozen=True)
class StellarProfile:
    """The profile of a frame's stars."""

    profile: Profile
    fwhm: float  # pixels, before the pixels integrate it
    beta: float
    error: float  # share of its light by which a pixel may differ
    n_stars: int


def measure_profile(
    data: np.ndarray,
    readnoise: float,
    fwhm: float,
    *,
    mask: np.ndarray | None = None,
    saturation: float | None = None,
) -> StellarProfile | None:
    """
    The profile of the stars, whose `stellar_width` is ``fwhm``.

    None where fewer than 8 stars share one, or where it is one that the diffused charge of cosmic rays has too.

    ``data``, ``readnoise`` and ``saturation`` are in electrons.
    """
    light, sky = _stars(data, readnoise, fwhm, mask, saturation)
    if len(light) < FEWEST:
        return None
    windows = _windows(light, sky, readnoise, FIRST_ERROR)
    parameters = _best_of_grid(windows, fwhm)
    fit = _fit(windows, _profile(parameters, NEAR))
    share = fit.chi2 < MOST_COUNTED * DEGREES
    for _ in range(2):
        if np.count_nonzero(share) < max(FEWEST, LEAST_SHARE * len(windows)):
            return None
        parameters = _refined(windows[share], parameters, _part(fit, share))
        fit = _fit(windows, _profile(parameters, NEAR))
        share = fit.chi2 < FITS * DEGREES
    if not _within_limits(parameters) or _may_be_charge(parameters):
        return None
    error = _error(light[share], sky[share], readnoise, _profile(parameters, NEAR))
    if error is None:
        return None
    return StellarProfile(
        _profile(parameters), float(np.exp(parameters[0])), float(np.exp(parameters[3])), error, int(share.sum())
    )


def weights(light: np.ndarray, variance: np.ndarray, error: float) -> np.ndarray:
    """Inverse variances of windows, (n, 25), electron, whose pixels may differ from the profile by this share."""
    excess = np.maximum(light, 0)
    peak = excess.max(axis=1, keepdims=True)
    return 1 / (variance + (error * excess) ** 2 + (PEAK_ERROR * peak) ** 2)


def _stars(
    data: np.ndarray, readnoise: float, fwhm: float, mask: np.ndarray | None, saturation: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, 25) of stars less their sky, and their sky (n,), electron."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for stamps in _stamps_of_tiles(data, mask, saturation):
        found.append(_star_windows(stamps, readnoise, fwhm))
        if sum(len(light) for light, _ in found) >= MOST:
            break
    light, sky = (np.concatenate(parts)[:MOST] for parts in zip(*found, strict=True))
    return light, sky


def _stamps_of_tiles(data: np.ndarray, mask: np.ndarray | None, saturation: float | None) -> Iterable[np.ndarray]:
    for tile in width.tiles(data.shape):
        yield width.candidates(data, *tile, mask, saturation)


def _star_windows(stamps: np.ndarray, readnoise: float, fwhm: float) -> tuple[np.ndarray, np.ndarray]:
    """Windows less their sky, and their sky, of the bright round stamps of about the common width."""
    if not len(stamps):
        return np.zeros((0, N_PIXELS)), np.zeros(0)
    middle = width.RADIUS
    sky, peak = width.ring_median(stamps), stamps[:, middle, middle]
    widths, ellipticity = width.adaptive_widths(stamps)
    chosen = peak - sky > LEAST_PEAK * np.sqrt(np.maximum(peak, 0) + readnoise**2)
    chosen &= (widths > fwhm / SAME) & (widths < fwhm * SAME) & (ellipticity < width.LARGEST_ELLIPTICITY)
    core = slice(middle - HALF, middle + HALF + 1)
    sky = sky[chosen].astype(float)
    return stamps[chosen, core, core].reshape(-1, N_PIXELS) - sky[:, np.newaxis], sky


def _windows(light: np.ndarray, sky: np.ndarray, readnoise: float, error: float) -> Windows:
    variance = np.maximum(light + sky[:, np.newaxis], 0) + readnoise**2
    return Windows(light, weights(light, variance, error), SKY_PIXELS / (np.maximum(sky, 0) + readnoise**2))


def _profile(parameters: np.ndarray, radius: int | None = None) -> Profile:
    fwhm, stretch, beta = np.exp(parameters[0]), (parameters[1], parameters[2]), np.exp(parameters[3])
    return moffat_profile(fwhm, beta, stretch) if radius is None else moffat_profile(fwhm, beta, stretch, radius)


def _fit(windows: Windows, profile: Profile) -> Fit:
    return fit_sources(windows, [profile], [REACH])


def _part(fit: Fit, chosen: np.ndarray) -> Fit:
    return Fit(fit.chi2[chosen], fit.flux[chosen], fit.y[chosen], fit.x[chosen])


def _best_of_grid(windows: Windows, fwhm: float) -> np.ndarray:
    """Parameters of the round profile that most windows fit."""
    trials = [np.array([np.log(share * fwhm), 0.0, 0.0, np.log(beta)]) for share in WIDTHS for beta in SLOPES]
    losses = [np.minimum(_fit(windows, _profile(trial, NEAR)).chi2, MOST_COUNTED * DEGREES).sum() for trial in trials]
    return trials[int(np.argmin(losses))]


def _refined(windows: Windows, parameters: np.ndarray, fit: Fit) -> np.ndarray:
    """Parameters of the profile with which the windows agree best, their fluxes, places and skies free."""
    y, x = fit.y[:, 0], fit.x[:, 0]
    moves = np.repeat(1 / (LONGEST_STEP * np.maximum(fit.flux, 1)) ** 2, 2, axis=1)

    def residuals(trial: np.ndarray) -> np.ndarray:
        table = _profile(trial, NEAR).at(y, x)
        columns = np.concatenate((unit_columns(windows, [table]), table[1:].swapaxes(0, 1)), axis=1)
        solution, _ = least_squares_of(windows, columns, 1, moves)
        rest = windows.light - np.einsum("nkm,nk->nm", columns, solution)
        return (np.sqrt(windows.weight) * rest).ravel()

    start = np.clip(parameters, np.array(LOWEST) + 1e-3, np.array(HIGHEST) - 1e-3)
    found = least_squares(
        lambda shifted: residuals(shifted - 1),
        start + 1,
        loss="soft_l1",
        diff_step=0.01,
        max_nfev=EVALUATIONS,
        bounds=(np.array(LOWEST) + 1, np.array(HIGHEST) + 1),
    )
    return found.x - 1


def _within_limits(parameters: np.ndarray) -> bool:
    """Whether a fit ended away from its limits, as it does where stars agree."""
    margin = 0.01 * (np.array(HIGHEST) - LOWEST)
    return bool((parameters > LOWEST + margin).all() and (parameters[:3] < (np.array(HIGHEST) - margin)[:3]).all())


def _may_be_charge(parameters: np.ndarray) -> bool:
    """Whether a profile is one that diffused charge makes too: as narrow, and without wings."""
    return bool(np.exp(parameters[0]) < WIDEST_CHARGE and np.exp(parameters[3]) > GAUSSIAN)


def _error(light: np.ndarray, sky: np.ndarray, readnoise: float, profile: Profile) -> float | None:
    """The first of `ERRORS` with which half of the stars have a chi squared of their degrees of freedom."""
    for error in ERRORS:
        chi2 = _fit(_windows(light, sky, readnoise, error), profile).chi2
        if np.median(chi2) < AS_NOISE * DEGREES:
            return error
    return None
