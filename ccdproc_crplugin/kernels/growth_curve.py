# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
From which excess on a pixel beside an event joins it.

A hit spills a share of its charge over its edges, so the pixel beside a bright one is more likely to hold charge than
the pixel beside a faint one. How much is spilled depends on the chip. It is measured on the bright events of the frame
itself: the excess of the fainter pixels beside bright ones, in units of the bright one, says which shares are how
frequent, and how many pixels hold nothing. A few events say little; a prior stands for a number of pixels.

A pixel of excess r beside one of excess a holds charge with odds of the mean of exp(q r - q^2 / 2) over the shares,
q = a share, times the number of pixels with charge to that of those without. It joins where these exceed `ODDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

#: Odds that a pixel must hold charge to join.
ODDS = 1.18

#: Excess (standard deviations) below which no pixel joins, and from which on any does.
LEAST, MOST = 1.0, 4.0

#: Structure (variances of the noise) from which on the light around a pixel is that of a star or the like and no plain
#: sky, and the least excess (standard deviations) with which a pixel joins there. It tells nothing about the chip.
STRUCTURED, IN_STRUCTURE = 3.0, 2.5

#: Pixels are told apart by how many bright pixels of the event lie across their edges: none, one or more.
N_CLASSES = 3

#: Excess of the brightest neighbour (standard deviations) at which thresholds are computed; they are interpolated.
KNOTS = np.array([3.0, 5.0, 10.0, 20.0, 50.0, 100.0])

#: Excess of a bright pixel (standard deviations), and the share of it up to which a pixel beside may be spilled charge.
BRIGHT, FAINT_SHARE = 50.0, 0.3

#: Shares of the charge that are told apart, evenly in their logarithm.
SHARES = np.geomspace(0.003, 0.6, 40)

#: The prior: for how many pixels of each class it stands, and how many of them in each class hold charge. All shares
#: are equally frequent among these.
PRIOR_PIXELS = 150.0
PRIOR_CHARGED = (0.05, 0.25, 0.5)

#: Pixels without charge that exceed `LEAST`: the upper tail of the normal distribution.
TAIL = 0.16

#: The least part of the pixels above `LEAST` that is taken to hold charge.
FEWEST_CHARGED = 0.05

_EXCESS = np.arange(LEAST, MOST, 0.02)  # standard deviations


@dataclass(frozen=True)
class GrowthCurve:
    """Thresholds (standard deviations): a row for each class, a column for each of `KNOTS`."""

    thresholds: np.ndarray

    def joins(self, beside: np.ndarray) -> np.ndarray:
        """Which of the pixels (`numpy_growth.BESIDE`) join, bool."""
        joins = beside["excess"] > LEAST
        possible = beside[joins]
        classes, needed = _classes(possible), np.empty(possible.size)
        for k, thresholds in enumerate(self.thresholds):
            own = classes == k
            needed[own] = np.interp(possible["brightest"][own], KNOTS, thresholds)
        structured = possible["structure"] > STRUCTURED
        needed[structured] = np.maximum(needed[structured], IN_STRUCTURE)
        joins[joins] = possible["excess"] > needed
        return joins

    def __str__(self) -> str:
        rows = (" ".join(f"{value:.1f}" for value in row) for row in self.thresholds)
        knots = " ".join(f"{knot:.0f}" for knot in KNOTS)
        return "across a corner {}, an edge {}, more edges {} sigma beside ".format(*rows) + f"{knots} sigma"


def measured_curve(beside: np.ndarray, least: float = LEAST) -> GrowthCurve:
    """The curve from pixels of events and those next to them (`numpy_growth.BESIDE`), nowhere below ``least``."""
    spilled = (beside["brightest"] > BRIGHT) & (beside["excess"] < FAINT_SHARE * beside["brightest"])
    beside = beside[spilled & (beside["structure"] <= STRUCTURED)]
    classes = _classes(beside)
    thresholds = [_thresholds(beside[classes == k], PRIOR_CHARGED[k]) for k in range(N_CLASSES)]
    return GrowthCurve(np.maximum(thresholds, least))


def _classes(beside: np.ndarray) -> np.ndarray:
    return np.minimum(beside["n_bright"], N_CLASSES - 1).astype(int)


def _thresholds(beside: np.ndarray, prior_charged: float) -> np.ndarray:
    """The thresholds of a class at `KNOTS`, from its pixels beside bright ones."""
    charged, n_empty = _shares(beside)
    charged += PRIOR_PIXELS * prior_charged / SHARES.size
    n_empty += PRIOR_PIXELS * (1 - prior_charged)
    odds = np.einsum("s,kse->ke", charged, _likelihood_ratios()) / n_empty
    likely = odds > ODDS
    thresholds = np.where(likely.any(axis=1), _EXCESS[np.argmax(likely, axis=1)], MOST)
    # Odds at one excess fall again where the charge beside is so bright that its share would be far higher.
    return np.minimum.accumulate(thresholds)


@cache
def _likelihood_ratios() -> np.ndarray:
    """Of charge to none, at each of `KNOTS` for each of `SHARES` and each excess."""
    expected = KNOTS[:, np.newaxis, np.newaxis] * SHARES[:, np.newaxis]
    return np.exp(expected * _EXCESS - expected**2 / 2)


def _shares(beside: np.ndarray) -> tuple[np.ndarray, float]:
    """How many pixels hold each of `SHARES` of the charge beside them, and how many hold nothing."""
    excess = beside["excess"]
    n_empty = min(2.0 * np.count_nonzero(excess < 0), float(excess.size))  # noise is symmetric
    stands_out = excess > LEAST
    share = excess[stands_out] / beside["brightest"][stands_out]
    ratio = np.log(SHARES[1] / SHARES[0])
    place = np.rint(np.log(np.clip(share, SHARES[0], SHARES[-1]) / SHARES[0]) / ratio).astype(int)
    charged = np.bincount(place, minlength=SHARES.size).astype(np.float64)
    charged *= max(1 - TAIL * n_empty / max(share.size, 1), FEWEST_CHARGED)
    return charged, n_empty
