# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Trails as a table and in words.
"""

import math

import numpy as np

from ccdcr_trails.search import Found

NO_TRAILS = Found([], [])


def angle_and_offset(trail, shape):
    """Angle of a line with the rows, 0 to 180 degrees, and distance of the frame's centre from it, signed, pixels."""
    angle = math.atan2(trail.y[1] - trail.y[0], trail.x[1] - trail.x[0]) % math.pi
    from_line = (shape[1] - 1) / 2 - trail.x[0], (shape[0] - 1) / 2 - trail.y[0]
    return math.degrees(angle), from_line[1] * math.cos(angle) - from_line[0] * math.sin(angle)


def in_words(trails, shape):
    """Angle, offset and width of each trail, short enough for a header."""
    found = [(*angle_and_offset(trail, shape), trail.width) for trail in trails]
    return "; ".join(f"{angle:.1f} deg, {offset:.0f} pix, {width:.0f} wide" for angle, offset, width in found) or "none"


def table_of(trails, ccd):
    """The table of `find_trails`."""
    from astropy import units as u
    from astropy.table import QTable

    trails = sorted(trails, key=lambda trail: -trail.significance)
    lines = np.array([angle_and_offset(trail, ccd.shape) for trail in trails]).reshape(-1, 2)
    x, y = (np.array([getattr(trail, axis) for trail in trails], dtype=float).reshape(-1, 2) for axis in "xy")
    columns = {
        "angle": lines[:, 0] * u.deg,
        "offset": lines[:, 1] * u.pix,
        "x0": x[:, 0] * u.pix,
        "y0": y[:, 0] * u.pix,
        "x1": x[:, 1] * u.pix,
        "y1": y[:, 1] * u.pix,
        "length": np.hypot(np.diff(x)[:, 0], np.diff(y)[:, 0]) * u.pix,
        "width": np.array([trail.width for trail in trails], dtype=float) * u.pix,
        "masked_width": np.array([trail.below + trail.above for trail in trails], dtype=float) * u.pix,
        "brightness": np.array([trail.brightness for trail in trails], dtype=float)
        * (ccd.unit or u.dimensionless_unscaled),
        "significance": np.array([trail.significance for trail in trails], dtype=float),
        "share": np.array([trail.share for trail in trails], dtype=float),
    }
    if ccd.wcs is not None and ccd.wcs.has_celestial:
        columns["position_angle"] = _on_sky(ccd.wcs.celestial, x, y)
    return QTable(columns)


def _on_sky(wcs, x, y):
    """Position angles of lines, from north to east, 0 to 180 degrees."""
    from astropy import units as u

    if not len(x):
        return np.zeros(0) * u.deg
    ends = [wcs.pixel_to_world(x[:, end], y[:, end]) for end in (0, 1)]
    return ends[0].position_angle(ends[1]).to(u.deg) % (180 * u.deg)
