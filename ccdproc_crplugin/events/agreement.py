# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several detectors on one frame: which of them found what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError, wrong_value
from ccdproc_crplugin.events.segments import cr_segments
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels

#: Most detectors that can be compared: each has a bit.
MOST = 16

#: Longest side of the picture of a frame, in samples; larger frames are thinned.
SAMPLES = 1024

#: Percentiles of the frame that are drawn black and white.
BLACK, WHITE = 1, 99


@dataclass(frozen=True, eq=False, repr=False)
class DetectorAgreement:
    """
    What several detectors found in one frame.

    An event is a connected piece of all masks together. A detector found it if it flagged a pixel of it.

    Parameters
    ----------
    data : `~numpy.ndarray`, shape (ny, nx)
        The frame.
    masks : dict of str to `~numpy.ndarray` of bool, shape (ny, nx)
        The pixels that each detector flagged.
    """

    data: np.ndarray
    masks: Mapping[str, np.ndarray]

    @property
    def ballots(self) -> np.ndarray:
        """The bit ``1 << i`` where the i-th detector flagged a pixel, uint16 (ny, nx)."""
        ballots = np.zeros(self.data.shape, dtype=np.uint16)
        for bit, mask in enumerate(self.masks.values()):
            ballots |= mask.astype(np.uint16) << np.uint16(bit)
        return ballots

    @property
    def events(self) -> Table:
        """A row an event: ``y`` and ``x`` of its centre, ``n_pixels``, and for each detector whether it found it."""
        ballots = self.ballots
        y, x = true_pixels(ballots > 0)
        label = label_pixels(y, x, self.data.shape)
        sizes = np.bincount(label)[1:] if len(label) else np.zeros(0, dtype=int)
        columns: dict[str, Any] = {"n_pixels": sizes}
        for name, axis in (("y", y), ("x", x)):
            columns[name] = np.bincount(label, axis)[1:] / sizes if len(label) else np.zeros(0)
        for name, mask in self.masks.items():
            found = np.zeros(len(sizes) + 1, dtype=bool)
            found[label[mask[y, x]]] = True
            columns[name] = found[1:]
        return Table(columns)

    @property
    def table(self) -> Table:
        """A row for each set of detectors that agree on some pixels or events: who, ``pixels``, ``events``."""
        names = list(self.masks)
        events = self.events
        by_event = sum((events[name].astype(int) << bit for bit, name in enumerate(names)), np.zeros(len(events), int))
        n_pixels, n_events = np.bincount(self.ballots.ravel()), np.bincount(by_event)
        rows = []
        for ballot in sorted(range(1, 1 << len(names)), key=lambda ballot: (-ballot.bit_count(), ballot)):
            counts = [int(numbers[ballot]) if ballot < len(numbers) else 0 for numbers in (n_pixels, n_events)]
            if any(counts):
                rows.append((*("x" if ballot >> bit & 1 else "" for bit in range(len(names))), *counts))
        dtype = [str] * len(names) + [int, int]
        return Table(rows=rows or None, names=[*names, "pixels", "events"], dtype=dtype)

    @property
    def summary(self) -> Table:
        """A row a detector: pixels and events, those that all found, and those that it alone found."""
        ballots, events = self.ballots, self.events
        everyone = (1 << len(self.masks)) - 1
        found = np.sum([events[name] for name in self.masks], axis=0)
        rows = []
        for bit, (name, mask) in enumerate(self.masks.items()):
            own = events[name]
            pixels = (mask, ballots == everyone, ballots == 1 << bit)
            rows.append((name, *map(np.count_nonzero, (*pixels, own, found == len(self.masks), own & (found == 1)))))
        columns = ("pixels", "of all", "alone", "events", "events of all", "events alone")
        return Table(rows=rows, names=("detector", *columns))

    def __str__(self) -> str:
        return "\n".join([*self.summary.pformat(max_width=-1), "", *self.table.pformat(max_lines=-1, max_width=-1)])

    def __repr__(self) -> str:
        return f"<DetectorAgreement of {', '.join(self.masks)}: {len(self.events)} events>"

    def _repr_html_(self) -> str:
        tables = (self.summary, self.table)
        return "".join(line for table in tables for line in table.pformat(html=True, max_lines=-1, max_width=-1))

    def plot(self, ax: Any = None) -> Any:
        """
        Draw the frame once for each detector, with a circle at each event that it found.

        The colour of a circle says whether all detectors found the event, some of them, or this one alone.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, sequence of these or None
            Where to draw: axes within which all is drawn, or axes for each detector. `None` makes a figure.

        Returns
        -------
        `~matplotlib.figure.Figure`
            A picture for each detector, side by side. A notebook shows the figure as the last line of a cell. With
            ``ax``, that is returned.
        """
        from ccdproc_crplugin.io.figures import NotebookFigure, axes_at

        number = len(self.masks)
        if ax is None:
            figure: Any = NotebookFigure(figsize=(5 * number, 5.6), layout="constrained")
            axes = list(np.atleast_1d(figure.subplots(1, number)))
        else:
            figure, axes = ax, axes_at(ax, [(i / number, 0, 0.92 / number, 1) for i in range(number)])
        events = self.events
        found = np.sum([events[name] for name in self.masks], axis=0)
        for one, name in zip(axes, self.masks, strict=True):
            self._draw(one, name, events, found)
        return figure

    def _draw(self, axes: Any, name: str, events: Table, found: np.ndarray) -> None:
        """One panel: the frame, and the events that a detector found."""
        height, width = self.data.shape
        step = max(1, -(-max(height, width) // SAMPLES))
        sample = self.data[::step, ::step]
        low, high = (
            np.nanpercentile(sample[np.isfinite(sample)], [BLACK, WHITE]) if np.isfinite(sample).any() else (0, 1)
        )
        extent = (-0.5, width - 0.5, -0.5, height - 0.5)
        axes.imshow(sample, origin="lower", cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="nearest")
        groups = {
            "all": (found == len(self.masks), "tab:green"),
            "some": ((found > 1) & (found < len(self.masks)), "tab:orange"),
            "alone": (found == 1, "tab:red"),
        }
        for label, (which, colour) in groups.items():
            chosen = events[np.asarray(events[name] & which)]
            text = f"{label}: {len(chosen)}"
            axes.scatter(
                chosen["x"], chosen["y"], s=30, facecolors="none", edgecolors=colour, linewidths=0.8, label=text
            )
        axes.set_title(name)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, frameon=False)


def compare_detectors(
    ccd: CCDData,
    detectors: Sequence[str],
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    **facts: Any,
) -> DetectorAgreement:
    """
    Search a frame with several detectors, and compare what they find.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, not cleaned; it is not changed.
    detectors : sequence of str
        Their names, two or more.
    parameters : dict of dict or None
        Their own parameters, by their names.
    **facts
        ``gain``, ``readnoise``, ``saturation``, ``dark``, ``scale_dark`` and ``mosaic``, as for `cr_segments`.

    Returns
    -------
    DetectorAgreement
        What each found.

    Raises
    ------
    CosmicRayError
        If the frame was cleaned, a detector is unknown or named twice, or the frame can't be searched.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> data = np.random.default_rng(1).normal(200, 15, (60, 60))
    >>> data[30, 20:25] += 2000
    >>> ccd = CCDData(data, unit="electron")
    >>> agreement = crp.compare_detectors(ccd, ["lacosmic", "median"], readnoise=5)
    >>> print(agreement.table)
    lacosmic median pixels events
    -------- ------ ------ ------
           x      x      5      1
    """
    names = list(detectors) if isinstance(detectors, list | tuple) else []
    if not 2 <= len(names) <= MOST or len(set(names)) < len(names):
        raise wrong_value("detectors", detectors, f"a list of 2 to {MOST} different names of detectors")
    strange = set(parameters or {}) - set(names)
    if strange:
        raise wrong_value("parameters", parameters, f"a dict with names among {', '.join(names)}")
    if is_cleaned(ccd):
        raise CosmicRayError(
            "Found a frame whose cosmic rays were removed; expected one that was not cleaned.",
            "{restore_cosmic_rays()} gives it back.",
        )
    masks = {name: cr_segments(ccd, detector=name, **facts, **(parameters or {}).get(name, {})).mask for name in names}
    return DetectorAgreement(np.asarray(ccd.data), masks)
