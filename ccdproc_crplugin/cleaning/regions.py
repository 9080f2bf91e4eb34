# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pixels of a frame in a region drawn by hand: corners of a polygon, a text file or a region file of DS9."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.inputs import note_read

#: Largest size of a region file (bytes).
LARGEST_FILE = 10_000_000

#: The expectation in messages about a region file.
EXPECTED_FILE = "expected corners of polygons or regions of DS9"

#: Largest coordinate of a corner (pix).
FARTHEST = 1e9

#: A pixel whose centre is this near to the edge of a polygon counts as inside (pix).
ROUNDING = 1e-6


def region_mask(ccd: CCDData, region: str | os.PathLike | Sequence) -> np.ndarray:
    """
    The pixels whose centres lie in a region.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame. Its WCS is used for regions on the sky.
    region : path, or sequence of pairs of float
        The corners (x, y) of a polygon, where the centre of the first pixel is at (0, 0) as in the table of
        `CRSegments`; or a text file with one corner per line and a blank line between polygons; or a region file of
        DS9 (``.reg``), where the centre of the first pixel is at (1, 1).

    Returns
    -------
    `~numpy.ndarray` of bool, shape (ny, nx)
        True at the pixels in the region, including those on the edge of a polygon.

    Raises
    ------
    CosmicRayError
        If the file or the corners do not describe a region, or it contains no pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin import region_mask
    >>> ccd = CCDData(np.zeros((4, 6)), unit="adu")
    >>> region_mask(ccd, [(1, 1), (3, 1), (1, 3)]).astype(int)
    array([[0, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0, 0],
           [0, 1, 1, 0, 0, 0],
           [0, 1, 0, 0, 0, 0]])
    """
    shape = ccd.data.shape
    mask = region_pixels(ccd, region)
    if not mask.any():
        name = repr(os.fspath(region)) if isinstance(region, str | os.PathLike) else "the polygon"
        raise CosmicRayError(
            f"Found no pixel of the frame whose centre lies in {name}; expected a region on the frame, whose pixels "
            f"run from 0 to {shape[1] - 1} in x and 0 to {shape[0] - 1} in y."
        )
    return mask


def region_pixels(ccd: CCDData, region: str | os.PathLike | Sequence) -> np.ndarray:
    """The pixels of `region_mask`, of which there may be none."""
    if not isinstance(region, str | os.PathLike):
        return _polygon_mask(_corners(region, "the region"), ccd.data.shape)
    path = Path(region)
    name, text = repr(str(path)), _read(path)
    is_ds9 = path.suffix.lower() == ".reg" or text.startswith("# Region file format: DS9")
    return _ds9_mask(text, name, ccd) if is_ds9 else _text_mask(text, name, ccd.data.shape)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CosmicRayError(f"Found {str(path)!r} of more than {LARGEST_FILE} bytes; {EXPECTED_FILE}.")
        note_read(path)
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; {EXPECTED_FILE}.") from err
    except (OSError, UnicodeDecodeError) as err:
        raise CosmicRayError(f"Found {str(path)!r}, which can't be read ({err}); {EXPECTED_FILE}.") from err


def _text_mask(text: str, name: str, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    lines = [line.partition("#")[0].replace(",", " ").strip() for line in text.splitlines()]
    for block in "\n".join(lines).split("\n\n"):
        if block.strip():
            mask |= _polygon_mask(_corners([line.split() for line in block.split("\n") if line], name), shape)
    return mask


def _corners(corners: Any, name: str) -> np.ndarray:
    try:
        array = np.array([[float(number) for number in corner] for corner in corners])
    except (TypeError, ValueError, OverflowError) as err:
        raise CosmicRayError(f"Found {name}, which is not made of numbers ({err}); expected corners x y.") from err
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3 or not (np.abs(array) <= FARTHEST).all():
        raise CosmicRayError(
            f"Found corners of shape {array.shape} in {name}; expected finite x and y of three corners or more."
        )
    return array


def _polygon_mask(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from matplotlib.path import Path as Polygon

    x, y = corners.T
    counterclockwise = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0
    low = np.clip(np.floor(corners.min(axis=0)), 0, (shape[1], shape[0])).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (shape[1], shape[0])).astype(int)
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(shape, dtype=bool)
    if rows.size:
        polygon = Polygon(np.append(corners, corners[:1], axis=0), closed=True)
        margin = ROUNDING if counterclockwise else -ROUNDING
        inside = polygon.contains_points(np.column_stack([columns.ravel(), rows.ravel()]), radius=margin)
        mask[rows, columns] = inside.reshape(rows.shape)
    return mask


def _ds9_mask(text: str, name: str, ccd: CCDData) -> np.ndarray:
    try:
        from regions import PixelRegion, Regions
    except ImportError as err:
        raise CosmicRayError(
            "Found no package 'regions'; expected it for region files of DS9.",
            "Install it with: python -m pip install regions",
        ) from err
    try:
        found = Regions.parse(text, format="ds9")
    except Exception as err:
        raise CosmicRayError(
            f"Found {name}, which can't be read ({type(err).__name__}: {err}); expected regions of DS9."
        ) from err
    mask = np.zeros(ccd.data.shape, dtype=bool)
    excluded = mask.copy()
    for region in found:
        on_frame = region if isinstance(region, PixelRegion) else _on_frame(region, name, ccd)
        pixels = _pixels_of(on_frame, name, mask.shape)
        # A region with a minus sign is cut out of the others.
        if region.meta.get("include", True):
            mask |= pixels
        else:
            excluded |= pixels
    return mask & ~excluded


def _on_frame(region: Any, name: str, ccd: CCDData) -> Any:
    if ccd.wcs is None:
        raise CosmicRayError(
            f"Found a region on the sky in {name} and a frame without WCS; expected regions in pixels.",
            "Save them with the coordinate system 'image'.",
        )
    return region.to_pixel(ccd.wcs)


def _pixels_of(region: Any, name: str, shape: tuple[int, int]) -> np.ndarray:
    """The pixels of the frame in a region of the package regions: bool, shape (ny, nx)."""
    from regions import PixCoord, PointPixelRegion, TextPixelRegion

    pixels = np.zeros(shape, dtype=bool)
    if isinstance(region, TextPixelRegion):
        return pixels
    try:
        bounds = _bounds_of(region)
    except (ValueError, OverflowError) as err:
        raise CosmicRayError(
            f"Found a {type(region).__name__} in {name} that is infinite; expected finite regions."
        ) from err
    if bounds is None:
        raise CosmicRayError(
            f"Found a {type(region).__name__} in {name}, which has no area; expected circles, ellipses, boxes, "
            "polygons, annuli or points."
        )
    first, last = ([min(max(0, edge), size) for edge, size in zip(corner, shape, strict=True)] for corner in bounds)
    y, x = np.mgrid[first[0] : last[0], first[1] : last[1]]
    if isinstance(region, PointPixelRegion):
        pixels[y, x] = True
    elif y.size:
        pixels[y, x] = region.contains(PixCoord(x, y))
    return pixels


def _bounds_of(region: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The box around a region, (first row, first column) and (last row + 1, last column + 1); None without an area."""
    from regions import PointPixelRegion

    if isinstance(region, PointPixelRegion):
        row, column = round(float(region.center.y)), round(float(region.center.x))
        return (row, column), (row + 1, column + 1)
    with suppress(NotImplementedError):  # which lines raise
        if region.area:
            box = region.bounding_box
            return (box.iymin, box.ixmin), (box.iymax, box.ixmax)
    return None
