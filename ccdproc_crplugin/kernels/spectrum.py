# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Long-slit spectra: the direction of dispersion, and a smooth model of sky lines and traces.

A sky line runs along the slit and a trace along the dispersion. Medians of blocks along the slit give the sky, medians
of blocks along the dispersion give the traces; neither follows a cosmic ray. The idea is that of L.A.Cosmic for spectra
(van Dokkum 2001, PASP 113, 1420, section 4), which fits polynomials instead.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import median_filter

from ccdproc_crplugin.kernels.statistics import robust_std

#: Parts of the slit in all of which a sky line must show.
N_PARTS = 4

#: Lines of pixels that are looked at in each part; as many tell a median to a fifth of a pixel's noise.
LINES_OF_A_PART = 32

#: A line stands out against the profile smoothed over so many pixels.
SMOOTHED_OVER = 51

#: Least height of a line, in standard deviations of a single pixel: fainter ones do no harm to the search.
LEAST_HEIGHT = 2.0

#: Fewest pixels along the dispersion that lie in lines, and the least share of all.
FEWEST_PIXELS, LEAST_SHARE = 8, 0.003

#: The other direction must have fewer of them by this factor.
CONTRAST = 4

#: Pixels of a block along the slit and along the dispersion.
BLOCK_OF_SKY, BLOCK_OF_TRACE = 50, 80

#: Sky and traces are each taken from what the other leaves, so many times.
N_PASSES = 2


def dispersion_axis(data: np.ndarray, bad: np.ndarray | None = None) -> int | None:
    """The axis along which light is dispersed, or None for a frame without lines that cross all of it."""
    if min(data.shape) < 4 * N_PARTS:
        return None
    samples = [_sample(data, bad, axis) for axis in (0, 1)]
    noise = max(min(map(_pixel_noise, samples)), 1e-6)
    counts = [_pixels_in_lines(sample, noise) for sample in samples]
    axis = int(np.argmax(counts))
    enough = counts[axis] >= max(FEWEST_PIXELS, LEAST_SHARE * data.shape[axis])
    return axis if enough and counts[axis] > CONTRAST * counts[1 - axis] else None


def _sample(data: np.ndarray, bad: np.ndarray | None, axis: int) -> np.ndarray:
    """Lines of pixels along an axis, spread over each part of the other: float32 (n, parts, lines), NaN at bad ones."""
    parts = np.array_split(np.arange(data.shape[1 - axis]), N_PARTS)
    chosen = np.stack([part[np.linspace(0, len(part) - 1, LINES_OF_A_PART).astype(int)] for part in parts])
    sample = _lines(data, chosen, axis).astype(np.float32, copy=False)
    sample[np.isinf(sample)] = np.nan
    if bad is not None:
        sample[_lines(bad, chosen, axis)] = np.nan
    return sample


def _lines(array: np.ndarray, chosen: np.ndarray, axis: int) -> np.ndarray:
    """The chosen lines along an axis, the axis first, in C order."""
    return np.ascontiguousarray(np.moveaxis(array.take(chosen, axis=1 - axis), -axis, 0))


def _pixel_noise(sample: np.ndarray) -> float:
    """Standard deviation of a pixel, from the differences of neighbours along the lines."""
    steps = np.diff(sample[:, :, ::4], axis=0)
    steps = steps[np.isfinite(steps)]
    return float(robust_std(steps, np.median(steps))) / np.sqrt(2) if steps.size else 0.0


def _pixels_in_lines(sample: np.ndarray, noise: float) -> int:
    """How many places along the lines lie in a feature of all parts that is wider than a pixel."""
    profiles = _medians_of_parts(sample)
    width = min(SMOOTHED_OVER, profiles.shape[1] // 4)
    smooth = np.stack([median_filter(profile, size=width) for profile in profiles])  # far faster than both axes at once
    lines = np.min(profiles - smooth, axis=0) > LEAST_HEIGHT * noise
    lines = lines[width // 2 : -(width // 2)]  # near an end a gradient stands out against its reflection
    return int(np.count_nonzero(lines[1:] & lines[:-1]))


def spectrum_model(data: np.ndarray, axis: int, bad: np.ndarray | None = None) -> np.ndarray:
    """
    Sky lines and traces of a long-slit spectrum whose light is dispersed along ``axis``.

    ``data`` and the model are float32, shape (ny, nx), in the same unit; ``bad`` pixels are left out.
    """
    pixels = np.asarray(data, dtype=np.float32)
    if bad is not None and bad.any():
        pixels = np.where(bad, np.float32(np.nan), pixels)
    traces: np.ndarray | np.floating = np.float32(0)
    for _ in range(N_PASSES):
        sky = _block_medians(pixels - traces, BLOCK_OF_SKY, 1 - axis)
        traces = _block_medians(pixels - sky, BLOCK_OF_TRACE, axis)
    return sky + traces


def on_top_of(
    background: np.ndarray | None, data: np.ndarray, extra_variance: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The data less the background, and the extra variance with the photons of the latter."""
    if background is None:
        return data, extra_variance
    photons = np.maximum(background, 0)
    return data - background, photons if extra_variance is None else photons + extra_variance


def _block_medians(pixels: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Medians of blocks along an axis, joined by straight lines between the middles of the blocks."""
    lines = np.moveaxis(pixels, axis, -1)
    n = lines.shape[-1]
    n_blocks = max(round(n / size), 1)
    edges = np.linspace(0, n, n_blocks + 1).round().astype(int)
    blocks = [_medians(lines[..., start:stop]) for start, stop in itertools.pairwise(edges)]
    middles = (edges[:-1] + edges[1:] - 1) / 2
    return np.moveaxis(_joined(np.stack(blocks, axis=-1), middles, n), -1, axis)


def _medians(block: np.ndarray) -> np.ndarray:
    """Medians along the last axis without the NaN; 0 where all are NaN."""
    if not np.isnan(block).any():
        return np.median(block, axis=-1)
    ordered = np.sort(block, axis=-1)  # NaN goes last
    n_good = np.count_nonzero(~np.isnan(block), axis=-1)
    low, high = np.maximum(n_good - 1, 0) // 2, n_good // 2
    pair = np.take_along_axis(ordered, np.stack([low, np.minimum(high, block.shape[-1] - 1)], axis=-1), axis=-1)
    return np.where(n_good > 0, pair.mean(axis=-1), np.float32(0))


def _medians_of_parts(sample: np.ndarray) -> np.ndarray:
    """Medians of the lines of each part, (parts, n), as by `_medians`."""
    if np.isnan(sample).any():
        return _medians(sample).T
    ordered, half = np.sort(sample, axis=-1), sample.shape[-1] // 2
    return (ordered[..., half - 1] + ordered[..., half]).T / 2


def _joined(medians: np.ndarray, middles: np.ndarray, n: int) -> np.ndarray:
    """The medians of blocks at each of ``n`` pixels, by straight lines through the middles of two blocks."""
    if len(middles) == 1:
        return np.repeat(medians, n, axis=-1)
    place = np.arange(n)
    before = np.clip(np.searchsorted(middles, place, side="right") - 1, 0, len(middles) - 2)
    weight = ((place - middles[before]) / np.diff(middles)[before]).astype(np.float32)
    return medians[..., before] * (1 - weight) + medians[..., before + 1] * weight
