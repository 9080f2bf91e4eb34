# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The noise of a frame, measured and expected from its level, gain and read noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.blocks import quantiles
from ccdproc_crplugin.kernels.photon_transfer import measure_noise
from ccdproc_crplugin.kernels.statistics import robust_std

#: Structure of the scene adds this share of the difference between the variances over two pixels and over one,
#: as measured on simulated fields of stars with a FWHM of 1.3 to 6 pixels (0.40 to 0.68).
STRUCTURE = 0.6
#: A block whose variance grows by this factor from one pixel to two is not sky.
SKY = 1.35
#: Where fewer of the blocks are sky, a low noise may be that of pixels smeared into their neighbours.
FEWEST_SKY = 0.05
#: Below this share of the noise that photons and read-out make, an uncertainty is not that of the frame.
LEAST_UNCERTAINTY = 0.5
#: Overlapping differences share pixels: this many tell as much as one alone.
OVERLAP = 2.25


@dataclass(frozen=True)
class NoiseBudget:
    """The noise of a frame, in electron."""

    level: float
    expected: float
    readnoise: float
    ratio: float
    smooth: bool
    error: float
    slope: float
    slope_error: float
    by_uncertainty: bool
    extra: float  # variance of what was subtracted

    @property
    def variance(self) -> float:
        """Variance of a sky pixel."""
        return max(self.ratio, 0) * self.expected

    @property
    def modelled(self) -> float:
        """Variance of a sky pixel by photons, read-out and what was subtracted, whatever the uncertainty says."""
        return max(self.level, 0) + self.readnoise**2 + self.extra


def noise_budget(
    blocks: np.ndarray,
    readnoise: float | np.ndarray,
    variance: np.ndarray | None = None,
    extra: np.ndarray | None = None,
) -> NoiseBudget | None:
    """
    Measure the noise of a frame and compare it; the read noise (electron) is one value, or one for each pixel.

    ``variance`` is that of the uncertainty, ``extra`` that of what was subtracted, electrons squared, as the blocks.
    """
    of_block = quantiles(readnoise, 0.5)[0] if isinstance(readnoise, np.ndarray) else readnoise
    variance = None if variance is None or _too_small(variance, blocks, of_block) else variance
    measured = measure_noise(blocks, readnoise, variance=variance, extra=extra)
    usable = measured.ratio > 0  # a saturated block has no noise, an empty one neither
    if not usable.any():
        return None
    ratio, apart, level = measured.ratio[usable], measured.ratio_apart[usable], measured.level[usable]
    plain = ratio - STRUCTURE * (apart - ratio)
    of_block = of_block[measured.index[usable]] if isinstance(of_block, np.ndarray) else of_block
    expected = np.maximum(level, 0) + of_block**2
    if variance is not None:
        (expected,) = quantiles(variance[measured.index[usable]], 0.5)
    subtracted = 0.0 if extra is None else quantiles(extra[measured.index[usable]], 0.5)[0]
    expected = expected + subtracted
    slope, slope_error = _slope(level, plain * expected)
    return NoiseBudget(
        level=float(np.median(level)),
        expected=float(np.median(expected)),
        readnoise=float(np.median(of_block)),
        ratio=float(np.median(plain)),
        smooth=bool((apart < SKY * ratio).mean() < FEWEST_SKY),
        error=2 * math.sqrt(2 * OVERLAP / measured.number[usable].sum()),
        slope=slope,
        slope_error=slope_error,
        by_uncertainty=variance is not None,
        extra=float(np.median(subtracted)),
    )


def _too_small(variance: np.ndarray, blocks: np.ndarray, readnoise: float | np.ndarray) -> bool:
    """Whether a variance is too small for the noise of the frame, as that of a combined frame is."""
    (level,), (claimed,) = quantiles(blocks, 0.5), quantiles(variance, 0.5)
    known = np.isfinite(level) & np.isfinite(claimed)
    made = np.maximum(level, 0) + readnoise**2
    return not known.any() or bool(np.median(claimed[known]) < LEAST_UNCERTAINTY**2 * np.median(made[known]))


def _slope(level: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Growth of the variance from the faintest quarter of the blocks to the brightest, and its error."""
    quarter = len(level) // 4
    if quarter < 4:
        return math.nan, math.nan
    order = np.argsort(level)
    faint, bright = order[:quarter], order[-quarter:]
    step = float(np.median(level[bright]) - np.median(level[faint]))
    if step <= 0:
        return math.nan, math.nan
    scatter = [robust_std(variance[part], np.median(variance[part])) for part in (faint, bright)]
    rise = float(np.median(variance[bright]) - np.median(variance[faint]))
    return rise / step, 1.25 * math.hypot(*scatter) / math.sqrt(quarter) / step
