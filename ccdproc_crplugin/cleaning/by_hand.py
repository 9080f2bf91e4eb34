# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cosmic rays that a person saw and no detector found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import write_by_hand, write_counts, write_edited, write_history, write_verdict
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.copies import copy_but_pixels, enlarged_uncertainty, uncertainty_array
from ccdproc_crplugin.frames.flags import PixelFlag
from ccdproc_crplugin.frames.rates import expected_events
from ccdproc_crplugin.frames.removed import RemovedPixels, attach, removed_pixels
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.options import REPAIRS
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import RADIUS, repair

__all__ = ["add_cosmic_rays"]


def add_cosmic_rays(ccd: CCDData, mask: np.ndarray) -> CCDData:
    """
    Take pixels for cosmic rays that the detector left.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        A frame from `clean_cosmic_rays` or `read_ccd`; not changed.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        The pixels, such as `region_mask` gives. Those that are bad or taken for cosmic rays already are left out.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame in which they are flagged, masked and repaired the way the frame was. Pixels repaired earlier
        that lie so near that they may have drawn on the new ones are repaired anew. All of it can be undone by
        `restore_cosmic_rays`. Labels count anew from 1.

    Raises
    ------
    CosmicRayError
        If the frame was not cleaned, does not carry its removed values, or no pixel is left to add.

    See Also
    --------
    region_mask : Pixels from a polygon or a region file of DS9.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> sky = np.random.default_rng(1).normal(200, 15, (50, 50))
    >>> sky[20, 20:26] += 3000
    >>> cleaned = crp.clean_cosmic_rays(CCDData(sky, unit="electron"), readnoise=5, saturation=60000)
    >>> more = crp.add_cosmic_rays(cleaned, crp.region_mask(cleaned, [(40, 8), (43, 8), (43, 9), (40, 9)]))
    >>> more.header["CRNEVENT"], more.header["CRBYHAND"]
    (2, 8)
    """
    check_frame(ccd)
    record = removed_pixels(ccd)
    lost, added = _lost_and_added(ccd, np.asarray(mask))
    y, x = true_pixels(added)
    nearby = _within_reach(added)[record.y, record.x]
    new = copy_but_pixels(ccd)
    new.data = np.array(ccd.data)
    method = str(ccd.meta.get("CRREPAIR", "meanmask"))
    if method != "none":
        rows, columns = np.append(y, record.y[nearby]), np.append(x, record.x[nearby])
        values, scatter = repair(ccd.data, rows, columns, lost, method if method in REPAIRS else "meanmask")
        new.data[rows, columns] = values
        new.uncertainty = enlarged_uncertainty(ccd, rows, columns, scatter)
    new.mask = added.copy() if ccd.mask is None else added | np.asarray(ccd.mask, dtype=bool)
    new.flags = np.array(ccd.flags)
    new.flags[y, x] &= ~np.uint8(PixelFlag.NOT_SEARCHED.value)
    new.flags[y, x] |= PixelFlag.COSMIC_RAY.value
    _attach_record(ccd, new, record, y, x)
    _write_header(new, len(y), mask)
    return new


def _lost_and_added(ccd: CCDData, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that can't be drawn on, and those among them that are new."""
    if mask.dtype != bool or mask.shape != ccd.data.shape:
        raise CosmicRayError(
            f"Found a mask of dtype {mask.dtype} and shape {mask.shape}; expected bool and {ccd.data.shape}."
        )
    if not isinstance(ccd.flags, np.ndarray):
        raise CosmicRayError("Found a cleaned frame without its flags; expected them. Use read_ccd.")
    taken = (ccd.flags & (PixelFlag.COSMIC_RAY.value | PixelFlag.BAD_ON_INPUT.value)) != 0
    added = mask & ~taken
    if not added.any():
        raise CosmicRayError(
            f"Found {int(mask.sum())} pixels to add, all of them bad or taken for cosmic rays already; expected at "
            "least one that is not."
        )
    lost = taken | added
    if lost.all():
        raise CosmicRayError("Found cosmic rays on every good pixel; expected some that are left to repair from.")
    return lost, added


def _within_reach(added: np.ndarray) -> np.ndarray:
    """Where a repair may have drawn on one of some pixels."""
    from scipy.ndimage import maximum_filter

    return maximum_filter(added, size=2 * RADIUS + 1, mode="constant", cval=False)


def _attach_record(ccd: CCDData, new: CCDData, record: RemovedPixels, y: np.ndarray, x: np.ndarray) -> None:
    uncertainty = uncertainty_array(ccd)
    later = replace(
        record,
        y=y.astype(np.int32),
        x=x.astype(np.int32),
        label=label_pixels(y, x, ccd.data.shape),
        removed=ccd.data[y, x],
        repaired=new.data[y, x],
        uncertainty=None if uncertainty is None else uncertainty[y, x],
        by_hand=np.ones(len(y), dtype=bool),
    )
    earlier = replace(record, repaired=new.data[record.y, record.x])
    attach(new, earlier.merged(later, ccd.data.shape))


def _write_header(new: CCDData, n_added: int, mask: np.ndarray) -> None:
    record = removed_pixels(new)
    write_counts(new.meta, len(record), record.n_events)
    write_verdict(new.meta, record.n_events, expected_events(new))
    write_by_hand(new.meta, int(record.added.sum()))
    write_edited(new.meta)
    write_history(new.meta, "add_cosmic_rays", {"mask": np.asarray(mask)}, f"{n_added} pixels added")
