# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pixels and events that two masks of cosmic rays share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.events.segments import CRSegments
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels

#: The colour of the events of both masks, and of those of one alone, in a picture.
COLOURS = {"both": "tab:green", "only a": "tab:orange", "only b": "tab:red"}


@dataclass(frozen=True, eq=False, repr=False)
class MaskComparison:
    """
    The pixels and events that two masks share.

    An event is a connected piece of the two masks together. It counts as ``both`` if each mask has a pixel of it.

    Parameters
    ----------
    both, only_a, only_b : `~numpy.ndarray` of bool, shape (ny, nx)
        Pixels of both masks, of the first alone, of the second alone.
    n_events_both, n_events_only_a, n_events_only_b : int
        Number of events of both masks, of the first alone, of the second alone.
    """

    both: np.ndarray
    only_a: np.ndarray
    only_b: np.ndarray
    n_events_both: int
    n_events_only_a: int
    n_events_only_b: int

    @property
    def n_pixels_both(self) -> int:
        """Number of pixels of both masks."""
        return int(self.both.sum())

    @property
    def n_pixels_only_a(self) -> int:
        """Number of pixels of the first mask alone."""
        return int(self.only_a.sum())

    @property
    def n_pixels_only_b(self) -> int:
        """Number of pixels of the second mask alone."""
        return int(self.only_b.sum())

    def __str__(self) -> str:
        lines = [f"{'':8}{'both':>9}{'only a':>9}{'only b':>9}"]
        lines += [f"{name:8}" + "".join(f"{count:9d}" for count in counts) for name, *counts in self._counts]
        return "\n".join(lines)

    def __repr__(self) -> str:
        words = [f"{name}: {both} both, {a} only a, {b} only b" for name, both, a, b in self._counts]
        return f"<MaskComparison: {'; '.join(words)}>"

    def _repr_html_(self) -> str:
        table = Table(rows=self._counts, names=("number of", "both", "only a", "only b"))
        return "".join(table.pformat(html=True, max_width=-1))

    @property
    def _counts(self) -> list[tuple[str, int, int, int]]:
        """The pixels and the events of both, only a, only b."""
        return [
            ("pixels", self.n_pixels_both, self.n_pixels_only_a, self.n_pixels_only_b),
            ("events", self.n_events_both, self.n_events_only_a, self.n_events_only_b),
        ]

    def plot(self, ax: Any = None) -> Any:
        """
        Draw a circle at each event, coloured by the masks that have it.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes` or None
            Where to draw. `None` makes a figure.

        Returns
        -------
        `~matplotlib.figure.Figure`
            The picture. A notebook shows it as the last line of a cell. With ``ax``, that is returned.
        """
        from ccdproc_crplugin.io.figures import NotebookFigure, axes_of

        if ax is None:
            figure: Any = NotebookFigure(figsize=(6, 6.4), layout="constrained")
            axes = figure.subplots()
        else:
            figure, (axes,) = ax, axes_of(ax, 1)
        height, width = self.both.shape
        for name, place in self._places().items():
            label = f"{name}: {len(place)}"
            axes.scatter(place[:, 1], place[:, 0], s=30, facecolors="none", edgecolors=COLOURS[name], label=label)
        axes.set(
            xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5), xlabel="x (pix)", ylabel="y (pix)", aspect="equal"
        )
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
        return figure

    def _places(self) -> dict[str, np.ndarray]:
        """The middles (y, x) of the events of both, only a, only b."""
        y, x = true_pixels(self.both | self.only_a | self.only_b)
        event = label_pixels(y, x, self.both.shape)
        number = event.max(initial=0) + 1
        middle = [np.bincount(event, axis, number)[1:] for axis in (y, x)] / np.maximum(
            np.bincount(event, None, number)[1:], 1
        )
        in_a = np.bincount(event, (self.both | self.only_a)[y, x], number)[1:] > 0
        in_b = np.bincount(event, (self.both | self.only_b)[y, x], number)[1:] > 0
        chosen = {"both": in_a & in_b, "only a": ~in_b, "only b": ~in_a}
        return {name: middle.T[which] for name, which in chosen.items()}


def compare_masks(a: Any, b: Any) -> MaskComparison:
    """
    Count the pixels and events that two masks share and do not share.

    Parameters
    ----------
    a, b : `~astropy.nddata.CCDData`, CRSegments or `~numpy.ndarray` of bool, shape (ny, nx)
        The masks. A cleaned frame stands for its cosmic rays, another frame for its mask.

    Returns
    -------
    MaskComparison
        The pixels and the number of events, which are 8-connected.

    Raises
    ------
    CosmicRayError
        If one of them is not a mask, or their shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin import compare_masks
    >>> a = np.zeros((5, 5), dtype=bool)
    >>> b = a.copy()
    >>> a[1, 1:3] = b[1, 2] = b[4, 4] = True
    >>> print(compare_masks(a, b))
                 both   only a   only b
    pixels          1        1        1
    events          1        0        1
    """
    a, b = _as_mask("a", a), _as_mask("b", b)
    if a.shape != b.shape:
        raise CosmicRayError(f"Found masks of shapes {a.shape} and {b.shape}; expected the same shape.")
    y, x = true_pixels(a | b)
    event = label_pixels(y, x, a.shape)
    in_a = np.zeros(event.max(initial=0) + 1, dtype=bool)
    in_b = in_a.copy()
    in_a[event[a[y, x]]] = True
    in_b[event[b[y, x]]] = True
    return MaskComparison(
        a & b, a & ~b, b & ~a, int((in_a & in_b).sum()), int((in_a & ~in_b).sum()), int((in_b & ~in_a).sum())
    )


def _as_mask(name: str, value: Any) -> np.ndarray:
    if isinstance(value, CRSegments):
        return value.mask
    if isinstance(value, CCDData):
        if is_cleaned(value) and isinstance(value.flags, np.ndarray):
            return is_flagged(value.flags, PixelFlag.COSMIC_RAY)
        value = np.zeros(value.data.shape, dtype=bool) if value.mask is None else np.asarray(value.mask)
    if not isinstance(value, np.ndarray) or value.dtype != bool or value.ndim != 2:
        found = (
            f"{type(value).__name__} of dtype {getattr(value, 'dtype', None)} and shape {getattr(value, 'shape', None)}"
        )
        raise CosmicRayError(f"Found {name}: {found}; expected a CCDData or a two-dimensional array of bool.")
    return value
