# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events that the dark explains.
"""

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import HITS, hit_frame, hit_mask

#: The first hit of the frame, and a pixel of its track.
FIRST, ON_TRACK = HITS[0][0], HITS[2][0]


def dark_with(*places, height=3500.0, unit="adu", exposure=60.0):
    dark = np.random.default_rng(8).normal(3, 1, (50, 60)).astype(np.float32)
    dark[tuple(np.transpose(places))] += height
    return CCDData(dark, unit=unit, meta={"EXPTIME": exposure})


@pytest.fixture
def frame():
    ccd = hit_frame()
    ccd.meta["EXPTIME"] = 60.0
    return ccd


@pytest.fixture(params=["cleaned", "detector", "mask"])
def segments(frame, request):
    """The segments of a frame with a dark, in each of the three ways in which events are found."""

    def measured(dark, **keywords):
        if request.param == "cleaned":
            return crp.cr_segments(frame.clean_cosmic_rays("median", thresh=40), dark=dark, **keywords)
        how = {"detector": "median", "thresh": 40} if request.param == "detector" else {"mask": hit_mask()}
        return crp.cr_segments(frame, dark=dark, **how, **keywords)

    return measured


def test_an_event_on_a_hot_pixel_has_its_class_and_rule(segments):
    table = segments(dark_with(FIRST)).table
    assert table["class"].tolist() == ["hot pixel", "track", "hot pixel?"]
    assert "hot in the dark" in table["rule"][0]


def test_the_table_has_the_dark_at_the_brightest_pixel(segments):
    table = segments(dark_with(FIRST)).table
    assert table["dark"][0].to_value("electron") == pytest.approx(2 * 3503, rel=0.01)
    assert abs(table["dark"][1:].to_value("electron")).max() < 20


def test_a_track_across_a_hot_pixel_stays_a_track(segments):
    assert segments(dark_with(ON_TRACK)).table["class"][1] == "track"


def test_a_faint_hot_pixel_does_not_explain_a_bright_hit(segments):
    assert segments(dark_with(FIRST, height=100.0)).table["class"][0] == "hot pixel?"


def test_a_dark_in_electron_needs_no_gain(segments):
    table = segments(dark_with(FIRST, height=7000.0, unit="electron")).table
    assert table["class"][0] == "hot pixel"
    assert table["dark"][0].to_value("electron") == pytest.approx(7003, rel=0.01)


def test_a_dark_may_have_been_scaled(segments):
    table = segments(dark_with(FIRST, height=7000.0, exposure=120.0), scale_dark=True).table
    assert table["dark"][0].to_value("electron") == pytest.approx(7003, rel=0.01)


def test_without_a_dark_the_table_has_no_such_column(segments):
    assert "dark" not in segments(None).table.colnames


def test_without_an_event_the_column_is_there(frame):
    table = crp.cr_segments(frame, mask=np.zeros(frame.shape, dtype=bool), dark=dark_with(FIRST)).table
    assert len(table) == 0
    assert "dark" in table.colnames


def test_a_dark_of_another_shape_is_refused(frame):
    with pytest.raises(CosmicRayError, match="shape"):
        crp.cr_segments(frame, mask=hit_mask(), dark=CCDData(np.zeros((9, 9)), unit="adu"))


def test_scale_dark_is_a_bool(frame):
    with pytest.raises(CosmicRayError, match="scale_dark"):
        crp.cr_segments(frame, mask=hit_mask(), dark=dark_with(FIRST), scale_dark="yes")


def test_without_a_gain_a_dark_is_refused(frame):
    del frame.meta["GAIN"]
    with pytest.raises(CosmicRayError, match="gain"):
        crp.cr_segments(frame, mask=hit_mask(), dark=dark_with(FIRST))
