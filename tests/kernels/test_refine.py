# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What growing events promises."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from ccdproc_crplugin.kernels import refine
from ccdproc_crplugin.simulate import THICK, Camera, simulate_frame
from ccdproc_crplugin.simulate.scene import star_image

READNOISE = 5.0


def grow_events(data, mask, *, readnoise, bad=None):
    return refine.grow_events(data, mask, readnoise=readnoise, bad=bad)[0]


@pytest.fixture
def sky():
    rng = np.random.default_rng(1)
    return (rng.poisson(100, (80, 80)) + READNOISE * rng.standard_normal((80, 80))).astype(np.float32)


def with_track(sky, excess=100.0):
    """A faint diagonal track of 40 pixels, 9 sigma each, of which a detector found the first three."""
    data, mask, truth = sky.copy(), np.zeros(sky.shape, dtype=bool), np.eye(80, dtype=bool)
    truth[:20] = truth[60:] = False
    data[truth] += excess
    mask[20:23] = truth[20:23]
    return data, mask, truth


def test_event_grows_along_its_track_to_the_end(sky):
    data, mask, truth = with_track(sky)
    grown = grow_events(data, mask, readnoise=READNOISE)
    assert (grown & truth).sum() >= 38
    # A pixel between two of the track is likely to hold charge of both; one in six is 1 sigma above the sky by chance.
    n_between = 2 * (truth.sum() - 1)
    assert (grown & ~truth).sum() <= 0.2 * n_between


def test_nothing_that_was_found_is_lost(sky):
    data, mask, _ = with_track(sky)
    assert grow_events(data, mask, readnoise=READNOISE)[mask].all()


def test_plain_sky_around_an_event_is_left_alone(sky):
    mask = np.zeros(sky.shape, dtype=bool)
    mask[10::20, 10::20] = True
    data = sky + 1000 * mask
    assert grow_events(data, mask, readnoise=READNOISE).sum() <= 1.1 * mask.sum()


def test_no_event_no_growth(sky):
    assert not grow_events(sky, np.zeros(sky.shape, dtype=bool), readnoise=READNOISE).any()


def test_bad_and_not_finite_pixels_do_not_join(sky):
    data, mask, _ = with_track(sky)
    bad = np.zeros(sky.shape, dtype=bool)
    bad[30, 30], data[31, 31] = True, np.nan
    grown = grow_events(data, mask, readnoise=READNOISE, bad=bad)
    assert not grown[30, 30]
    assert not grown[31, 31]


def test_event_beside_a_star_does_not_grow_into_it():
    star = QTable({"x": [40.3] * u.pix, "y": [39.8] * u.pix, "flux": [2e5] * u.electron})
    light = 100 + star_image((81, 81), star, fwhm=3)
    data = np.random.default_rng(4).poisson(light).astype(np.float32)
    mask = np.zeros(data.shape, dtype=bool)
    mask[44, 37:44] = True
    data[mask] += 3000
    grown = grow_events(data, mask, readnoise=6.0)
    assert not grown[38:43, 38:43].any()


def test_input_is_left_as_it_was(sky):
    data, mask, _ = with_track(sky)
    before = data.copy(), mask.copy()
    data.flags.writeable = mask.flags.writeable = False
    grow_events(data, mask, readnoise=READNOISE)
    np.testing.assert_array_equal(data, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_track_at_the_edge_of_the_frame_grows_too(sky):
    data, mask = sky.copy(), np.zeros(sky.shape, dtype=bool)
    data[0, 20:40] += 100
    mask[0, 20] = True
    assert grow_events(data, mask, readnoise=READNOISE)[0, 20:40].sum() >= 18


def test_shadow_of_the_truth_grows_back_to_it():
    frame = simulate_frame((400, 400), n_stars=30, fwhm=3, camera=Camera(chip=THICK, hot_fraction=0), seed=2)
    bright = frame.truth & (frame.charge > 20 * np.sqrt(150 + 36))
    grown = grow_events(frame.ccd.data, bright, readnoise=6.0)
    recall = (grown & frame.truth).sum() / frame.truth[np.isin(frame.labels, np.unique(frame.labels[bright]))].sum()
    assert recall > 0.9
    assert (grown & ~frame.truth).sum() < 0.06 * grown.sum()
