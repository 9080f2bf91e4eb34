"""A frame with one straight track that bad columns break."""

import numpy as np
from astropy.nddata import CCDData

from .track_pixels import line_pixels

#: The bad columns, so many that the gap is too long for good pixels.
COLUMNS = slice(50, 74)


def broken_track(**meta):
    """A sky of 200 electrons with a track along a line at 20 degrees from (30, 40), 70 pixels long."""
    data = np.random.default_rng(3).normal(200, 15, (120, 130))
    y, x = line_pixels((30, 40), 70, 20, data.shape)
    data[y, x] += 1500
    mask = np.zeros(data.shape, dtype=bool)
    mask[:, COLUMNS] = True
    header = {"RDNOISE": 5.0, "SATURATE": 6e4, **meta}
    return CCDData(data.astype(np.float32), unit="electron", mask=mask, meta=header)
