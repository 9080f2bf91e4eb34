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
import pytest
from astropy.nddata import CCDData
from astropy.utils.data import get_pkg_data_filename

import ccdproc_crplugin as crp

from .helpers.hit_frames import available_engines, hit_frame


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow; give --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def options_of_this_run_alone():
    """Keep the options of this run from the runs of pytest that a test starts."""
    os.environ.pop("PYTEST_ADDOPTS", None)


@pytest.fixture(params=available_engines())
def engine_name(request):
    """Each engine that runs here."""
    return request.param


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
