# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cut-outs of events, and pages of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Cutout", "cut_out", "plot_cutouts", "save_page"]

#: The kinds of picture that are written.
ENDINGS = (".png", ".pdf", ".svg")

#: How the name of a frame is written into its picture.
CAPTION = {"color": "white", "bbox": {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1.5}}


@dataclass(frozen=True, eq=False)
class Cutout:
    """
    One event, in several frames.

    Parameters
    ----------
    label : int
        The event.
    title : str
        What to write above it.
    corner : tuple of int
        Where the cut-out's pixel (0, 0) stands in the frame, (y, x).
    images : dict of str to `~numpy.ndarray`, shape (size, size)
        The cut-outs by name; NaN beyond the frame's edge. ``"mask"`` is 1 at the event's pixels.
    """

    label: int
    title: str
    corner: tuple[int, int]
    images: dict[str, np.ndarray]


def cut_out(frame: np.ndarray, center: tuple[int, int], size: int) -> np.ndarray:
    """
    A square part of a frame.

    Parameters
    ----------
    frame : `~numpy.ndarray`, shape (ny, nx)
        The frame.
    center : tuple of int
        The pixel in the middle, (y, x).
    size : int
        Side of the square (pix).

    Returns
    -------
    `~numpy.ndarray` of float, shape (size, size)
        The part; NaN beyond the frame's edge.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin.gallery import cut_out
    >>> cut_out(np.ones((9, 9)), (0, 0), 3)
    array([[nan, nan, nan],
           [nan,  1.,  1.],
           [nan,  1.,  1.]])
    """
    from astropy.nddata import extract_array

    return extract_array(frame.astype(float, copy=False), (size, size), center, mode="partial", fill_value=np.nan)


def plot_cutouts(cutouts: Sequence[Cutout], *, scale: float = 1.8) -> Figure:
    """
    A page with a row an event.

    Parameters
    ----------
    cutouts : sequence of Cutout
        The events; all of them with the same images.
    scale : float
        Side of a picture (inch).

    Returns
    -------
    `~matplotlib.figure.Figure`
        The page. In a row all pictures but the mask share their centre and their stretch (ZScale of the
        first of them).

    Raises
    ------
    CosmicRayError
        If there is no event.
    """
    from matplotlib.figure import Figure

    if not cutouts:
        raise CosmicRayError("Found no event to plot; expected at least one. len(segments) tells how many there are.")
    names = list(cutouts[0].images)
    page = Figure(figsize=(scale * len(names), scale * 1.16 * len(cutouts)), layout="constrained")
    axes = page.subplots(len(cutouts), len(names), squeeze=False)
    for row, cutout in zip(axes, cutouts, strict=True):
        _draw_row(row, cutout)
    return page


def save_page(page: Figure, path: str | os.PathLike, overwrite: bool = False) -> Path:
    """
    Write a page.

    Parameters
    ----------
    page : `~matplotlib.figure.Figure`
        The page.
    path : path
        Where to; the ending decides: ``.png``, ``.pdf`` or ``.svg``.
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
    if path.suffix.lower() not in ENDINGS:
        raise CosmicRayError(f"Found the file name {path.name!r}; expected one that ends in {', '.join(ENDINGS)}.")
    with atomic_write(path, overwrite) as temporary:
        page.savefig(temporary, format=path.suffix.lower().lstrip("."))
    return path


def _draw_row(axes, cutout: Cutout) -> None:
    lowest, highest = _limits(cutout.images)
    ny, nx = cutout.images["mask"].shape
    y, x = cutout.corner
    extent = (x - 0.5, x + nx - 0.5, y - 0.5, y + ny - 0.5)
    for axis, (name, image) in zip(axes, cutout.images.items(), strict=True):
        limits = (0, 1) if name == "mask" else (lowest, highest)
        axis.imshow(
            image, origin="lower", extent=extent, cmap="gray", vmin=limits[0], vmax=limits[1], interpolation="nearest"
        )
        axis.set_facecolor("0.45")
        axis.text(0.03, 0.97, _plain(name), transform=axis.transAxes, va="top", fontsize=7, **CAPTION)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0].set_title(_plain(cutout.title), fontsize=8, loc="left")


def _limits(images: Mapping[str, np.ndarray]) -> tuple[float, float]:
    from astropy.visualization import ZScaleInterval

    first = next(image for name, image in images.items() if name != "mask")
    finite = first[np.isfinite(first)]
    if not finite.size:
        return 0.0, 1.0
    lowest, highest = ZScaleInterval().get_limits(finite)
    return (lowest, highest) if highest > lowest else (lowest, lowest + 1)


def _plain(text: str) -> str:
    """
    Text that matplotlib does not take for mathematics.
    """
    return text.replace("$", r"\$")
