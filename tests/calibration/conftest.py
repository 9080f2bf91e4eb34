# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Calibration frames on disk."""

from zlib import crc32

import numpy as np
import pytest
from astropy.io import fits

from tests.helpers.calibration_frames import frame_of


@pytest.fixture
def write(tmp_path):
    """A function that writes a raw frame into the folder ``raw`` and returns its path."""

    def write(name, kind, *, seed=None, exposure=None, data=None, dtype="u2", **cards):
        seconds = {"BIAS": 0.0, "DARK": 60.0, "FLAT": 30.0, "LIGHT": 60.0}[kind] if exposure is None else exposure
        pixels = frame_of(kind, crc32(name.encode()) if seed is None else seed, seconds) if data is None else data
        pixels = np.asarray(pixels)
        pixels = pixels.round().astype(dtype) if np.dtype(dtype).kind in "iu" else pixels.astype(dtype)
        header = fits.Header({"IMAGETYP": kind, "EXPTIME": seconds, "BUNIT": "adu", **cards})
        path = tmp_path / "raw" / name
        path.parent.mkdir(exist_ok=True)
        fits.writeto(path, pixels, header)
        return path

    return write
