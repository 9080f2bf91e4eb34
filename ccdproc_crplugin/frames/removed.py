# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The record by which a cleaning can be undone.

It stands with the cleaned frame as an attribute, so that it goes along with a pickle or a deep copy and
is missing from a slice, a copy or an arithmetic result, whose pixels are no longer those it speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.labels import label_pixels

__all__ = ["RemovedPixels", "attach", "detach", "is_cleaned", "is_restorable", "removed_pixels"]

_ATTRIBUTE = "_ccdcr_removed"


@dataclass(frozen=True, eq=False)
class RemovedPixels:
    """The values that a cleaning replaced, and what else it takes to put them back."""

    y: np.ndarray
    x: np.ndarray
    label: np.ndarray
    removed: np.ndarray
    repaired: np.ndarray
    uncertainty: np.ndarray | None
    uncertainty_kind: str
    dtype: np.dtype
    unit: str
    had_mask: bool
    flags: Any = None
    by_hand: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_events(self) -> int:
        """How many events the pixels form."""
        return int(self.label.max(initial=0))

    @property
    def added(self) -> np.ndarray:
        """Whether a person added the pixel, for each."""
        return np.zeros(len(self), dtype=bool) if self.by_hand is None else self.by_hand

    def remaining(self, kept: np.ndarray, shape: tuple[int, int]) -> RemovedPixels:
        """The record without the pixels that were put back."""
        return replace(
            self,
            y=self.y[kept],
            x=self.x[kept],
            label=label_pixels(self.y[kept], self.x[kept], shape),
            removed=self.removed[kept],
            repaired=self.repaired[kept],
            uncertainty=None if self.uncertainty is None else self.uncertainty[kept],
            by_hand=None if self.by_hand is None else self.by_hand[kept],
        )

    def merged(self, later: RemovedPixels, shape: tuple[int, int]) -> RemovedPixels:
        """The record of two cleanings of one frame, by which both can be undone at once."""
        y, x = np.append(self.y, later.y), np.append(self.x, later.x)
        order = np.lexsort((x, y))
        uncertainty = None
        if self.uncertainty is not None and later.uncertainty is not None:
            uncertainty = np.append(self.uncertainty, later.uncertainty.astype(self.uncertainty.dtype))[order]
        by_hand = np.append(self.added, later.added)[order]
        return replace(
            self,
            y=y[order],
            x=x[order],
            label=label_pixels(y[order], x[order], shape),
            removed=np.append(self.removed, later.removed.astype(self.dtype))[order],
            repaired=np.append(self.repaired, later.repaired)[order],
            uncertainty=uncertainty,
            by_hand=by_hand if by_hand.any() else None,
        )


def attach(ccd: CCDData, record: RemovedPixels) -> None:
    """Put a record with its frame."""
    setattr(ccd, _ATTRIBUTE, record)


def detach(ccd: CCDData) -> None:
    """Take the record away from a frame."""
    ccd.__dict__.pop(_ATTRIBUTE, None)


def is_cleaned(ccd: CCDData) -> bool:
    """Whether a frame went through the cleaning."""
    return is_restorable(ccd) or "CRDETECT" in ccd.meta


def is_restorable(ccd: CCDData) -> bool:
    """Whether a frame carries the values that were removed from it."""
    return hasattr(ccd, _ATTRIBUTE)


def removed_pixels(ccd: CCDData) -> RemovedPixels:
    """The values that the cleaning of a frame replaced."""
    record = getattr(ccd, _ATTRIBUTE, None)
    if record is None:
        raise CosmicRayError(_why_missing(ccd))
    if record.unit != str(ccd.unit):
        raise CosmicRayError(
            f"Found a frame in {ccd.unit} whose removed values are in {record.unit}; expected the frame as it was "
            "cleaned. Restore first, convert afterwards."
        )
    shape = ccd.data.shape
    fits_in = len(record) == 0 or (len(shape) == 2 and record.y.max() < shape[0] and record.x.max() < shape[1])
    if not fits_in or not np.array_equal(
        ccd.data[record.y, record.x], record.repaired, equal_nan=record.repaired.dtype.kind == "f"
    ):
        raise CosmicRayError(
            "Found other values at the repaired pixels than the cleaning left there; expected the frame as it was "
            "cleaned. Restore first, change the data afterwards."
        )
    return record


def _why_missing(ccd: CCDData) -> str:
    if "CRDETECT" in ccd.meta:
        return (
            "Found a frame that was cleaned but does not carry the removed values; expected the cleaned frame itself. "
            "A slice, a copy or an arithmetic result does not carry them (copy.deepcopy does), nor does CCDData.read "
            "load them: use ccdproc_crplugin.read_ccd."
        )
    return (
        "Found a frame that was not cleaned, or the result of arithmetic on one that was; expected a frame as "
        "clean_cosmic_rays or read_ccd gave it."
    )
