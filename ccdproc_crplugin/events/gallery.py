# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cut-outs of events, and pages on which they are drawn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_whole
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

#: Height of the title of a row and space between pictures, as shares of a picture's side.
TITLE, GAP = 0.16, 0.04

#: Style of the name of a frame in its picture.
CAPTION: dict[str, Any] = {"color": "white", "bbox": {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1.5}}


@dataclass(frozen=True, eq=False)
class Cutout:
    """The surroundings of one event in several frames."""

    label: int
    title: str
    corner: tuple[int, int]  # the cut-out's pixel (0, 0) in the frame, (y, x)
    images: dict[str, np.ndarray]  # shape (size, size); NaN beyond the frame; "mask": 1, other events `OTHERS`

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
    return Cutout(label, title, (center[0] - size // 2, center[1] - size // 2), cut)


def plot_cutouts(cutouts: Sequence[Cutout], *, scale: float = 1.8, stretch: str = "zscale") -> Figure:
    """A page with a row of pictures for each event, each ``scale`` inches wide; a row has one stretch."""
    from matplotlib.figure import Figure

    if not cutouts:
        raise CosmicRayError("Found no event to plot; expected at least one. len(segments) is their number.")
    check_choice("stretch", stretch, STRETCHES)
    n_rows, n_columns = len(cutouts), len(cutouts[0].images)
    width = n_columns + (n_columns + 1) * GAP
    height = n_rows * (1 + TITLE) + GAP
    page = Figure(figsize=(scale * width, scale * height))
    for row, cutout in enumerate(cutouts):
        bottom = 1 - (row + 1) * (1 + TITLE) / height
        boxes = [((GAP + column * (1 + GAP)) / width, bottom, 1 / width, 1 / height) for column in range(n_columns)]
        _draw_row([page.add_axes(box) for box in boxes], cutout, stretch)
    return page


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
    n_rows: int = 12,
    stretch: str = "zscale",
    overwrite: bool = False,
) -> list[Path]:
    """Write pages of ``n_rows`` events: one ``.pdf``, or a file for each page, numbered if there are several."""
    check_whole("n_rows", n_rows, 1)
    path = as_path(path)
    ending = ending_of(path, ENDINGS)
    parts = [cutouts[start : start + n_rows] for start in range(0, len(cutouts), n_rows)] or [cutouts]
    pages = (plot_cutouts(part, stretch=stretch) for part in parts)
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


def _draw_row(axes: Sequence[Axes], cutout: Cutout, stretch: str) -> None:
    from matplotlib.colors import Normalize

    norm = _normalize(cutout.images, stretch)
    ny, nx = cutout.images["mask"].shape
    y, x = cutout.corner
    extent = (x - 0.5, x + nx - 0.5, y - 0.5, y + ny - 0.5)
    for axis, (name, image) in zip(axes, cutout.images.items(), strict=True):
        chosen = Normalize(0, 1) if name == "mask" else norm
        axis.imshow(image, origin="lower", extent=extent, cmap="gray", norm=chosen, interpolation="nearest")
        axis.set_facecolor("0.45")
        axis.text(0.03, 0.97, _plain(name), transform=axis.transAxes, va="top", fontsize=7, **CAPTION)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0].set_title(_plain(cutout.title), fontsize=8, loc="left", pad=3)


def _normalize(images: Mapping[str, np.ndarray], stretch: str) -> Normalize:
    from astropy.visualization import AsinhStretch, ImageNormalize, LinearStretch

    lowest, highest = stretch_limits(images, stretch)
    shape = AsinhStretch() if stretch == "asinh" else LinearStretch()
    return ImageNormalize(vmin=lowest, vmax=highest, stretch=shape, clip=False)


def stretch_limits(images: Mapping[str, np.ndarray], stretch: str = "zscale") -> tuple[float, float]:
    """The values that are black and white in all images of an event except the mask; the first image decides."""
    from astropy.visualization import ZScaleInterval

    first = next(image for name, image in images.items() if name != "mask")
    finite = first[np.isfinite(first)]
    lowest, highest = ZScaleInterval().get_limits(finite) if finite.size else (0.0, 1.0)
    if stretch == "asinh" and finite.size:
        highest = finite.max()
    return (lowest, highest) if highest > lowest else (lowest, lowest + 1)


def _plain(text: str) -> str:
    """Text in which matplotlib finds no mathematics."""
    return text.replace("$", r"\$")
