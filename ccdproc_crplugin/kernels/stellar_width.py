# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How wide the stars of a frame are, and the contrast to the fine structure that follows from it.

`stellar_width` samples the frame tile by tile until enough stars are found. In each tile every local maximum
well above the noise becomes a candidate; its width is that of the Gaussian which, used as the weight,
reproduces the second moment of its light (adaptive moments [1]_). Stars of a frame share one width and are round.
Cosmic rays are sharper than the point-spread function or elongated; galaxies and blends are wider, and scatter.

`objlim_for_width` turns the width into the ``objlim`` of L.A.Cosmic with true medians.

References
----------
.. [1] G. M. Bernstein and M. Jarvis, AJ 123, 583 (2002), section 3.
.. [2] P. G. van Dokkum, PASP 113, 1420 (2001), section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import robust_std

TILE = 256  # pixels
MOST_TILES = 32  # 2.1 million pixels, an eighth of a frame of 4096 x 4096
AT_ONCE = 5  # tiles whose candidates are measured together
MOST_PEAKS = 150  # per tile, so that a tile full of structure takes no more time than others
RADIUS = 10  # pixels, half of a stamp: three standard deviations of a star of FWHM 8
CORE = 4  # pixels, within which no pixel may be higher than the peak
MOST_HOLES = 0.2  # share of a cut-out whose pixels may be masked
FALLEN = 0.85  # share of the peak below which the light must be at that distance: a star of FWHM 8 has half

PEAK = 6.0  # a candidate's peak over the sky, in standard deviations of the noise
ENOUGH = 80  # round candidates after which no further tile is read
FEWEST = 8  # stars that must agree
FEWEST_ALONE = 4  # the same, where nearly all round candidates agree
SAME = 1.2  # widths within this factor of each other agree
LARGEST_ELLIPTICITY = 0.15
SATURATED = 0.9  # share of the saturation level from which a peak is flattened

N_ITERATIONS = 8
# The weight never gets narrower than this (square pixels): on a pixel or two of charge a narrower one
# measures the pixel grid, and a cosmic ray on four pixels would look like a star.
SMALLEST_WEIGHT = 1.0

FWHM_OF_SIGMA = 2 * np.sqrt(2 * np.log(2))
PIXEL_VARIANCE = 1 / 12  # of a pixel's own square window, in square pixels
# The Gaussian of a star's adaptive moment is wider than its half maximum: by 1.00 for a Gaussian
# star, 1.07 for a Moffat slope of 4.8, 1.13 for 3.0, 1.17 for 2.5.
GAUSSIAN_TO_HALF_MAXIMUM = 1.1
SHARPEST = 1.22  # pixels: a narrower candidate is a cosmic ray or a hot pixel, whatever the optics

# The largest ratio of Laplacian to fine structure at a star's peak is this over the cube of its width.
STAR_CONTRAST = 10.0
NOISE_MARGIN = 1.25
LOWEST_OBJLIM = 1.5
HIGHEST_OBJLIM = 5.0  # van Dokkum's advice for undersampled stars
# Fields of sharp stars are measured as sharp, so without a width there are few stars or none. A spectral line of a
# width of 1.3 pixels has a contrast of 1.05, wider ones less; at 3 a stray star of a width of 1.7 is still spared.
OBJLIM_WITHOUT_STARS = 3.0


def stellar_width(
    data: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    saturation: float | None = None,
    sharpest: float = SHARPEST,
) -> float | None:
    """
    Full width at half maximum (pixels) of a frame's stars; None where fewer than 8 stars agree (4, if nearly all do).

    Within 10 % for Gaussian stars and Moffat slopes of 2.5 and steeper and widths from 1.5 to 7 pixels; stars of
    FWHM 1.3 measure 1.2 to 1.55. What is narrower than ``sharpest`` (pixels) is not taken for a star.
    """
    if min(data.shape) <= 2 * RADIUS:
        return None
    widths = np.zeros(0)
    places = tiles(data.shape)
    for first in range(0, len(places), AT_ONCE):
        stamps = [candidates(data, *tile, mask, saturation) for tile in places[first : first + AT_ONCE]]
        widths = np.append(widths, _round_widths(np.concatenate(stamps), sharpest))
        if widths.size >= ENOUGH:
            break
    return _common_width(widths)


def tiles(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Pairs of slices of up to `MOST_TILES` tiles, spread over the frame from the first few on."""
    n_rows, n_columns = (max(size // TILE, 1) for size in shape)
    # Steps of the golden section spread any number of first tiles over the whole frame.
    order = np.argsort((np.arange(n_rows * n_columns) * 0.6180339887498949) % 1.0)
    places = (divmod(int(number), n_columns) for number in order[:MOST_TILES])
    return [(_part(row, n_rows, shape[0]), _part(column, n_columns, shape[1])) for row, column in places]


def _part(number: int, n_parts: int, size: int) -> slice:
    """Slice of one of ``n_parts`` equal parts of an axis."""
    return slice(number * size // n_parts, (number + 1) * size // n_parts)


def candidates(
    data: np.ndarray, rows: slice, columns: slice, mask: np.ndarray | None, saturation: float | None
) -> np.ndarray:
    """Cut-outs of the candidates of one tile, float32 (n, side, side)."""
    y, x = _peaks(data, rows, columns, mask)
    usable = _stands_alone(_without_holes(_stamps(data, mask, y, x, CORE)), saturation)
    stamps = _without_holes(_stamps(data, mask, y[usable], x[usable], RADIUS))
    return stamps[np.isfinite(stamps).all(axis=(1, 2))]


def _without_holes(stamps: np.ndarray) -> np.ndarray:
    """
    Cut-outs in which a masked pixel has the value of the pixel opposite to it, as a star is symmetric about its peak.

    If that one is masked too, it has the value of a pixel a quarter turn away. Holes stay next to the peak, where all
    four are masked, and in cut-outs with too many.
    """
    holes = ~np.isfinite(stamps)
    middle = stamps.shape[1] // 2
    next_to_peak = holes[:, middle - 1 : middle + 2, middle - 1 : middle + 2].any(axis=(1, 2))
    mended = holes.any(axis=(1, 2)) & ~next_to_peak & (holes.mean(axis=(1, 2)) <= MOST_HOLES)
    if mended.any():
        stamps = stamps.copy()
        own = stamps[mended]
        for turns in (2, 1, 3):
            own = np.where(np.isfinite(own), own, np.rot90(stamps[mended], turns, axes=(1, 2)))
        stamps[mended] = own
    return stamps


def _round_widths(stamps: np.ndarray, sharpest: float) -> np.ndarray:
    """Widths (FWHM, pixels) of the round candidates."""
    if len(stamps) == 0:
        return np.zeros(0)
    fwhm, ellipticity = adaptive_widths(stamps)
    return fwhm[(ellipticity < LARGEST_ELLIPTICITY) & (fwhm > sharpest) & (fwhm < RADIUS)]


def adaptive_widths(stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Width (FWHM, pixels) and ellipticity of the light of each stamp."""
    variance, ellipticity = _adaptive_moments(stamps)
    return FWHM_OF_SIGMA * np.sqrt(np.maximum(variance - PIXEL_VARIANCE, 0)) / GAUSSIAN_TO_HALF_MAXIMUM, ellipticity


def _stands_alone(core: np.ndarray, saturation: float | None) -> np.ndarray:
    """Which cut-outs peak in the middle, are not saturated, and fall off on all sides as no spectral line does."""
    peak, lowest, highest = core[:, CORE, CORE], core.min(axis=(1, 2)), core.max(axis=(1, 2))
    border = np.maximum(core[:, [0, -1], :].max(axis=(1, 2)), core[:, :, [0, -1]].max(axis=(1, 2)))
    alone = (highest <= peak) & (border - lowest < FALLEN * (peak - lowest))  # a NaN compares false
    return alone if saturation is None else alone & (peak < SATURATED * saturation)


def _peaks(data: np.ndarray, rows: slice, columns: slice, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the local maxima of a tile, a stamp's half away from the frame's edges."""
    tile = data[rows, columns]
    threshold = _threshold(tile[::4, ::4] if mask is None else tile[::4, ::4][~mask[rows, columns][::4, ::4]])
    y, x = true_pixels(tile > threshold)
    y, x = y + rows.start, x + columns.start
    inside = (y >= RADIUS) & (y < data.shape[0] - RADIUS) & (x >= RADIUS) & (x < data.shape[1] - RADIUS)
    width, pixels = data.shape[1], data.reshape(-1)
    place = y[inside] * width + x[inside]
    masked = None if mask is None else mask.reshape(-1)
    place = place if masked is None else place[~masked[place]]
    for step in (1, -1, width, -width, width + 1, width - 1, 1 - width, -1 - width):
        is_higher = pixels[place] >= pixels[place + step]
        place = place[is_higher if masked is None else is_higher | masked[place + step]]
    return np.divmod(place[:: max(-(-place.size // MOST_PEAKS), 1)], width)


def _threshold(sample: np.ndarray) -> float | np.ndarray:
    """Level above which a pixel may be a star's peak."""
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return np.inf
    sky = _median(sample)
    return sky + PEAK * robust_std(sample, sky, _median)


def _median(sample: np.ndarray) -> np.ndarray:
    """Median of finite numbers along the last axis, faster than `numpy.median`."""
    half = sample.shape[-1] // 2
    ordered = np.partition(sample, half)
    middle = ordered[..., half]
    return middle if sample.shape[-1] % 2 else (ordered[..., :half].max(axis=-1) + middle) / 2


def _stamps(data: np.ndarray, mask: np.ndarray | None, y: np.ndarray, x: np.ndarray, radius: int) -> np.ndarray:
    """Square cut-outs about pixels, float32 (n, side, side), masked pixels NaN."""
    side, corner = (2 * radius + 1, 2 * radius + 1), (y - radius, x - radius)
    stamps = sliding_window_view(data, side)[corner].astype(np.float32, copy=False)
    if mask is not None:
        stamps[sliding_window_view(mask, side)[corner]] = np.nan
    return stamps


def _adaptive_moments(stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variance (square pixels) and ellipticity of the Gaussian that matches the light of each stamp."""
    light = stamps - ring_median(stamps)[:, np.newaxis, np.newaxis]
    offset = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
    x0, y0 = np.zeros((2, len(stamps)), dtype=np.float32)
    variance = np.full_like(x0, 2.0)
    for _ in range(N_ITERATIONS):
        weight = np.maximum(variance, SMALLEST_WEIGHT)
        x, y, xx, yy, xy = _weighted_moments(light, offset - x0[:, np.newaxis], offset - y0[:, np.newaxis], weight)
        # The weight pulls the centroid half the way back where it is as wide as the star.
        x0, y0 = np.clip(x0 + 2 * x, -2, 2), np.clip(y0 + 2 * y, -2, 2)
        # A Gaussian of variance v seen through a weight of variance w measures v w / (v + w).
        inverse = 2 / np.maximum(xx + yy, 1e-3) - 1 / weight
        variance = np.clip(1 / np.maximum(inverse, 1e-3), 0.01, 25.0)
    return variance, np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, 1e-3)


def ring_median(stamps: np.ndarray) -> np.ndarray:
    """Median of the two outermost pixels all around, the local sky."""
    ring = np.ones(stamps.shape[1:], dtype=bool)
    ring[2:-2, 2:-2] = False
    return _median(stamps[:, ring])


def _weighted_moments(
    light: np.ndarray, dx: np.ndarray, dy: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, ...]:
    """First and second moments of each stamp under a round Gaussian weight."""
    along_x, along_y = (_weighted_powers(offset, variance[:, np.newaxis]) for offset in (dx, dy))
    moments = along_y @ light @ along_x.swapaxes(1, 2)
    total = np.maximum(moments[:, 0, 0], 1e-6)
    return tuple(moments[:, power_y, power_x] / total for power_y, power_x in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 1)))


def _weighted_powers(offset: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """A Gaussian weight along one axis times the powers 0, 1 and 2 of the offset, (n, 3, side)."""
    weight = np.exp(-0.5 * offset**2 / variance)
    return np.stack((weight, weight * offset, weight * offset**2), axis=1)


def _common_width(widths: np.ndarray) -> float | None:
    """Width (pixels) on which most candidates agree, None if too few do."""
    widths = np.sort(widths)
    last = np.searchsorted(widths, widths * SAME, side="right")
    n_agree = last - np.arange(widths.size)
    most = n_agree.max(initial=0)
    if most < FEWEST and not (most >= FEWEST_ALONE and most >= 0.8 * widths.size):
        return None
    # Blends and galaxies are wider than stars, and nothing round is narrower: of two groups take the
    # narrower one unless it is small, then the densest part of it.
    first = int(np.argmax(n_agree >= max(most / 2, min(FEWEST, most))))
    first += int(n_agree[first : last[first]].argmax())
    return round(float(np.median(widths[first : last[first]])), 3)


def objlim_for_width(fwhm: float | None) -> float:
    """
    The ``objlim`` (with true medians) for stars of this width (pixels); None for a frame without stars.

    L.A.Cosmic keeps a pixel if its Laplacian is ``objlim`` times its fine structure [2]_. At the peak of a star this
    ratio does not depend on the brightness: with true medians it is at most 10 / fwhm^3 for stars between a Moffat
    slope of 2.5 and a Gaussian, wherever their centre falls in a pixel. The rule adds 1.25 to it for noise and close
    pairs, and clips the sum to `LOWEST_OBJLIM` and `HIGHEST_OBJLIM`.
    """
    if fwhm is None:
        return OBJLIM_WITHOUT_STARS
    return float(np.clip(NOISE_MARGIN + STAR_CONTRAST / fwhm**3, LOWEST_OBJLIM, HIGHEST_OBJLIM))
