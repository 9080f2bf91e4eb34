# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Wrong input: each kind is refused with a message that names what was found.
"""

import copy

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import hit_frame

NOISE = {"GAIN": 2.0, "RDNOISE": 5.0}


def frame(data=None, **keywords):
    data = np.full((20, 20), 100.0) if data is None else data
    return CCDData(data, **{"unit": "adu", "meta": dict(NOISE), **keywords})


def with_uncertainty(array, **keywords):
    ccd = frame()
    ccd.uncertainty = StdDevUncertainty(array, **keywords)
    return ccd


def with_mask(mask):
    ccd = frame()
    ccd.mask = mask
    return ccd


FRAMES = {
    "an array": (np.ones((9, 9)), "ndarray; expected a CCDData"),
    "a list": ([[1, 2], [3, 4]], "list; expected a CCDData"),
    "a path": ("frame.fits", "str; expected a CCDData"),
    "nothing": (None, "NoneType; expected a CCDData"),
    "one dimension": (frame(np.ones(9)), r"shape \(9,\)"),
    "a cube": (frame(np.ones((3, 9, 9))), r"shape \(3, 9, 9\); expected two dimensions"),
    "no pixel": (frame(np.ones((0, 9))), "empty frame"),
    "a single number": (frame(np.array(4.0)), r"shape \(\)"),
    "complex numbers": (frame(np.ones((9, 9), dtype=complex)), "dtype complex128"),
    "booleans": (frame(np.ones((9, 9), dtype=bool)), "dtype bool"),
    "integers beyond float64": (frame(np.full((9, 9), 2**60)), "2\\*\\*53"),
    "everything masked": (with_mask(np.ones((20, 20), dtype=bool)), "no good pixel"),
    "nothing finite": (frame(np.full((20, 20), np.nan)), "no good pixel in the frame: 400 of 400"),
    "numbers beyond float32": (frame(np.full((20, 20), 1e300)), "400 of 400 are beyond 3.4e.38 electron"),
    "nothing good": (frame(np.where(np.eye(20), 1, np.inf), mask=np.eye(20, dtype=bool)), "no good pixel"),
    "a rate": (
        frame(unit="electron / s"),
        r"electron / s, a rate.*ccd.multiply\(exposure \* u.s, handle_meta=.first_found.\)",
    ),
    "a rate in adu": (frame(unit="adu / s"), "adu / s, a rate"),
    "jansky": (frame(unit="Jy"), "'Jy'; expected adu or electron"),
    "surface brightness": (frame(unit="MJy/sr"), "before its flux calibration.*does not make counts of it"),
    "photons": (frame(unit="photon"), "'ph'; expected adu or electron"),
    "magnitudes": (frame(unit="mag"), "'mag'"),
    "no unit": (frame(unit=u.dimensionless_unscaled), "dimensionless"),
    "adu squared": (frame(unit="adu2"), "'adu2'"),
    "no gain": (frame(meta={"RDNOISE": 5}), "no gain.*looked for EGAIN.*GAIN.*electron/adu"),
    "no read noise": (frame(meta={"GAIN": 2}), "no readnoise.*looked for RDNOISE, READNOIS"),
    "neither gain nor read noise": (frame(meta={}), "no gain.*no readnoise.*Give gain= and readnoise=."),
    "no unit and nothing else": (
        frame(unit=u.dimensionless_unscaled, meta={}),
        "dimensionless.*no gain.*no readnoise.*Give unit='adu' or unit='electron'.*Give gain= and readnoise=.",
    ),
    "gain that is text": (frame(meta={"GAIN": "high", "RDNOISE": 5}), "no gain"),
    "gain of zero in the header": (frame(meta={"GAIN": 0, "RDNOISE": 5}), "no gain"),
    "gain that is a setting": (frame(meta={"GAIN": 139, "RDNOISE": 5}), "GAIN = 139.*setting of the camera"),
    "negative read noise in the header": (frame(meta={"GAIN": 2, "RDNOISE": -1}), "no readnoise"),
    "uncertainty of another shape": (with_uncertainty(np.ones((3, 3))), r"uncertainty of shape \(3, 3\)"),
    "uncertainty of zero": (with_uncertainty(np.zeros((20, 20))), "nowhere finite and above 0"),
    "uncertainty of nothing": (with_uncertainty(np.full((20, 20), np.nan)), "nowhere finite"),
}


@pytest.mark.parametrize(("ccd", "message"), FRAMES.values(), ids=FRAMES)
def test_a_wrong_frame_is_refused(ccd, message):
    before = copy.deepcopy(ccd)
    with pytest.raises(CosmicRayError, match=message):
        crp.clean_cosmic_rays(ccd)
    if isinstance(ccd, CCDData):
        np.testing.assert_array_equal(ccd.data, before.data)
        assert ccd.meta == before.meta


PARAMETERS = {
    "gain of zero": ({"gain": 0}, "gain=0; expected a positive number"),
    "negative gain": ({"gain": -1.5}, "gain=-1.5"),
    "gain that is not a number": ({"gain": np.nan}, "gain=nan"),
    "infinite gain": ({"gain": np.inf}, "gain=inf"),
    "gain in words": ({"gain": "1.5"}, "gain='1.5'"),
    "gain that is true": ({"gain": True}, "gain=True"),
    "gain the wrong way round": (
        {"gain": 0.5 * u.adu / u.electron},
        "0.5 adu / electron; expected electron/adu. Give its inverse",
    ),
    "gain in electron": ({"gain": 2 * u.electron}, "gain=2.0 electron; expected electron/adu"),
    "gain for each pixel": ({"gain": np.ones((20, 20))}, "an array of the frame's shape"),
    "gain as a list": ({"gain": [1, 2]}, r"gain=\[1, 2\]"),
    "negative read noise": ({"readnoise": -5}, "readnoise=-5; expected 0 or more"),
    "read noise that is not a number": ({"readnoise": float("nan")}, "readnoise=nan"),
    "read noise in seconds": ({"readnoise": 5 * u.s}, "readnoise=5.0 s; expected a Quantity in electron or adu"),
    "read noise in words": ({"readnoise": "low"}, "readnoise='low'"),
    "saturation of zero": ({"saturation": 0}, "saturation=0"),
    "saturation in metres": ({"saturation": 3 * u.m}, "saturation=3.0 m"),
    "saturation that is not a number": ({"saturation": np.nan}, "saturation=nan"),
    "unknown detector": (
        {"detector": "lacosmics"},
        "detector='lacosmics'; expected one of: lacosmic, astroscrappy, median",
    ),
    "detector that is no name": ({"detector": None}, "detector=None"),
    "unknown parameter": ({"sigclp": 5}, "'sigclp'.*'lacosmic'.*sigclip, sigfrac.*Did you mean sigclip"),
    "parameter of another detector": ({"detector": "median", "sigclip": 5}, "'sigclip'.*'median'.*thresh, mbox, gbox"),
    "unknown repair": ({"repair": "mean"}, "repair='mean'; expected one of: 'profile'"),
    "unknown preflight": ({"preflight": "loud"}, "preflight='loud'; expected one of: 'warn', 'raise', 'off'"),
    "preflight that is true": ({"preflight": True}, "preflight=True"),
    "force in words": ({"force": "no"}, "force='no'; expected True or False"),
    "switch in words": ({"detector": "astroscrappy", "sepmed": "no"}, "sepmed='no'; expected True or False"),
    "an even smaller box": ({"detector": "median", "mbox": 0}, "mbox=0"),
    "half a box": ({"detector": "median", "mbox": 5.5}, "mbox=5.5"),
    "negative growth": ({"detector": "median", "gbox": -1}, "gbox=-1"),
    "no number as threshold": ({"detector": "median", "thresh": "high"}, "thresh='high'; expected a number above 0"),
    "no number as limit": ({"sigclip": "high"}, "sigclip='high'; expected a number above 0, 'auto', or None"),
    "unknown way of cleaning": ({"detector": "astroscrappy", "cleantype": "mean"}, "astroscrappy.*'cleantype': 'mean'"),
}


@pytest.mark.parametrize(("keywords", "message"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_wrong_parameter_is_refused(keywords, message):
    ccd = hit_frame()
    before = ccd.data.copy()
    with pytest.raises(CosmicRayError, match=message):
        crp.clean_cosmic_rays(ccd, **keywords)
    np.testing.assert_array_equal(ccd.data, before)


class TestFrameInElectron:
    def test_gain_is_refused(self):
        with pytest.raises(CosmicRayError, match="gain=2 for a frame in electron"):
            crp.clean_cosmic_rays(frame(unit="electron"), gain=2)

    def test_read_noise_in_adu_is_refused(self):
        with pytest.raises(CosmicRayError, match=r"readnoise=5.0 adu for a frame in electron"):
            crp.clean_cosmic_rays(frame(unit="electron"), readnoise=5 * u.adu)

    def test_gain_of_the_header_is_not_applied_again(self):
        assert crp.clean_cosmic_rays(frame(unit="electron")).meta["CRGAIN"] == 1


def test_an_uncertainty_in_another_unit_is_refused():
    ccd = with_uncertainty(np.ones((20, 20)))
    ccd.uncertainty._unit = u.s
    with pytest.raises(CosmicRayError, match="uncertainty in s for a frame in adu"):
        crp.clean_cosmic_rays(ccd)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"n_pixels": 0}, "n_pixels=0"),
        ({"n_pixels": 2.5}, "n_pixels=2.5"),
        ({"n_pixels": True}, "n_pixels=True"),
        ({"connectivity": 6}, "connectivity=6; expected one of: 8, 4"),
        ({"mask": np.zeros((2, 2), dtype=bool)}, r"mask of dtype bool and shape \(2, 2\)"),
        ({"mask": np.zeros((50, 60))}, "mask of dtype float64"),
        ({"mask": np.zeros((50, 60), dtype=bool), "sigclip": 4}, "'sigclip' together with mask="),
        ({"detector": "none"}, "detector='none'"),
        ({"sigclp": 4}, "Did you mean sigclip"),
        ({"gain": -1}, "gain=-1"),
    ],
)
def test_wrong_parameters_of_the_segments_are_refused(keywords, message):
    with pytest.raises(CosmicRayError, match=message):
        crp.cr_segments(hit_frame(), **keywords)


def test_a_cosmic_ray_error_is_a_value_error():
    assert issubclass(CosmicRayError, ValueError)
