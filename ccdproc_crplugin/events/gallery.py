# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cut-outs of events, and pages on which they are drawn."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_whole, wrong_value
from ccdproc_crplugin.io.atomic import as_path, atomic_write, check_target, ending_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

#: Endings of the files that are written.
ENDINGS = (".png", ".pdf", ".svg")

#: Grey level of a pixel: linear within the limits of ZScale, or the inverse hyperbolic sine up to the brightest pixel.
STRETCHES = ("zscale", "asinh")

#: Least pixels around an event in its picture, and the smallest and largest side of a picture (pix).
MARGIN, SMALLEST, LARGEST = 8, 25, 101

#: Value of the pixels of other events in the picture of an event's mask.
OTHERS = 0.4

#: Images that are the frame itself, so that they are drawn in its stretch.
OF_THE_FRAME = ("frame", "cleaned")

#: Height of the title of a row and space between pictures, as shares of a picture's side.
TITLE, GAP = 0.16, 0.04

#: Most decimals of the limits of a stretch.
DECIMALS = 6

#: Style of the name of a frame in its picture.
CAPTION: dict[str, Any] = {"color": "white", "bbox": {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1.5}}


@dataclass(frozen=True, eq=False)
class Cutout:
    """
    The surroundings of one event in several frames.

    Parameters
    ----------
    label : int
        The event.
    title : str
        Label, class, area and charge.
    corner : tuple of int
        The pixel (0, 0) of the cut-out in the frame, (y, x).
    images : dict of str to `~numpy.ndarray`, shape (size, size)
        The images by name; NaN beyond the frame. In ``mask`` the event is 1, other events are 0.4.
    units : dict of str to str
        The units of the images that have one.
    """

    label: int
    title: str
    corner: tuple[int, int]
    images: dict[str, np.ndarray]
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def center(self) -> tuple[int, int]:
        """The pixel of the frame in the middle, (y, x)."""
        y, x = self.corner
        ny, nx = self.images["mask"].shape
        return y + ny // 2, x + nx // 2


def cut_out(frame: np.ndarray, center: tuple[int, int], size: int) -> np.ndarray:
    """A square of a frame, ``size`` pixels wide, about the pixel ``center`` (y, x); NaN beyond the frame."""
    from astropy.nddata import NoOverlapError, overlap_slices

    part = np.full((size, size), np.nan)
    try:
        in_frame, in_part = overlap_slices(frame.shape, (size, size), center, mode="partial")
    except NoOverlapError:
        return part
    part[in_part] = frame[in_frame]
    return part


def cut_event(
    label: int,
    title: str,
    labels: np.ndarray,
    box: tuple[slice, slice],
    images: Mapping[str, np.ndarray],
    size: int | None,
    units: Mapping[str, str],
) -> Cutout:
    """Cut an event out of the label image and of other images; without a size the picture fits its bounding box."""
    rows, columns = box
    center = ((rows.start + rows.stop - 1) // 2, (columns.start + columns.stop - 1) // 2)
    if size is None:
        extent = max(rows.stop - rows.start, columns.stop - columns.start) + 2 * MARGIN
        size = min(max(extent, SMALLEST), LARGEST)
    near = cut_out(labels, center, size)
    cut = {"mask": np.where(near > 0, np.where(near == label, 1, OTHERS), near)}
    cut |= {name: cut_out(image, center, size) for name, image in images.items()}
    return Cutout(label, title, (center[0] - size // 2, center[1] - size // 2), cut, units)


def plot_cutouts(
    cutouts: Sequence[Cutout],
    *,
    columns: Sequence[str] | None = None,
    scale: float = 1.8,
    stretch: str = "zscale",
    ax: Any = None,
) -> Any:
    """
    A page with a row of pictures for each event, a column for each image, each ``scale`` inches wide.

    With ``ax`` it is drawn there: in one axes, or in one for each picture.
    """
    from ccdproc_crplugin.io.figures import NotebookFigure, axes_at

    if not cutouts:
        raise CosmicRayError("Found no event to plot; expected at least one. len(segments) is their number.")
    check_choice("stretch", stretch, STRETCHES)
    names = _chosen(columns, list(cutouts[0].images))
    width, height, boxes = _layout(len(cutouts), len(names))
    if ax is None:
        page: Any = NotebookFigure(figsize=(scale * width, scale * height))
        axes = [page.add_axes(box) for box in boxes]
    else:
        page, axes = ax, axes_at(ax, boxes)
    for row, cutout in enumerate(cutouts):
        _draw_row(axes[row * len(names) : (row + 1) * len(names)], cutout, names, stretch)
    return page


def _chosen(columns: Sequence[str] | None, known: list[str]) -> list[str]:
    """The images that are drawn, in their order."""
    if columns is None:
        return known
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names or any(name not in known for name in names):
        raise wrong_value("columns", columns, f"a list of some of {', '.join(map(repr, known))}")
    return names


def _layout(n_rows: int, n_columns: int) -> tuple[float, float, list[tuple[float, float, float, float]]]:
    """Width and height of a page in sides of a picture, and the place of each picture on it, row by row."""
    width = n_columns + (n_columns + 1) * GAP
    height = n_rows * (1 + TITLE) + GAP
    boxes = [
        ((GAP + column * (1 + GAP)) / width, 1 - (row + 1) * (1 + TITLE) / height, 1 / width, 1 / height)
        for row in range(n_rows)
        for column in range(n_columns)
    ]
    return width, height, boxes


def save_page(page: Figure, path: str | os.PathLike, overwrite: bool = False) -> Path:
    """Write a page as ``.png``, ``.pdf`` or ``.svg``."""
    path = as_path(path)
    with atomic_write(path, overwrite) as temporary:
        page.savefig(temporary, format=ending_of(path, ENDINGS)[1:])
    return path


def save_pages(
    cutouts: Sequence[Cutout],
    path: str | os.PathLike,
    *,
    columns: Sequence[str] | None = None,
    n_rows: int = 12,
    stretch: str = "zscale",
    overwrite: bool = False,
) -> list[Path]:
    """Write pages of ``n_rows`` events: one ``.pdf``, or a file for each page, numbered if there are several."""
    check_whole("n_rows", n_rows, 1)
    path = as_path(path)
    ending = ending_of(path, ENDINGS)
    parts = [cutouts[start : start + n_rows] for start in range(0, len(cutouts), n_rows)] or [cutouts]
    pages = (plot_cutouts(part, columns=columns, stretch=stretch) for part in parts)
    if ending == ".pdf":
        return [_save_book(pages, path, overwrite)]
    targets = _numbered(path, len(parts))
    for target in targets:
        check_target(target, overwrite)
    return [save_page(page, target, overwrite) for page, target in zip(pages, targets, strict=True)]


def _numbered(path: Path, n_pages: int) -> list[Path]:
    if n_pages == 1:
        return [path]
    digits = len(str(n_pages))
    return [path.with_name(f"{path.stem}_{number:0{digits}d}{path.suffix}") for number in range(1, n_pages + 1)]


def _save_book(pages: Iterable[Figure], path: Path, overwrite: bool) -> Path:
    from matplotlib.backends.backend_pdf import PdfPages

    pages = iter(pages)
    first = next(pages)  # before the file is made: a page that can't be drawn is refused here
    with atomic_write(path, overwrite) as temporary, PdfPages(temporary) as book:
        for page in chain([first], pages):
            book.savefig(page)
    return path


def _draw_row(axes: Sequence[Axes], cutout: Cutout, names: Sequence[str], stretch: str) -> None:
    limits = limits_of(cutout, stretch)
    norms = {pair: _norm(*pair, stretch) for pair in limits.values()}
    ny, nx = cutout.images["mask"].shape
    y, x = cutout.corner
    extent = (x - 0.5, x + nx - 0.5, y - 0.5, y + ny - 0.5)
    for axis, name in zip(axes, names, strict=True):
        image = cutout.images[name]
        norm = _norm(*limits[name], "zscale") if name == "mask" else norms[limits[name]]
        axis.imshow(image, origin="lower", extent=extent, cmap="gray", norm=norm, interpolation="nearest")
        axis.set_facecolor("0.45")
        text = name if name == "mask" else f"{name}\n{_in_words(*limits[name], cutout.units.get(name, ''))}"
        axis.text(0.03, 0.97, _plain(text), transform=axis.transAxes, va="top", fontsize=7, **CAPTION)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0].set_title(_plain(cutout.title), fontsize=8, loc="left", pad=3)


def _norm(low: float, high: float, stretch: str) -> Normalize:
    from astropy.visualization import AsinhStretch, ImageNormalize, LinearStretch

    shape = AsinhStretch() if stretch == "asinh" else LinearStretch()
    return ImageNormalize(vmin=low, vmax=high, stretch=shape, clip=False)


def limits_of(cutout: Cutout, stretch: str = "zscale") -> dict[str, tuple[float, float]]:
    """
    The values of each image that are black and white.

    The frame and the cleaned frame have the same. A further image has them too, if it has the frame's unit and its
    level lies between them; otherwise it has its own.
    """
    images, unit = cutout.images, cutout.units.get("frame", "")
    common = _limits(images["frame"], stretch)
    own = {
        name: _limits(image, stretch)
        for name, image in images.items()
        if name != "mask"
        and name not in OF_THE_FRAME
        and (cutout.units.get(name, unit) != unit or not _lies_within(image, common))
    }
    return dict.fromkeys(images, common) | {"mask": (0.0, 1.0)} | own


def _lies_within(image: np.ndarray, limits: tuple[float, float]) -> bool:
    finite = image[np.isfinite(image)]
    return bool(finite.size) and limits[0] <= np.median(finite) <= limits[1]


def _limits(image: np.ndarray, stretch: str) -> tuple[float, float]:
    """The values of an image that are black and white."""
    from astropy.visualization import ZScaleInterval

    finite = image[np.isfinite(image)]
    lowest, highest = ZScaleInterval().get_limits(finite) if finite.size else (0.0, 1.0)
    if stretch == "asinh" and finite.size:
        highest = finite.max()
    return (float(lowest), float(highest)) if highest > lowest else (float(lowest), float(lowest) + 1)


def _in_words(low: float, high: float, unit: str) -> str:
    """The limits of a stretch, with as many decimals as tell them apart to a hundredth."""
    decimals = max(0, 1 - math.floor(math.log10(high - low)))
    form = f".{decimals}f" if decimals <= DECIMALS else ".3g"
    low, high = (round(value, decimals) + 0.0 for value in (low, high))  # no -0
    return f"{low:{form}} to {high:{form}} {unit}".strip()


def _plain(text: str) -> str:
    """Text in which matplotlib finds no mathematics."""
    return text.replace("$", r"\$")
