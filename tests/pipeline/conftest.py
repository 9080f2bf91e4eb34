# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Folders that the tests of the pipeline share.
"""

import pytest

from ..helpers.nights import level, write_biases, write_frame, write_lights, write_night


@pytest.fixture
def raw(tmp_path):
    """A night: three frames of each calibration kind, and two light frames."""
    return write_night(tmp_path / "raw")


@pytest.fixture
def lights(tmp_path):
    """Four light frames."""
    write_lights(tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture
def biased(tmp_path):
    """Three bias frames at 300 adu, and a light frame at 1000 adu."""
    write_biases(tmp_path / "raw")
    write_frame(tmp_path / "raw" / "light.fits", data=level(1000))
    return tmp_path / "raw"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "reduced"
