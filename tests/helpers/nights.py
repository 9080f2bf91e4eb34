# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Small folders of raw frames for the tests of the runner."""

import hashlib
import os

import numpy as np
from astropy.io import fits

from .hit_frames import hit_pixels

CARDS = {"GAIN": 2.0, "RDNOISE": 5.0, "EXPTIME": 60.0, "FILTER": "V"}


def write_frame(path, kind="object", data=None, seed=1, **cards):
    """A raw frame, uint16, with known cosmic rays."""
    data = hit_pixels(seed=seed).round().astype("uint16") if data is None else data
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.writeto(path, data, fits.Header({"IMAGETYP": kind, **CARDS, **cards}))
    return path


def write_mosaic(path, n_chips=2, kind="object"):
    """A file with a frame in each of several extensions, and a table."""
    hdus = [fits.PrimaryHDU(header=fits.Header({"IMAGETYP": kind, "TELESCOP": "test", **CARDS}))]
    for chip in range(1, n_chips + 1):
        data = hit_pixels(seed=chip).round().astype("uint16")
        hdus.append(fits.ImageHDU(data, fits.Header({"CHIP": chip}), name=f"CHIP{chip}"))
    hdus.append(fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(3))], name="SETUP"))
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path)
    return path


def write_lights(folder, n=4):
    return [write_frame(folder / f"light_{number}.fits", seed=number) for number in range(1, n + 1)]


def contents(folder):
    """The results in a folder and a hash of each."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.fits*"))
    }


def n_results(folder):
    """How many results there are, while somebody is at work in the folder."""
    found = 0
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += sum(name.endswith(".fits") for name in names)
    return found


def by_file(table, column="status"):
    return dict(zip(table["file"].tolist(), table[column].tolist(), strict=True))
