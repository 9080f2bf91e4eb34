# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Small folders of raw frames for the tests of the runner."""

import hashlib
import os

import numpy as np
from astropy.io import fits

import ccdproc_crplugin as crp

from .hit_frames import hit_pixels

CARDS = {"GAIN": 2.0, "RDNOISE": 5.0, "EXPTIME": 60.0, "FILTER": "V"}

#: The steps of a whole reduction, and the shape of the frames of `write_night`.
STEPS = ("subtract_bias", "subtract_dark", "correct_flat", "clean_cosmic_rays")
SHAPE = (50, 60)

#: The text of a configuration.
CONFIG = '[night]\ninput = "raw"\noutput = "out"\n\n[[step]]\nname = "clean_cosmic_rays"\n'


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


def level(value, seed=1, noise=3.0):
    return np.random.default_rng(seed).normal(value, noise, SHAPE).round().astype("uint16")


def write_calibration(folder, n=3, **cards):
    for number in range(n):
        write_frame(folder / f"bias_{number}.fits", "zero", level(300, number), EXPTIME=0.0, **cards)
        write_frame(folder / f"dark_{number}.fits", "dark", level(320, 10 + number), EXPTIME=60.0, **cards)
        write_frame(folder / f"flat_{number}.fits", "flat", level(20000, 20 + number, 90), EXPTIME=5.0, **cards)


def write_night(folder, n_lights=2):
    write_calibration(folder)
    for number in range(1, n_lights + 1):
        raw = level(520, 40 + number, 11)
        raw[10, 12 : 12 + number] += 3000
        write_frame(folder / f"light_{number}.fits", data=raw)
    return folder


def hit_twice(path):
    """Give a light a second cosmic ray."""
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[30, 40:43] += 3000


def config(raw, output, *steps, **tables):
    steps = [{"name": step} if isinstance(step, str) else step for step in steps or STEPS]
    return {"night": {"input": str(raw), "output": str(output)}, "step": steps, **tables}


def reduce(raw, output, *steps, n_workers=1, **tables):
    return crp.reduce_night(config(raw, output, *steps, **tables), n_workers=n_workers)


def write_biases(folder, value=300, name="bias", **cards):
    for number in range(3):
        write_frame(folder / f"{name}_{number}.fits", "zero", level(value, number), EXPTIME=0.0, **cards)


def subtract_bias(raw, output, **more):
    night = {"night": {"input": str(raw), "output": str(output)}, "step": [{"name": "subtract_bias"}], **more}
    return crp.reduce_night(night, n_workers=1)


def level_of(path):
    return float(np.median(fits.getdata(path)))


def clean(folder, output, **keywords):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return crp.clean_collection(paths, output, **{"n_workers": 1, **keywords})


def write_config(folder, text):
    """A configuration beside its folder of raw frames, which is made if it is missing."""
    (folder / "raw").mkdir(exist_ok=True)
    path = folder / "night.toml"
    path.write_text(text)
    return path


#: The hot pixels of `write_hot_night`.
HOT = [(8, 9), (25, 30), (40, 50)]


def write_hot_light(path, number, hot=HOT, **cards):
    """A light frame with hot pixels, and with a cosmic ray of its own."""
    raw = level(520, 40 + number, 10)
    raw[tuple(np.transpose(hot))] += 1500
    raw[15, 5 * number : 5 * number + 3] += 3000
    return write_frame(path, data=raw, **cards)


def write_hot_night(folder, n_lights=4, **cards):
    """Light frames of a camera with hot pixels, without any calibration frame."""
    for number in range(1, n_lights + 1):
        write_hot_light(folder / f"light_{number}.fits", number, **cards)
    return folder
