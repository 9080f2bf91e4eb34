# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The flagged pixels of a cleaned frame, measured in the frame as it was before."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.cards import gain_in_force
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from ccdproc_crplugin.frames.gain_and_noise import at, electronics_of
from ccdproc_crplugin.frames.removed import RemovedPixels, is_restorable, removed_pixels
from ccdproc_crplugin.kernels.hot_pixels import Hits, measure_hits

#: A frame of which a larger share is flagged says nothing about hot pixels.
LARGEST_SHARE = 0.02


def voting_hits(ccd: CCDData) -> Hits | None:
    """
    What the detector flagged in a cleaned frame, hot pixels that were put back included.

    None for a frame that does not carry its removed values, or of which too much is flagged.
    """
    if not is_restorable(ccd):
        return None
    record = removed_pixels(ccd)
    found = record.index(ccd.data.shape)[~record.added]
    if record.put_back is not None:
        found = np.union1d(found, record.put_back[:, 0].astype(np.int64) * ccd.data.shape[1] + record.put_back[:, 1])
    return _measured(ccd, record, found)


def removed_hits(ccd: CCDData) -> Hits | None:
    """The pixels that are removed from a cleaned frame, with the labels of their record; None as in `voting_hits`."""
    if not is_restorable(ccd):
        return None
    record = removed_pixels(ccd)
    return _measured(ccd, record, record.index(ccd.data.shape))


def _measured(ccd: CCDData, record: RemovedPixels, index: np.ndarray) -> Hits | None:
    if len(index) > LARGEST_SHARE * ccd.data.size:
        return None
    raw = np.array(ccd.data)
    raw[record.y, record.x] = record.removed
    bad = is_flagged(ccd.flags, PixelFlag.BAD) if isinstance(ccd.flags, np.ndarray) else None
    y, x = np.divmod(index, raw.shape[1])
    factor = at(electronics_of(ccd, gain=gain_in_force(ccd), readnoise=0.0).factor, (y, x))
    return measure_hits(raw, y, x, bad, factor, exposure_of(ccd) or 1.0)


def exposure_of(ccd: CCDData) -> float | None:
    """The exposure time (s) in the header; None if it is missing or 0."""
    found = header.exposure(ccd.meta)
    return float(found.value.to_value(u.s)) or None if found else None
