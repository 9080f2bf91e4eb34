# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The level at which bright pixels pile up: full wells, or the end of the converter.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["PileUp", "find_pile_up"]

MOST_ROWS = 1024
MOST_SKY = 4096  # pixels that make the sky's level and scatter
FAR_ABOVE_SKY = 50.0  # standard deviations, below which nothing saturates
N_BINS = 25  # of the range from the sky to the highest pixel
LOWEST = 0.5  # share of that range below which no pile is looked for
FEWEST = 20  # pixels in a pile
CONTRAST = 5.0  # to the bins below, where unsaturated stars get ever more numerous
ABOVE = 0.25  # share of the pile's number that may lie above it: cosmic rays, a flat field's noise
WIDEST = 0.5  # share of the rows and of the columns that a pile may touch: a spectrum's line touches all of one


@dataclass(frozen=True)
class PileUp:
    """
    Where pixels pile up.

    Parameters
    ----------
    level : float
        Median of the pile.
    number : int
        Pixels in it, of the rows looked at.
    """

    level: float
    number: int


def find_pile_up(data, *, mask=None):
    """
    Look for a pile at the top of a frame's values.

    Parameters
    ----------
    data : `~numpy.ndarray` of numbers, shape (ny, nx)
        The frame, in any unit.
    mask : `~numpy.ndarray` of bool or None, shape (ny, nx)
        Pixels that do not count.

    Returns
    -------
    PileUp or None
        None where there is none.
    """
    rows = slice(None, None, max(data.shape[0] // MOST_ROWS, 1))
    sample = data[rows]
    sky, scatter = _sky(sample)
    top = _highest(sample)
    if not top - sky > FAR_ABOVE_SKY * scatter:
        return None
    y, x = np.divmod(np.flatnonzero(sample > sky + LOWEST / 2 * (top - sky)), sample.shape[1])
    values = sample[y, x].astype(float)
    good = np.isfinite(values) if mask is None else np.isfinite(values) & ~mask[rows][y, x]
    y, x, values = y[good], x[good], values[good]
    pile = _pile(values, sky, top)
    if pile is None:
        return None
    widest = max(len(np.unique(y[pile])) / sample.shape[0], len(np.unique(x[pile])) / sample.shape[1])
    return None if widest > WIDEST else PileUp(float(np.median(values[pile])), int(pile.sum()))


def _sky(sample):
    """
    Median and robust scatter of some pixels.
    """
    pixels = sample.reshape(-1)[:: max(sample.size // MOST_SKY, 1)].astype(float)
    pixels = pixels[np.isfinite(pixels)]
    if pixels.size == 0:
        return np.nan, np.nan
    sky = np.median(pixels)
    return float(sky), float(1.4826 * np.median(np.abs(pixels - sky)))


def _highest(sample):
    """
    The highest value that is finite.
    """
    highest = float(np.fmax.reduce(sample, axis=None))
    return highest if np.isfinite(highest) else float(sample[np.isfinite(sample)].max(initial=-np.inf))


def _pile(values, sky, top):
    """
    Which values are in the pile, None where there is none.
    """
    number = np.clip((N_BINS * (values - sky) / (top - sky)).astype(int), 0, N_BINS - 1)
    count = np.bincount(number, minlength=N_BINS)
    lowest = int(LOWEST * N_BINS)
    peak = lowest + int(np.argmax(count[lowest:]))
    first, last = max(peak - 1, 0), min(peak + 1, N_BINS - 1)
    inside = count[first : last + 1].sum()
    below = count[max(first - 4, 0) : first].mean()
    if count[peak] < FEWEST or count[peak] < CONTRAST * below or count[last + 1 :].sum() > ABOVE * inside:
        return None
    return (number >= first) & (number <= last)
