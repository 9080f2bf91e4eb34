# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Histograms of the events of a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.report.frame import CLASSES, FrameView

#: Size of a plot and of the space below it and to its left, in units of the SVG.
WIDTH, HEIGHT, BELOW, LEFT = 300, 130, 34, 40

#: Least pixels of an event that has an orientation.
LEAST_ORIENTED = 3


@dataclass(frozen=True)
class Bar:
    """The part of a column that one class fills."""

    x: float
    y: float
    width: float
    height: float
    style: str  # CSS class
    text: str


@dataclass(frozen=True)
class Histogram:
    """A histogram, with its places in the SVG."""

    name: str
    unit: str
    bars: list[Bar]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    rows: list[tuple[str, str, int]]  # from, to, events
    n_events: int
    n_left_out: int  # events without such a value

    width = WIDTH + LEFT + 12
    height = HEIGHT + BELOW + 10
    left, plot_width, plot_height = LEFT, WIDTH, HEIGHT + 10


def histograms(views: Sequence[FrameView]) -> list[Histogram]:
    """Histograms of the area, charge and orientation of all events."""
    classes = _joined([view.classes for view in views]).astype(int)
    area = _joined([view.events["area"].value for view in views])
    charge, unit = _charges(views)
    angle = _joined([view.events["orientation"].value for view in views])
    angle = np.where(area >= LEAST_ORIENTED, angle, np.nan)
    return [
        _histogram("area", "pixels", area, classes, _log_edges(area, whole=True)),
        _histogram("charge", unit, charge, classes, _log_edges(charge)),
        _histogram("orientation", "degrees from the x axis", angle, classes, np.linspace(-90, 90, 19)),
    ]


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *columns])


def _charges(views: Sequence[FrameView]) -> tuple[np.ndarray, str]:
    """The charges in the unit that most frames have, and that unit."""
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
    scale = np.log10 if logarithmic else np.positive
    positions = scale(edges)
    across = WIDTH / (positions[-1] - positions[0])
    x = LEFT + (positions - positions[0]) * across
    highest = max(int(totals.max(initial=0)), 1)
    bars = _bars(x, counts, highest, edges)
    ticks = [tick for tick in _decades(edges) if tick >= 1] if logarithmic else range(-90, 91, 45)
    x_ticks = [(LEFT + (scale(tick) - positions[0]) * across, _short(tick)) for tick in ticks]
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
