# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic in NumPy: the fallback, and a second opinion on the C engine.

It follows van Dokkum (2001) with the paper's symbols, and computes each of
them only at the pixels where it can matter:

* S' <= S, because S and its median are never negative. A pixel is a candidate
  only if L+ > 2 sigclip noise, and no noise is below the square root of the
  least variance around. Few pixels of a plain sky have such an L+.
* After a repair only the results of pixels within its reach can change.

Pixels are flat indices into planes that hold the frame and a margin around it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ccdproc_crplugin.kernels.numpy_filters import (
    PIXELS_AT_ONCE,
    edges_of_laplacian,
    laplacian,
    laplacian_of_rows,
    lower_median,
    median_around,
    window,
)
from ccdproc_crplugin.kernels.numpy_growth import beside, front
from ccdproc_crplugin.kernels.numpy_holes import holes
from ccdproc_crplugin.kernels.options import Options

__all__ = ["SCORE", "beside", "find", "front", "holes", "prepare"]

SCORE = np.dtype([("y", np.int32), ("x", np.int32), ("s_prime", np.float32), ("s_prime_over_f", np.float32)])

_LEAST_VARIANCE = np.float32(0.00001)  # electrons squared
_LEAST_F = np.float32(0.01)  # S' is divided by F
_VERY_HIGH = np.float32(1e9)  # what a lost pixel counts as in the median of the IRAF task
_GROWTH = 2  # growth looks this many pixels away from a candidate
_ROWS_AT_ONCE = 64
_COLUMNS_AT_ONCE = 128
_NEARNESS = (
    np.array([[1 / np.hypot(dy, dx) if dy or dx else 0.0 for dx in range(-2, 3)] for dy in range(-2, 3)])
    .round(8)
    .astype(np.float32)
)

# Quantities that are computed at a pixel: bits of Planes.known.
_S, _S_PRIME, _FINE, _F = 1, 2, 4, 8


def prepare(
    data: np.ndarray, background: np.ndarray | None, cleaned: np.ndarray | None, threads: int
) -> tuple[bool, float]:
    """Fill `cleaned` with data - background; return whether all of it is finite, and the highest value of the data."""
    if cleaned is None:
        cleaned = data
    elif background is None:
        cleaned[...] = data
    else:
        np.subtract(data, background, out=cleaned)
    total = cleaned.sum(dtype=np.float64)
    return bool(np.isfinite(total)), float(data.max())


def find(
    data: np.ndarray,
    background: np.ndarray | None,
    variance: np.ndarray | None,
    extra: np.ndarray | None,
    cleaned: np.ndarray,
    flagged: np.ndarray,
    bad: np.ndarray | None,
    options: Options,
    threads: int,
) -> tuple[int, bytes]:
    """Flag and repair cosmic rays, in place; return the number of iterations and the scores (SCORE, as bytes)."""
    planes = Planes(background, variance, extra, cleaned, bad, options)
    scores = np.empty(0, SCORE)
    changed = None
    n_iterations = 0
    for n_iterations in range(1, options.niter + 1):
        limit = options.sigclip if n_iterations > 1 else min(options.sigclip, options.scores_above)
        pixels = planes.pixels_above(limit, changed)
        s_prime = planes.s_prime(pixels)
        if n_iterations == 1:
            scores = _scores(planes, pixels, s_prime)
        found = _grow(planes, pixels[s_prime > np.float32(options.sigclip)])
        changed = planes.repair(found)
        if changed.size == 0:
            break
    flagged[...] = planes.inside(planes.flagged)
    cleaned[...] = planes.inside(planes.data)
    return n_iterations, scores.tobytes()


def _scores(planes: Planes, pixels: np.ndarray, s_prime: np.ndarray) -> np.ndarray:
    """The table of the candidates above `scores_above`."""
    keep = s_prime > np.float32(planes.options.scores_above)
    pixels, s_prime = pixels[keep], s_prime[keep]
    scores = np.empty(pixels.size, SCORE)
    y, x = np.divmod(pixels, planes.stride)
    scores["y"], scores["x"] = y - planes.margin, x - planes.margin
    scores["s_prime"] = s_prime
    scores["s_prime_over_f"] = s_prime / planes.f(pixels)
    return scores


def _grow(planes: Planes, candidates: np.ndarray) -> np.ndarray:
    """The cosmic rays among the candidates, and their neighbours above the lower limit."""
    options = planes.options
    contrast = planes.s_prime(candidates) / planes.f(candidates)
    cosmic_rays = candidates[contrast > np.float32(options.objlim)]
    # A candidate beside a cosmic ray is one, star or not ...
    grown = np.intersect1d(planes.around(cosmic_rays), candidates, assume_unique=True)
    # ... and so is any pixel beside those which exceeds the lower limit.
    neighbours = planes.searched(planes.around(grown))
    return neighbours[planes.s_prime(neighbours) > np.float32(options.sigclip_low)]


class Planes:
    """The frame and the paper's quantities, each computed only at the pixels where it is needed."""

    def __init__(
        self,
        background: np.ndarray | None,
        variance: np.ndarray | None,
        extra: np.ndarray | None,
        cleaned: np.ndarray,
        bad: np.ndarray | None,
        options: Options,
    ) -> None:
        self.options = options
        self.sizes = (7, 7, 5, 9) if options.sepmed else (5, 5, 3, 7)
        self.margin = self._reach()
        self.shape = tuple(n + 2 * self.margin for n in cleaned.shape)
        self.stride = self.shape[1]
        self._fold = [_folded(n, self.margin) for n in cleaned.shape]
        self.data = self._extended(cleaned, 0.0)
        self.background = None if background is None else self._extended(background, 0.0)
        self.extra = None if extra is None else self._extended(extra, 0.0)
        if variance is None:
            variance = cleaned + np.float32(options.readnoise2)
        elif background is not None:
            variance = variance - background
        self.variance = self._extended(variance, np.inf)
        self._unrepaired_variance = variance
        self._unrepaired_data = cleaned
        self.in_frame = self._constant(True, False)
        self.good = self.in_frame.copy()
        if bad is not None:
            self.inside(self.good)[...] &= ~bad
        self.search = self.good.copy()
        self._clear_edges(self.search, options.edge_width)
        self.flagged = np.zeros(self.shape, dtype=bool)
        self.laplacian = np.zeros(self.shape, dtype=np.float32)
        self.known = np.zeros(self.shape, dtype=np.uint8)
        self._noise, self._s, self._s_prime, self._fine, self._f = (
            np.zeros(self.shape, dtype=np.float32) for _ in range(5)
        )

    # --- the frame and its margin ---------------------------------------------

    def _reach(self) -> int:
        """The distance (pixels) within which a change can change a pixel's result."""
        noise, s, fine, large = (size // 2 for size in self.sizes)
        if self.options.psf_kernel is not None:
            fine = noise + (max(self.options.psf_kernel.shape) - 1) // 2
        return _GROWTH + max(noise + s, fine + large)

    def inside(self, plane: np.ndarray) -> np.ndarray:
        """The part of a plane that is the frame, as a view."""
        m = self.margin
        return plane[m : plane.shape[0] - m, m : plane.shape[1] - m]

    def _constant(self, inside: bool, outside: bool) -> np.ndarray:
        plane = np.full(self.shape, outside)
        self.inside(plane)[...] = inside
        return plane

    def _extended(self, array: np.ndarray, outside: float) -> np.ndarray:
        plane = np.full(self.shape, np.float32(outside))
        self.inside(plane)[...] = array
        self._extend(plane)
        return plane

    def _extend(self, plane: np.ndarray) -> None:
        """Reflect the frame into the margin, if edges are searched."""
        if self.options.edges == "search":
            rows, columns = self._fold
            m = self.margin
            for side in (slice(0, m), slice(-m, None)):
                plane[m:-m, side] = plane[m:-m, columns[side]]
            for side in (slice(0, m), slice(-m, None)):
                plane[side] = plane[rows[side]]

    def _clear_edges(self, plane: np.ndarray, width: int) -> None:
        m = self.margin + width
        plane[:m] = plane[-m:] = False
        plane[:, :m] = plane[:, -m:] = False

    def _at_edge(self, pixels: np.ndarray, radius: int) -> np.ndarray:
        """True for pixels so close to an edge that a filter of this radius leaves them as they are."""
        y, x = np.divmod(pixels, self.stride)
        m = self.margin + radius
        return (y < m) | (x < m) | (y >= self.shape[0] - m) | (x >= self.shape[1] - m)

    def around(self, pixels: np.ndarray, radius: int = 1) -> np.ndarray:
        """The pixels and those within `radius` of them, each once, in order."""
        reached = np.zeros(self.shape, dtype=bool).ravel()
        reached[pixels] = True
        pixels = np.unique(pixels)
        for step in (1, self.stride):
            new = [pixels]
            for k in range(1, radius + 1):
                for shifted in (pixels - k * step, pixels + k * step):
                    shifted = shifted[~reached[shifted]]
                    reached[shifted] = True
                    new.append(shifted)
            pixels = np.concatenate(new)
        return np.sort(pixels)

    def searched(self, pixels: np.ndarray) -> np.ndarray:
        """Those of the pixels that are searched."""
        return pixels[self.search.ravel()[pixels]]

    # --- L+ ---------------------------------------------------------------------

    def pixels_above(self, limit: float, changed: np.ndarray | None) -> np.ndarray:
        """The searched pixels with S' > limit; after a repair only those near the `changed` ones."""
        if changed is None:
            pixels = self._pixels_of_high_laplacian(limit)
        else:
            self._renew_laplacian(self.around(changed))
            pixels = self.around(changed, self.margin)
            pixels = pixels[self.in_frame.ravel()[pixels]]
            self.known.ravel()[pixels] = 0
            self._forget_margin()
        pixels = self.searched(pixels)
        pixels = pixels[self.s(pixels) > np.float32(limit)]
        return pixels[self.s_prime(pixels) > np.float32(limit)]

    def _forget_margin(self) -> None:
        m = self.margin
        self.known[:m] = self.known[-m:] = 0
        self.known[:, :m] = self.known[:, -m:] = 0

    def _pixels_of_high_laplacian(self, limit: float) -> np.ndarray:
        """Compute L+; return the pixels where S can exceed the limit with the least noise around."""
        found = []
        for top in range(1, self.shape[0] - 1, _ROWS_AT_ONCE):
            rows = slice(top, min(top + _ROWS_AT_ONCE, self.shape[0] - 1))
            l_plus = laplacian_of_rows(self.data, rows)
            self.laplacian[rows, 1:-1] = l_plus
            above = l_plus > self._laplacian_limits(rows, limit)[1:-1]
            y, x = np.nonzero(above)
            found.append((y + top) * self.stride + x + 1)
        if self.options.edges == "skip":
            m, (ny, nx) = self.margin, self.shape
            edges_of_laplacian(self.inside(self.laplacian), self.data[m - 1 : ny - m + 1, m - 1 : nx - m + 1])
        return np.concatenate(found)

    def _laplacian_limits(self, rows: slice, limit: float) -> np.ndarray:
        """For each column the L+ that S needs to reach `limit` in some rows."""
        reach = max(self.sizes) // 2
        window = slice(max(rows.start - reach, 0), rows.stop + reach)
        variance = _least_around(self.variance[window])
        if self.background is not None:
            variance += _least_around(self.background[window])
        noise = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
        # The last factor makes room for the rounding of L+ / (2 noise).
        # An infinite L+ exceeds any limit.
        return np.fmin(2 * noise * np.float32(limit) * np.float32(0.999999), np.finfo(np.float32).max)

    def _renew_laplacian(self, pixels: np.ndarray) -> None:
        for start in range(0, pixels.size, PIXELS_AT_ONCE):
            some = pixels[start : start + PIXELS_AT_ONCE]
            data = self.data.ravel()
            self.laplacian.ravel()[some] = laplacian(
                data[some], data[some - 1], data[some + 1], data[some - self.stride], data[some + self.stride]
            )
        if self.options.edges == "search":
            self._renew_margin_of_laplacian()

    def _renew_margin_of_laplacian(self) -> None:
        """The margin mirrors repairs that were made inside the frame."""
        m, (ny, nx) = self.margin, self.shape
        for side in (slice(1, m), slice(ny - m, ny - 1)):
            self.laplacian[side, 1:-1] = laplacian_of_rows(self.data, side)
        for side in (slice(0, m + 1), slice(nx - m - 1, nx)):
            strip = self.data[:, side]
            inner = slice(side.start + 1, side.stop - 1)
            self.laplacian[1:-1, inner] = laplacian_of_rows(strip, slice(1, ny - 1))

    # --- noise, S and S' --------------------------------------------------------

    def _unknown(self, pixels: np.ndarray, bit: int) -> np.ndarray:
        """The pixels where a quantity is not computed yet, now marked as computed."""
        known = self.known.ravel()
        unknown = pixels[known[pixels] & bit == 0]
        known[unknown] |= bit
        return unknown

    def _windows(self, pixels: np.ndarray, size: int, need: Callable) -> None:
        """Compute a quantity in the windows around pixels."""
        radius = size // 2
        pixels = self.around(pixels, radius) if pixels.size else pixels
        need(pixels)

    def _median(self, plane: np.ndarray, pixels: np.ndarray, size: int) -> np.ndarray:
        """Medians around pixels; pixels of skipped edges keep their value."""
        medians = median_around(plane, pixels, size, self.options.sepmed)
        if self.options.edges == "skip":
            at_edge = self._at_edge(pixels, size // 2)
            medians[at_edge] = plane.ravel()[pixels[at_edge]]
        return medians

    def s(self, pixels: np.ndarray) -> np.ndarray:
        """S, the Laplacian over twice the noise."""
        unknown = self._unknown(pixels, _S)
        variance = self._median(self.variance, unknown, self.sizes[0])
        if self.background is not None:
            variance += self.background.ravel()[unknown]
        if self.extra is not None:
            variance += self.extra.ravel()[unknown]
        noise = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
        self._noise.ravel()[unknown] = noise
        self._s.ravel()[unknown] = self.laplacian.ravel()[unknown] / (2 * noise)
        return self._s.ravel()[pixels]

    def s_prime(self, pixels: np.ndarray) -> np.ndarray:
        """S' = S - median(S)."""
        unknown = self._unknown(pixels, _S_PRIME)
        size = self.sizes[1]
        self._windows(unknown, size, self.s)
        self._s_prime.ravel()[unknown] = self._s.ravel()[unknown] - self._median(self._s, unknown, size)
        return self._s_prime.ravel()[pixels]

    # --- fine structure ---------------------------------------------------------

    def fine(self, pixels: np.ndarray) -> np.ndarray:
        """The frame smoothed to show stars but no cosmic rays, electrons."""
        unknown = self._unknown(pixels, _FINE)
        if self.options.psf_kernel is not None:
            fine = self._matched_filter(unknown, self.options.psf_kernel)
        else:
            fine = self._median(self.data, unknown, self.sizes[2])
        self._fine.ravel()[unknown] = fine
        return self._fine.ravel()[pixels]

    def _matched_filter(self, pixels: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Data weighted by 1 / noise^2, seen through the star's profile."""
        ry, rx = ((n - 1) // 2 for n in kernel.shape)
        reach = max(ry, rx)
        if pixels.size:
            self.s(self.around(pixels, reach))
        data, noise = self.data.ravel(), self._noise.ravel()
        signal = np.zeros(pixels.size, dtype=np.float32)
        weight = np.zeros(pixels.size, dtype=np.float32)
        for dy in range(-ry, ry + 1):
            for dx in range(-rx, rx + 1):
                there = pixels + (dy * self.stride + dx)
                signal += kernel[ry - dy, rx - dx] * (data[there] / noise[there] / noise[there])
                weight += kernel[ry - dy, rx - dx] * (np.float32(1) / noise[there] / noise[there])
        return signal / weight

    def f(self, pixels: np.ndarray) -> np.ndarray:
        """F, the fine structure less its median, in units of the noise."""
        unknown = self._unknown(pixels, _F)
        size = self.sizes[3]
        self.s(unknown)
        self._windows(unknown, size, self.fine)
        contrast = self._fine.ravel()[unknown] - self._median(self._fine, unknown, size)
        self._f.ravel()[unknown] = np.maximum(contrast / self._noise.ravel()[unknown], _LEAST_F)
        return self._f.ravel()[pixels]

    # --- repair -----------------------------------------------------------------

    def repair(self, found: np.ndarray) -> np.ndarray:
        """Flag pixels and replace them; return the pixels whose data or variance changed."""
        flagged = self.flagged.ravel()
        new = found[~flagged[found]]
        flagged[found] = True
        if self.options.search_repair == "none":
            return found[:0]
        if self.options.search_repair == "median":
            due = found
        else:
            due = self.around(new, 2) if new.size else new
            due = due[flagged[due]]
        changed = np.zeros(due.size, dtype=bool)
        neighbours = self._neighbours(due)
        for plane, level_of in ((self.data, self._level_of_data), (self.variance, self._level_of_variance)):
            old = plane.ravel()[due]
            repaired = self._repaired(plane, due, neighbours, level_of)
            changed |= old != repaired
            plane.ravel()[due] = repaired
            self._extend(plane)
        return due[changed]

    def _neighbours(self, pixels: np.ndarray) -> np.ndarray:
        """Whether the repair uses each of the 25 pixels of a window, (25, n)."""
        usable = self.in_frame if self.options.search_repair == "median" else self.good & ~self.flagged
        return usable.ravel()[window(pixels, 5, self.stride)]

    def _repaired(self, plane: np.ndarray, pixels: np.ndarray, usable: np.ndarray, level_of: Callable) -> np.ndarray:
        values = plane.ravel()[window(pixels, 5, self.stride)]
        repair = self.options.search_repair
        if repair == "iraf":
            values = np.where(usable, values, _VERY_HIGH)
            usable = self.in_frame.ravel()[window(pixels, 5, self.stride)]
        n_usable = np.count_nonzero(usable, axis=0)
        lonely = n_usable == 0
        if repair in ("medmask", "median", "iraf"):
            in_order = np.sort(np.where(usable, values, np.float32(np.nan)), axis=0)  # NaN goes last
            middle = np.maximum(n_usable - 1, 0) // 2
            repaired = np.take_along_axis(in_order, middle[None], axis=0)[0]
        else:
            weights = np.ones_like(_NEARNESS) if repair == "meanmask" else _NEARNESS
            total = np.zeros(pixels.size, dtype=np.float32)
            weight = np.zeros(pixels.size, dtype=np.float32)
            for w, value, use in zip(weights.ravel(), values, usable, strict=True):
                total += np.where(use, w * value, np.float32(0))
                weight += np.where(use, w, np.float32(0))
            repaired = total / np.where(lonely, np.float32(1), weight)
        if lonely.any():
            repaired[lonely] = level_of()
        # A median may be 0.0 or -0.0, which compare equal; adding 0.0 turns both into 0.0.
        return repaired.astype(np.float32) + np.float32(0)

    def _level_of_data(self) -> np.float32:
        return lower_median(self._unrepaired_data[self.inside(self.good)])

    def _level_of_variance(self) -> np.float32:
        return lower_median(self._unrepaired_variance[self.inside(self.good)])


def _folded(n: int, margin: int) -> np.ndarray:
    """For each index of an axis with margins the index that it mirrors."""
    folded = np.arange(-margin, n + margin) % (2 * n)
    return np.minimum(folded, 2 * n - 1 - folded) + margin


def _least_around(rows: np.ndarray) -> np.ndarray:
    """For each column the least value of these rows in its tile or the next."""
    nx = rows.shape[1]
    least = np.fmin.reduce(rows, axis=0)
    tiles = np.fmin.reduceat(least, np.arange(0, nx, _COLUMNS_AT_ONCE))
    padded = np.pad(tiles, 1, mode="edge")
    tiles = np.fmin(np.fmin(padded[:-2], padded[2:]), tiles)
    return np.repeat(tiles, _COLUMNS_AT_ONCE)[:nx]
