# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How much light a flat field saw, and which of its pixels saw almost none.

The statistics of a whole flat are wrong where a part of it is dark: dead columns and rows, a vignetted chip, the
surroundings of a slit. Once they make up half of the pixels, the median is that of the dark part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Share of the level below which a pixel saw almost no light.
LEAST_LIGHT = 0.05

#: The statistics of the lit pixels that are called the level of a flat.
STATISTICS: dict[str, Callable] = {"mean": lambda values: np.mean(values, dtype=np.float64), "median": np.median}

#: Where the search for the level begins: hot pixels are fewer than the rest of this share, lit pixels more.
BRIGHT = 0.99

#: Side of the squares (pix) within which the light of a flat hardly changes.
_SQUARE = 32

_MOST_ROUNDS, _SAMPLE = 50, 1 << 18


def light_level(flat: np.ndarray, statistic: str = "mean", least_light: float = LEAST_LIGHT) -> float:
    """
    The level of a flat (ny, nx): the statistic of its lit pixels, NaN if there is no light in it.

    Lit are the finite pixels above ``least_light`` of that very level; the search for it begins at the bright end.
    A few unlit pixels among lit ones count with the mean of these, so that dead rows in the middle of a vignetted flat
    leave its level as it is.
    """
    of = STATISTICS[statistic]
    with np.errstate(invalid="ignore", over="ignore"):
        level = float(of(flat)) if flat.size else float("nan")
        if flat.size and flat.min() > max(least_light * level, 0):  # all of an ordinary flat is lit
            return level
        values = flat[np.isfinite(flat) & (flat > 0)]
    if not values.size:
        return float("nan")
    level = float(np.quantile(values[:: max(1, values.size // _SAMPLE)], BRIGHT))
    for _ in range(_MOST_ROUNDS):
        earlier, level = level, float(of(values[values > least_light * level]))
        if level == earlier:
            break
    return float(of(_filled(flat, ~unlit_pixels(flat, level, least_light))))


def _filled(flat: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """The values (n,) of the lit pixels of a flat, and for unlit ones in a square lit for the most part its mean."""
    starts = [np.arange(0, size, _SQUARE) for size in flat.shape]
    n_lit, n_all, total = (
        np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
        for values in (lit.astype(np.int32), np.ones(flat.shape, dtype=np.int32), np.where(lit, flat, np.float64(0)))
    )
    mostly_lit = 2 * n_lit > n_all
    mean, fillable = (
        np.repeat(np.repeat(squares, _SQUARE, axis=0)[: flat.shape[0]], _SQUARE, axis=1)[:, : flat.shape[1]]
        for squares in (total / np.maximum(n_lit, 1), mostly_lit)
    )
    return np.where(lit, flat, mean)[lit | fillable]


def unlit_pixels(flat: np.ndarray, level: float, least_light: float = LEAST_LIGHT) -> np.ndarray:
    """The pixels of a flat, bool, that saw less than a share of its level, or are not finite."""
    with np.errstate(invalid="ignore"):
        return ~((flat > least_light * level) & np.isfinite(flat))
