# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The record of removed pixels, by which a cleaning can be undone.

It is an attribute of the cleaned frame, so that a pickle or a deep copy carries it. A slice, a copy or an arithmetic
result does not, as its pixels are no longer those of the record.
"""

from __future__ import annotations

import copy
import hashlib
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.copies import uncertainty_array
from ccdproc_crplugin.frames.flags import PixelFlag, flags_of, is_flagged
from ccdproc_crplugin.kernels.labels import label_pixels

_ATTRIBUTE = "_ccdcr_removed"

#: Records of frames that were read, by the identity of their arrays, as long as these live.
_of_arrays: dict[int, RemovedPixels] = {}


@dataclass(frozen=True, eq=False)
class RemovedPixels:
    """The removed values and what else is needed to put them back; arrays have shape (n,), in reading order."""

    y: np.ndarray  # int32
    x: np.ndarray  # int32
    label: np.ndarray  # int32: the event (8-connected) of each pixel, from 1
    removed: np.ndarray  # values before the first cleaning, in the first dtype of the frame
    repaired: np.ndarray  # values now
    uncertainty: np.ndarray | None  # uncertainty before the first cleaning
    uncertainty_kind: str  # its type and first dtype with a blank between, such as "std <f4"; "" without
    dtype: np.dtype  # first dtype of the frame, byte order included
    unit: str
    had_mask: bool
    flags: Any = None  # array or FlagCollection of the frame before the first cleaning
    by_hand: np.ndarray | None = None  # bool; None if no pixel was added by hand
    put_back: np.ndarray | None = None  # int32, shape (m, 2): y and x of values put back as they belong to hot pixels
    mask: np.ndarray | None = None  # of the frame before the first cleaning, if bad pixels were added to it

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.label.max(initial=0))

    @property
    def added(self) -> np.ndarray:
        """Which pixels were added by hand, bool, shape (n,)."""
        return np.zeros(len(self), dtype=bool) if self.by_hand is None else self.by_hand

    @property
    def fingerprint(self) -> str:
        """A checksum of all that the record holds, the same after a round trip through a file."""
        flags = self.flags if isinstance(self.flags, Mapping) else {"": self.flags}
        told = (self.dtype.str, self.unit, bool(self.had_mask), self.uncertainty_kind, *flags)
        digest = hashlib.sha256(repr(told).encode())
        added = self.added if self.added.any() else None
        pixels = (self.y, self.x, self.label, self.removed, self.repaired, self.uncertainty, added)
        for array in (*pixels, self.put_back, self.mask, *flags.values()):
            digest.update(b"-" if array is None else _bytes_of(np.asarray(array)))
        return digest.hexdigest()[:32]

    def index(self, shape: tuple[int, int]) -> np.ndarray:
        """The place of each pixel in the flattened frame: int64, shape (n,)."""
        return self.y.astype(np.int64) * shape[1] + self.x

    def remaining(self, kept: np.ndarray, shape: tuple[int, int]) -> RemovedPixels:
        """The record of the pixels that stay removed, by their indices or a mask of shape (n,), with new labels."""
        y, x = self.y[kept], self.x[kept]
        return replace(
            self,
            y=y,
            x=x,
            label=label_pixels(y, x, shape),
            removed=self.removed[kept],
            repaired=self.repaired[kept],
            uncertainty=None if self.uncertainty is None else self.uncertainty[kept],
            by_hand=None if self.by_hand is None else self.by_hand[kept],
        )

    def merged(self, later: RemovedPixels, shape: tuple[int, int]) -> RemovedPixels:
        """The record of this and a later cleaning of other pixels, with new labels, to undo both at once."""
        y, x = np.append(self.y, later.y), np.append(self.x, later.x)
        uncertainty = None
        if self.uncertainty is not None and later.uncertainty is not None:
            uncertainty = np.append(self.uncertainty, later.uncertainty.astype(self.uncertainty.dtype))
        by_hand = np.append(self.added, later.added)
        mask = self.mask
        if mask is None and self.had_mask and later.mask is not None:
            mask = later.mask.copy()
            mask[self.y, self.x] = False
        both = replace(
            self,
            y=y,
            x=x,
            removed=np.append(self.removed, later.removed.astype(self.dtype)),
            repaired=np.append(self.repaired, later.repaired),
            uncertainty=uncertainty,
            by_hand=by_hand if by_hand.any() else None,
            mask=mask,
        )
        return both.remaining(np.lexsort((x, y)), shape)


def _bytes_of(array: np.ndarray) -> bytes:
    """The shape and values of an array, whatever its byte order and the size of its whole numbers."""
    kind = f"<f{array.dtype.itemsize}" if array.dtype.kind == "f" else "<i8"
    return repr(array.shape).encode() + array.astype(kind).tobytes()


def new_record(
    before: CCDData, after: CCDData, y: np.ndarray, x: np.ndarray, *, by_hand: bool = False
) -> RemovedPixels:
    """The record of pixels, y and x of shape (n,), removed from one frame and repaired in another."""
    uncertainty = uncertainty_array(before)
    return RemovedPixels(
        y=y.astype(np.int32),
        x=x.astype(np.int32),
        label=label_pixels(y, x, before.data.shape),
        removed=before.data[y, x],
        repaired=after.data[y, x],
        uncertainty=None if uncertainty is None else uncertainty[y, x],
        uncertainty_kind=(
            "" if uncertainty is None else f"{before.uncertainty.uncertainty_type} {uncertainty.dtype.str}"
        ),
        dtype=before.data.dtype,
        unit=str(before.unit),
        had_mask=before.mask is not None,
        flags=copy.deepcopy(before.flags),
        by_hand=np.ones(len(y), dtype=bool) if by_hand else None,
        mask=_replaced_mask(before, after, y, x),
    )


def _replaced_mask(before: CCDData, after: CCDData, y: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """The mask of a frame if that of the new one has more pixels than it and those removed, else None."""
    mask = mask_of(before)
    if mask is None or after.mask is None:
        return None
    n_expected = np.count_nonzero(mask) + np.count_nonzero(~mask[y, x])
    return mask.copy() if np.count_nonzero(after.mask) > n_expected else None


def attach(ccd: CCDData, record: RemovedPixels) -> None:
    """Attach the record to a cleaned frame."""
    setattr(ccd, _ATTRIBUTE, record)


def share(ccd: CCDData) -> None:
    """Let the frames that are made of the same array carry the record too, as astropy makes those of a subclass."""
    record = getattr(ccd, _ATTRIBUTE, None)
    if record is not None:
        _of_arrays[id(ccd.data)] = record
        weakref.finalize(ccd.data, _of_arrays.pop, id(ccd.data), None)


def detach(ccd: CCDData) -> None:
    """Remove the record from a frame."""
    setattr(ccd, _ATTRIBUTE, None)


def _carried(ccd: CCDData) -> RemovedPixels | None:
    """The record that a frame carries, its own or that of its array."""
    if _ATTRIBUTE not in ccd.__dict__ and id(ccd.data) in _of_arrays:
        attach(ccd, _of_arrays[id(ccd.data)])
    return getattr(ccd, _ATTRIBUTE, None)


def is_cleaned(ccd: CCDData) -> bool:
    """Whether a frame carries a record, or its header says that it was cleaned."""
    return is_restorable(ccd) or "CRDETECT" in ccd.meta


def is_restorable(ccd: CCDData) -> bool:
    """Whether a frame carries a record."""
    return _carried(ccd) is not None


def record_of(ccd: CCDData) -> RemovedPixels | None:
    """The record of a frame if it carries one, checked as by `removed_pixels`."""
    return removed_pixels(ccd) if is_restorable(ccd) else None


def removed_pixels(ccd: CCDData) -> RemovedPixels:
    """The record of a cleaned frame; an error if it has none, or if the frame was changed since the cleaning."""
    record = _carried(ccd)
    if record is None:
        raise _without_record(ccd)
    if record.unit != str(ccd.unit):
        raise CosmicRayError(
            f"Found a frame in {ccd.unit} whose removed values are in {record.unit}; expected the frame as it was "
            "cleaned.",
            "Restore first, convert afterwards.",
        )
    shape = ccd.data.shape
    fits_in = len(record) == 0 or (len(shape) == 2 and record.y.max() < shape[0] and record.x.max() < shape[1])
    if not fits_in or not np.array_equal(
        ccd.data[record.y, record.x], record.repaired, equal_nan=record.repaired.dtype.kind == "f"
    ):
        raise CosmicRayError(
            "Found other values at the repaired pixels than the cleaning left there; expected the frame as it was "
            "cleaned.",
            "Restore first, change the data afterwards.",
        )
    return record


def check_flags(ccd: CCDData, record: RemovedPixels) -> None:
    """Refuse flags of `PixelFlag` that have other pixels as hit by cosmic rays than those removed."""
    flags = flags_of(ccd)
    if flags is None:
        return
    hit = is_flagged(flags, PixelFlag.COSMIC_RAY)
    if np.count_nonzero(hit) != len(record) or not hit[record.y, record.x].all():
        raise CosmicRayError(
            "Found flags that have other pixels as hit by cosmic rays than those whose values were removed; expected "
            "the flags as the cleaning left them.",
            "{restore_cosmic_rays()} puts single events back, flags included.",
        )


def _without_record(ccd: CCDData) -> CosmicRayError:
    if "CRDETECT" in ccd.meta:
        return CosmicRayError(
            "Found a frame that was cleaned but does not carry the removed values; expected the cleaned frame itself.",
            "A slice, a copy or an arithmetic result does not carry them (copy.deepcopy does); read_ccd reads them "
            "from the file of the cleaned frame.",
        )
    return CosmicRayError(
        "Found a frame that was not cleaned, or the result of arithmetic on one that was; expected a frame from "
        "clean_cosmic_rays or read_ccd."
    )
