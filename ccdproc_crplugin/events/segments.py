# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The events of a frame: how they are found, selected, drawn and written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, check_bool, check_choice, check_whole, wrong_value
from ccdproc_crplugin.events.export import regions_of, write_table
from ccdproc_crplugin.events.html import events_in_html
from ccdproc_crplugin.events.pictures import EventPictures
from ccdproc_crplugin.events.pieces import Pieces, listed
from ccdproc_crplugin.events.source import find_events
from ccdproc_crplugin.events.tracks import silicon_of
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.rates import Expectation, expected_events
from ccdproc_crplugin.io.companions import companion

if TYPE_CHECKING:
    from astropy.table import QTable
    from photutils.segmentation import SegmentationImage


def cr_segments(
    ccd: CCDData,
    n_pixels: int = 1,
    *,
    connectivity: int = 8,
    mask: np.ndarray | None = None,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    bias: CCDData | str | os.PathLike | None = None,
    bad_pixels: np.ndarray | str | os.PathLike | None = None,
    mosaic: str | bool | None = None,
    dispersion_axis: int | None = None,
    pixel_size: Any = None,
    thickness: Any = None,
    detector: str = "lacosmic",
    refine: bool = True,
    **parameters: Any,
) -> CRSegments:
    """
    Separate the cosmic rays of a frame into events.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, cleaned or not; it is not changed.
    n_pixels : int
        Least pixels of an event; smaller ones are not in the result. The labels of the others stay as they are.
    connectivity : {8, 4}
        Whether pixels that touch only at a corner belong together (8) or not (4).
    mask : `~numpy.ndarray` of bool or None, shape (ny, nx)
        The cosmic rays. `None` means those of the flags of a cleaned frame, or those that ``detector`` finds in another
        frame.
    gain, readnoise, saturation : Quantity, float, `~numpy.ndarray`, mapping or None
        As for `clean_cosmic_rays`.
    dark : `~astropy.nddata.CCDData`, path or None, shape (ny, nx)
        The dark that was subtracted from the frame, without its bias. Events that its hot pixels explain have the class
        ``hot pixel``, and the table has a column ``dark``. Nothing is subtracted. `None` means that of the night, in
        a step of a night.
    scale_dark : bool
        Whether the dark was scaled to the exposure of the frame.
    bias : `~astropy.nddata.CCDData`, path or None, shape (ny, nx)
        As for `clean_cosmic_rays`.
    bad_pixels : `~numpy.ndarray` of bool, path or None, shape (ny, nx)
        As for `clean_cosmic_rays`.
    mosaic : str, False or None
        As for `clean_cosmic_rays`.
    dispersion_axis : {0, 1} or None
        As for `clean_cosmic_rays`.
    pixel_size : Quantity, float or None
        Side of a pixel of the frame, binning included (micron). `None` means the header's, if its pixels are square.
    thickness : Quantity, float or None
        Thickness of the silicon that collects charge (micron). With the pixel size the table has the angles of tracks,
        and with the gain the energy lost on them. No header has it.
    detector : str
        The detector that is used on a frame that was not cleaned.
    refine : bool
        Whether plugins may change the mask of the detector, as for `clean_cosmic_rays`.
    **parameters
        The detector's own parameters, such as ``sigclip`` of ``lacosmic``.

    Returns
    -------
    CRSegments
        The events; it may be empty.

    Raises
    ------
    CosmicRayError
        If the frame or a parameter is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> sky = np.random.default_rng(1).normal(200, 15, (50, 50))
    >>> sky[20, 20:26] += 3000
    >>> ccd = CCDData(sky, unit="electron")
    >>> segments = ccd.clean_cosmic_rays(readnoise=5, saturation=60000).cr_segments()
    >>> len(segments), str(segments.table["class"][0])
    (1, 'track')
    """
    check_frame(ccd)
    check_counts(n_pixels, connectivity)
    check_bool("scale_dark", scale_dark)
    check_bool("refine", refine)
    stated = {
        "gain": gain,
        "readnoise": readnoise,
        "saturation": saturation,
        "bias": bias,
        "bad_pixels": bad_pixels,
        "mosaic": mosaic,
        "dispersion_axis": dispersion_axis,
        "refine": None if refine else False,
    }
    parameters |= {name: value for name, value in stated.items() if value is not None}
    source = find_events(ccd, mask, detector, parameters, companion(dark, ccd, "dark"), scale_dark)
    silicon = silicon_of(ccd, pixel_size, thickness)
    pieces = Pieces(source, connectivity, expected_events(ccd, pixel_size=pixel_size), silicon)
    return CRSegments(pieces, np.flatnonzero(pieces.areas >= n_pixels) + 1)


def check_counts(n_pixels: Any = 1, connectivity: Any = 8) -> None:
    """Refuse wrong parameters of `cr_segments`."""
    check_whole("n_pixels", n_pixels, 1)
    check_choice("connectivity", connectivity, (8, 4))


class NoSuchEventError(CosmicRayError, IndexError):
    """A position beyond the last event; an `IndexError` too, as that of a list is."""


class CRSegments(EventPictures):
    """
    The cosmic-ray events of a frame.

    `cr_segments` returns it. ``segments[3]`` and ``segments[2:5]`` take events by position, a loop over ``segments``
    takes them one by one, and `select` those that fulfil a condition; each of these is a CRSegments, too. Labels stay
    as they are.

    Parameters
    ----------
    pieces : object
        All connected pieces of the pixels hit.
    labels : array of int, shape (n_events,)
        The labels of those that belong to the result.
    """

    def __init__(self, pieces: Pieces, labels: np.ndarray) -> None:
        self._pieces = pieces
        self._labels = labels

    def __len__(self) -> int:
        return self.n_events

    def __getitem__(self, position: int | slice) -> CRSegments:
        if isinstance(position, slice):
            return CRSegments(self._pieces, self._labels[position])
        if not isinstance(position, Integral) or isinstance(position, bool):
            raise CosmicRayError(
                f"Found a position of type {type(position).__name__}; expected a whole number or a slice.",
                "The method select takes a condition.",
            )
        if not -self.n_events <= position < self.n_events:
            raise NoSuchEventError(f"Found the position {position}; expected one among {self.n_events} events.")
        return CRSegments(self._pieces, self._labels[[position]])

    def __iter__(self) -> Iterator[CRSegments]:
        return (self[position] for position in range(self.n_events))

    def __repr__(self) -> str:
        n_pixels, n_hit = int(self.areas.sum()), int(self._pieces.areas.sum())
        share = f" ({self.fraction:.0%} of the {n_hit} hit)" if n_pixels < n_hit else ""
        events = "1 event" if self.n_events == 1 else f"{self.n_events} events"
        if self.n_tracks < self.n_events:
            events += f" of {self.n_tracks} track" + "s" * (self.n_tracks > 1)
        return f"<CRSegments: {events}, {n_pixels} pixels{share}; {self.verdict}: {self._pieces.reason}>"

    def _repr_html_(self) -> str:
        return events_in_html(self)

    def select(self, condition: np.ndarray) -> CRSegments:
        """
        The events that fulfil a condition.

        Parameters
        ----------
        condition : array of bool, shape (n_events,)
            Whether each event is taken, such as ``segments.table["class"] == "track"``.

        Returns
        -------
        CRSegments
            The events; it may be empty.

        Raises
        ------
        CosmicRayError
            If the condition is not an array of bool with an element for each event.
        """
        chosen = np.ma.filled(np.ma.asarray(condition), False)
        if chosen.dtype != bool or chosen.shape != self._labels.shape:
            raise CosmicRayError(
                f"Found a condition of dtype {chosen.dtype} and shape {chosen.shape}; expected bool, a value for each "
                f"of the {self.n_events} events.",
                'Make it from a column of their table, as in segments.table["class"] == "track".',
            )
        return CRSegments(self._pieces, self._labels[chosen])

    @property
    def labels(self) -> np.ndarray:
        """The label of each event: int, shape (n_events,). A label belongs to a connected piece."""
        return self._labels.copy()

    @property
    def connectivity(self) -> int:
        """Whether pixels that touch only at a corner belong together (8) or not (4)."""
        return self._pieces.connectivity

    @property
    def expectation(self) -> Expectation:
        """The number of events that are expected in the frame."""
        return self._pieces.expectation

    @cached_property
    def mask(self) -> np.ndarray:
        """The pixels of these events: bool, shape (ny, nx)."""
        return self._pieces.source.mask if self._is_whole else self._is_chosen[self._pieces.data]

    @property
    def raw(self) -> np.ndarray:
        """The frame before the cleaning: shape (ny, nx), in its own unit; NaN where the removed values are lost."""
        return self._pieces.source.raw

    @property
    def cleaned(self) -> np.ndarray:
        """The frame without its cosmic rays: shape (ny, nx), in its own unit."""
        return self._pieces.source.cleaned

    @cached_property
    def segmentation(self) -> SegmentationImage | None:
        """The events as `~photutils.segmentation.SegmentationImage` of photutils; None without an event."""
        from photutils.segmentation import SegmentationImage

        if not self.n_events:
            return None
        if self._is_whole:
            return self._pieces.segmentation
        return SegmentationImage(np.where(self.mask, self._pieces.data, 0))

    @property
    def data(self) -> np.ndarray:
        """The label image: int32, shape (ny, nx); 0 outside of the events."""
        return np.zeros(self.mask.shape, np.int32) if self.segmentation is None else self.segmentation.data

    @property
    def n_events(self) -> int:
        """The number of events."""
        return len(self._labels)

    @property
    def n_tracks(self) -> int:
        """The number of tracks: the pieces of one straight track count once."""
        return len(np.unique(self._pieces.tracks[self._labels - 1]))

    @property
    def verdict(self) -> str:
        """
        Whether the number of tracks is credible, by all events of the frame: small and not selected ones included.

        ``"plausible"``, ``"too many"``, ``"too few"``, ``"too large"`` or ``"cannot tell"``.
        """
        return self._pieces.verdict

    @property
    def areas(self) -> np.ndarray:
        """Pixels of each event: int, shape (n_events,)."""
        return self._pieces.areas[self._labels - 1]

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """Bounding box of each event: slices of rows and columns."""
        every = self._pieces.slices
        return [every[label - 1] for label in self._labels]

    @property
    def fraction(self) -> float:
        """Share of the pixels hit that lie in these events; 0 if no pixel was hit."""
        return float(self.areas.sum() / max(self._pieces.areas.sum(), 1))

    @cached_property
    def table(self) -> QTable:
        """
        A row for each event, as `~astropy.table.QTable`.

        ``label``; ``x``, ``y`` the middle of its pixels; ``xmin``, ``xmax``, ``ymin``, ``ymax`` its bounds,
        inclusive; ``area``; ``sum`` and ``peak`` of the removed charge; ``ixx``, ``iyy``, ``ixy`` the second
        moments of its pixels; ``length`` and ``width`` of a bar with these moments; ``orientation`` from the x
        axis; ``elongation``; ``touches_edge``, ``touches_bad``; ``class`` and the ``rule`` of that class; ``dark``,
        with a dark only, the dark at its brightest pixel; ``track``, the label of the first piece of its track.
        Of that track: ``track_length``, between the middles of the outermost pixels; with the pixel size
        ``chip_length`` (micron); with the thickness, too, ``zenith_angle`` from the normal of the chip,
        ``path_length`` through the silicon and ``energy_loss`` (eV/micron), which are NaN for tracks that are shorter
        than 4 pixels, not straight, or end at the edge of the frame or a bad pixel.
        Its ``meta`` holds the cards of a cleaned frame that say how many events are expected.
        """
        return self._pieces.table[self._labels - 1]

    @property
    def removed_charge(self) -> np.ndarray:
        """
        Frame minus cleaned frame: float64, shape (ny, nx), 0 outside of the events.

        In electron, or in the unit of the frame if its gain is not known.
        """
        return np.where(self.mask, self._pieces.removed_charge, 0)

    @property
    def _is_whole(self) -> bool:
        """Whether these are all events of the frame."""
        return self.n_events == self._pieces.n_events

    @cached_property
    def _is_chosen(self) -> np.ndarray:
        """Whether each label belongs to these events: bool, shape (1 + all events,)."""
        chosen = np.zeros(self._pieces.n_events + 1, dtype=bool)
        chosen[self._labels] = True
        return chosen

    def check_labels(self, labels: Iterable[int] | None) -> list[int]:
        """
        Check labels of events.

        Parameters
        ----------
        labels : iterable of int or None
            The labels; `None` means all.

        Returns
        -------
        list of int
            The labels.

        Raises
        ------
        CosmicRayError
            If a label is unknown.
        """
        known = self._labels.tolist()
        if labels is None:
            return known
        chosen: list[Any] = list(labels) if np.iterable(labels) else [labels]
        for label in chosen:
            check_whole("labels", label, 1, self._pieces.n_events)
            if not self._is_chosen[label]:
                raise wrong_value("labels", label, f"labels of these events: {listed(known)}")
        return chosen

    def largest(self, n_events: int | None = None) -> list[int]:
        """
        The labels of the largest events.

        Parameters
        ----------
        n_events : int or None
            How many; `None` means all.

        Returns
        -------
        list of int
            The labels by area, the largest event first.
        """
        return self._labels[np.argsort(-self.areas, kind="stable")][:n_events].tolist()

    def to_regions(self) -> Any:
        """
        The events as rectangles for DS9 and similar programs.

        Returns
        -------
        `~regions.Regions`
            A `~regions.RectanglePixelRegion` for each event.

        Raises
        ------
        CosmicRayError
            If the optional package ``regions`` is not installed.
        """
        return regions_of(self.table)

    def write(self, path: str | os.PathLike, overwrite: bool = False) -> Path:
        """
        Write the table.

        Parameters
        ----------
        path : path
            The file to write, ``.ecsv`` or ``.fits``.
        overwrite : bool
            Whether an existing file may be replaced.

        Returns
        -------
        `~pathlib.Path`
            The path.

        Raises
        ------
        CosmicRayError
            If the file exists already or has another ending.
        """
        return write_table(self.table, path, overwrite)
