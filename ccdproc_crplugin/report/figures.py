# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Figures of a whole night: how events are distributed, and where on the chip they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.report.codes import picture
from ccdproc_crplugin.report.frame import CLASSES, FrameView

__all__ = ["ChipMap", "Histogram", "chip_maps", "histograms"]

#: Size of a histogram's plot and of the space below and to the left, in its own units.
WIDTH, HEIGHT, BELOW, LEFT = 300, 130, 34, 40

#: Longest side of a chip map (pix).
MAP_SIDE = 640

#: A pixel is hot if so few would be expected, in the whole night, to be hit so often by chance.
CHANCE = 0.01

#: Most hot pixels that are marked.
MOST_HOT = 200


@dataclass(frozen=True)
class Bar:
    """
    A part of a histogram.

    Parameters
    ----------
    x, y, width, height : float
        Where it stands in the figure.
    style : str
        ``class-`` and the place of its class.
    text : str
        What it says.
    """

    x: float
    y: float
    width: float
    height: float
    style: str
    text: str


@dataclass(frozen=True)
class Histogram:
    """
    A histogram, laid out.

    Parameters
    ----------
    name, unit : str
        What is counted.
    bars : list of Bar
        Its parts, by class one upon the other.
    x_ticks, y_ticks : list of tuple
        Places of the ticks and what stands there.
    rows : list of tuple
        From, to, events: the same as a table.
    n_events : int
        How many events are counted.
    n_left_out : int
        How many had no such value.
    """

    name: str
    unit: str
    bars: list[Bar]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    rows: list[tuple[str, str, int]]
    n_events: int
    n_left_out: int

    width = WIDTH + LEFT + 12
    height = HEIGHT + BELOW + 10
    left, plot_width, plot_height = LEFT, WIDTH, HEIGHT + 10


def histograms(views: Sequence[FrameView]) -> list[Histogram]:
    """
    Area, charge and orientation of all events.

    Parameters
    ----------
    views : sequence of FrameView
        The frames.

    Returns
    -------
    list of Histogram
        Of area and charge on logarithmic axes; of orientation for events of 3 pixels and more.
    """
    classes = _joined([view.classes for view in views]).astype(int)
    area = _joined([view.events["area"].value for view in views])
    charge, unit = _charges(views)
    angle = _joined([np.where(view.events["extended"], view.events["orientation"].value, np.nan) for view in views])
    return [
        _histogram("area", "pixels", area, classes, _log_edges(area, whole=True)),
        _histogram("charge", unit, charge, classes, _log_edges(charge)),
        _histogram("orientation", "degrees from the x axis", angle, classes, np.linspace(-90, 90, 19)),
    ]


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *columns])


def _charges(views: Sequence[FrameView]) -> tuple[np.ndarray, str]:
    """
    The charges in the unit that most frames have, and that unit.
    """
    units = [str(view.events["sum"].unit) for view in views] or ["electron"]
    unit = max(set(units), key=lambda name: (units.count(name), name))
    charges = [
        view.events["sum"].value if own == unit else np.full(len(view.events), np.nan)
        for view, own in zip(views, units, strict=False)
    ]
    return _joined(charges), unit


def _log_edges(values: np.ndarray, whole: bool = False) -> np.ndarray:
    positive = values[np.isfinite(values) & (values > 0)]
    if not len(positive):
        return np.array([1.0, 10.0])
    low, high = np.log10(positive.min()), np.log10(positive.max())
    edges = 10 ** np.linspace(low - 1e-9, max(high, low + 0.5) + 1e-9, 25)
    if whole:
        edges = np.unique(np.floor(edges + 1e-6)) - 0.5
        edges = np.append(edges, max(edges[-1] + 1, positive.max() + 0.5))
    return edges


def _histogram(name: str, unit: str, values: np.ndarray, classes: np.ndarray, edges: np.ndarray) -> Histogram:
    logarithmic = name != "orientation"
    counts = np.array([np.histogram(values[classes == place], edges)[0] for place in range(len(CLASSES))])
    totals = counts.sum(axis=0)
    positions = np.log10(edges) if logarithmic else edges
    across = WIDTH / (positions[-1] - positions[0])
    x = LEFT + (positions - positions[0]) * across
    highest = max(int(totals.max(initial=0)), 1)
    bars = _bars(x, counts, highest, edges)
    ticks = [tick for tick in _decades(edges) if tick >= 1] if logarithmic else range(-90, 91, 45)
    x_ticks = [
        (LEFT + ((np.log10(tick) if logarithmic else tick) - positions[0]) * across, _short(tick)) for tick in ticks
    ]
    y_ticks = [(HEIGHT + 10 - HEIGHT * tick / highest, _short(tick)) for tick in _round_steps(highest)]
    rows = [
        (f"{low:.4g}", f"{high:.4g}", int(count))
        for low, high, count in zip(edges[:-1], edges[1:], totals, strict=True)
        if count
    ]
    counted = int(totals.sum())
    return Histogram(name, unit, bars, x_ticks, y_ticks, rows, counted, len(values) - counted)


def _bars(x: np.ndarray, counts: np.ndarray, highest: int, edges: np.ndarray) -> list[Bar]:
    bars = []
    below = np.zeros(counts.shape[1])
    for place, row in enumerate(counts):
        for index in np.flatnonzero(row):
            height = HEIGHT * row[index] / highest
            top = HEIGHT + 10 - HEIGHT * (below[index] + row[index]) / highest
            text = f"{CLASSES[place]}, {edges[index]:.4g} to {edges[index + 1]:.4g}: {row[index]}"
            width = max(float(x[index + 1] - x[index]) - 1, 1.0)
            bars.append(Bar(float(x[index]) + 0.5, float(top), width, float(height), f"class-{place}", text))
        below += row
    return bars


def _decades(edges: np.ndarray) -> list[float]:
    steps = [10.0**power * factor for power in range(-3, 9) for factor in (1, 2, 5)]
    inside = [step for step in steps if edges[0] < step < edges[-1]]
    powers = [step for step in inside if np.log10(step) == round(np.log10(step))]
    return powers if len(powers) > 2 else inside


def _round_steps(highest: int) -> list[int]:
    step = next(10**power * factor for power in range(9) for factor in (1, 2, 5) if highest / 10**power / factor <= 4)
    return list(range(0, highest + 1, step))


def _short(number: float) -> str:
    return f"{number / 1000:g}k" if abs(number) >= 1000 else f"{number:g}"


@dataclass(frozen=True)
class HotPixel:
    """
    A pixel hit in more frames than chance would have it.

    Parameters
    ----------
    x, y : int
        The pixel, counted from 0.
    n_frames : int
        In how many frames it was hit.
    cx, cy : float
        Where it stands on the map.
    """

    x: int
    y: int
    n_frames: int
    cx: float
    cy: float


@dataclass(frozen=True)
class ChipMap:
    """
    All hits of the frames of one shape.

    Parameters
    ----------
    shape : tuple of int
        Shape of the frames, (ny, nx).
    n_frames : int
        How many frames there are.
    n_hits : int
        Pixels hit, all frames together.
    width, height : int
        Size of the map (pix).
    image : str
        The map as an address: black where hits are, clear elsewhere.
    least : int
        From how many frames on a pixel counts as hot; 0 if no pixel can.
    hot : list of HotPixel
        Those hit most often, first the one hit in most frames.
    n_hot : int
        How many there are in all.
    n_events : int
        How many events lie on them.
    """

    shape: tuple[int, int]
    n_frames: int
    n_hits: int
    width: int
    height: int
    image: str
    least: int
    hot: list[HotPixel]
    n_hot: int
    n_events: int


def chip_maps(views: Sequence[FrameView]) -> tuple[list[ChipMap], list[list[int]]]:
    """
    Map the hits over the chip.

    Parameters
    ----------
    views : sequence of FrameView
        The frames.

    Returns
    -------
    maps : list of ChipMap
        One for each shape of frames.
    on_hot : list of list of int
        For each frame the labels of its events on hot pixels.
    """
    maps, on_hot = [], [[] for _ in views]
    for shape in sorted({view.shape for view in views}):
        members = [index for index, view in enumerate(views) if view.shape == shape]
        counts = np.zeros(shape, dtype=np.uint16)
        for index in members:
            counts[views[index].pixels] += 1
        least = _least(counts, len(members))
        for index in members:
            on_hot[index] = _labels_on(counts, least, views[index])
        maps.append(_map(counts, len(members), least, sum(len(on_hot[index]) for index in members)))
    return maps, on_hot


def _least(counts: np.ndarray, n_frames: int) -> int:
    """
    In how many frames a pixel must be hit not to pass for chance; 0 if it never does.
    """
    from scipy.stats import binom

    if n_frames < 2:
        return 0
    share = counts.sum(dtype=float) / counts.size / n_frames
    often = np.arange(2, n_frames + 1)
    rare = counts.size * binom.sf(often - 1, n_frames, share) < CHANCE
    return int(often[np.argmax(rare)]) if rare.any() else 0


def _labels_on(counts: np.ndarray, least: int, view: FrameView) -> list[int]:
    if not least:
        return []
    return np.unique(view.labels[counts[view.pixels] >= least]).tolist()


def _map(counts: np.ndarray, n_frames: int, least: int, n_events: int) -> ChipMap:
    ny, nx = counts.shape
    factor = max(1, -(-max(ny, nx) // MAP_SIDE))
    hits = np.add.reduceat(np.add.reduceat(counts, range(0, ny, factor), 0, dtype=int), range(0, nx, factor), 1)
    alpha = np.where(hits, np.clip(110 + 40 * hits, 0, 255), 0)
    image = np.stack([np.zeros_like(alpha), alpha], axis=-1).astype(np.uint8)[::-1]
    y, x = np.nonzero(counts >= least) if least else (np.zeros(0, int), np.zeros(0, int))
    order = np.argsort(-counts[y, x].astype(int), kind="stable")[:MOST_HOT]
    hot = [
        HotPixel(int(i), int(j), int(counts[j, i]), (i + 0.5) / factor, (ny - j - 0.5) / factor)
        for j, i in zip(y[order], x[order], strict=True)
    ]
    height, width = hits.shape
    n_hits = int(counts.sum(dtype=int))
    return ChipMap((ny, nx), n_frames, n_hits, width, height, picture(image), least, hot, len(y), n_events)
