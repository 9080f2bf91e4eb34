# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
At most one event that noise alone made passes the limit.
"""

import numpy as np
import pytest
from scipy.ndimage import label

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.noise_events import beyond_noise, expected_noise_events, pixel_limit, skewed_limit

SKY, READNOISE = 150.0, 6.0


def noise(shape, sky=SKY, readnoise=READNOISE, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.poisson(sky, shape) + readnoise * rng.standard_normal(shape)).astype(np.float32)


def hits_left(data, hits, limit=5.0, sky=SKY, **known):
    repaired = np.where(hits, np.float32(sky), data)
    settings = {"repaired": repaired, "readnoise": READNOISE, "limit": limit, **known}
    return beyond_noise(data, hits, **settings)


class TestLimit:
    @pytest.mark.parametrize("n_pixels", [1e4, 1e6, 1.7e7, 2.7e8])
    def test_normal_noise_passes_it_once(self, n_pixels):
        assert expected_noise_events(n_pixels, 0, pixel_limit(n_pixels)) == pytest.approx(1)

    def test_a_larger_frame_has_a_higher_one(self):
        assert pixel_limit(4096**2) == pytest.approx(5.3, abs=0.05)
        assert pixel_limit(4096**2) > pixel_limit(1024**2)

    def test_no_pixels_need_none(self):
        assert pixel_limit(0) == 0

    @pytest.mark.parametrize(("level", "readnoise"), [(0.5, 3.0), (5.0, 2.0), (30.0, 0.0), (3000.0, 6.0)])
    def test_photons_are_skewed_by_as_much_as_they_are(self, level, readnoise):
        values = noise(4_000_000, level, readnoise)
        sigma = np.sqrt(level + readnoise**2)
        z = 4.0
        passed = np.count_nonzero(values - level > skewed_limit(z, level, sigma**2) * sigma)
        assert passed == pytest.approx(4_000_000 * 3.17e-5, rel=0.35)


class TestExpectedEvents:
    @pytest.mark.parametrize(("sky", "readnoise"), [(5.0, 6.0), (5.0, 2.0), (150.0, 6.0), (3000.0, 6.0)])
    def test_they_are_what_noise_makes(self, sky, readnoise):
        found = lacosmic(noise((1500, 1500), sky, readnoise), readnoise=readnoise, sigclip=4.0, sigfrac=1.0, objlim=3.0)
        n_found = label(found.mask, np.ones((3, 3)))[1]
        expected = expected_noise_events(1500**2, 4.0, level=sky, readnoise=readnoise)
        assert expected / 2.5 < n_found < expected * 2.5

    def test_the_limit_of_the_pixel_counts_where_it_is_higher(self):
        assert expected_noise_events(1e6, 5.0, 6.0) < expected_noise_events(1e6, 5.0)


class TestBeyondNoise:
    def test_a_bright_event_stays_whole(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20:24] = True
        data[20, 20:24] = [160, 2000, 170, 155]
        np.testing.assert_array_equal(hits_left(data, hits), hits)

    def test_one_that_noise_makes_goes(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20] = hits[40, 40] = True
        data[20, 20], data[40, 40] = SKY + 4.5 * np.sqrt(SKY + 36), SKY + 6.5 * np.sqrt(SKY + 36)
        left = hits_left(data, hits)
        assert (left[20, 20], left[40, 40]) == (False, True)

    def test_the_mask_that_came_in_is_left_alone(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20] = True
        hits_left(data, hits)
        assert hits[20, 20]

    def test_noise_that_was_subtracted_counts(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20] = True
        data[20, 20] = SKY + 8 * np.sqrt(SKY + 36)
        extra = np.zeros(data.shape, np.float32)
        assert hits_left(data, hits, extra_variance=extra)[20, 20]
        extra[20, 20] = 10_000
        assert not hits_left(data, hits, extra_variance=extra)[20, 20]

    def test_a_variance_that_is_known_counts(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20] = True
        data[20, 20] = SKY + 8 * np.sqrt(SKY + 36)
        assert not hits_left(data, hits, variance=np.full(data.shape, 1000, np.float32))[20, 20]

    def test_among_bad_pixels_alone_it_stays(self):
        data, hits = noise((60, 60)), np.zeros((60, 60), dtype=bool)
        hits[20, 20] = True
        bad = np.ones(data.shape, dtype=bool)
        bad[20, 20] = False
        assert hits_left(data, hits, bad=bad)[20, 20]

    @pytest.mark.parametrize("limit", [0.0, 5.0])
    def test_no_hits_are_no_work(self, limit):
        hits = np.zeros((5, 5), dtype=bool)
        assert not hits_left(np.ones((5, 5), np.float32), hits, limit).any()

    @pytest.mark.parametrize(("sky", "readnoise"), [(0.5, 6.0), (5.0, 2.0), (150.0, 6.0), (3000.0, 6.0)])
    def test_of_noise_alone_hardly_an_event_is_left(self, sky, readnoise):
        left = 0
        for seed in range(3):
            data = noise((1000, 1000), sky, readnoise, seed)
            found = lacosmic(data, readnoise=readnoise, sigclip=4.0, objlim=3.0)
            limit = pixel_limit(data.size)
            kept = beyond_noise(data, found.mask, repaired=found.cleaned, readnoise=readnoise, limit=limit)
            left += np.count_nonzero(kept)
        assert left <= 3 * 3
