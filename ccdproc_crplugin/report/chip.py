# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Map of the events of a night on the chip, with the pixels that are hit more often than by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ccdproc_crplugin.report.codes import picture
from ccdproc_crplugin.report.frame import FrameView

#: Longest side of a chip map (pix).
MAP_SIDE = 640

#: A pixel is hot if chance would hit fewer pixels than this so often in the whole night. Shared pixels are too many if
#: chance would give so many of them in a smaller share of nights than this, and if `TOO_MANY` holds.
CHANCE = 0.01

#: Least excess of shared pixels over chance, as a factor: hits are never spread quite evenly over a chip.
TOO_MANY = 2.0

#: Most pixels that are marked on a map.
MOST_MARKED = 200


@dataclass(frozen=True)
class MarkedPixel:
    """A pixel hit in several frames."""

    x: int
    y: int
    n_frames: int
    cx: float  # on the map, from its upper left corner (pix)
    cy: float


@dataclass(frozen=True)
class SharedPixels:
    """Pixels that were hit in several frames but may not be hot."""

    least: int  # frames in which they were hit
    most: int
    n_pixels: int
    n_by_chance: float
    too_many: bool  # for chance


@dataclass(frozen=True)
class ChipMap:
    """All hits of the frames of one shape."""

    shape: tuple[int, int]
    n_frames: int
    n_hits: int
    width: int
    height: int
    image: str  # data URL: black where hits are, clear elsewhere
    least: int  # frames in which a hot pixel is hit; 0 if no pixel can be hot
    n_hot: int
    n_events: int  # on hot pixels
    shared: SharedPixels | None  # None where every pixel of several hits is hot, or for one frame
    marked: list[MarkedPixel]  # the hot pixels, and the shared ones if these are too many
    n_marked: int  # before the list was cut to `MOST_MARKED`


def chip_maps(views: Sequence[FrameView]) -> tuple[list[ChipMap], list[list[int]]]:
    """A map for each shape of frames, and the labels of each frame's events on hot pixels."""
    maps: list[ChipMap] = []
    on_hot: list[list[int]] = [[] for _ in views]
    for shape in sorted({view.shape for view in views}):
        members = [index for index, view in enumerate(views) if view.shape == shape]
        counts = np.zeros(shape, dtype=np.uint16)
        for index in members:
            counts.flat[views[index].pixels] += 1
        expected = _expected([views[index] for index in members])
        least = _least(expected)
        for index in members:
            on_hot[index] = _labels_on(counts, least, views[index])
        n_events = sum(len(views[index].events) for index in members)
        shared = _shared(counts, expected, least, counts.sum(dtype=int) / max(n_events, 1))
        maps.append(_map(counts, len(members), least, sum(len(on_hot[index]) for index in members), shared))
    return maps, on_hot


def _expected(views: Sequence[FrameView]) -> np.ndarray:
    """Pixels that chance would hit in at least 0, 1, 2, ... frames, for frames with these numbers of hits."""
    n_pixels = views[0].shape[0] * views[0].shape[1]
    shares = [len(view.pixels) / n_pixels for view in views]
    chances = reduce(np.convolve, (np.array([1 - share, share]) for share in shares))
    return n_pixels * np.cumsum(chances[::-1])[::-1]


def _least(expected: np.ndarray) -> int:
    """The number of frames in which a pixel must be hit to be no coincidence; 0 if no number suffices."""
    rare = expected[2:] < CHANCE
    return 2 + int(np.argmax(rare)) if rare.any() else 0


def _shared(counts: np.ndarray, expected: np.ndarray, least: int, area: float) -> SharedPixels | None:
    """
    The pixels below ``least`` that exceed chance by most.

    Tracks that cross share several pixels at once, so the test counts events, of ``area`` pixels each.
    """
    from scipy.stats import poisson

    most = least - 1 if least else len(expected) - 1
    if most < 2:
        return None
    n_hit = np.bincount(counts.reshape(-1), minlength=len(expected))
    levels = np.arange(2, most + 1)
    found = np.array([n_hit[level : most + 1].sum() for level in levels])
    by_chance = expected[levels] - (expected[least] if least else 0.0)
    area = max(area, 1.0)
    odds = poisson.sf(found // area - 1, by_chance / area)
    too_many = (odds < CHANCE / len(levels)) & (found > TOO_MANY * by_chance)
    furthest = int(np.argmin(np.where(too_many, odds, np.inf))) if too_many.any() else 0
    return SharedPixels(
        int(levels[furthest]), most, int(found[furthest]), float(by_chance[furthest]), bool(too_many.any())
    )


def _labels_on(counts: np.ndarray, least: int, view: FrameView) -> list[int]:
    return np.unique(view.labels[counts.flat[view.pixels] >= (least or np.inf)]).tolist()


def _map(counts: np.ndarray, n_frames: int, least: int, n_events: int, shared: SharedPixels | None) -> ChipMap:
    ny, nx = counts.shape
    factor = max(1, -(-max(ny, nx) // MAP_SIDE))
    hits = np.add.reduceat(np.add.reduceat(counts, range(0, ny, factor), 0, dtype=int), range(0, nx, factor), 1)
    alpha = np.where(hits, np.clip(110 + 40 * hits, 0, 255), 0)
    image = np.stack([np.zeros_like(alpha), alpha], axis=-1).astype(np.uint8)[::-1]
    never = n_frames + 1
    y, x = np.nonzero(counts >= (shared.least if shared and shared.too_many else least or never))
    order = np.argsort(-counts[y, x].astype(int), kind="stable")[:MOST_MARKED]
    marked = [
        MarkedPixel(int(i), int(j), int(counts[j, i]), (i + 0.5) / factor, (ny - j - 0.5) / factor)
        for j, i in zip(y[order], x[order], strict=True)
    ]
    height, width = hits.shape
    return ChipMap(
        shape=(ny, nx),
        n_frames=n_frames,
        n_hits=int(counts.sum(dtype=int)),
        width=width,
        height=height,
        image=picture(image),
        least=least,
        n_hot=int((counts >= (least or never)).sum()),
        n_events=n_events,
        shared=shared,
        marked=marked,
        n_marked=len(y),
    )
