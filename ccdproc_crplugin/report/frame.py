# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The parts of the page that show one frame."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import QTable
from astropy.utils.exceptions import AstropyWarning

from ccdproc_crplugin.events.classify import RULES
from ccdproc_crplugin.events.segments import CRSegments, cr_segments
from ccdproc_crplugin.frames.removed import is_cleaned, is_restorable
from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.report.codes import Codes, binned, picture
from ccdproc_crplugin.report.night import Row, complete
from ccdproc_crplugin.report.review import cleaning_id
from ccdproc_crplugin.report.stamps import Sheet, make_sheet

#: The classes, by whose place in this list the page knows them.
CLASSES = tuple(RULES)

#: A frame of more pixels is shown in larger ones, its events at full size.
MOST_PIXELS = 2**21

#: Figures that a reader needs of a measurement.
DIGITS = 5


@dataclass(frozen=True, eq=False)
class FrameView:
    """A frame, ready for the page."""

    row: Row
    cleaning: str
    shape: tuple[int, int]
    pixels: tuple[np.ndarray, np.ndarray]
    labels: np.ndarray
    events: QTable
    pictures: dict[str, Any]

    @property
    def classes(self) -> np.ndarray:
        """Index of each event's class in `CLASSES`, int (n_events,)."""
        return np.array([CLASSES.index(name) for name in self.events["class"]], dtype=int)


def view_frame(row: Row) -> FrameView | None:
    """Read a cleaned frame and draw it."""
    with warnings.catch_warnings():
        # What astropy mends in a header is no matter here.
        warnings.simplefilter("ignore", AstropyWarning)
        ccd = read_ccd(row.path or row.file, hdu=row.hdu)
    if not is_cleaned(ccd):
        return None
    segments = cr_segments(ccd)
    y, x = true_pixels(segments.mask)
    view = FrameView(
        row=complete(row, ccd.meta),
        cleaning=cleaning_id(ccd) if is_restorable(ccd) else "",
        shape=ccd.shape,
        pixels=(y, x),
        labels=segments.data[y, x],
        events=segments.table,
        pictures={},
    )
    view.pictures.update(_pictures(segments, str(ccd.unit)), classes=view.classes.tolist())
    return view


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
    return {
        **{name: getattr(sheet, name).tolist() for name in names},
        "low": _rounded(sheet.low),
        "high": _rounded(sheet.high),
    }


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
