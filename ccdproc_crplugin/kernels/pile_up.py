# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bright end of a frame: its highest values, and whether they pile up at full wells or the end of the converter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import robust_std

MOST_ROWS = 1024
MOST_SKY = 4096  # pixels that make the sky's level and scatter
FAR_ABOVE_SKY = 50.0  # standard deviations, below which nothing saturates
FEWEST = 20  # pixels that make a pile, or reach the level `high`: cosmic rays are fewer
N_BINS = 25  # from 0 to the highest pixel
LOWEST = 0.5  # share of the way from the sky to the highest pixel, below which no pile is searched
CONTRAST = 5.0  # to the bins below, where unsaturated stars get ever more numerous
N_BELOW = 4
ABOVE = 0.25  # most pixels above a pile, as a share of it: cosmic rays, noise of the flat field
# Saturation piles up within stars, whose flanks are bright: of this share of the pile, a pixel and at least six of the
# eight around it are above that share of the way from the sky to the pile. Hits of equal charge have sky around them.
IN_SOURCES, FLANK, MOST_AROUND = 0.1, 0.1, 7
# A line of a spectrum touches more than this share of the rows or columns, and half as many of the others at most.
WIDEST = 0.5
NARROW = 0.5
# A pile is clear if its values are equal but for this share of the level, or smeared by a flat field, where several
# stars have it: what light makes level, the disc of a planet or of a star out of focus, is one by itself. A lit field
# holds more of the pixels.
EQUAL, SMEARED = 0.002, 0.03
CELL, FEWEST_OF_A_STAR = 16, 3  # pixels: stars apart are in cells that do not touch
COMMON = 0.02
# A level below the pile, by this share of it or by so many times its scatter, if that is more.
MARGIN, SCATTERS = 0.02, 3.0


@dataclass(frozen=True)
class BrightEnd:
    """The highest values of a frame, in its unit."""

    sky: float  # median, NaN without a finite pixel
    high: float  # value that 20 pixels reach, or the sky where fewer are far above it
    pile: float | None = None  # level at which pixels pile up
    level: float | None = None  # level just below, from which pixels are saturated; None unless the pile is clear


def measure_bright_end(data: np.ndarray, *, mask: np.ndarray | None = None) -> BrightEnd:
    """Measure the bright end on about 1000 rows of a frame, without the masked pixels."""
    rows = slice(None, None, max(data.shape[0] // MOST_ROWS, 1))
    sample = data[rows]
    sky, scatter = _sky(sample)
    top = _highest(sample)
    if not top - sky > FAR_ABOVE_SKY * scatter:
        return BrightEnd(sky, sky)
    y, x = true_pixels(sample > sky + LOWEST / 2 * (top - sky))
    values = sample[y, x].astype(float)
    good = np.isfinite(values) if mask is None else np.isfinite(values) & ~mask[rows][y, x]
    y, x, values = y[good], x[good], values[good]
    if values.size < FEWEST:
        return BrightEnd(sky, sky)
    high = float(np.partition(values, -FEWEST)[-FEWEST])
    pile = _pile(values, sky, top)
    if pile is None or _is_line(y[pile], x[pile], sample.shape):
        return BrightEnd(sky, high)
    middle = float(np.median(values[pile]))
    if not _in_sources(data, y[pile] * (rows.step or 1), x[pile], sky + FLANK * (middle - sky)):
        return BrightEnd(sky, high)
    scatter = float(robust_std(values[pile], middle))
    limit = SMEARED if _n_stars(y[pile] * (rows.step or 1), x[pile], data.shape) > 1 else EQUAL
    clear = scatter <= limit * middle and np.count_nonzero(pile) <= max(COMMON * sample.size, FEWEST)
    return BrightEnd(sky, high, middle, middle - max(MARGIN * middle, SCATTERS * scatter) if clear else None)


def _sky(sample: np.ndarray) -> tuple[float, float]:
    """Median and robust scatter of some pixels."""
    pixels = sample.reshape(-1)[:: max(sample.size // MOST_SKY, 1)].astype(float)
    pixels = pixels[np.isfinite(pixels)]
    if pixels.size == 0:
        return np.nan, np.nan
    sky = np.median(pixels)
    return float(sky), float(robust_std(pixels, sky))


def _highest(sample: np.ndarray) -> float:
    """The highest value that is finite."""
    highest = float(np.fmax.reduce(sample, axis=None))
    return highest if np.isfinite(highest) else float(sample[np.isfinite(sample)].max(initial=-np.inf))


def _pile(values: np.ndarray, sky: float, top: float) -> np.ndarray | None:
    """True for the values in the pile; None if there is no pile."""
    if top <= 0:
        return None
    number = np.clip((N_BINS * values / top).astype(int), 0, N_BINS - 1)
    count = np.bincount(number, minlength=N_BINS)
    lowest = max(int(N_BINS * (sky + LOWEST * (top - sky)) / top), 0)
    if lowest >= N_BINS:
        return None
    peak = lowest + int(np.argmax(count[lowest:]))
    first, last = max(peak - 1, 0), min(peak + 1, N_BINS - 1)
    inside, below = count[first : last + 1].sum(), count[max(first - N_BELOW, 0) : first]
    if count[peak] < FEWEST or count[peak] < CONTRAST * below.sum() / N_BELOW:
        return None
    return None if count[last + 1 :].sum() > ABOVE * inside else (number >= first) & (number <= last)


def _in_sources(data: np.ndarray, y: np.ndarray, x: np.ndarray, level: float) -> bool:
    """Whether some pixels lie in light in part: nearly all around is above a level, as around no hit or thin trail."""
    n_bright = np.zeros(len(y), dtype=int)
    for dy, dx in np.ndindex(3, 3):
        rows, columns = (
            np.clip(place, 0, size - 1) for place, size in zip((y + dy - 1, x + dx - 1), data.shape, strict=True)
        )
        n_bright += data[rows, columns] > level
    return bool(np.count_nonzero(n_bright >= MOST_AROUND) >= max(FEWEST_OF_A_STAR, IN_SOURCES * len(y)))


def _n_stars(y: np.ndarray, x: np.ndarray, shape: tuple[int, int]) -> int:
    """The number of places in the frame where some of the pixels lie together."""
    width = shape[1] // CELL + 1
    cells, number = np.unique(y // CELL * width + x // CELL, return_counts=True)
    groups = label_pixels(*np.divmod(cells, width), (shape[0] // CELL + 1, width))
    return int(np.count_nonzero(np.bincount(groups, weights=number) >= FEWEST_OF_A_STAR))


def _is_line(y: np.ndarray, x: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether pixels lie along a row or a column through the frame."""
    shares = [len(np.unique(places)) / size for places, size in zip((y, x), shape, strict=True)]
    return max(shares) > WIDEST and min(shares) < NARROW * max(shares)
