# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Raw frames, and the options that make small simulated ones."""

from astropy.io import fits

from .hit_frames import hit_frame

HEADER = {"GAIN": 2.0, "RDNOISE": 5.0}

#: Options of ``ccdcr simulate``.
SMALL = ["--size", "128", "--n-stars", "20", "--n-muons", "4", "--n-worms", "2", "--n-spots", "4"]


def write_raw(path, kind="Light Frame", data=None, **cards):
    """A raw frame with three cosmic rays, or with other data."""
    data = hit_frame("uint16").data if data is None else data
    fits.writeto(path, data, fits.Header({"IMAGETYP": kind, **HEADER, **cards}))
    return path
