# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The parts of the page that show one frame."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import QTable
from astropy.utils.exceptions import AstropyWarning

from ccdproc_crplugin.events.classify import HOT_PIXEL, RULES
from ccdproc_crplugin.events.segments import CRSegments, cr_segments
from ccdproc_crplugin.frames.removed import is_cleaned, is_restorable
from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.pipeline.hot_pixels import ChipResult, events_on_hot_pixels
from ccdproc_crplugin.pipeline.model import Chip
from ccdproc_crplugin.pipeline.votes import chip_of
from ccdproc_crplugin.report.codes import Codes, binned, picture
from ccdproc_crplugin.report.night import Row, complete
from ccdproc_crplugin.report.review import cleaning_id, name_in_review
from ccdproc_crplugin.report.stamps import Sheet, make_sheet

#: The classes; the page has the index of each event's class in this list.
CLASSES = tuple(RULES)

#: A frame of more pixels than this is binned; its events are shown at full size.
MOST_PIXELS = 2**21

#: Significant digits of a measurement on the page.
DIGITS = 5


@dataclass(frozen=True, eq=False)
class FrameView:
    """A frame, ready for the page."""

    row: Row
    name: str  # in a review
    cleaning: str  # its identity; empty where the removed values are lost
    shape: tuple[int, int]
    pixels: np.ndarray  # indices of the pixels hit in the flattened frame, int (n,)
    labels: np.ndarray  # the event of each, int (n,)
    events: QTable
    pictures: dict[str, Any]  # ready for JSON
    chip: Chip | None = None  # None where the run did not look for hot pixels
    on_hot: list[int] | None = None  # labels of the events on hot pixels; None if these are not known
    n_put_back: int = 0  # events on hot pixels

    @property
    def classes(self) -> np.ndarray:
        """Index of each event's class in `CLASSES`, int (n_events,)."""
        return np.array([CLASSES.index(name) for name in self.events["class"]], dtype=int)


def view_frame(row: Row, chips: Mapping[Chip, ChipResult] | None = None) -> FrameView | None:
    """
    Read a cleaned frame and draw it; None without a file, or for a frame that was not cleaned.

    ``chips`` holds the hot pixels that the run found.
    """
    if row.path is None:
        return None
    with warnings.catch_warnings():
        # The page does not report what astropy repairs in a header.
        warnings.simplefilter("ignore", AstropyWarning)
        ccd = read_ccd(row.path, hdu=row.hdu)
    if not is_cleaned(ccd):
        return None
    name = name_in_review(row.path, row.hdu)
    segments = cr_segments(ccd)
    pixels = np.flatnonzero(segments.mask)
    chip, on_hot = _on_hot_pixels(ccd, row, chips or {})
    n_put_back = int(ccd.meta.get("CRNHOT", 0))
    if on_hot is not None:
        _reclassify(segments.table, on_hot)
        row = replace(row, n_hot=float(len(on_hot) + n_put_back))
    view = FrameView(
        row=complete(row, ccd.meta),
        name=name,
        cleaning=cleaning_id(ccd) if is_restorable(ccd) else "",
        shape=ccd.shape,
        pixels=pixels,
        labels=segments.data.reshape(-1)[pixels],
        events=segments.table,
        pictures={},
        chip=chip,
        on_hot=on_hot,
        n_put_back=n_put_back,
    )
    view.pictures.update(_pictures(segments, str(ccd.unit)), classes=view.classes.tolist())
    return view


def _on_hot_pixels(ccd: CCDData, row: Row, chips: Mapping[Chip, ChipResult]) -> tuple[Chip | None, list[int] | None]:
    """The chip of a frame if the run looked for its hot pixels, and the labels of the events on these if known."""
    if not chips:
        return None, None
    place = (0, 1) if row.hdu is None else (row.hdu, 2)
    chip = chip_of(ccd, *place)
    return (chip if chip in chips else None), events_on_hot_pixels(ccd, *place, chips)


def _reclassify(events: QTable, on_hot: list[int]) -> None:
    """Give events on hot pixels their class, in place."""
    names = events["class"].tolist()
    for label in on_hot:
        names[label - 1] = HOT_PIXEL
    if on_hot:
        events["class"], events["rule"] = names, [RULES[name] for name in names]


def _pictures(segments: CRSegments, unit: str) -> dict[str, Any]:
    codes = Codes.of(segments.cleaned, segments.raw)
    factor = math.ceil((segments.cleaned.size / MOST_PIXELS) ** 0.5)
    small = binned(segments.cleaned, factor)
    sheet = make_sheet(segments, codes)
    return {
        "shape": list(segments.cleaned.shape),
        "bin": factor,
        "unit": unit,
        "values": _rounded(codes.decode()),
        "limits": _rounded(_frame_limits(small)),
        "image": picture(codes.encode(small)[::-1]),
        "sheet": picture(sheet.pixels),
        **_stamp_columns(sheet),
        **_event_columns(segments.table),
    }


def _frame_limits(frame: np.ndarray) -> tuple[float, float]:
    from astropy.visualization import ZScaleInterval

    finite = frame[np.isfinite(frame)]
    low, high = ZScaleInterval().get_limits(finite) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def _stamp_columns(sheet: Sheet) -> dict[str, list]:
    names = ("left", "bottom", "width", "height", "side", "inset_x", "inset_y", "column", "row")
    columns = {name: getattr(sheet, name).tolist() for name in names}
    return {**columns, "low": _rounded(sheet.low), "high": _rounded(sheet.high)}


def _event_columns(events: QTable) -> dict[str, Any]:
    measured = {name: _rounded(getattr(events[name], "value", events[name])) for name in ("x", "y", "length")}
    return {
        **measured,
        "area": events["area"].value.astype(int).tolist(),
        "charge": _rounded(events["sum"].value),
        "peak": _rounded(events["peak"].value),
        "angle": _rounded(events["orientation"].value),
        "edge": events["touches_edge"].astype(int).tolist(),
        "bad": events["touches_bad"].astype(int).tolist(),
        "chargeUnit": str(events["sum"].unit),
    }


def _rounded(values: Any) -> list[float | None]:
    """Numbers for JSON, rounded; None if not finite."""
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in np.asarray(values, dtype=float)]
