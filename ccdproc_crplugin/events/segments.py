# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The events of a frame: how they are found, selected, drawn and written."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyWarning

from ccdproc_crplugin.errors import CosmicRayError, check_bool, check_choice, check_whole, wrong_value
from ccdproc_crplugin.events.gallery import Cutout, cut_event, plot_cutouts, save_pages
from ccdproc_crplugin.events.pieces import Pieces, listed
from ccdproc_crplugin.events.source import find_events
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.rates import Expectation, expected_events
from ccdproc_crplugin.io.atomic import as_path, atomic_write, ending_of
from ccdproc_crplugin.io.companions import companion

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.figure import Figure
    from photutils.segmentation import SegmentationImage

    from ccdproc_crplugin.events.viewer import EventViewer

# The example needs a widget.
__doctest_requires__ = {"CRSegments.view": ["astrowidgets"]}

#: Formats of the table by the ending of its file.
TABLE_FORMATS = {".ecsv": "ascii.ecsv", ".fits": "fits"}


def cr_segments(
    ccd: CCDData,
    n_pixels: int = 1,
    *,
    connectivity: int = 8,
    mask: np.ndarray | None = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    detector: str = "lacosmic",
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
    dark : `~astropy.nddata.CCDData`, path or None, shape (ny, nx)
        The dark that was subtracted from the frame, without its bias. Events that its hot pixels explain have the class
        ``hot pixel``, and the table has a column ``dark``. Nothing is subtracted. `None` means that of the night, in
        a step of a night.
    scale_dark : bool
        Whether the dark was scaled to the exposure of the frame.
    detector : str
        The detector that is used on a frame that was not cleaned.
    **parameters
        ``gain``, ``readnoise``, ``saturation``, ``bias``, ``bad_pixels``, ``dispersion_axis`` and ``mosaic`` as for
        `clean_cosmic_rays`, and the parameters of the detector.

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
    source = find_events(ccd, mask, detector, parameters, companion(dark, ccd, "dark"), scale_dark)
    pieces = Pieces(source, connectivity, expected_events(ccd))
    return CRSegments(pieces, np.flatnonzero(pieces.areas >= n_pixels) + 1)


def check_counts(n_pixels: Any = 1, connectivity: Any = 8) -> None:
    """Refuse wrong parameters of `cr_segments`."""
    check_whole("n_pixels", n_pixels, 1)
    check_choice("connectivity", connectivity, (8, 4))


class NoSuchEventError(CosmicRayError, IndexError):
    """A position beyond the last event; an `IndexError` too, as that of a list is."""


class CRSegments:
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
        return f"<CRSegments: {events}, {n_pixels} pixels{share}; {self.verdict}: {self._pieces.reason}>"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table._repr_html_()}"

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
    def verdict(self) -> str:
        """
        Whether the events of the whole frame are credible, small ones and those not selected included.

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
        with a dark only, the dark at its brightest pixel.
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

    def cutouts(
        self, size: int | None = None, *, labels: Iterable[int] | None = None, frames: Mapping[str, Any] | None = None
    ) -> list[Cutout]:
        """
        Cut-outs of the events.

        Parameters
        ----------
        size : int or None
            Side of a cut-out (pix); `None` fits it to each event, 25 to 101.
        labels : iterable of int or None
            The events; `None` means all.
        frames : mapping of str to array or CCDData
            Further frames to cut, such as ``{"dark": dark}``.

        Returns
        -------
        list of Cutout
            Each with the images ``mask``, ``frame``, ``cleaned`` and the further ones.

        Raises
        ------
        CosmicRayError
            If a label is unknown, the size is not a positive whole number, or a frame has another shape.
        """
        if size is not None:
            check_whole("size", size, 1)
        images = self.images(frames)
        del images["mask"]
        return [self._cutout(label, size, images) for label in self.check_labels(labels)]

    def images(self, frames: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        """
        The images of the frame, each of shape (ny, nx).

        Parameters
        ----------
        frames : mapping of str to array or CCDData
            Further frames, such as ``{"dark": dark}``.

        Returns
        -------
        dict of str to `~numpy.ndarray`
            ``frame``, ``cleaned``, ``mask`` (all pixels hit) and the further ones.

        Raises
        ------
        CosmicRayError
            If a frame has another shape.
        """
        return {
            "frame": self.raw,
            "cleaned": self.cleaned,
            "mask": self._pieces.source.mask,
            **self._further(frames),
        }

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

    def _further(self, frames: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
        further = {}
        for name, frame in (frames or {}).items():
            if name in ("frame", "cleaned", "mask"):
                raise CosmicRayError(f"Found a further frame named {name!r}; that name is taken. Give it another name.")
            array = frame.data if isinstance(frame, CCDData) else np.asarray(frame)
            if array.shape != self.mask.shape:
                raise CosmicRayError(
                    f"Found the frame {name!r} of shape {array.shape}; expected that of the events, {self.mask.shape}."
                )
            further[name] = array
        return further

    def _cutout(self, label: int, size: int | None, images: Mapping[str, np.ndarray]) -> Cutout:
        row = self._pieces.table[label - 1]
        title = f"{label}: {row['class']}, {row['area'].value:.0f} pix, {row['sum']:.0f}"
        return cut_event(label, title, self._pieces.data, self._pieces.slices[label - 1], images, size)

    def plot(
        self,
        labels: Iterable[int] | None = None,
        *,
        frames: Mapping[str, Any] | None = None,
        size: int | None = None,
        n_rows: int = 12,
        stretch: str = "zscale",
    ) -> Figure:
        """
        Draw a page of events to judge by eye.

        Parameters
        ----------
        labels : iterable of int or None
            The events; `None` means the largest.
        frames : mapping of str to array or CCDData
            Further frames beside mask, frame and cleaned frame, such as ``{"dark": dark}``.
        size : int or None
            Side of each picture (pix); `None` fits it to each event.
        n_rows : int
            Most events on the page.
        stretch : {"zscale", "asinh"}
            Grey level of a pixel: linear within the limits of ZScale, or the inverse hyperbolic sine up to the
            brightest pixel.

        Returns
        -------
        `~matplotlib.figure.Figure`
            In each row the mask, the frame, the cleaned frame and the further frames around the same pixel, in the
            same stretch.

        Raises
        ------
        CosmicRayError
            If there is no event to plot, or a parameter is wrong.
        """
        labels = self.largest(n_rows) if labels is None else list(labels)[:n_rows]
        return plot_cutouts(self.cutouts(size, labels=labels, frames=frames), stretch=stretch)

    def save_gallery(
        self,
        path: str | os.PathLike,
        labels: Iterable[int] | None = None,
        *,
        frames: Mapping[str, Any] | None = None,
        size: int | None = None,
        n_rows: int = 12,
        stretch: str = "zscale",
        overwrite: bool = False,
    ) -> list[Path]:
        """
        Write pages of events.

        Parameters
        ----------
        path : path
            The file to write. ``.pdf`` is one file of all pages. With ``.png`` and ``.svg`` each page is a file, and
            several pages are numbered: ``events_1.png``, ``events_2.png``.
        labels : iterable of int or None
            The events; `None` means all, the largest first.
        frames : mapping of str to array or CCDData
            Further frames beside mask, frame and cleaned frame, such as ``{"dark": dark}``.
        size : int or None
            Side of each picture (pix); `None` fits it to each event.
        n_rows : int
            Most events on a page.
        stretch : {"zscale", "asinh"}
            Grey level of a pixel, as for `plot`.
        overwrite : bool
            Whether existing files may be replaced.

        Returns
        -------
        list of `~pathlib.Path`
            The files.

        Raises
        ------
        CosmicRayError
            If there is no event, a file exists already, or a parameter is wrong.
        """
        labels = self.largest() if labels is None else labels
        cutouts = self.cutouts(size, labels=labels, frames=frames)
        return save_pages(cutouts, path, n_rows=n_rows, stretch=stretch, overwrite=overwrite)

    def view(
        self, labels: Iterable[int] | None = None, *, frames: Mapping[str, Any] | None = None, widget: Any = None
    ) -> EventViewer:
        """
        Look at the events one by one in a notebook.

        Parameters
        ----------
        labels : iterable of int or None
            The events, in this order; `None` means all, the largest first.
        frames : mapping of str to array or CCDData
            Further frames beside frame, cleaned frame and mask, such as ``{"dark": dark}``.
        widget : object or None
            A widget that follows astro-image-display-api, such as ``astrowidgets.bqplot.ImageWidget()``, or an
            ``ImageWidget`` of an older astrowidgets. `None` makes one of the installed astrowidgets.

        Returns
        -------
        EventViewer
            As the last expression of a cell it shows the widget with its buttons.

        Raises
        ------
        CosmicRayError
            If there is no event, a label or a frame does not fit, or astrowidgets is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy.nddata import CCDData
        >>> import ccdproc_crplugin as crp
        >>> sky = np.random.default_rng(1).normal(200, 15, (50, 50))
        >>> sky[20, 20:26] += 3000
        >>> ccd = CCDData(sky, unit="electron").clean_cosmic_rays(readnoise=5, saturation=60000)
        >>> viewer = ccd.cr_segments().view()
        >>> viewer.label, viewer.image
        (1, 'frame')
        >>> viewer.blink()
        >>> viewer.image
        'cleaned'
        """
        from ccdproc_crplugin.events.image_widget import open_widget
        from ccdproc_crplugin.events.viewer import EventViewer

        labels = self.largest() if labels is None else labels
        walk = list(dict.fromkeys(int(label) for label in self.check_labels(labels)))
        if not walk:
            raise CosmicRayError("Found no event to view; expected at least one. len(segments) is their number.")
        images = self.images(frames)
        return EventViewer(self, walk, images, open_widget() if widget is None else widget)

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
        try:
            from regions import PixCoord, RectanglePixelRegion, Regions
        except ImportError as err:
            raise CosmicRayError(
                "Found no package 'regions'; expected it for regions. Install it with: python -m pip install regions"
            ) from err
        return Regions(
            [
                RectanglePixelRegion(
                    PixCoord(row["x"].value, row["y"].value),
                    row["length"].value,
                    row["width"].value,
                    angle=np.nan_to_num(row["orientation"]),
                    meta={"text": f"{row['label']}"},
                )
                for row in self.table
            ]
        )

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
        path = as_path(path)
        form = TABLE_FORMATS[ending_of(path, TABLE_FORMATS)]
        with atomic_write(path, overwrite) as temporary, warnings.catch_warnings():
            # FITS has no standard for the unit electron, but astropy reads it back.
            warnings.filterwarnings("ignore", "The unit 'electron'", AstropyWarning)
            self.table.write(temporary, format=form)
        return path
