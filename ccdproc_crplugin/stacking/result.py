# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The result for a stack: the cleaned exposures, the table of what was found in each, and the combined frame."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
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
    factors : sequence of float or None
        Electrons for one unit of each exposure. `None` means that all have one unit.

    Attributes
    ----------
    table : `~astropy.table.Table`
        A row for each exposure: its name, its offset (``dy``, ``dx``, pixels), the ``pixels`` and ``events`` flagged,
        and what the detector says of them, such as the numbers of pixels by reason.
    """

    def __init__(
        self, ccds: Iterable[CCDData], rows: list[dict[str, Any]], factors: Sequence[float] | None = None
    ) -> None:
        super().__init__(ccds)
        factors = [1.0] * len(self) if factors is None else factors
        #: Each exposure with its row and the electrons of its unit, whatever becomes of the list.
        self._exposures = list(zip(self, rows, factors, strict=True))
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
        first, _, first_factor = self._exposures[0]
        total, weight = np.zeros((2, *first.shape))
        for ccd, row, factor in self._exposures:
            good = _good_pixels(ccd)
            if not good.any():
                continue
            # The transparency is that of the light in electrons.
            scale = row.get("transparency", 1.0) * first_factor / factor
            light = np.where(good, (ccd.data - _sky(ccd, good)) / scale, 0).astype(float)
            offset = (row["dy"], row["dx"])
            total += _shifted(light, offset)
            weight += _shifted(good.astype(float), offset)
        enough = weight > 0.25
        combined = CCDData(
            np.where(enough, total / np.maximum(weight, 0.25) + _sky(first, _good_pixels(first)), 0).astype(np.float32),
            unit=first.unit,
            mask=~enough,
            meta=first.meta.copy(),
            wcs=first.wcs,
        )
        clear_cards(combined.meta)
        write_history(combined.meta, "combine", {"exposures": len(self._exposures)}, "mean of the good pixels")
        return combined


def _good_pixels(ccd: CCDData) -> np.ndarray:
    """The pixels that are finite and not masked, bool (ny, nx)."""
    bad = mask_of(ccd)
    return np.isfinite(ccd.data) if bad is None else np.isfinite(ccd.data) & ~bad


def _sky(ccd: CCDData, good: np.ndarray) -> float:
    return float(np.median(ccd.data[good])) if good.any() else 0.0


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
