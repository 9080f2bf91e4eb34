# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The cosmic rays of a frame one by one."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyWarning

from ccdproc_crplugin.errors import CosmicRayError, check_whole, wrong_value
from ccdproc_crplugin.events.catalog import event_table
from ccdproc_crplugin.events.gallery import Cutout, cut_out, plot_cutouts, save_pages
from ccdproc_crplugin.events.source import EventSource, find_events
from ccdproc_crplugin.frames.cards import write_verdict
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.rates import Expectation, expected_events, judge
from ccdproc_crplugin.io.atomic import atomic_write

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.figure import Figure
    from photutils.segmentation import SegmentationImage

    from ccdproc_crplugin.events.viewer import EventViewer

__all__ = ["CRSegments", "check_counts", "cr_segments"]

__doctest_requires__ = {"CRSegments.view": ["astrowidgets"]}

__doctest_requires__ = {"CRSegments.view": ["astrowidgets"]}

#: Pixels around an event in its picture, and the smallest and largest side of one.
MARGIN, SMALLEST, LARGEST = 8, 25, 101

#: How the pixels of other events stand in the picture of an event's mask.
OTHERS = 0.4


def cr_segments(
    ccd: CCDData,
    n_pixels: int = 3,
    *,
    connectivity: int = 8,
    mask: np.ndarray | None = None,
    detector: str = "lacosmic",
    **parameters: Any,
) -> CRSegments:
    """
    Take the cosmic rays of a frame apart into events.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, cleaned or not; it is not changed.
    n_pixels : int
        From how many pixels on an event counts as extended. Smaller ones are events too.
    connectivity : {8, 4}
        Whether pixels that touch at a corner belong together.
    mask : `~numpy.ndarray` of bool or None, shape (ny, nx)
        The cosmic rays. `None` means those of ``ccd.flags``, or if it has none those that ``detector`` finds.
    detector : str
        Who looks, if need be.
    **parameters
        ``gain``, ``readnoise`` and ``saturation`` as for `clean_cosmic_rays`, and the detector's own.

    Returns
    -------
    CRSegments
        The events; empty if there are none.

    Raises
    ------
    CosmicRayError
        If the frame or a parameter is not as it should be.

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
    source = find_events(ccd, mask, detector, parameters)
    return CRSegments(source, n_pixels=n_pixels, connectivity=connectivity, expectation=expected_events(ccd))


def check_counts(n_pixels: Any = 3, connectivity: Any = 8) -> None:
    """Refuse counts of pixels that no event can have."""
    check_whole("n_pixels", n_pixels, 1)
    if not isinstance(connectivity, int) or connectivity not in (4, 8):
        raise wrong_value("connectivity", connectivity, "8 or 4")


class CRSegments:
    """
    The cosmic-ray events of a frame.

    Made by `cr_segments`.

    Parameters
    ----------
    source : object
        The frame before and after and the pixels hit.
    n_pixels : int
        From how many pixels on an event counts as extended.
    connectivity : {8, 4}
        Whether pixels that touch at a corner belong together.
    expectation : Expectation
        How many events to expect in the frame.
    """

    def __init__(self, source: EventSource, *, n_pixels: int, connectivity: int, expectation: Expectation) -> None:
        self._source = source
        self.n_pixels = n_pixels
        self.connectivity = connectivity
        self.expectation = expectation

    def __len__(self) -> int:
        return self.n_events

    def __repr__(self) -> str:
        return (
            f"<CRSegments: {self.n_events} events, {int(self.mask.sum())} pixels, "
            f"{self.extended_fraction:.0%} of them in events of {self.n_pixels} pixels or more; "
            f"{self.verdict}: {self.expectation}>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table._repr_html_()}"

    @property
    def mask(self) -> np.ndarray:
        """
        True at every flagged pixel: bool, shape (ny, nx).
        """
        return self._source.mask

    @property
    def raw(self) -> np.ndarray:
        """
        The frame before the cleaning: shape (ny, nx), in its own unit; NaN where the removed values are lost.
        """
        return self._source.raw

    @property
    def cleaned(self) -> np.ndarray:
        """
        The frame without its cosmic rays: shape (ny, nx), in its own unit.
        """
        return self._source.cleaned

    @cached_property
    def segmentation(self) -> SegmentationImage | None:
        """
        The events as photutils' `~photutils.segmentation.SegmentationImage`; None if there is none.
        """
        from photutils.segmentation import detect_sources

        if not self.mask.any():
            return None
        return detect_sources(self.mask.astype(np.uint8), 0.5, n_pixels=1, connectivity=self.connectivity)

    @property
    def data(self) -> np.ndarray:
        """
        The label image: int32, shape (ny, nx); 0 where no cosmic ray is.
        """
        return np.zeros(self.mask.shape, np.int32) if self.segmentation is None else self.segmentation.data

    @property
    def n_events(self) -> int:
        """
        How many events there are.
        """
        return 0 if self.segmentation is None else self.segmentation.n_labels

    @property
    def verdict(self) -> str:
        """
        Whether so many events can be true: ``"plausible"``, ``"too many"``, ``"too few"`` or ``"cannot tell"``.
        """
        return judge(self.n_events, self.expectation)

    @property
    def areas(self) -> np.ndarray:
        """
        Pixels of each event: int, shape (n_events,).
        """
        return np.zeros(0, dtype=int) if self.segmentation is None else np.asarray(self.segmentation.areas)

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """
        Bounding box of each event, as (y, x) slices.
        """
        return [] if self.segmentation is None else list(self.segmentation.slices)

    @property
    def extended_fraction(self) -> float:
        """
        Share of the flagged pixels that lie in events of at least ``n_pixels``; 0 if there is none.
        """
        areas = self.areas
        return float(areas[areas >= self.n_pixels].sum() / areas.sum()) if len(areas) else 0.0

    @cached_property
    def table(self) -> QTable:
        """
        A row an event, as `~astropy.table.QTable`.

        ``label``; ``x``, ``y`` the middle of its pixels; ``xmin``, ``xmax``, ``ymin``, ``ymax`` its bounds,
        inclusive; ``area``; ``sum`` and ``peak`` of the removed charge; ``ixx``, ``iyy``, ``ixy`` the second
        moments of its pixels; ``length`` and ``width`` of a bar with these moments; ``orientation`` from the x
        axis; ``elongation``; ``extended``; ``touches_edge``, ``touches_bad``; ``class`` and the ``rule`` that gave it.
        Its ``meta`` has the cards of a cleaned frame that say how many events were to be expected.
        """
        source = self._source
        table = event_table(
            self.segmentation,
            self.removed_charge,
            source.unit,
            source.cleaned * source.factor,
            source.bad,
            self.n_pixels,
        )
        write_verdict(table.meta, self.n_events, self.expectation)
        return table

    @cached_property
    def removed_charge(self) -> np.ndarray:
        """
        Frame minus cleaned frame: float64, shape (ny, nx), 0 where no cosmic ray is.

        In electron, or in the unit of the frame where its gain is not known.
        """
        charge = np.zeros(self.mask.shape)
        source = self._source
        before = source.raw[self.mask].astype(float)
        charge[self.mask] = (before - source.cleaned[self.mask]) * source.factor
        return charge

    def cutouts(
        self, size: int | None = None, *, labels: Iterable[int] | None = None, frames: Mapping[str, Any] | None = None
    ) -> list[Cutout]:
        """
        Cut the events out.

        Parameters
        ----------
        size : int or None
            Side (pix); `None` fits each event, 25 to 101.
        labels : iterable of int or None
            Which events; `None` means all.
        frames : mapping of str to array or CCDData
            Further frames to cut, such as ``{"dark": dark}``.

        Returns
        -------
        list of Cutout
            With the images ``mask``, ``frame``, ``cleaned`` and the further ones.

        Raises
        ------
        CosmicRayError
            If a label is not there, the size is no positive whole number or a frame has another shape.
        """
        if size is not None:
            check_whole("size", size, 1)
        images = self.images(frames)
        del images["mask"]
        return [self._cutout(label, size, images) for label in self.check_labels(labels)]

    def images(self, frames: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        """
        What there is to look at, each of shape (ny, nx).

        Parameters
        ----------
        frames : mapping of str to array or CCDData
            Further frames, such as ``{"dark": dark}``.

        Returns
        -------
        dict of str to `~numpy.ndarray`
            ``frame``, ``cleaned``, ``mask`` and the further ones.

        Raises
        ------
        CosmicRayError
            If a frame has another shape.
        """
        return {
            "frame": self._source.raw,
            "cleaned": self._source.cleaned,
            "mask": self.mask,
            **self._further(frames),
        }

    def check_labels(self, labels: Iterable[int] | None) -> list[int]:
        """
        The labels of events that were asked for.

        Parameters
        ----------
        labels : iterable of int or None
            Which events; `None` means all.

        Returns
        -------
        list of int
            The labels.

        Raises
        ------
        CosmicRayError
            If a label is not there.
        """
        if labels is None:
            return list(range(1, self.n_events + 1))
        for label in (chosen := list(labels) if np.iterable(labels) else [labels]):
            if not isinstance(label, int | np.integer) or not 1 <= label <= self.n_events:
                raise CosmicRayError(f"Found the label {label!r}; expected whole numbers from 1 to {self.n_events}.")
        return chosen

    def _further(self, frames: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
        further = {}
        for name, frame in (frames or {}).items():
            if name in ("frame", "cleaned", "mask"):
                raise CosmicRayError(f"Found a further frame named {name!r}; that name is taken, give it another.")
            array = frame.data if isinstance(frame, CCDData) else np.asarray(frame)
            if array.shape != self.mask.shape:
                raise CosmicRayError(
                    f"Found the frame {name!r} of shape {array.shape}; expected that of the events, {self.mask.shape}."
                )
            further[name] = array
        return further

    def _cutout(self, label: int, size: int | None, images: Mapping[str, np.ndarray]) -> Cutout:
        row = self.table[label - 1]
        rows, columns = self.slices[label - 1]
        center = ((rows.start + rows.stop - 1) // 2, (columns.start + columns.stop - 1) // 2)
        if size is None:
            extent = max(rows.stop - rows.start, columns.stop - columns.start) + 2 * MARGIN
            size = min(max(extent, SMALLEST), LARGEST)
        labels = cut_out(self.data, center, size)
        cut = {"mask": np.where(labels > 0, np.where(labels == label, 1, OTHERS), labels)}
        cut |= {name: cut_out(image, center, size) for name, image in images.items()}
        title = f"{label}: {row['class']}, {row['area'].value:.0f} pix, {row['sum']:.0f}"
        return Cutout(label, title, (center[0] - size // 2, center[1] - size // 2), cut)

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
        A page of events to judge by eye.

        Parameters
        ----------
        labels : iterable of int or None
            Which events; `None` means the largest.
        frames : mapping of str to array or CCDData
            Further frames beside mask, frame and cleaned frame, such as ``{"dark": dark}``.
        size : int or None
            Side of each picture (pix); `None` fits each event.
        n_rows : int
            Most events on the page.
        stretch : {"zscale", "asinh"}
            How grey follows the value of a pixel: linearly within the limits of ZScale, or as the inverse
            hyperbolic sine up to the brightest pixel.

        Returns
        -------
        `~matplotlib.figure.Figure`
            Row by row the mask, the frame, the cleaned frame and the further ones around the same pixel, in one
            stretch a row.

        Raises
        ------
        CosmicRayError
            If there is no event to plot, or a wish can't be fulfilled.
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
        Write pages of events, as many as it takes.

        Parameters
        ----------
        path : path
            Where to; the ending decides. ``.pdf`` is one file of many pages; of ``.png`` and ``.svg`` each page is
            a file, and where there are several they are numbered: ``events_1.png``, ``events_2.png``.
        labels : iterable of int or None
            Which events; `None` means all, the largest first.
        frames : mapping of str to array or CCDData
            Further frames beside mask, frame and cleaned frame, such as ``{"dark": dark}``.
        size : int or None
            Side of each picture (pix); `None` fits each event.
        n_rows : int
            Most events on a page.
        stretch : {"zscale", "asinh"}
            How grey follows the value of a pixel, as for `plot`.
        overwrite : bool
            Whether files that are there may be replaced.

        Returns
        -------
        list of `~pathlib.Path`
            The files.

        Raises
        ------
        CosmicRayError
            If there is no event, a file is there already, or a wish can't be fulfilled.
        """
        labels = self.largest() if labels is None else labels
        cutouts = self.cutouts(size, labels=labels, frames=frames)
        return save_pages(cutouts, path, n_rows=n_rows, stretch=stretch, overwrite=overwrite)

    def view(
        self,
        labels: Iterable[int] | None = None,
        *,
        frames: Mapping[str, Any] | None = None,
        widget: Any = None,
    ) -> EventViewer:
        """
        Look at the events one by one in a notebook.

        Parameters
        ----------
        labels : iterable of int or None
            Which events, in this order; `None` means all, the largest first.
        frames : mapping of str to array or CCDData
            Further frames beside frame, cleaned frame and mask, such as ``{"dark": dark}``.
        widget : object or None
            A widget that follows astro-image-display-api, such as ``astrowidgets.bqplot.ImageWidget()``, or an
            ``ImageWidget`` of an older astrowidgets. `None` makes one of the installed astrowidgets.

        Returns
        -------
        EventViewer
            As the last expression of a cell it is the widget with its buttons.

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
        from ccdproc_crplugin.events.viewer import view

        return view(self, labels, frames=frames, widget=widget)

    def largest(self, n_events: int | None = None) -> list[int]:
        """
        The events by area.

        Parameters
        ----------
        n_events : int or None
            How many; `None` means all.

        Returns
        -------
        list of int
            Their labels, the largest event first.
        """
        return (np.argsort(-self.areas, kind="stable")[:n_events] + 1).tolist()

    def to_regions(self) -> Any:
        """
        The events as rectangles for DS9 and its like.

        Returns
        -------
        `~regions.Regions`
            A `~regions.RectanglePixelRegion` an event.

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
            Where to; the ending decides: ``.ecsv`` or ``.fits``.
        overwrite : bool
            Whether a file that is there may be replaced.

        Returns
        -------
        `~pathlib.Path`
            The path.

        Raises
        ------
        CosmicRayError
            If the file is there already or its ending is another.
        """
        path = Path(path)
        formats = {".ecsv": "ascii.ecsv", ".fits": "fits"}
        if path.suffix.lower() not in formats:
            raise CosmicRayError(f"Found the file name {path.name!r}; expected one that ends in {', '.join(formats)}.")
        with atomic_write(path, overwrite) as temporary, warnings.catch_warnings():
            # The unit electron is no standard of FITS, but astropy reads it back.
            warnings.filterwarnings("ignore", "The unit 'electron'", AstropyWarning)
            self.table.write(temporary, format=formats[path.suffix.lower()])
        return path
