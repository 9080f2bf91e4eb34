# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The table of events: their positions, shapes, charges and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ccdproc_crplugin.events.classify import HOT_PIXEL, RULES, STRUCTURE, classify
from ccdproc_crplugin.kernels.hot_pixels import explained_by_dark
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.structure import RULES as STRUCTURE_RULES
from ccdproc_crplugin.kernels.structure import structure_rules
from ccdproc_crplugin.kernels.surroundings import look_around

if TYPE_CHECKING:
    from photutils.segmentation import SegmentationImage, SourceCatalog

#: A uniform bar of length l has the variance l**2 / 12, as a pixel has along each axis.
BAR = 12**0.5
PIXEL = 1 / 12

#: Elongations come from moments and are not exact.
ROUNDING = 1e-6

#: Descriptions of the columns, which are written with the table.
DESCRIPTIONS = {
    "label": "number of the event, as in the label image",
    "x": "middle of its pixels along a row; the first pixel is at 0",
    "y": "middle of its pixels along a column; the first pixel is at 0",
    "xmin": "first column of its pixels, counted from 0",
    "xmax": "last column of its pixels",
    "ymin": "first row of its pixels, counted from 0",
    "ymax": "last row of its pixels",
    "area": "pixels flagged",
    "sum": "charge removed: frame minus cleaned frame",
    "peak": "charge removed from its highest pixel",
    "ixx": "second moment of its pixels along x",
    "iyy": "second moment of its pixels along y",
    "ixy": "mixed second moment of its pixels",
    "length": "long side of the bar with these moments",
    "width": "short side of the bar with these moments",
    "orientation": "angle of the bar from the x axis towards the y axis",
    "elongation": "length over width",
    "touches_edge": "whether it touches the edge of the frame",
    "touches_bad": "whether a bad or saturated pixel is next to it",
    "class": "what it looks like",
    "rule": "the rule that gave the class",
    "dark": "what the dark has at its brightest pixel",
}

#: Formats in which columns are printed.
FORMATS = {
    ".0f": ("sum", "peak", "area", "dark"),
    ".1f": ("x", "y", "length", "width", "orientation", "elongation"),
    ".2f": ("ixx", "iyy", "ixy"),
}


def source_catalog(segmentation: SegmentationImage, charge: np.ndarray) -> SourceCatalog:
    """Sources with the removed charge, but the shape of their pixels alone: charge fluctuates along a track."""
    from photutils.segmentation import SourceCatalog

    return SourceCatalog(charge, segmentation, convolved_data=(segmentation.data > 0).astype(float))


def event_table(
    segmentation: SegmentationImage | None,
    charge: np.ndarray,
    charge_unit: u.Unit,
    cleaned: np.ndarray,
    bad: np.ndarray,
    saturated: np.ndarray | None = None,
    dark: np.ndarray | None = None,
    readnoise: float | np.ndarray = 0.0,
) -> QTable:
    """
    Measure each event: a row each, or no row if there is no segmentation.

    The charge removed and the cleaned frame are in ``charge_unit``; ``bad`` holds bad and saturated pixels,
    ``saturated`` the latter, if they are known. With the ``dark`` that was subtracted (electron, shape (ny, nx)) and
    the read noise (electron), events on its hot pixels have a class of their own, and a column holds the dark.
    """
    if segmentation is None:
        return _empty_table(charge_unit, dark is not None)
    sources = source_catalog(segmentation, charge)
    area = np.asarray(segmentation.areas)
    ixx, iyy, ixy = _second_moments(sources)
    length, width, orientation = _bar(ixx, iyy, ixy)
    elongation = length / width
    peak = np.atleast_1d(sources.max_value)
    bounds = {edge: np.atleast_1d(getattr(sources, f"bbox_{edge}")) for edge in ("xmin", "xmax", "ymin", "ymax")}
    around = [look_around(cleaned, segmentation.data, *event) for event in enumerate(segmentation.slices, start=1)]
    classes = list(map(classify, area, peak, length, width, elongation, around))
    classes, rules = _with_structure(classes, segmentation.data, saturated)
    if dark is not None:
        explained = explained_by_dark(charge, cleaned, dark, segmentation.data, readnoise)
        classes = [HOT_PIXEL if hot else name for hot, name in zip(explained, classes, strict=True)]
        rules = [RULES[HOT_PIXEL] if hot else rule for hot, rule in zip(explained, rules, strict=True)]
    columns = {
        "label": np.arange(1, len(area) + 1),
        "x": np.atleast_1d(sources.x_centroid) * u.pix,
        "y": np.atleast_1d(sources.y_centroid) * u.pix,
        **bounds,
        "area": area * u.pix,
        "sum": np.atleast_1d(sources.segment_flux) * charge_unit,
        "peak": peak * charge_unit,
        "ixx": ixx * u.pix**2,
        "iyy": iyy * u.pix**2,
        "ixy": ixy * u.pix**2,
        "length": length * u.pix,
        "width": width * u.pix,
        "orientation": np.where(elongation > 1 + ROUNDING, orientation, np.nan) * u.deg,
        "elongation": elongation,
        "touches_edge": _touches_edge(**bounds, shape=charge.shape),
        "touches_bad": _touches_bad(segmentation, bad),
        "class": classes,
        "rule": rules,
    }
    if dark is not None:
        columns["dark"] = _at_brightest(dark, charge, segmentation) * u.electron
    return _explained(QTable(columns))


def _with_structure(
    classes: list[str], labels: np.ndarray, saturated: np.ndarray | None
) -> tuple[list[str], list[str]]:
    """The class of each event with that of structure, which goes first, and the rule that gave it."""
    y, x = true_pixels(labels > 0)
    numbers = structure_rules(y, x, labels[y, x], labels.shape, saturated)[1:]
    rules = [STRUCTURE_RULES[n - 1] if n else RULES[name] for n, name in zip(numbers, classes, strict=True)]
    return [STRUCTURE if n else name for n, name in zip(numbers, classes, strict=True)], rules


def _explained(table: QTable) -> QTable:
    """The table with descriptions and formats of its columns."""
    for name in table.colnames:
        table[name].info.description = DESCRIPTIONS[name]
    for pattern, names in FORMATS.items():
        for name in set(names) & set(table.colnames):
            table[name].info.format = pattern
    return table


def _at_brightest(frame: np.ndarray, charge: np.ndarray, segmentation: SegmentationImage) -> np.ndarray:
    """The value of a frame at the pixel of each event that lost most charge."""
    from scipy.ndimage import maximum_position

    places = maximum_position(charge, segmentation.data, range(1, segmentation.max_label + 1))
    return np.array([frame[int(y), int(x)] for y, x in places])


def _empty_table(charge_unit: u.Unit, with_dark: bool) -> QTable:
    """The columns of the table without a row, from an event that is made up."""
    from photutils.segmentation import SegmentationImage

    labels = np.zeros((3, 3), dtype=np.int32)
    labels[1, 1] = 1
    nothing = np.zeros((3, 3))
    return event_table(
        SegmentationImage(labels),
        nothing + labels,
        charge_unit,
        nothing,
        nothing > 0,
        dark=nothing if with_dark else None,
    )[:0]


def _second_moments(sources: SourceCatalog) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second moments about the middle of each event's pixels, the extent of a pixel included (pix**2)."""
    moments = np.reshape(sources.moments_central, (-1, 4, 4))
    area = moments[:, 0, 0]
    return moments[:, 0, 2] / area + PIXEL, moments[:, 2, 0] / area + PIXEL, moments[:, 1, 1] / area


def _bar(ixx: np.ndarray, iyy: np.ndarray, ixy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length and width (pix) of the bar with these moments, and its angle from the x axis, -90 to 90 deg."""
    mean = (ixx + iyy) / 2
    spread = np.hypot((ixx - iyy) / 2, ixy)
    angle = np.degrees(np.arctan2(2 * ixy, ixx - iyy)) / 2
    return BAR * np.sqrt(mean + spread), BAR * np.sqrt(mean - spread), angle


def _touches_edge(
    xmin: np.ndarray, xmax: np.ndarray, ymin: np.ndarray, ymax: np.ndarray, *, shape: tuple[int, int]
) -> np.ndarray:
    ny, nx = shape
    return (xmin == 0) | (ymin == 0) | (xmax == nx - 1) | (ymax == ny - 1)


def _touches_bad(segmentation: SegmentationImage, bad: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_dilation

    touched = np.zeros(segmentation.max_label + 1, dtype=bool)
    if bad.any():
        near = binary_dilation(bad, structure=np.ones((3, 3), dtype=bool))
        touched[segmentation.data[near]] = True
    return touched[1:]
