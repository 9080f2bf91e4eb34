# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pictures of events: cut-outs, pages, and the viewer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, check_whole
from ccdproc_crplugin.events.gallery import Cutout, cut_event, plot_cutouts, save_pages
from ccdproc_crplugin.events.pieces import Pieces

if TYPE_CHECKING:
    from ccdproc_crplugin.events.viewer import EventViewer

# The example needs a widget.
__doctest_requires__ = {"EventPictures.view": ["astrowidgets"]}


class EventPictures:
    """
    How the events of a frame are drawn.

    `CRSegments` is one.
    """

    _pieces: Pieces

    def check_labels(self, labels: Iterable[int] | None) -> list[int]:
        """Check labels of events."""
        raise NotImplementedError

    def largest(self, n_events: int | None = None) -> list[int]:
        """The labels of the largest events."""
        raise NotImplementedError

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
        images, units = self.images(frames), self._units(frames)
        del images["mask"]
        return [self._cutout(label, size, images, units) for label in self.check_labels(labels)]

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
        source = self._pieces.source
        return {"frame": source.raw, "cleaned": source.cleaned, "mask": source.mask, **self._further(frames)}

    def _further(self, frames: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
        further = {}
        for name, frame in (frames or {}).items():
            if name in ("frame", "cleaned", "mask"):
                raise CosmicRayError(f"Found a further frame named {name!r}; that name is taken. Give it another name.")
            array = frame.data if isinstance(frame, CCDData) else np.asarray(frame)
            shape = self._pieces.source.mask.shape
            if array.shape != shape:
                raise CosmicRayError(
                    f"Found the frame {name!r} of shape {array.shape}; expected that of the events, {shape}."
                )
            further[name] = array
        return further

    def _units(self, frames: Mapping[str, Any] | None) -> dict[str, str]:
        """The units of the images, by name; an array has none."""
        unit = self._pieces.source.frame_unit
        units = {"frame": unit, "cleaned": unit} | {
            name: getattr(frame, "unit", None) for name, frame in (frames or {}).items()
        }
        return {name: str(unit) for name, unit in units.items() if unit is not None}

    def _cutout(
        self, label: int, size: int | None, images: Mapping[str, np.ndarray], units: Mapping[str, str]
    ) -> Cutout:
        row = self._pieces.table[label - 1]
        title = f"{label}: {row['class']}, {row['area'].value:.0f} pix, {row['sum']:.0f}"
        return cut_event(label, title, self._pieces.data, self._pieces.slices[label - 1], images, size, units)

    def plot(
        self,
        labels: Iterable[int] | None = None,
        *,
        frames: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        size: int | None = None,
        n_rows: int = 12,
        stretch: str = "zscale",
        ax: Any = None,
    ) -> Any:
        """
        Draw a page of events to judge by eye.

        Parameters
        ----------
        labels : iterable of int or None
            The events; `None` means the largest.
        frames : mapping of str to array or CCDData
            Further frames beside mask, frame and cleaned frame, such as ``{"dark": dark}``.
        columns : sequence of str or None
            The columns by name, in their order, such as ``["frame", "dark"]``; `None` means ``mask``, ``frame``,
            ``cleaned`` and the further frames.
        size : int or None
            Side of each picture (pix); `None` fits it to each event.
        n_rows : int
            Most events on the page.
        stretch : {"zscale", "asinh"}
            Grey level of a pixel: linear within the limits of ZScale, or the inverse hyperbolic sine up to the
            brightest pixel.
        ax : `~matplotlib.axes.Axes`, sequence of these or None
            Where to draw: axes within which the whole page is drawn, or axes for each picture, row by row. `None`
            makes a figure.

        Returns
        -------
        `~matplotlib.figure.Figure`
            Around the same pixel in each row the mask, the frame, the cleaned frame and the further frames. Frame and
            cleaned frame have one stretch. A further frame has its own if its unit differs, or its level lies beyond
            that of the frame. The values that are black and white are written in each picture. A notebook shows the
            figure as the last line of a cell. With ``ax``, that is returned.

        Raises
        ------
        CosmicRayError
            If there is no event to plot, or a parameter is wrong.
        """
        labels = self.largest(n_rows) if labels is None else list(labels)[:n_rows]
        cutouts = self.cutouts(size, labels=labels, frames=frames)
        return plot_cutouts(cutouts, columns=columns, stretch=stretch, ax=ax)

    def save_gallery(
        self,
        path: str | os.PathLike,
        labels: Iterable[int] | None = None,
        *,
        frames: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
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
        columns : sequence of str or None
            The columns by name, in their order, such as ``["frame", "dark"]``; `None` means ``mask``, ``frame``,
            ``cleaned`` and the further frames.
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
        return save_pages(cutouts, path, columns=columns, n_rows=n_rows, stretch=stretch, overwrite=overwrite)

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
        return EventViewer(self, walk, frames or {}, open_widget() if widget is None else widget)
