# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Add cosmic rays that a person saw and the detector missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.cleaning.repairs import PROFILE, REPAIRS, estimate
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import write_edited, write_events, write_history
from ccdproc_crplugin.frames.checks import check_frame, check_mask
from ccdproc_crplugin.frames.copies import copy_but_pixels, enlarged_uncertainty
from ccdproc_crplugin.frames.flags import PixelFlag, change_flags, is_flagged
from ccdproc_crplugin.frames.mosaic import mosaic_of
from ccdproc_crplugin.frames.removed import attach, new_record, removed_pixels
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.repair import RADIUS

#: How far the window of a star's fit reaches (pix), for stars of FWHM 7.
WIDEST_STAR = 10


def add_cosmic_rays(ccd: CCDData, mask: np.ndarray) -> CCDData:
    """
    Flag and repair pixels as cosmic rays that the detector missed.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        A frame from `clean_cosmic_rays` or `read_ccd`; not changed.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        The pixels, such as `region_mask` returns. Those that are bad or flagged as cosmic rays already are left out.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame in which they are flagged, masked and repaired as in the cleaning of the frame. Pixels that were
        repaired earlier and lie so near that the new ones may have contributed are repaired again. All of it can be
        undone by `restore_cosmic_rays`. Labels start at 1 again.

    Raises
    ------
    CosmicRayError
        If the frame was not cleaned, does not carry its removed values, or there is no pixel to add.

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
    mask = check_mask(mask, ccd.data.shape)
    lost, added = _lost_and_added(ccd, mask)
    y, x = true_pixels(added)
    nearby = _within_reach(added, ccd)[record.y, record.x]
    new = copy_but_pixels(ccd)
    new.data = np.array(ccd.data)
    method = str(ccd.meta.get("CRREPAIR", PROFILE))
    if method != "none":
        rows, columns = np.append(y, record.y[nearby]), np.append(x, record.x[nearby])
        values, scatter = _estimate(ccd, rows, columns, lost, method if method in REPAIRS else PROFILE)
        new.data[rows, columns] = values
        new.uncertainty = enlarged_uncertainty(ccd, rows, columns, scatter)
    new.mask = added.copy() if ccd.mask is None else added | np.asarray(ccd.mask, dtype=bool)
    new.flags = np.array(ccd.flags)
    change_flags(new.flags, y, x, add=PixelFlag.COSMIC_RAY, remove=PixelFlag.NOT_SEARCHED)
    earlier = replace(record, repaired=new.data[record.y, record.x])
    record = earlier.merged(new_record(ccd, new, y, x, by_hand=True), ccd.data.shape)
    attach(new, record)
    write_events(new, record)
    write_edited(new.meta)
    write_history(new.meta, "add_cosmic_rays", {"mask": mask}, f"{len(y)} pixels added")
    return new


def _estimate(
    ccd: CCDData, y: np.ndarray, x: np.ndarray, lost: np.ndarray, method: str
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of pixels and their scatter, in the unit of the frame."""
    gain, readnoise = _number(ccd, "CRGAIN", 1.0), _number(ccd, "CRRDNOIS", 0.0)
    electrons = ccd.data * gain
    values, scatter = estimate(electrons, y, x, lost, method, mosaic=mosaic_of(ccd), readnoise=readnoise)
    return values / gain, scatter / gain


def _number(ccd: CCDData, keyword: str, otherwise: float) -> float:
    """The number of a card, or another one where the card is missing or damaged."""
    value = ccd.meta.get(keyword)
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise


def _lost_and_added(ccd: CCDData, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels from which nothing can be repaired, and the new ones among them: bool, shape (ny, nx)."""
    if not isinstance(ccd.flags, np.ndarray):
        raise CosmicRayError("Found a cleaned frame without its flags; expected its flags, too.", "Use read_ccd.")
    taken = is_flagged(ccd.flags, PixelFlag.COSMIC_RAY | PixelFlag.BAD)
    added = mask & ~taken
    if not added.any():
        raise CosmicRayError(
            f"Found {int(mask.sum())} pixels to add, all of them bad or flagged as cosmic rays already; expected at "
            "least one good pixel."
        )
    lost = taken | added
    if lost.all():
        raise CosmicRayError("Found cosmic rays on every good pixel; expected some good pixels to repair from.")
    return lost, added


def _within_reach(added: np.ndarray, ccd: CCDData) -> np.ndarray:
    """The pixels (bool, shape (ny, nx)) whose repair may have used one of those added."""
    from scipy.ndimage import maximum_filter

    reach = WIDEST_STAR if ccd.meta.get("CRREPAIR") == PROFILE else RADIUS
    radius = reach if mosaic_of(ccd).pattern is None else 2 * RADIUS  # two pixels of one colour
    return maximum_filter(added, size=2 * radius + 1, mode="constant", cval=False)
