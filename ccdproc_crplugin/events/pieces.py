# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The connected pieces of the pixels hit, each an event: labelled and measured once for all selections of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ccdproc_crplugin.events.catalog import event_table
from ccdproc_crplugin.events.source import EventSource
from ccdproc_crplugin.events.tracks import UNKNOWN, Silicon, add_track_columns
from ccdproc_crplugin.frames.cards import write_verdict
from ccdproc_crplugin.frames.gain_and_noise import at
from ccdproc_crplugin.frames.rates import Expectation, Extent, extent_of, judge, verdict_with_reason, with_noise
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.tracks import join_tracks

if TYPE_CHECKING:
    from astropy.table import QTable
    from photutils.segmentation import SegmentationImage


class Pieces:
    """All events of a frame, however small; labels are 1 to n, in reading order."""

    def __init__(
        self, source: EventSource, connectivity: int, expectation: Expectation, silicon: Silicon = UNKNOWN
    ) -> None:
        self.source = source
        self.connectivity = connectivity
        self.expectation = expectation if source.noise is None else with_noise(expectation, source.noise)
        self.silicon = silicon

    @cached_property
    def segmentation(self) -> SegmentationImage | None:
        """The label image of photutils; None without an event."""
        from photutils.segmentation import detect_sources

        mask = self.source.mask
        if not mask.any():
            return None
        return detect_sources(mask.astype(np.uint8), 0.5, n_pixels=1, connectivity=self.connectivity)

    @property
    def n_events(self) -> int:
        """The number of events."""
        return 0 if self.segmentation is None else self.segmentation.n_labels

    @property
    def data(self) -> np.ndarray:
        """The label image: int32, shape (ny, nx)."""
        return np.zeros(self.source.mask.shape, np.int32) if self.segmentation is None else self.segmentation.data

    @cached_property
    def areas(self) -> np.ndarray:
        """Pixels of each event: int, shape (n_events,)."""
        return np.zeros(0, dtype=int) if self.segmentation is None else np.asarray(self.segmentation.areas)

    @cached_property
    def slices(self) -> list[tuple[slice, slice]]:
        """Bounding box of each event."""
        return [] if self.segmentation is None else list(self.segmentation.slices)

    @cached_property
    def tracks(self) -> np.ndarray:
        """The track of each event, as the label of its first piece: int, shape (n_events,)."""
        y, x = true_pixels(self.source.mask)
        charge = self.removed_charge[y, x]
        return join_tracks(y, x, self.data[y, x], charge, self.source.mask.shape, self.source.bad)[1:]

    @property
    def n_tracks(self) -> int:
        """The number of tracks."""
        return len(np.unique(self.tracks))

    @cached_property
    def extent(self) -> Extent:
        """How much of the frame the events cover."""
        y, x = true_pixels(self.source.mask)
        return extent_of(y, x, self.data[y, x], self.source.mask.shape, self.source.saturated)

    @property
    def verdict(self) -> str:
        """Whether the events are credible by the number of their tracks, see `judge`."""
        return judge(self.n_tracks, self.expectation, extent=self.extent)

    @property
    def reason(self) -> str:
        """The reason of the verdict: the extent of the events, or else how many are expected."""
        verdict, reason = verdict_with_reason(self.n_tracks, self.expectation, self.extent)
        return reason if reason and verdict != "cannot tell" else str(self.expectation)

    @cached_property
    def removed_charge(self) -> np.ndarray:
        """Frame minus cleaned frame, in the unit of the charge: float64, shape (ny, nx), 0 outside of the events."""
        source, mask = self.source, self.source.mask
        charge = np.zeros(mask.shape)
        charge[mask] = (source.raw[mask].astype(float) - source.cleaned[mask]) * at(source.factor, mask)
        return charge

    @cached_property
    def table(self) -> QTable:
        """A row for each event; the verdict is in its ``meta``."""
        source = self.source
        table = event_table(
            self.segmentation,
            self.removed_charge,
            source.unit,
            source.surroundings,
            source.bad,
            source.saturated,
            source.dark,
            source.readnoise,
        )
        add_track_columns(table, self.tracks, self.data, self.removed_charge, source, self.silicon)
        write_verdict(table.meta, self.n_tracks, self.expectation, self.extent)
        return table


def listed(labels: Sequence[int], n_most: int = 10) -> str:
    """Labels for a message, the first ones of many."""
    return ", ".join(map(str, labels[:n_most])) + (", ..." if len(labels) > n_most else "")
