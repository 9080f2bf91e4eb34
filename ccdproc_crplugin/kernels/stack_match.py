# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What one exposure of a field says about another: shift, sky, transparency and seeing.

An exposure b predicts the exposure a pixel by pixel as the sum over the 7 x 7 pixels around the same place of b, each
times its weight in a kernel. The kernel that fits best on the stars takes the fraction of a pixel, the transparency and
the seeing into account at once, whichever of the two is sharper (Bramich 2008, MNRAS, 386, L77). What it does not
explain on the stars is measured in units of the gradient, as an error in the position.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import RADIUS as REPAIR_RADIUS
from ccdproc_crplugin.kernels.repair import repair
from ccdproc_crplugin.kernels.statistics import robust_std

HALF = 3  # pixels: the kernel reaches so far
SIDE = 2 * HALF + 1
CENTRE = SIDE * HALF + HALF
AROUND_CENTRE = [CENTRE + dy * SIDE + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
#: A third of the pixels of the kernel, spread over it.
SOME = slice(0, SIDE**2, 3)

#: A pixel tells of the stars if it stands so many standard deviations of the noise above the sky.
BRIGHT = 8.0
#: So many bright pixels a fit needs, and so many it takes.
FEWEST, MOST = 60, 4000
#: By how much a weight of the kernel differs from that of plain interpolation, before anything is measured.
PRIOR = 0.1
#: Pixels whose residual is larger (standard deviations) are left out of a fit.
CLIP = 4.0
#: Error in the position (pix) where it can't be measured, and the least one where it can.
UNMEASURED, LEAST_ERROR = 0.3, 0.02
#: Error of a correction that makes the prediction sharper, as a share of it.
CORRECTION_ERROR = 0.25
#: How many pixels are predicted at once.
AT_ONCE = 50_000


@dataclass
class Plane:
    """An exposure: the arrays have shape (ny, nx), in electron."""

    data: np.ndarray  # float32, less the background
    unusable: np.ndarray  # bool
    sharp: np.ndarray  # bool: what L.A.Cosmic finds in the exposure alone
    readnoise: float
    offset: tuple[float, float] = (0.0, 0.0)  # where the first pixel of the field lies, (dy, dx)
    variance: np.ndarray | None = None  # float32, electron squared; None for photons and read noise
    background: np.ndarray | None = None  # float32: sky lines and traces that were subtracted
    sky: float = field(init=False)
    filled: np.ndarray = field(init=False)  # float32: unusable and flagged pixels replaced by their surroundings
    noise2: np.ndarray = field(init=False)  # float32, electron squared, of `filled`
    _unspoilt: tuple[np.ndarray, np.ndarray] = field(init=False)  # both with nothing but unusable pixels replaced

    def __post_init__(self) -> None:
        blocks = take_blocks(self.data, bad=self.unusable)
        self.sky = float(np.nanmedian(blocks)) if np.isfinite(blocks).any() else 0.0
        self.filled, self.noise2 = self.data, self._noise2()
        self._replace(*true_pixels(self.unusable), self.unusable)
        self._unspoilt = self.filled, self.noise2

    def _noise2(self) -> np.ndarray:
        if self.variance is not None:
            return self.variance
        light = self.data if self.background is None else self.data + self.background
        return np.maximum(light, 0) + np.float32(self.readnoise**2)

    def fill(self, y: np.ndarray, x: np.ndarray) -> None:
        """Replace the pixels given, and unusable ones, by the pixels around, their noise by the scatter of these."""
        self.filled, self.noise2 = self._unspoilt
        if not len(y):
            return
        lost = self.unusable.copy()
        lost[y, x] = True
        self._replace(*self._lost_around(y, x, lost), lost)

    def _replace(self, y: np.ndarray, x: np.ndarray, lost: np.ndarray) -> None:
        """Replace lost pixels, in arrays of their own."""
        if len(y) == 0 or lost.all():
            return
        values, scatter = repair(self.data, y, x, lost)
        self.filled, self.noise2 = self.filled.copy(), self.noise2.copy()
        self.filled[y, x] = values
        self.noise2[y, x] = np.maximum(scatter**2, self.readnoise**2)

    def _lost_around(self, y: np.ndarray, x: np.ndarray, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pixels given, and the lost ones whose values would draw on them, in reading order."""
        steps = np.arange(-REPAIR_RADIUS, REPAIR_RADIUS + 1)
        rows, columns = (
            (place[:, np.newaxis] + steps).clip(0, size - 1) for place, size in zip((y, x), lost.shape, strict=True)
        )
        places = np.unique(rows[:, :, np.newaxis] * lost.shape[1] + columns[:, np.newaxis, :])
        return np.divmod(places[lost.reshape(-1)[places]], lost.shape[1])

    def expected_noise2(self, y: np.ndarray, x: np.ndarray, level: np.ndarray) -> np.ndarray:
        """The variance of pixels of which ``level`` (electron) is expected, without what the excess adds to it."""
        if self.background is not None:
            level = level + self.background[y, x]
        modelled = np.maximum(level, 0) + self.readnoise**2
        if self.variance is None:
            return modelled
        own = self.variance[y, x]
        light = self.data[y, x] if self.background is None else self.data[y, x] + self.background[y, x]
        return np.minimum(own, np.maximum(own - np.maximum(light - np.maximum(level, 0), 0), modelled))


@dataclass
class Link:
    """How one exposure is predicted from another."""

    shift: tuple[int, int]  # whole pixels from the one to the other, (dy, dx)
    plain: np.ndarray  # float64 (49,): kernel of plain interpolation times the transparency
    sky: float  # what the sky of the one is higher, beside its median
    kernel: np.ndarray = field(init=False)  # float64 (49,): the fitted one
    error: float = UNMEASURED  # error in the position, pix
    n_bright: int = 0  # pixels that the fit was made of

    def __post_init__(self) -> None:
        self.kernel = self.plain

    @property
    def is_fitted(self) -> bool:
        """Whether there were enough bright pixels to measure the seeing."""
        return self.kernel is not self.plain

    @property
    def transparency(self) -> float:
        """The light of a star in the one over that in the other."""
        return float(self.kernel.sum())

    def inside(self, y: np.ndarray, x: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Which pixels of the one lie in the other."""
        rows, columns = y + self.shift[0], x + self.shift[1]
        return (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])


def plain_link(one: Plane, other: Plane) -> Link:
    """The link of two exposures by their offsets alone."""
    between = [theirs - own for own, theirs in zip(one.offset, other.offset, strict=True)]
    shift = (round(between[0]), round(between[1]))
    rows, columns = (_cubic(distance - whole) for distance, whole in zip(between, shift, strict=True))
    link = Link(shift, np.outer(rows, columns).ravel(), 0.0)
    y, x = _bright_pixels(link, one, other, one.unusable)
    in_both = (one.data[y, x] - one.sky) ** 2 > BRIGHT**2 * one.noise2[y, x]
    y, x = y[in_both], x[in_both]
    if len(y) >= FEWEST:
        signal = one.data[y, x] - one.sky
        link.plain *= _transparency(signal[signal > 0], _light_around(link, other, y, x)[signal > 0] @ link.plain)
    link.kernel = link.plain
    link.sky = _sky_difference(link, one, other)
    return link


def _cubic(fraction: float) -> np.ndarray:
    """Weights of cubic convolution along an axis, float64 (7,) (Keys 1981, IEEE Trans. ASSP, 29, 1153)."""
    distance = np.abs(np.arange(-HALF, HALF + 1) - fraction)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


@dataclass(frozen=True)
class Prediction:
    """What another exposure predicts for pixels, arrays of shape (n,), electron."""

    level: np.ndarray
    around: np.ndarray  # the level of the pixels around
    noise2: np.ndarray  # of the other exposure's pixels
    error: np.ndarray  # of position and seeing


def predict(link: Link, one: Plane, other: Plane, y: np.ndarray, x: np.ndarray) -> Prediction:
    """What the other exposure predicts for pixels of the one that lie in both."""
    parts = [
        _predict(link, one, other, y[start : start + AT_ONCE], x[start : start + AT_ONCE])
        for start in range(0, max(len(y), 1), AT_ONCE)
    ]
    return Prediction(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("level", "around", "noise2", "error"))
    )


def _predict(link: Link, one: Plane, other: Plane, y: np.ndarray, x: np.ndarray) -> Prediction:
    """
    The level is that of the fitted kernel.

    On plain sky this would only add noise: a correction of plain interpolation that lowers the level counts where it is
    significant.
    """
    place = _places(other, y + link.shift[0], x + link.shift[1])
    light = other.filled.reshape(-1)[place] - np.float32(other.sky)
    noise2 = other.noise2.reshape(-1)[place]
    whole = _is_whole(other, y + link.shift[0], x + link.shift[1])
    level = light @ link.plain.astype(np.float32)
    own2 = noise2 @ (link.plain**2).astype(np.float32)
    if link.is_fitted:
        step = link.kernel - link.plain
        correction = light @ step.astype(np.float32) * whole
        counts = (correction > 0) | (correction**2 > 9 * (noise2 @ (step**2).astype(np.float32)))
        level = level + np.where(counts, correction, 0)
        own2 = np.where(counts & (correction < 0), noise2 @ (link.kernel**2).astype(np.float32), own2)
    error = np.where(whole, link.error, UNMEASURED) * abs(link.transparency) * _gradient(light, noise2)
    if link.is_fitted:
        error = np.hypot(error, CORRECTION_ERROR * np.minimum(correction, 0))
    # A pixel that is low by chance is no less noisy than those around.
    own2 = np.maximum(own2, np.median(noise2[:, SOME], axis=1) * np.sum(link.plain**2))
    sky = np.float32(one.sky + link.sky)
    return Prediction(level + sky, np.median(light[:, SOME], axis=1) * abs(link.transparency) + sky, own2, error)


def _is_whole(plane: Plane, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether all of the 7 x 7 pixels around each lie in the frame, bool (n,)."""
    ny, nx = plane.data.shape
    return (y >= HALF) & (y < ny - HALF) & (x >= HALF) & (x < nx - HALF)


def _light_around(link: Link, other: Plane, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The light of the other exposure above its sky, electron, in 7 x 7 pixels: (n, 49)."""
    return other.filled.reshape(-1)[_places(other, y + link.shift[0], x + link.shift[1])] - np.float32(other.sky)


def _gradient(light: np.ndarray, noise2: np.ndarray) -> np.ndarray:
    """The largest step to one of the neighbours beyond the noise, electron: (n,) from windows (n, 49)."""
    step = np.abs(light[:, AROUND_CENTRE] - light[:, CENTRE, np.newaxis]).max(axis=1)
    # Of eight steps that are noise alone the largest is two standard deviations of a difference.
    return np.sqrt(np.maximum(step**2 - 8 * noise2[:, CENTRE], 0))


def _places(plane: Plane, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The flat indices of the 7 x 7 pixels around each, (n, 49); the frame's last rows and columns are repeated."""
    ny, nx = plane.data.shape
    reach = np.arange(-HALF, HALF + 1)
    rows, columns = ((place[:, np.newaxis] + reach) for place in (y, x))
    rows, columns = rows.clip(0, ny - 1), columns.clip(0, nx - 1)
    return (rows[:, :, np.newaxis] * nx + columns[:, np.newaxis, :]).reshape(len(y), SIDE**2)


def fit_link(link: Link, one: Plane, other: Plane, spoilt: np.ndarray) -> None:
    """Fit the kernel, the sky and the error of a link to the bright pixels; ``spoilt`` pixels (ny, nx) of the one."""
    link.sky = _sky_difference(link, one, other)
    y, x = _bright_pixels(link, one, other, spoilt)
    link.n_bright, link.error = len(y), UNMEASURED
    if len(y) < FEWEST:
        return
    light = _light_around(link, other, y, x)
    noise2 = other.noise2.reshape(-1)[_places(other, y + link.shift[0], x + link.shift[1])]
    signal = one.data[y, x].astype(float) - one.sky - link.sky
    link.plain = link.plain * _transparency(signal, light @ link.plain)
    kernel, kept = link.plain, np.ones(len(y), dtype=bool)
    systematic = 0.05 * np.abs(light[:, CENTRE])
    for _ in range(3):
        own2 = one.expected_noise2(y, x, light @ kernel + one.sky + link.sky)
        noise = np.sqrt(own2 + noise2 @ kernel**2 + systematic**2)
        kernel = _fitted(light[kept] / noise[kept, np.newaxis], signal[kept] / noise[kept], link.plain)
        residual = signal - light @ kernel
        # What noise does not explain grows with the light.
        kept = np.abs(residual) < CLIP * np.maximum(noise, robust_std(residual / noise, 0.0) * noise)
        if np.count_nonzero(kept) < FEWEST:
            return
    link.kernel = kernel
    noise2_of_difference = one.expected_noise2(y, x, light @ kernel + one.sky + link.sky) + noise2 @ kernel**2
    link.error = _error(residual, noise2_of_difference, abs(kernel.sum()) * _gradient(light, noise2), kept)


def _transparency(signal: np.ndarray, predicted: np.ndarray) -> float:
    """The ratio of the light of two exposures, from bright pixels."""
    positive = predicted > 0
    ratio = float(np.median(signal[positive] / predicted[positive])) if positive.any() else 1.0
    return ratio if np.isfinite(ratio) and ratio > 0 else 1.0


def _fitted(rows: np.ndarray, values: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The kernel that fits best, held near ``prior`` where the stars say nothing; rows and values over their noise."""
    rows = rows.astype(float)
    normal = rows.T @ rows + np.eye(rows.shape[1]) / (PRIOR * max(prior.sum(), 1e-3)) ** 2
    return prior + np.linalg.solve(normal, rows.T @ (values - rows @ prior))


def _error(residual: np.ndarray, noise2: np.ndarray, gradient: np.ndarray, kept: np.ndarray) -> float:
    """The residuals that noise does not explain over the gradient, pix, from pixels with a steep one."""
    steep = kept & (gradient**2 > 4 * noise2)
    if np.count_nonzero(steep) < FEWEST // 3:
        return 0.1
    ratio = np.sqrt(np.maximum(residual[steep] ** 2 - noise2[steep], 0)) / gradient[steep]
    return max(float(np.quantile(ratio, 0.9)) / 1.64, LEAST_ERROR)


def _sky_difference(link: Link, one: Plane, other: Plane) -> float:
    """The median of the differences over a sample of the pixels that both have, beside that of the medians."""
    own, theirs = overlap(link.shift, one.data.shape)
    step = max(int(np.sqrt(one.data[own].size / 2e5)), 1)
    usable = ~(one.unusable[own][::step, ::step] | other.unusable[theirs][::step, ::step])
    if not usable.any():
        return 0.0
    difference = one.data[own][::step, ::step][usable] - one.sky
    difference -= np.float32(link.transparency) * (other.filled[theirs][::step, ::step][usable] - other.sky)
    return float(np.median(difference))


def _bright_pixels(link: Link, one: Plane, other: Plane, spoilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the one in the light of stars that both exposures show, at most `MOST`, spread over the frame."""
    own, theirs = overlap(link.shift, one.data.shape)
    light = other.filled[theirs] - np.float32(other.sky)
    bright = light**2 > BRIGHT**2 * other.noise2[theirs]
    bright &= (light > 0) & ~(spoilt[own] | one.unusable[own])
    y, x = true_pixels(bright)
    whole = _is_whole(other, y + theirs[0].start, x + theirs[1].start)
    y, x = y[whole], x[whole]
    step = max(-(-len(y) // MOST), 1)
    # A step that shares no factor with the width of a star samples all parts of its profile.
    return y[::step] + own[0].start, x[::step] + own[1].start


def overlap(shift: tuple[int, int], shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The parts of one exposure and of another that show the same field; of equal shape, perhaps empty."""
    own, theirs = [], []
    for step, size in zip(shift, shape, strict=True):
        first, last = min(max(-step, 0), size), max(min(size - step, size), 0)
        last = max(first, last)
        own.append(slice(first, last))
        theirs.append(slice(first + step, last + step) if last > first else slice(0, 0))
    return (own[0], own[1]), (theirs[0], theirs[1])
