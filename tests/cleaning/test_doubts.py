# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A cleaning warns, in one line, of events that may be no cosmic rays and of edges that were left alone."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import plugins

SHAPE = (300, 400)


def sky():
    return np.random.default_rng(1).normal(200, 15, SHAPE)


def hits_at(*parts):
    hits = np.zeros(SHAPE, dtype=bool)
    for part in parts:
        hits[part] = True
    return hits


def spots(number):
    """Single hits far from one another."""
    return hits_at(*((20 + 20 * (k // 15), 20 + 20 * (k % 15)) for k in range(number)))


@pytest.fixture
def cleaned_of():
    """A function that cleans a frame whose cosmic rays are those given."""

    def clean(data, hits, info=None, preflight="warn"):
        def detect(data, *, mask, variance, readnoise, saturation):
            return crp.Detection(hits, info=info or {})

        def ccdcr_detectors():
            return [crp.Detector("given", "the cosmic rays given", detect)]

        plugins.register(SimpleNamespace(ccdcr_detectors=crp.hookimpl(ccdcr_detectors)), "given")
        ccd = CCDData(data, unit="electron")
        return ccd.clean_cosmic_rays("given", readnoise=5, saturation=60000, preflight=preflight)

    yield clean
    plugins.unregister("given")


def stars_at(hits):
    """A sky with a star at each hit, whose brightest pixel the detector took for a cosmic ray."""
    data, (y, x) = sky(), np.indices(SHAPE)
    for cy, cx in zip(*np.nonzero(hits), strict=True):
        data += 5000 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
    return data


def said(recorded):
    """The messages about a result, one at the most."""
    messages = [str(warning.message) for warning in recorded]
    messages = [message for message in messages if message.startswith(("Found events", "Left"))]
    assert len(messages) <= 1
    return "".join(messages)


def message_of(cleaned_of, *frame, **options):
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        cleaned = cleaned_of(*frame, **options)
    return said(recorded), str(cleaned.meta["HISTORY"])


def test_spots_and_tracks_cause_no_doubt(cleaned_of):
    hits = spots(40) | hits_at(np.s_[290, 50:130])
    assert message_of(cleaned_of, sky() + 900 * hits, hits)[0] == ""


def test_structure_is_named_with_the_number_of_all_events(cleaned_of):
    hits = spots(20) | hits_at(np.s_[200:230, 350:380])
    message, history = message_of(cleaned_of, sky() + 900 * hits, hits)
    assert "1 of class 'structure?', of 21 in all" in message
    assert message in history


def test_cores_of_stars_are_named(cleaned_of):
    hits = spots(9)
    assert "9 of class 'star core?', of 9 in all" in message_of(cleaned_of, stars_at(hits), hits)[0]


def test_a_few_events_on_stars_are_usual(cleaned_of):
    stars = spots(3)
    hits = spots(40)
    assert message_of(cleaned_of, stars_at(stars) + 900 * (hits & ~stars), hits)[0] == ""


def test_saturated_events_are_named(cleaned_of):
    hits = spots(6)
    assert "6 with saturated pixels" in message_of(cleaned_of, sky() + 1e5 * hits, hits)[0]


def test_pixels_along_edges_are_named(cleaned_of):
    message, history = message_of(cleaned_of, sky(), spots(0), {"along_edges": 7920})
    assert message.startswith("Left 7920 pixels alone that lie along edges")
    assert message in history


def test_an_overscan_that_was_not_cut_off_is_in_the_history_alone(cleaned_of):
    message, history = message_of(cleaned_of, sky(), spots(0), {"along_edges": 100})
    assert message == ""
    assert "Left 100 pixels alone" in history


def test_what_a_plugin_says_of_edges_may_be_anything(cleaned_of):
    assert message_of(cleaned_of, sky(), spots(0), {"along_edges": "many"})[0] == ""


def test_without_a_preflight_nothing_is_warned_of_but_the_history_has_it(cleaned_of):
    hits = spots(9)
    message, history = message_of(cleaned_of, stars_at(hits), hits, preflight="off")
    assert message == ""
    assert "9 of class 'star core?'" in history


def test_the_default_detector_says_how_much_of_an_edge_it_left_alone():
    data = sky()
    data[:, 1] += 900
    cleaned = CCDData(data, unit="electron").clean_cosmic_rays(readnoise=5, saturation=60000, preflight="off")
    assert cleaned.meta["CRNPIX"] < 10
    assert "pixels alone that lie along edges" in str(cleaned.meta["HISTORY"])
