# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Profiles of what shines on a pixel or two, integrated over the pixels, and the fit of their sum to small windows.

A `Profile` is a table of its values and slopes, a few of them in a pixel, so that thousands of windows are fitted at
once. A window is a row of m pixels, 5 x 5 unless others are named, with weights (inverse variances) of which some may
be 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.ndimage import convolve1d
from scipy.special import erf

SAMPLES = 18  # of a table in a pixel, even
RADIUS = 6  # pixels that a table reaches from the centre: windows see stars up to three pixels beside them

HALF = 2  # pixels, half of a window
SIDE = 2 * HALF + 1
N_PIXELS = SIDE**2
MIDDLE = N_PIXELS // 2
#: Rows and columns of a window's pixels from its middle, (m,) each.
Pixels: TypeAlias = tuple[np.ndarray, np.ndarray]
ROWS, COLUMNS = (np.indices((SIDE, SIDE)) - HALF).reshape(2, N_PIXELS)

N_STEPS = 7  # of Gauss and Newton
LONGEST_STEP = 0.3  # pixels that a component moves in one
ARRIVED = 0.01  # pixels: after such a move the next one is a few ten-thousandths
RIDGE = 1e-9  # share of the mean diagonal that keeps a singular matrix solvable


@dataclass(frozen=True)
class Profile:
    """The share of its flux that a source leaves in a pixel, and the slopes with its place: (3, side, side)."""

    table: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Profile:
        """The profile with these values at `SAMPLES` places a pixel."""
        slope_y, slope_x = np.gradient(values, 1 / SAMPLES)
        return cls(np.stack((values, -slope_y, -slope_x)))

    def at(self, y: np.ndarray, x: np.ndarray, pixels: Pixels = (ROWS, COLUMNS)) -> np.ndarray:
        """Values and slopes in the pixels of windows, (3, n, m), of sources at these places, (n,) from the middle."""
        middle = self.table.shape[1] // 2
        rows, rest_y = _nearest(y, pixels[0], middle)
        columns, rest_x = _nearest(x, pixels[1], middle)
        found = self.table[:, rows, columns]
        found[0] += found[1] * rest_y[:, np.newaxis] + found[2] * rest_x[:, np.newaxis]
        return found


def _nearest(place: np.ndarray, pixels: np.ndarray, middle: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices in a table for each window and pixel, (n, 25), and what is left of each place (pixels)."""
    nearest = np.rint(place * SAMPLES).astype(int)
    index = np.clip(pixels * SAMPLES - nearest[:, np.newaxis], -middle, middle) + middle
    return index, place - nearest / SAMPLES


def moffat_profile(
    fwhm: float, beta: float, stretch: tuple[float, float] = (0.0, 0.0), radius: int = RADIUS
) -> Profile:
    """
    A Moffat star of this width (FWHM, pixels) and slope.

    The logarithm of the ratio of its axes is twice the length of ``stretch``, whose angle is twice the position angle.
    """
    axis, angle = np.exp(np.hypot(*stretch)), np.arctan2(stretch[1], stretch[0]) / 2
    core = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    place = np.arange(-(radius + 1) * SAMPLES, (radius + 1) * SAMPLES + 1) / SAMPLES
    y, x = place[:, np.newaxis], place
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    light = np.exp(-beta * np.log1p((along / (core * axis)) ** 2 + (across * axis / core) ** 2))
    light *= (beta - 1) / (np.pi * core**2)
    pixel = np.full(SAMPLES + 1, 1 / SAMPLES)
    pixel[[0, -1]] /= 2
    for each in (0, 1):
        light = convolve1d(light, pixel, axis=each, mode="constant")
    return Profile.of(light[SAMPLES:-SAMPLES, SAMPLES:-SAMPLES])


def spot_profile(sigma: float, radius: int = RADIUS) -> Profile:
    """Charge set free at one point that diffused by a Gaussian of this standard deviation (pixels)."""
    edge = np.arange(-radius * SAMPLES, radius * SAMPLES + 1) / SAMPLES
    share = (erf((edge + 0.5) / (sigma * np.sqrt(2))) - erf((edge - 0.5) / (sigma * np.sqrt(2)))) / 2
    return Profile.of(np.outer(share, share))


@dataclass(frozen=True)
class Windows:
    """Cut-outs less their sky, electron."""

    light: np.ndarray  # (n, m)
    weight: np.ndarray  # (n, m), inverse variance; 0 for pixels that do not count
    sky_weight: np.ndarray  # (n,), inverse variance of the sky, whose error is fitted too
    pixels: Pixels = (ROWS, COLUMNS)

    def __len__(self) -> int:
        return len(self.light)

    def __getitem__(self, part: np.ndarray | slice) -> Windows:
        return Windows(self.light[part], self.weight[part], self.sky_weight[part], self.pixels)


@dataclass(frozen=True)
class Fit:
    """Sources fitted to windows."""

    chi2: np.ndarray  # (n,)
    flux: np.ndarray  # (n, k)
    y: np.ndarray  # (n, k), pixels from the middle of the window
    x: np.ndarray

    def light(self, profiles: Sequence[Profile], pixels: Pixels = (ROWS, COLUMNS)) -> np.ndarray:
        """The light of the sources in each pixel, (n, m)."""
        return sum(
            self.flux[:, [k]] * profile.at(self.y[:, k], self.x[:, k], pixels)[0] for k, profile in enumerate(profiles)
        )


def fit_sources(windows: Windows, profiles: Sequence[Profile], reach: Sequence[float]) -> Fit:
    """
    The sum of one source of each profile, and a sky, that fits each window best.

    The sources are placed one after the other, then moved together, each at most ``reach`` pixels from the middle along
    each axis. Where a source would need a negative flux, the earlier ones do without it.
    """
    n = len(windows)
    empty = np.zeros((n, 0))
    best = Fit(np.full(n, np.inf), empty, empty, empty)
    for k in range(1, len(profiles) + 1):
        y, x = _best_place(windows, profiles[: k - 1], best, profiles[k - 1], reach[k - 1])
        start = Fit(best.chi2, best.flux, np.column_stack((best.y, y)), np.column_stack((best.x, x)))
        best = _moved(windows, profiles[:k], start, reach)
    return best


def _best_place(
    windows: Windows, profiles: Sequence[Profile], found: Fit, profile: Profile, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where in each window one more source lowers chi squared most, (n,)."""
    step = 1 / 9 if reach < 1 else 1 / 6 if reach < 2 else max(1 / 3, reach / 9)
    grid = np.arange(-round(reach / step), round(reach / step) + 1) * step
    y, x = (places.ravel() for places in np.meshgrid(grid, grid, indexing="ij"))
    source = profile.at(y, x, windows.pixels)[0]
    earlier = [one.at(found.y[:, k], found.x[:, k], windows.pixels) for k, one in enumerate(profiles)]
    columns = unit_columns(windows, earlier)
    normal, right = _normal_equations(windows, columns, len(profiles))
    mixed = (columns * windows.weight[:, np.newaxis]) @ source.T
    solved = np.linalg.solve(normal, mixed)
    match = (windows.weight * windows.light) @ source.T - np.einsum("nk,nkp->np", right, solved)
    power = windows.weight @ (source**2).T - np.einsum("nkp,nkp->np", mixed, solved)
    best = (np.maximum(match, 0) ** 2 / np.maximum(power, RIDGE * power.max(axis=1, keepdims=True) + 1e-30)).argmax(1)
    return y[best], x[best]


def _moved(windows: Windows, profiles: Sequence[Profile], start: Fit, reach: Sequence[float]) -> Fit:
    """The sources moved to where they fit best, by steps of Gauss and Newton."""
    n_sources = len(profiles)
    # Where the earlier sources fit better alone, the new one keeps no flux.
    best = Fit(start.chi2.copy(), np.column_stack((start.flux, np.zeros(len(windows)))), start.y.copy(), start.x.copy())
    limit = np.array(reach[:n_sources])
    going, y, x = np.arange(len(windows)), start.y, start.x
    moved = np.full(len(windows), np.inf)
    for step in range(N_STEPS):
        here = windows[going]
        tables = [profile.at(y[:, k], x[:, k], here.pixels) for k, profile in enumerate(profiles)]
        columns = unit_columns(here, tables)
        solution, chi2 = least_squares_of(here, columns, n_sources)
        better = (solution[:, :n_sources] >= 0).all(axis=1) & (chi2 < best.chi2[going])
        rows = going[better]
        best.chi2[rows], best.flux[rows] = chi2[better], solution[better, :n_sources]
        best.y[rows], best.x[rows] = y[better], x[better]
        on = np.flatnonzero(moved > ARRIVED)
        if step == N_STEPS - 1 or not len(on):
            break
        slopes = np.concatenate([table[1:, on].swapaxes(0, 1) for table in tables], axis=1)
        shift = _shifts(here[on], columns[on], slopes, solution[on, :n_sources])
        going, old_y, old_x = going[on], y[on], x[on]
        y, x = np.clip(old_y + shift[:, :, 0], -limit, limit), np.clip(old_x + shift[:, :, 1], -limit, limit)
        moved = np.maximum(np.abs(y - old_y), np.abs(x - old_x)).max(axis=1)
    return best


def _shifts(windows: Windows, columns: np.ndarray, slopes: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """How far each source should move (pixels), (n, k, 2): a step of Gauss and Newton, not a long one."""
    n_sources = flux.shape[1]
    least = 1e-3 * np.abs(flux).max(axis=1, keepdims=True) + 1e-6
    moves = np.repeat(1 / (LONGEST_STEP * np.maximum(flux, least)) ** 2, 2, axis=1)
    solution, _ = least_squares_of(windows, np.concatenate((columns, slopes), axis=1), n_sources, moves)
    strength = np.maximum(solution[:, :n_sources], least)
    shift = solution[:, n_sources + 1 :].reshape(len(windows), n_sources, 2) / strength[:, :, np.newaxis]
    return np.clip(shift, -LONGEST_STEP, LONGEST_STEP)


def unit_columns(windows: Windows, tables: Sequence[np.ndarray]) -> np.ndarray:
    """The light of each source of unit flux, and a sky of 1: (n, k + 1, 25)."""
    return np.stack([table[0] for table in tables] + [np.ones_like(windows.light)], axis=1)


def _normal_equations(
    windows: Windows, columns: np.ndarray, sky: int, moves: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (n, k, k) and right side (n, k) of least squares; column ``sky`` and those after it are drawn to 0."""
    weighted = columns * windows.weight[:, np.newaxis]
    normal = weighted @ columns.swapaxes(1, 2)
    diagonal = np.arange(normal.shape[1])
    normal[:, diagonal, diagonal] += RIDGE * normal[:, diagonal, diagonal].mean(axis=1, keepdims=True) + 1e-30
    normal[:, sky, sky] += windows.sky_weight
    if moves is not None:
        normal[:, diagonal[sky + 1 :], diagonal[sky + 1 :]] += moves
    return normal, np.einsum("nkm,nm->nk", weighted, windows.light)


def least_squares_of(
    windows: Windows, columns: np.ndarray, sky: int, moves: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (n, k) and chi squared (n,), with that of the sky."""
    normal, right = _normal_equations(windows, columns, sky, moves)
    solution = np.linalg.solve(normal, right[..., np.newaxis])[..., 0]
    rest = windows.light - np.einsum("nkm,nk->nm", columns, solution)
    chi2 = (windows.weight * rest**2).sum(axis=1) + windows.sky_weight * solution[:, sky] ** 2
    return solution, chi2
