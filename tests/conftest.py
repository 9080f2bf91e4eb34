# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames that the tests share.
"""

import os

# astroscrappy's threads wait busily, which on a loaded machine costs far more than they gain on small frames.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Processes that the tests start take the package that is installed too, not the one in this folder.
os.environ["PYTHONSAFEPATH"] = "1"

from pathlib import Path

import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData
from astropy.utils.data import get_pkg_data_filename

import ccdproc_crplugin as crp
from ccdproc_crplugin.kernels import engine

GAIN = 2.0 * u.electron / u.adu
READNOISE = 5.0 * u.electron

#: Where the cosmic rays of `hit_frame` are: two spots, and a track of six pixels.
HITS = [((10, 12), 3000), ((30, 40), 900), *(((20 + i, 25 + i), 1500) for i in range(6))]


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow; give --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


def available_engines():
    try:
        engine("c")
    except crp.CosmicRayError:
        return ["numpy"]
    return ["c", "numpy"]


@pytest.fixture(params=available_engines())
def engine_name(request):
    """Each engine that runs here."""
    return request.param


def hit_pixels(shape=(50, 60), seed=0, level=200.0):
    """A sky of ``level`` adu, with the noise of `GAIN` and `READNOISE` and the cosmic rays of `HITS`, float64."""
    noise = np.sqrt(level / GAIN.value + (READNOISE / GAIN).value ** 2)
    data = np.random.default_rng(seed).normal(level, noise, shape)
    for (y, x), charge in HITS:
        data[y, x] += charge
    return data


def hit_mask(shape=(50, 60)):
    mask = np.zeros(shape, dtype=bool)
    for (y, x), _ in HITS:
        mask[y, x] = True
    return mask


def hit_frame(dtype="float32", **keywords):
    """A frame in adu with the cosmic rays of `HITS`."""
    data = hit_pixels()
    if np.dtype(dtype).kind in "iu":
        data = data.round()
    return CCDData(data.astype(dtype), **{"unit": "adu", "meta": {"GAIN": 2.0, "RDNOISE": 5.0}, **keywords})


@pytest.fixture
def ccd():
    return hit_frame()


@pytest.fixture
def cleaned(ccd):
    return crp.clean_cosmic_rays(ccd)


@pytest.fixture(scope="session")
def saao_path():
    return get_pkg_data_filename("data/a8280271.fits", package="ccdproc.tests")


@pytest.fixture
def saao(saao_path):
    """The raw frame, its overscan subtracted and cut off."""
    raw = CCDData.read(saao_path, unit="adu")
    without_bias = ccdproc.subtract_overscan(raw, fits_section=raw.header["BIASSEC"], median=True)
    return ccdproc.trim_image(without_bias, fits_section=raw.header["TRIMSEC"])


@pytest.fixture(scope="session")
def real_data():
    folder = os.environ.get("CCDCR_REAL_DATA")
    if not folder:
        pytest.skip("CCDCR_REAL_DATA does not say where the real frames are")
    return Path(folder)


def same_bits(a, b):
    """Whether two arrays are the same in dtype, byte order and every bit."""
    return a.dtype == b.dtype and a.dtype.byteorder == b.dtype.byteorder and a.tobytes() == b.tobytes()
