# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events of noise alone: their number, and the pixel that noise does not make.
"""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm, poisson

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.noise_events import (
    EXPECTED,
    beyond_noise,
    expected_noise_events,
    pixel_limit,
    significance,
)

SHAPE = (40, 40)


def sky_frame(sky, readnoise, shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.poisson(sky, shape) + readnoise * rng.standard_normal(shape)).astype(np.float32)


def one_pixel(value, *, level=100.0, noise=10.0):
    """A frame with one pixel so many standard deviations above its sky, and that pixel as a hit."""
    data, hits = np.full(SHAPE, level, dtype=np.float32), np.zeros(SHAPE, dtype=bool)
    data[20, 20], hits[20, 20] = level + value * noise, True
    return data, hits


def kept(data, hits, limit=5.0, **options):
    repaired = np.where(hits, np.median(data[~hits]) if (~hits).any() else 0, data)
    given = {"readnoise": 0.0, "bad": np.zeros(data.shape, dtype=bool), "repaired": repaired, **options}
    return beyond_noise(data, hits, limit=limit, **given)


@pytest.mark.parametrize("photons", [0.1, 1.0, 5.0, 150.0, 3000.0])
@pytest.mark.parametrize("excess", [2.0, 4.0, 6.0, 8.0])
def test_the_significance_has_the_chance_of_photons_and_readout_together(photons, excess):
    readnoise = 2.0
    excess *= np.sqrt(photons + readnoise**2)
    counts = np.arange(int(photons + 40 * np.sqrt(photons) + 60))
    chance = np.sum(poisson.pmf(counts, photons) * norm.sf((photons + excess - counts) / readnoise))
    assert significance(excess, photons, readnoise**2) == pytest.approx(norm.isf(chance), abs=0.005)


def test_without_photons_it_is_the_excess_in_standard_deviations():
    assert significance([10.0, 25.0, -3.0], 0.0, 25.0) == pytest.approx([2.0, 5.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("n_pixels", [256**2, 4096**2, 16384**2])
def test_noise_makes_a_pixel_reach_the_limit_as_often_as_expected(n_pixels):
    assert n_pixels * norm.sf(pixel_limit(n_pixels)) == pytest.approx(EXPECTED)


@pytest.mark.parametrize(("sky", "readnoise"), [(0, 5), (5, 2), (5, 5), (150, 5), (3000, 5)])
def test_the_number_of_candidates_on_plain_sky_is_foretold(sky, readnoise):
    frame = sky_frame(sky, readnoise, (512, 512))
    scores = lacosmic(frame, readnoise=readnoise, niter=1, scores_above=3.5).scores
    assert len(scores) == pytest.approx(expected_noise_events(frame.size, 3.5, sky, readnoise**2), rel=0.35)


def test_a_limit_on_the_pixel_leaves_no_more_than_it_lets_pass():
    limit = pixel_limit(1e6)
    assert expected_noise_events(1e6, 5.0, 150.0, 25.0) > 1
    assert expected_noise_events(1e6, 5.0, 150.0, 25.0, limit) == pytest.approx(EXPECTED)


@pytest.mark.parametrize(("height", "stays"), [(5.0, False), (6.5, True)])
def test_an_event_stays_if_its_brightest_pixel_stands_out(height, stays):
    data, hits = one_pixel(height)
    hits[20, 21] = True  # a faint neighbour
    assert kept(data, hits)[20, 20:22].tolist() == [stays, stays]


def test_one_bright_pixel_keeps_all_of_its_event_and_no_other():
    data, hits = one_pixel(20)
    hits[20, 21:24] = hits[5, 5] = True
    assert np.flatnonzero(kept(data, hits)).tolist() == [20 * 40 + x for x in range(20, 24)]


def test_without_a_limit_all_stay():
    data, hits = one_pixel(0)
    assert kept(data, hits, limit=None) is hits


def test_the_mask_that_came_in_is_left_alone():
    data, hits = one_pixel(0)
    assert not kept(data, hits).any()
    assert hits[20, 20]


@pytest.mark.parametrize("limit", [None, 5.0])
def test_no_hits_are_no_work(limit):
    data, _ = one_pixel(0)
    assert not kept(data, np.zeros(SHAPE, dtype=bool), limit).any()


def test_a_repaired_value_far_too_low_lets_no_noise_pass():
    data, hits = one_pixel(4.5)
    assert not kept(data, hits, repaired=np.full(SHAPE, 80, dtype=np.float32))[20, 20]


@pytest.mark.parametrize("seed", range(3))
def test_an_event_is_judged_as_one_however_it_winds(seed):
    rng = np.random.default_rng(seed)
    hits = rng.random(SHAPE) < 0.35
    data = np.where(hits & (rng.random(SHAPE) < 0.05), 400, 100).astype(np.float32)
    label, n_events = ndimage.label(hits, np.ones((3, 3)))
    bright = np.unique(label[data > 300])
    assert n_events > len(bright) > 0
    np.testing.assert_array_equal(kept(data, hits), np.isin(label, bright))


@pytest.mark.parametrize(("sky", "readnoise"), [(0.3, 1), (1, 2), (5, 2), (150, 6), (3000, 6)])
def test_of_noise_alone_hardly_an_event_is_left(sky, readnoise):
    left = 0
    for seed in range(3):
        data = sky_frame(sky, readnoise, (1000, 1000), seed)
        found = lacosmic(data, readnoise=readnoise, sigclip=4.0, objlim=3.0)
        options = {"repaired": found.cleaned, "readnoise": float(readnoise)}
        left += ndimage.label(kept(data, found.mask, pixel_limit(data.size), **options), np.ones((3, 3)))[1]
    assert left <= (9 if sky < 1 else 3)


@pytest.mark.parametrize("noise2", ["extra_variance", "variance"])
def test_the_noise_that_was_given_counts(noise2):
    data, hits = one_pixel(8)
    assert kept(data, hits)[20, 20]
    assert not kept(data, hits, **{noise2: np.full(SHAPE, 400.0, dtype=np.float32)})[20, 20]


def test_hits_and_bad_pixels_are_no_sky():
    data, hits = one_pixel(8)
    bad = np.zeros(SHAPE, dtype=bool)
    bad[17:20], data[17:20] = True, 1e5
    hits[21:24], data[21:24] = True, np.nan
    assert kept(data, hits, bad=bad)[20, 20]


def test_an_event_without_any_sky_around_it_stays():
    data, hits = one_pixel(0)
    bad = ~hits
    assert kept(data, hits, bad=bad)[20, 20]


def test_the_photons_of_a_background_are_noise():
    data, hits = one_pixel(8, level=0.0)
    background = np.full(SHAPE, 900.0, dtype=np.float32)
    assert kept(data, hits, readnoise=8.0)[20, 20]
    assert not kept(data + background, hits, readnoise=8.0, background=background)[20, 20]


def test_events_at_the_border_are_judged_by_the_sky_inside():
    data, hits = one_pixel(8)
    data[0, 0], data[39, 39], hits[0, 0], hits[39, 39] = 180, 110, True, True
    found = kept(data, hits)
    assert (found[0, 0], found[39, 39]) == (True, False)
