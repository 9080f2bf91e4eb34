# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What an observer should look at in a result: events that may be no cosmic rays, and edges that were left alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import PreflightWarning, wording
from ccdproc_crplugin.frames.cards import add_history, saturated_pixels
from ccdproc_crplugin.frames.level import on_one_level
from ccdproc_crplugin.frames.mosaic import mosaic_of
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.kernels.structure import structure_rules
from ccdproc_crplugin.kernels.surroundings import count_star_cores
from ccdproc_crplugin.plugins.model import ALONG_EDGES

#: Good frames have a few events on the flank of a star, and a few saturated ones: so many, or this share of all events.
USUAL, USUAL_SHARE = 3, 0.01

#: What to do about events.
LOOK = "Look at {cr_segments()}."

#: But where such events make this share of all, there are too many of them.
MOST = 0.5

#: Pixels along edges that are worth a word in the history, those of one long track, and a warning, as a share of the
#: frame: an overscan that was not cut off has fewer.
FEWEST_ALONG_EDGES, MANY_ALONG_EDGES = 50, 0.001


def report_doubts(
    cleaned: CCDData,
    record: RemovedPixels,
    info: Mapping[str, Any],
    *,
    dispersion_axis: int | None,
    warn: bool = True,
) -> None:
    """Add to the history what should be looked at in a cleaned frame, and warn of it in one line."""
    level = on_one_level(mosaic_of(cleaned), cleaned.data, dispersion_axis)
    on_events, n_along_edges = _on_events(cleaned, record, level), info.get(ALONG_EDGES, 0)
    on_edges = _on_edges(n_along_edges)
    look = LOOK if on_events else ""
    if on_events or on_edges:
        add_history(cleaned.meta, f"result: {_in_one(on_events, on_edges, look)}")
    if on_edges and n_along_edges < MANY_ALONG_EDGES * cleaned.data.size:
        on_edges = ""
    if warn and (on_events or on_edges):
        warnings.warn(_in_one(on_events, on_edges, look), PreflightWarning, stacklevel=3)


def _in_one(on_events: str, on_edges: str, look: str) -> str:
    return wording(" ".join(filter(None, (on_events, on_edges))), look)


def _on_events(cleaned: CCDData, record: RemovedPixels, level: np.ndarray) -> str:
    """In words, how many events may not be cosmic rays; "" if the numbers are usual. ``level`` is without lines."""
    y, x, label, shape = record.y, record.x, record.label, cleaned.data.shape
    saturated = saturated_pixels(cleaned)
    n_structure = np.count_nonzero(structure_rules(y, x, label, shape, saturated))
    charge = record.removed.astype(float) - record.repaired
    counts = {
        "of class 'star core?'": count_star_cores(level, y, x, label, charge),
        "with saturated pixels": 0 if saturated is None else len(np.unique(label[saturated[y, x]])),
    }
    if not n_structure and not any(_is_unusual(number, record.n_events) for number in counts.values()):
        return ""
    named = {"of class 'structure?'": n_structure, **counts}
    listed = ", ".join(f"{number} {name}" for name, number in named.items() if number)
    return f"Found events that may be no cosmic rays: {listed}, of {record.n_events} in all."


def _is_unusual(number: int, n_events: int) -> bool:
    return number > max(USUAL, USUAL_SHARE * n_events) or (number > 0 and number >= MOST * n_events)


def _on_edges(number: Any) -> str:
    """The number of pixels along edges that were not taken for cosmic rays, in words; "" for few."""
    if not isinstance(number, int) or number < FEWEST_ALONG_EDGES:
        return ""
    return f"Left {number} pixels alone that lie along edges of the frame, of a slit or of an overscan."
