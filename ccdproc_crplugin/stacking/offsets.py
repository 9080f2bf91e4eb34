# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How far the exposures of a field are shifted: given, measured from the stars, or from the WCS."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, PreflightWarning, check_number, wording, wrong_value
from ccdproc_crplugin.frames.electrons import ElectronFrame
from ccdproc_crplugin.kernels.offsets import measure_offset

Offset = tuple[float, float]

#: Words for where offsets come from.
WCS, MEASURE = "wcs", "measure"

#: Largest offset that is taken for one (pix).
LARGEST_OFFSET = 1e6

#: Largest difference (pix) between the offsets of parts of a frame; beyond it a rotation or a scale shows.
LARGEST_SPREAD = 0.5

GIVE_OFFSETS = "Give {offsets}, the (dy, dx) of a source in each exposure relative to the first."


def find_offsets(ccds: Sequence[CCDData], frames: Sequence[ElectronFrame], offsets: Any) -> tuple[list[Offset], str]:
    """Where a source of the first exposure lies in each, (dy, dx) in pixels, and where that is known from."""
    if offsets is None or (isinstance(offsets, str) and offsets in (WCS, MEASURE)):
        found = [_between(ccds, frames, number, offsets) for number in range(1, len(ccds))]
        sources = dict.fromkeys(source for _, source in found)
        shifts, source = [(0.0, 0.0), *(offset for offset, _ in found)], ", ".join(sources)
    else:
        shifts, source = _given(offsets, len(ccds)), "given"
    _warn_of_lonely(shifts, ccds[0].shape)
    return shifts, source


def _warn_of_lonely(shifts: Sequence[Offset], shape: tuple[int, ...]) -> None:
    """Warn of exposures that share no pixel with another one."""
    steps = np.abs(np.array(shifts)[:, np.newaxis] - np.array(shifts))
    meets = (steps < np.array(shape)).all(axis=2)
    lonely = [str(number + 1) for number in np.flatnonzero(meets.sum(axis=1) == 1)]
    if lonely:
        which = f"exposure {lonely[0]} overlaps" if len(lonely) == 1 else f"exposures {', '.join(lonely)} overlap"
        message = (
            f"Found that {which} with no other; expected exposures of one field. L.A.Cosmic alone finds the cosmic "
            "rays there."
        )
        warnings.warn(wording(message, "Look at {offsets}."), PreflightWarning, stacklevel=4)


def _given(offsets: Any, n_exposures: int) -> list[Offset]:
    try:
        pairs = np.asarray(offsets, dtype=float)
    except (TypeError, ValueError):
        pairs = np.zeros(0)
    if pairs.shape != (n_exposures, 2):
        raise wrong_value(
            "offsets", offsets, f"a pair (dy, dx) for each of the {n_exposures} exposures, wcs or measure"
        )
    for value in pairs.flat:
        check_number("offsets", float(value), -LARGEST_OFFSET, LARGEST_OFFSET)
    return [(float(dy), float(dx)) for dy, dx in pairs - pairs[0]]


def _between(
    ccds: Sequence[CCDData], frames: Sequence[ElectronFrame], number: int, how: str | None
) -> tuple[Offset, str]:
    """The offset of an exposure from the first, and its source."""
    if how != WCS:
        first, other = frames[0], frames[number]
        measured = measure_offset(first.data, other.data, (first.not_to_search, other.not_to_search))
        if measured is not None:
            return measured, "stars"
    if how == MEASURE:
        raise CosmicRayError(
            f"Found too few stars that exposures 1 and {number + 1} share; expected some to measure the offset.",
            GIVE_OFFSETS,
        )
    spread, offset = wcs_offset(ccds[0], ccds[number])
    if spread == np.inf:
        raise CosmicRayError(
            f"Found that the WCS of exposures 1 and {number + 1} show different fields; expected one field.",
            GIVE_OFFSETS,
        )
    if offset is not None and spread > LARGEST_SPREAD:
        raise CosmicRayError(
            f"Found that the WCS of exposures 1 and {number + 1} differ by a rotation or a scale, by {spread:.1f} "
            "pixels over the frame; expected exposures that are only shifted.",
            "Give exposures of one pointing and orientation, or clean each by itself.",
        )
    if offset is not None:
        return offset, "WCS"
    if how == WCS:
        raise CosmicRayError(
            f"Found no celestial WCS in exposure 1 or {number + 1}; expected one in each.", GIVE_OFFSETS
        )
    message = (
        f"Found neither stars that exposures 1 and {number + 1} share nor a WCS in both; expected one of these to know "
        "the offset, which is taken for 0."
    )
    warnings.warn(wording(message, GIVE_OFFSETS), PreflightWarning, stacklevel=4)
    return (0.0, 0.0), "assumed"


def wcs_offset(first: CCDData, other: CCDData) -> tuple[float, Offset | None]:
    """
    Where a source of the first lies in the other by their WCS, (dy, dx), and by how much this differs over the frame.

    None if one has no celestial WCS of two axes, and a difference of inf if they show different parts of the sky.
    """
    if not all(getattr(ccd.wcs, "has_celestial", False) and ccd.wcs.pixel_n_dim == 2 for ccd in (first, other)):
        return 0.0, None
    ny, nx = first.shape
    y, x = (grid.ravel() for grid in np.meshgrid([0.0, (ny - 1) / 2, ny - 1.0], [0.0, (nx - 1) / 2, nx - 1.0]))
    there = other.wcs.world_to_pixel_values(*first.wcs.pixel_to_world_values(x, y))
    dx, dy = there[0] - x, there[1] - y
    if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
        return np.inf, None
    spread = float(max(np.ptp(dy), np.ptp(dx)))
    return spread, (float(np.median(dy)), float(np.median(dx)))
