# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Map of the events of a night on the chip, with the pixels that are hit more often than by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.hot_pixels import expected_by_chance
from ccdproc_crplugin.pipeline.hot_pixels import ChipResult
from ccdproc_crplugin.pipeline.model import Chip
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
    n_events: int  # on hot pixels, those put back included
    shared: SharedPixels | None  # None where every pixel of several hits is hot, or for one frame
    marked: list[MarkedPixel]  # the hot pixels, and the shared ones if these are too many
    n_marked: int  # before the list was cut to `MOST_MARKED`


def chip_maps(
    views: Sequence[FrameView], chips: Mapping[Chip, ChipResult] | None = None
) -> tuple[list[ChipMap], list[list[int]]]:
    """
    A map for each chip, or for each shape of frames, and the labels of each frame's events on hot pixels.

    The hot pixels are those of ``chips``; on a chip that is not among them they are the pixels that are hit too often.
    """
    maps: list[ChipMap] = []
    on_hot: list[list[int]] = [[] for _ in views]
    for members in _members(views):
        frames = [views[index] for index in members]
        hits = _Hits.of(frames)
        result = (chips or {}).get(frames[0].chip) if frames[0].chip else None
        hot = _HotPixels(result.hot.index, result.hot.n_frames, result.least) if result else hits.too_often()
        for index, view in zip(members, frames, strict=True):
            on_hot[index] = hot.labels_in(view) if view.on_hot is None else view.on_hot
        n_events = sum(len(on_hot[index]) + views[index].n_put_back for index in members)
        maps.append(_map(hits, hot, n_events, is_told=result is not None))
    return maps, on_hot


def _members(views: Sequence[FrameView]) -> list[list[int]]:
    """
    The indices of the views of each chip, or of each shape where the chip is not known.

    What several detectors made of one exposure is no second hit of a pixel: each detector gets a map of its own.
    """
    members: dict[tuple, list[int]] = {}
    detectors: dict[tuple, list[str]] = {}
    for index, view in enumerate(views):
        chip = view.chip and (view.chip.camera, view.chip.hdu, view.chip.binning)
        exposure = (view.shape, chip or (), view.row.start, view.row.exposure)
        of_exposure = detectors.setdefault(exposure, [])
        if view.row.detector not in of_exposure:
            of_exposure.append(view.row.detector)
        members.setdefault((view.shape, chip or (), of_exposure.index(view.row.detector)), []).append(index)
    return [members[key] for key in sorted(members)]


@dataclass(frozen=True, eq=False)
class _Hits:
    """The hits of the frames of a chip."""

    counts: np.ndarray  # frames in which each pixel is hit, uint16 (ny, nx)
    expected: np.ndarray  # pixels that chance would hit in at least 0, 1, 2, ... frames
    n_frames: int
    n_events: int

    @classmethod
    def of(cls, views: Sequence[FrameView]) -> _Hits:
        counts = np.zeros(views[0].shape, dtype=np.uint16)
        for view in views:
            counts.flat[view.pixels] += 1
        expected = expected_by_chance([len(view.pixels) / counts.size for view in views], counts.size)
        return cls(counts, expected, len(views), sum(len(view.events) for view in views))

    def too_often(self) -> _HotPixels:
        """The pixels that are hit in more frames than chance explains."""
        least = _least(self.expected)
        index = np.flatnonzero(self.counts >= (least or np.inf))
        return _HotPixels(index, self.counts.flat[index], least)


@dataclass(frozen=True, eq=False)
class _HotPixels:
    index: np.ndarray  # places in the flattened frame, in reading order
    n_frames: np.ndarray  # in which each is hit
    least: int  # frames in which a hot pixel is hit; 0 if no pixel can be hot

    def labels_in(self, view: FrameView) -> list[int]:
        """The events of a frame that have one of these pixels."""
        return np.unique(view.labels[np.isin(view.pixels, self.index)]).tolist()


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


def _map(hits: _Hits, hot: _HotPixels, n_events: int, *, is_told: bool) -> ChipMap:
    """The map; if the run has told the hot pixels, all others that are hit several times are shared ones."""
    ny, nx = hits.counts.shape
    factor = max(1, -(-max(ny, nx) // MAP_SIDE))
    n_hits = np.add.reduceat(np.add.reduceat(hits.counts, range(0, ny, factor), 0, dtype=int), range(0, nx, factor), 1)
    alpha = np.where(n_hits, np.clip(110 + 40 * n_hits, 0, 255), 0)
    image = np.stack([np.zeros_like(alpha), alpha], axis=-1).astype(np.uint8)[::-1]
    rest = hits.counts.copy()
    rest.flat[hot.index] = 0
    area = hits.counts.sum(dtype=int) / max(hits.n_events, 1)
    shared = _shared(rest, hits.expected, 0 if is_told else hot.least, area)
    seen = np.where(rest >= (shared.least if shared and shared.too_many else np.inf), rest, 0)
    seen.flat[hot.index] = hot.n_frames
    y, x = np.nonzero(seen)
    order = np.argsort(-seen[y, x].astype(int), kind="stable")[:MOST_MARKED]
    marked = [
        MarkedPixel(int(i), int(j), int(seen[j, i]), (i + 0.5) / factor, (ny - j - 0.5) / factor)
        for j, i in zip(y[order], x[order], strict=True)
    ]
    height, width = n_hits.shape
    return ChipMap(
        shape=(ny, nx),
        n_frames=hits.n_frames,
        n_hits=int(hits.counts.sum(dtype=int)),
        width=width,
        height=height,
        image=picture(image),
        least=hot.least,
        n_hot=len(hot.index),
        n_events=n_events,
        shared=shared,
        marked=marked,
        n_marked=len(y),
    )
