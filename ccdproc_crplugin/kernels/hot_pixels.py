# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Hot pixels of a chip, from what was flagged in several of its frames or from its dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.statistics import finite_median, robust_std

__all__ = [
    "FEWEST_FRAMES",
    "RULE",
    "Hits",
    "HotPixels",
    "expected_by_chance",
    "explained_by_dark",
    "find_hot_pixels",
    "hot_labels",
    "least_frames",
    "measure_hits",
]

#: A pixel is hot only if fewer pixels than this are expected to be flagged so often by chance.
CHANCE = 0.01

#: The fewest frames in which a hot pixel is flagged.
FEWEST_FRAMES = 3

#: A pixel stands out if its height is so many times the noise beside it.
SIGNIFICANT = 5.0

#: The most by which the pixels around a hot pixel may stand out, as a share of its height: their median, and one of
#: them that is not flagged as often. With a FWHM of 1.2 pixels the median around the core of a star has 0.12.
AROUND, ONE_NEIGHBOUR = 0.06, 0.25

#: The most pixels that touch and are hot; more of them are a bad column, or the trail of a saturated star.
LARGEST_GROUP = 8

#: A hot pixel this many times brighter than in its other frames was hit by something else, too.
BRIGHTER = 3.0

#: The rule in words, for those who read the table.
RULE = (
    f"A pixel is hot if it is flagged in {FEWEST_FRAMES} frames or more, and in so many that chance would leave fewer "
    f"than {CHANCE:g} such pixels on the chip; if it stands {SIGNIFICANT:g} times the noise above its 8 neighbours; if "
    f"their median stands out by no more than {AROUND:g} of its height, and each of them that is not as often flagged "
    f"by no more than {ONE_NEIGHBOUR:g}; and if no more than {LARGEST_GROUP} such pixels touch. An event is a hot "
    f"pixel if all its pixels that stand out are hot and none is more than {BRIGHTER:g} times as bright as usual."
)

#: Steps to the pixels that touch a pixel, by the bit that stands for each, and to those of the ring around them.
TOUCHING = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
RING = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if max(abs(dy), abs(dx)) == 2]


@dataclass(frozen=True, eq=False)
class Hits:
    """The flagged pixels of a frame in reading order, with what stands around each; arrays of shape (n,)."""

    shape: tuple[int, int]
    index: np.ndarray  # place in the flattened frame
    label: np.ndarray  # the event (8-connected) of each, from 1
    height: np.ndarray  # value above the median of the 8 neighbours, electron
    around: np.ndarray  # median of the 8 neighbours above that of the ring around them, electron
    noise: np.ndarray  # standard deviation of that ring, electron
    high: np.ndarray  # uint8: a bit for each neighbour that stands out by more than `ONE_NEIGHBOUR` of the height
    exposure: float = 1.0  # s

    def __len__(self) -> int:
        return len(self.index)

    @property
    def stands_out(self) -> np.ndarray:
        """Whether a pixel is significantly above its neighbours, for each."""
        return self.height >= SIGNIFICANT * self.noise


@dataclass(frozen=True, eq=False)
class HotPixels:
    """The hot pixels of a chip in reading order; arrays of shape (n,)."""

    index: np.ndarray  # place in the flattened frame
    n_frames: np.ndarray  # in how many frames it is flagged
    rate: np.ndarray  # its median height, electron/s


def measure_hits(
    data: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    bad: np.ndarray | None = None,
    factor: float | np.ndarray = 1.0,
    exposure: float = 1.0,
) -> Hits:
    """
    Measure the surroundings of flagged pixels, y and x in reading order, in a frame as it was before the cleaning.

    ``factor`` is the charge (electron) for one unit of the frame, or that of each pixel, shape (n,); ``bad`` pixels
    (bool, shape (ny, nx)) don't count.
    """
    values = _values_at(data, bad, y, x, (0, 0)) * factor
    touching = np.stack([_values_at(data, bad, y, x, step) for step in TOUCHING]) * factor
    ring = np.stack([_values_at(data, bad, y, x, step) for step in RING]) * factor
    beside, sky = finite_median(touching, axis=0), finite_median(ring, axis=0)
    high = touching - sky > ONE_NEIGHBOUR * np.maximum(values - sky, 0)
    return Hits(
        shape=data.shape,
        index=np.asarray(y, dtype=np.int64) * data.shape[1] + x,
        label=label_pixels(y, x, data.shape),
        height=values - beside,
        around=beside - sky,
        noise=robust_std(ring, sky, finite_median, axis=0),
        high=np.packbits(high, axis=0, bitorder="little")[0],
        exposure=exposure,
    )


def _values_at(
    data: np.ndarray, bad: np.ndarray | None, y: np.ndarray, x: np.ndarray, step: tuple[int, int]
) -> np.ndarray:
    """The values a step beside some pixels, float64; NaN where that is outside the frame or bad."""
    ny, nx = data.shape
    rows, columns = y + step[0], x + step[1]
    lost = (rows < 0) | (rows >= ny) | (columns < 0) | (columns >= nx)
    rows, columns = np.where(lost, 0, rows), np.where(lost, 0, columns)
    values = data[rows, columns].astype(float)
    if bad is not None:
        lost |= bad[rows, columns]
    return np.where(lost | ~np.isfinite(values), np.nan, values)


def expected_by_chance(shares: Sequence[float], n_pixels: int) -> np.ndarray:
    """How many pixels chance flags in 0, 1, 2, ... frames or more, given the share of each frame that is flagged."""
    chances = reduce(np.convolve, ([1 - share, share] for share in shares), np.ones(1))
    return n_pixels * np.cumsum(chances[::-1])[::-1]


def least_frames(shares: Sequence[float], n_pixels: int) -> int:
    """In how many frames a hot pixel is flagged; 0 where no number excludes chance."""
    rare = expected_by_chance(shares, n_pixels)[FEWEST_FRAMES:] < CHANCE
    return FEWEST_FRAMES + int(np.argmax(rare)) if rare.any() else 0


def find_hot_pixels(frames: Sequence[Hits], least: int) -> HotPixels:
    """
    Find the hot pixels of a chip among those that are flagged in ``least`` of its frames or more, see `RULE`.

    The pixels beside the core of a star stand out too, and so tell it from a hot pixel.
    """
    places, counts = np.unique(np.concatenate([hits.index for hits in frames]), return_counts=True)
    places, counts = places[counts >= least], counts[counts >= least]
    if not len(places):
        return HotPixels(places, counts, np.zeros(0))
    often = _Repeated(frames, places, counts)
    hot = often.stand_out() & often.stand_alone()
    hot[hot] = ~_in_large_group(places[hot], frames[0].shape)
    return HotPixels(places[hot], counts[hot], often.typical("rate")[hot])


class _Repeated:
    """Pixels that are flagged in several frames, and all that was measured there."""

    def __init__(self, frames: Sequence[Hits], places: np.ndarray, counts: np.ndarray) -> None:
        chosen = [np.isin(hits.index, places) for hits in frames]
        measured = {
            name: np.concatenate([getattr(hits, name)[of] for hits, of in zip(frames, chosen, strict=True)])
            for name in ("index", "height", "around", "noise", "high")
        }
        exposure = np.repeat([hits.exposure for hits in frames], [np.count_nonzero(of) for of in chosen])
        self._measured = {**measured, "rate": measured["height"] / exposure}
        self._place = np.searchsorted(places, measured["index"])
        self._width = frames[0].shape[1]
        self._places, self._counts = places, counts

    def typical(self, name: str) -> np.ndarray:
        """The median over the frames of what was measured at each pixel."""
        from scipy.ndimage import median

        return np.asarray(median(self._measured[name], self._place, np.arange(len(self._places))))

    def stand_out(self) -> np.ndarray:
        """Whether a pixel is significantly above its neighbours."""
        return self.typical("height") >= SIGNIFICANT * self.typical("noise")

    def stand_alone(self) -> np.ndarray:
        """Whether the pixels around one are at the level of the sky, except for those that are repeated like it."""
        alone = self.typical("around") <= AROUND * self.typical("height")
        repeated = self._places[self.stand_out()]
        for bit, (dy, dx) in enumerate(TOUCHING):
            n_high = np.bincount(self._place, self._measured["high"] >> bit & 1, len(self._places))
            alone &= (n_high <= self._counts / 2) | np.isin(self._places + dy * self._width + dx, repeated)
        return alone


def _in_large_group(places: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Whether a pixel belongs to more of these than may touch, for each."""
    y, x = np.divmod(places, shape[1])
    labels = label_pixels(y, x, shape)
    return np.bincount(labels)[labels] > LARGEST_GROUP if len(labels) else np.zeros(0, dtype=bool)


def hot_labels(hits: Hits, index: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """
    The events of a frame that lie on hot pixels only, of which place and rate (electron/s) are given in reading order.

    Every pixel of such an event that stands out is hot, and about as bright as in the other frames.
    """
    is_hot = np.isin(hits.index, index)
    usual = np.zeros(len(hits))
    usual[is_hot] = rate[np.searchsorted(index, hits.index[is_hot])] * hits.exposure
    brighter = hits.height > BRIGHTER * usual + SIGNIFICANT * hits.noise
    by_others = np.where(is_hot, brighter, hits.stands_out)
    return np.setdiff1d(hits.label[is_hot], hits.label[by_others])


def explained_by_dark(
    charge: np.ndarray, level: np.ndarray, dark: np.ndarray, labels: np.ndarray, readnoise: float | np.ndarray
) -> np.ndarray:
    """
    Which events of a frame the dark that was subtracted explains: bool, shape (n_events,).

    ``labels`` is the label image, from 1; ``charge`` was removed from a pixel, ``level`` is left there, and ``dark``
    was subtracted (electron, shape (ny, nx)). Every pixel with a significant charge is hot in the dark: it stands out
    there, by more than the read noise, and the charge is within the dark's and its noise.
    """
    y, x = np.nonzero(labels)
    event, removed = labels[y, x], charge[y, x]
    in_dark = measure_hits(dark, y, x)
    readnoise = np.broadcast_to(readnoise, labels.shape)[y, x]
    variance = np.maximum(level[y, x], 0) + readnoise**2
    is_hot = in_dark.stands_out & (in_dark.height > readnoise)
    excess = np.where(is_hot, in_dark.height, 0)
    explained = is_hot & (removed <= excess + SIGNIFICANT * np.sqrt(variance + np.maximum(dark[y, x], 0)))
    significant = removed >= SIGNIFICANT * np.sqrt(variance)
    n_events = int(labels.max(initial=0))
    has_hot = np.bincount(event[explained], minlength=n_events + 1) > 0
    has_other = np.bincount(event[significant & ~explained], minlength=n_events + 1) > 0
    return (has_hot & ~has_other)[1:]
