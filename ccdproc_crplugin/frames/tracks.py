# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The tracks of a cleaned frame: its events, of which those on one straight way belong to one particle."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.frames.flags import PixelFlag
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.kernels.tracks import join_tracks, number_of_tracks

#: Pixels in which no charge can be found.
LOST = int(PixelFlag.BAD | PixelFlag.SATURATED)


def count_tracks(record: RemovedPixels, shape: tuple[int, int], flags: np.ndarray | None) -> int:
    """How many tracks the events of a cleaned frame are, by its record and its flags if it has them."""
    charge = record.removed.astype(float) - record.repaired
    return number_of_tracks(join_tracks(record.y, record.x, record.label, charge, shape, flags, LOST))
