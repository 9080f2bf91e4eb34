# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The result for a stack: the cleaned exposures, the table of what was found in each, and the combined frame."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin.cleaning.detection import FoundCosmicRays
from ccdproc_crplugin.frames.cards import clear_cards, write_history
from ccdproc_crplugin.frames.checks import mask_of
from ccdproc_crplugin.frames.header import frame_name


class CleanedStack(list):
    """
    The cleaned exposures of a field.

    Parameters
    ----------
    ccds : iterable of `~astropy.nddata.CCDData`
        The cleaned exposures.
    rows : list of dict
        What was found in each.

    Attributes
    ----------
    table : `~astropy.table.Table`
        A row for each exposure: its name, its offset (``dy``, ``dx``, pixels), the ``pixels`` and ``events`` flagged,
        and what the detector says of them, such as the numbers of pixels by reason.
    """

    def __init__(self, ccds: Iterable[CCDData], rows: list[dict[str, Any]]) -> None:
        super().__init__(ccds)
        names = list(dict.fromkeys(name for row in rows for name in row))
        self.table = Table({name: [row.get(name, 0) for row in rows] for name in names})

    def combine(self) -> CCDData:
        """
        Average the cleaned exposures on the pixels of the first.

        Returns
        -------
        `~astropy.nddata.CCDData`
            The mean of the good pixels, in the unit of the first exposure. The sky and the transparency of each are
            brought to those of the first. A shift by a fraction of a pixel is interpolated linearly, which smooths the
            noise. Pixels without a good value are masked.
        """
        total, weight = np.zeros((2, *self[0].shape))
        first_sky = None
        for ccd, row in zip(self, self.table, strict=True):
            bad = mask_of(ccd)
            good = np.ones(ccd.shape) if bad is None else (~bad).astype(float)
            data = np.where(good > 0, ccd.data, 0).astype(float)
            sky = float(np.median(ccd.data[good > 0]))
            first_sky = sky if first_sky is None else first_sky
            scale = float(row["transparency"]) if "transparency" in self.table.colnames else 1.0
            light = np.where(good > 0, (data - sky) / scale, 0)
            offset = (row["dy"], row["dx"])
            total += _shifted(light, offset)
            weight += _shifted(good, offset)
        enough = weight > 0.25
        combined = CCDData(
            np.where(enough, total / np.maximum(weight, 0.25) + (first_sky or 0.0), 0).astype(np.float32),
            unit=self[0].unit,
            mask=~enough,
            meta=self[0].meta.copy(),
            wcs=self[0].wcs,
        )
        clear_cards(combined.meta)
        write_history(combined.meta, "combine", {"exposures": len(self)}, "mean of the good pixels")
        return combined


def _shifted(array: np.ndarray, offset: tuple[float, float]) -> np.ndarray:
    """An array moved back by its offset, linearly interpolated, 0 beyond its edges."""
    from scipy.ndimage import shift

    if not any(offset):
        return array
    return shift(array, [-float(step) for step in offset], order=1, mode="constant", cval=0.0)


def row_of(ccd: CCDData, found: FoundCosmicRays, offset: tuple[float, float]) -> dict[str, Any]:
    """The row of the table for an exposure."""
    row = {
        "frame": frame_name(ccd.meta) or "",
        "dy": round(offset[0], 3),
        "dx": round(offset[1], 3),
        "pixels": int(ccd.meta["CRNPIX"]),
        "events": int(ccd.meta["CRNEVENT"]),
    }
    return row | _numbers(found.detection.info)


def _numbers(info: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among what a detector says."""
    return {name: value for name, value in info.items() if isinstance(value, numbers.Real)}
