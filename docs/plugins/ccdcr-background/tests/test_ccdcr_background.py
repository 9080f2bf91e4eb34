# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The step subtracts a sky that varies, the method measures it.
"""

import ccdcr_background
import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import parametrize_with_checks

STEP = next(iter(ccdcr_background.ccdcr_steps()))


@parametrize_with_checks([STEP])
def test_conformance(subject, check):
    check(subject)


@pytest.fixture
def frame():
    """A sky that brightens from left to right, with a star and a bad column."""
    sky = np.linspace(100, 300, 256) * np.ones((256, 1))
    data = np.random.default_rng(1).normal(sky, 10)
    data[100:104, 100:104] += 5000
    data[:, 50] = np.nan
    return CCDData(data, unit="electron", mask=np.isnan(data))


def test_what_remains_is_at_zero_everywhere(frame):
    left = STEP.run(frame, box=32).data
    assert abs(np.nanmedian(left[:, 20:60])) < 3
    assert abs(np.nanmedian(left[:, -60:-20])) < 3
    assert left[101, 101] > 4900


def test_the_header_has_the_level(frame):
    assert STEP.run(frame).meta["SKYLEVEL"] == pytest.approx(200, abs=5)


def test_every_frame_has_the_method(frame):
    crp.install()
    level = frame.background_level()
    assert level.unit == u.electron
    assert level.value == pytest.approx(200, abs=5)


@pytest.mark.parametrize("parameters", [{"box": 2}, {"box": 40.5}, {"n_sigma": 0}])
def test_what_makes_no_sense_is_refused(frame, parameters):
    with pytest.raises(crp.CosmicRayError, match=f"Found {next(iter(parameters))}="):
        STEP.run(frame, **parameters)


def test_the_step_can_be_named_in_a_night():
    assert crp.steps()["subtract_background"].summary == STEP.summary
