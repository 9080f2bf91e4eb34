# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Removed values put back into a cleaned frame, for all who do so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import set_card, write_events, write_history
from ccdproc_crplugin.frames.copies import copy_but_pixels
from ccdproc_crplugin.frames.flags import PixelFlag, change_flags, is_flagged
from ccdproc_crplugin.frames.removed import RemovedPixels, attach, removed_pixels


def put_back(restored: CCDData, record: RemovedPixels, chosen: np.ndarray) -> None:
    """Put back the values of the ``chosen`` pixels (bool, shape (n,)) of a record, in place."""
    y, x = record.y[chosen], record.x[chosen]
    restored.data = np.array(restored.data)
    restored.data[y, x] = record.removed[chosen]
    if restored.mask is not None:
        restored.mask = np.array(restored.mask)
        restored.mask[y, x] = False
    if isinstance(restored.flags, np.ndarray) and restored.flags.dtype == np.uint8:
        restored.flags = np.array(restored.flags)
        change_flags(restored.flags, y, x, remove=PixelFlag.COSMIC_RAY)
        if restored.mask is not None:
            restored.mask[y, x] = is_flagged(restored.flags[y, x], PixelFlag.TRAIL)
    put_uncertainty_back(restored, record, chosen)
    rest = record.remaining(~chosen, restored.data.shape)
    attach(restored, rest)
    write_events(restored, rest)


def put_uncertainty_back(restored: CCDData, record: RemovedPixels, chosen: np.ndarray) -> None:
    """Put back the uncertainty of the ``chosen`` pixels of a record, in place."""
    uncertainty = restored.uncertainty
    if uncertainty is None or record.uncertainty is None:
        return
    if uncertainty.uncertainty_type != record.uncertainty_kind.split()[0]:
        raise CosmicRayError(
            f"Found an uncertainty of type {uncertainty.uncertainty_type!r} where the cleaning left one of type "
            f"{record.uncertainty_kind.split()[0]!r}; expected the frame as it was cleaned.",
            "Restore first.",
        )
    array = np.array(uncertainty.array)
    array[record.y[chosen], record.x[chosen]] = record.uncertainty[chosen]
    restored.uncertainty = type(uncertainty)(array, unit=uncertainty.unit, copy=False)


def put_hot_pixels_back(ccd: CCDData, index: np.ndarray) -> CCDData:
    """A frame with the removed pixels of some places in the flattened frame put back, as they are hot."""
    record = removed_pixels(ccd)
    chosen = np.isin(record.index(ccd.data.shape), index)
    new = copy_but_pixels(ccd)
    put_back(new, record, chosen)
    places = np.column_stack([record.y[chosen], record.x[chosen]])
    attach(new, replace(removed_pixels(new), put_back=places))
    n_events = len(np.unique(record.label[chosen]))
    set_card(new.meta, "CRNHOT", n_events)
    write_history(new.meta, "put_hot_pixels_back", {}, f"{len(places)} pixels in {n_events} events put back")
    return new
