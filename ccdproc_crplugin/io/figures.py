# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures that are made without pyplot: what shows them in a notebook, and the axes that they are drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ccdproc_crplugin.errors import wrong_value

#: A place in a figure or in axes: left, bottom, width, height, as shares.
Box = tuple[float, float, float, float]


class NotebookFigure(Figure):
    """A figure of matplotlib that a notebook shows as the last line of a cell, with and without pyplot."""

    def _repr_png_(self) -> bytes:
        """The picture; the settings of ``%matplotlib inline``, where they are in force, go before it."""
        picture = BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def axes_of(ax: Any, *numbers: int) -> list[Axes]:
    """The axes that were given, as many as one of ``numbers``."""
    axes = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
    if len(axes) not in numbers or not all(isinstance(one, Axes) for one in axes):
        expected = " or ".join(map(str, sorted(set(numbers))))
        raise wrong_value("ax", ax, f"axes of matplotlib, {expected} of them")
    return axes


def axes_at(ax: Any, boxes: Sequence[Box]) -> list[Axes]:
    """Axes at the boxes within the one that was given, or as many as there are boxes, which keep their places."""
    axes = axes_of(ax, 1, len(boxes))
    if len(axes) == len(boxes):
        return axes
    axes[0].set_axis_off()
    return [axes[0].inset_axes(box) for box in boxes]
