# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Put back the values that a cleaning removed."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, wrong_value
from ccdproc_crplugin.frames.cards import clear_cards, write_edited, write_history
from ccdproc_crplugin.frames.checks import check_frame, check_mask
from ccdproc_crplugin.frames.copies import copy_but_pixels
from ccdproc_crplugin.frames.removed import RemovedPixels, detach, removed_pixels
from ccdproc_crplugin.frames.restored import put_back, put_uncertainty_back


def restore_cosmic_rays(
    ccd: CCDData, labels: int | Iterable[int] | None = None, mask: np.ndarray | None = None
) -> CCDData:
    """
    Put back removed values, all of them or those of some events.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        A frame from `clean_cosmic_rays` or `read_ccd`; not changed.
    labels : int, iterable of int or None
        The events to put back, by their labels from `cr_segments` with its default connectivity.
    mask : `~numpy.ndarray` of bool or None, shape (ny, nx)
        The pixels to put back. Without ``labels`` and ``mask`` all removed values are put back.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame. With all values put back it is the frame as it was before the cleaning, bit for bit: data with
        their first dtype, mask, flags and uncertainty; a frame cleaned more than once is as before the first
        time. With some events put back the others can still be restored, and labels start at 1 again.

    Raises
    ------
    CosmicRayError
        If the frame does not carry its removed values, was changed since the cleaning, or has no such event.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> sky = np.random.default_rng(1).normal(200, 15, (50, 50))
    >>> sky[20, 20:26] += 3000
    >>> ccd = CCDData(sky, unit="electron")
    >>> cleaned = ccd.clean_cosmic_rays(readnoise=5, saturation=60000)
    >>> bool((cleaned.restore_cosmic_rays().data == ccd.data).all())
    True
    """
    check_frame(ccd)
    record = removed_pixels(ccd)
    chosen = _chosen(record, ccd.data.shape, labels, mask)
    restored = copy_but_pixels(ccd)
    detach(restored)
    if chosen.all():
        _put_everything_back(restored, record)
    else:
        put_back(restored, record, chosen)
    outcome = f"{int(chosen.sum())} of {len(record)} pixels put back"
    write_edited(restored.meta)
    write_history(restored.meta, "restore_cosmic_rays", _selection(record, chosen, labels, mask), outcome)
    return restored


def _selection(record: RemovedPixels, chosen: np.ndarray, labels: Any, mask: np.ndarray | None) -> dict[str, Any]:
    if labels is not None:
        return {"labels": sorted(set(record.label[chosen].tolist()))}
    return {} if mask is None else {"mask": mask}


def _chosen(record: RemovedPixels, shape: tuple[int, int], labels: Any, mask: Any) -> np.ndarray:
    """Which of the removed pixels to put back, bool, shape (n,)."""
    if labels is not None and mask is not None:
        raise CosmicRayError("Found both labels and mask; expected one of them.", "Combine them into one mask.")
    if labels is not None:
        return np.isin(record.label, _known_labels(record, labels))
    if mask is not None:
        mask = check_mask(mask, shape)
        chosen = mask[record.y, record.x]
        if mask.any() and not chosen.any():
            raise CosmicRayError("Found a mask with no removed pixel in it; expected one that covers an event.")
        return chosen
    return np.ones(len(record), dtype=bool)


def _known_labels(record: RemovedPixels, labels: Any) -> np.ndarray:
    try:
        wanted = np.atleast_1d(list(labels) if np.iterable(labels) and not isinstance(labels, str) else labels)
    except ValueError:
        wanted = np.array(["?"])
    if wanted.size and (wanted.dtype.kind not in "iu" or wanted.ndim != 1):
        raise wrong_value("labels", labels, f"whole numbers, 1 to {record.n_events}")
    unknown = wanted[(wanted < 1) | (wanted > record.n_events)]
    if len(unknown):
        raise CosmicRayError(
            f"Found the label {unknown[0]}; expected labels from 1 to {record.n_events}, the events of this frame."
        )
    return wanted


def _put_everything_back(restored: CCDData, record: RemovedPixels) -> None:
    before = np.array(restored.data)
    before[record.y, record.x] = record.removed
    with np.errstate(invalid="ignore"):
        data = before.astype(record.dtype)
    if data.dtype.kind in "iu" and not np.array_equal(data, before):
        raise CosmicRayError(
            f"Found values beside the repaired pixels that no longer fit {record.dtype}; expected the frame as it was "
            "cleaned.",
            "Restore first, change the data afterwards, or restore event by event.",
        )
    mask = None if record.mask is None else record.mask.copy()
    if record.had_mask and mask is None:
        mask = np.zeros(data.shape, bool) if restored.mask is None else np.array(restored.mask)
        mask[record.y, record.x] = False
    restored.data = data
    restored.mask = mask
    restored.flags = copy.deepcopy(record.flags)
    put_uncertainty_back(restored, record, np.ones(len(record), dtype=bool))
    if restored.uncertainty is not None and record.uncertainty is not None:
        restored.uncertainty.array = restored.uncertainty.array.astype(record.uncertainty_kind.split()[1])
    if "CRBUNIT" in restored.meta:
        restored.meta["BUNIT"] = restored.meta["CRBUNIT"]
    clear_cards(restored.meta)
