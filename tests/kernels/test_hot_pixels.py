# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Hot pixels, told from cosmic rays and stars by what is flagged in several frames, or by a dark.
"""

from dataclasses import replace

import numpy as np
import pytest

from ccdproc_crplugin.kernels.hot_pixels import (
    LARGEST_GROUP,
    expected_by_chance,
    explained_by_dark,
    find_hot_pixels,
    hot_labels,
    least_frames,
    measure_hits,
)

SHAPE = (60, 70)
PLACE = (30, 40)


def sky(seed=0):
    return np.random.default_rng(seed).normal(100, 5, SHAPE)


def star(fwhm, peak=2000.0):
    y, x = np.indices(SHAPE)
    return peak * np.exp(-4 * np.log(2) * ((y - PLACE[0]) ** 2 + (x - PLACE[1]) ** 2) / fwhm**2)


def hits_in(frame, *places, **keywords):
    y, x = np.transpose(sorted(places))
    return measure_hits(frame, y, x, **keywords)


def found(frames, least=3):
    hot = find_hot_pixels(frames, least)
    return [divmod(int(index), SHAPE[1]) for index in hot.index]


def frames_with(pattern, *places, n=4):
    return [hits_in(sky(seed) + pattern, *places) for seed in range(n)]


def hot_pixel(*places, height=1000.0):
    pattern = np.zeros(SHAPE)
    for place in places:
        pattern[place] = height
    return pattern


class TestMeasure:
    def test_the_height_is_above_the_neighbours_and_the_noise_that_of_the_ring(self):
        hits = hits_in(np.full(SHAPE, 100.0) + hot_pixel(PLACE), PLACE)
        assert (hits.height[0], hits.around[0], hits.noise[0], hits.high[0]) == (1000, 0, 0, 0)

    def test_a_factor_turns_all_into_electrons(self):
        one, two = (hits_in(sky() + hot_pixel(PLACE), PLACE, factor=factor) for factor in (1.0, 2.0))
        np.testing.assert_allclose(
            [two.height, two.around, two.noise], 2 * np.array([one.height, one.around, one.noise])
        )
        assert two.high == one.high

    def test_bad_pixels_and_the_border_do_not_count(self):
        frame, bad = np.full(SHAPE, 100.0), np.zeros(SHAPE, dtype=bool)
        frame[0, 1], frame[1, :2], bad[0, 1] = 9000.0, np.nan, True
        frame[0, 0] = 600.0
        frame[1, 1], frame[1, 0] = 100.0, 100.0
        hits = hits_in(frame, (0, 0), bad=bad)
        assert (hits.height[0], hits.high[0]) == (500, 0)

    def test_where_no_neighbour_is_good_a_pixel_does_not_stand_out(self):
        hits = hits_in(sky(), PLACE, bad=np.ones(SHAPE, dtype=bool))
        assert not hits.stands_out[0]

    def test_each_high_neighbour_has_its_bit(self):
        hits = hits_in(np.full(SHAPE, 100.0) + hot_pixel(PLACE, (PLACE[0] - 1, PLACE[1] - 1)), PLACE)
        assert hits.high[0] == 1

    def test_pixels_that_touch_are_one_event(self):
        assert hits_in(sky(), (1, 1), (2, 2), (9, 9)).label.tolist() == [1, 1, 2]


class TestChance:
    def test_equal_shares_follow_the_binomial_distribution(self):
        from scipy.stats import binom

        expected = expected_by_chance([0.1] * 5, 1000)
        np.testing.assert_allclose(expected, 1000 * binom.sf(np.arange(6) - 1, 5, 0.1))

    @pytest.mark.parametrize(
        ("n_frames", "share", "least"), [(3, 1e-4, 3), (5, 1e-3, 3), (30, 1e-3, 5), (3, 0.1, 0), (2, 0.0, 0)]
    )
    def test_more_frames_and_more_hits_ask_for_more(self, n_frames, share, least):
        assert least_frames([share] * n_frames, 1000**2 if share > 1e-4 else 1000) == least


class TestFind:
    def test_a_pixel_that_is_flagged_again_and_again_is_hot(self):
        hot = find_hot_pixels(frames_with(hot_pixel(PLACE), PLACE), 3)
        assert (hot.index.tolist(), hot.n_frames.tolist()) == ([PLACE[0] * SHAPE[1] + PLACE[1]], [4])

    def test_its_rate_is_the_median_height_in_a_second(self):
        frames = [
            hits_in(sky(seed) + hot_pixel(PLACE, height=10.0 * time), PLACE, exposure=time)
            for seed, time in enumerate((100, 200, 400))
        ]
        assert find_hot_pixels(frames, 3).rate[0] == pytest.approx(10, rel=0.03)

    def test_less_often_is_chance(self):
        assert found(frames_with(hot_pixel(PLACE), PLACE, n=3), least=4) == []

    def test_nothing_flagged_is_nothing_hot(self):
        nothing = [measure_hits(sky(), np.zeros(0, int), np.zeros(0, int))] * 3
        assert found(nothing) == []

    @pytest.mark.parametrize("fwhm", [1.2, 1.5, 2.0, 3.0])
    def test_the_core_of_a_star_is_not_hot(self, fwhm):
        assert found(frames_with(star(fwhm), PLACE)) == []

    @pytest.mark.parametrize("fwhm", [1.2, 1.5, 2.0])
    def test_nor_is_a_core_whose_pixels_are_all_flagged(self, fwhm):
        places = [(PLACE[0] + dy, PLACE[1] + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert found(frames_with(star(fwhm), *places)) == []

    def test_a_pixel_that_hardly_stands_out_is_not_hot(self):
        assert found(frames_with(hot_pixel(PLACE, height=15.0), PLACE)) == []

    def test_two_hot_pixels_may_touch(self):
        pair = [PLACE, (PLACE[0] + 1, PLACE[1])]
        assert found(frames_with(hot_pixel(*pair), *pair)) == pair

    def test_a_cosmic_ray_beside_it_in_one_frame_changes_nothing(self):
        beside = (PLACE[0], PLACE[1] + 1)
        frames = [*frames_with(hot_pixel(PLACE), PLACE, n=3), hits_in(sky(9) + hot_pixel(PLACE, beside), PLACE, beside)]
        assert found(frames) == [PLACE]

    def test_a_bad_column_is_no_group_of_hot_pixels(self):
        column = [(row, 20) for row in range(10, 11 + LARGEST_GROUP)]
        assert found(frames_with(hot_pixel(*column), *column)) == []


class TestEvents:
    @pytest.fixture
    def hot(self):
        return find_hot_pixels(frames_with(hot_pixel(PLACE), PLACE), 3)

    def labels(self, hot, pattern, *places):
        return hot_labels(hits_in(sky(7) + pattern, *places), hot.index, hot.rate).tolist()

    def test_an_event_on_a_hot_pixel_is_one(self, hot):
        assert self.labels(hot, hot_pixel(PLACE), (5, 5), PLACE) == [2]

    def test_faint_pixels_beside_it_may_be_flagged_with_it(self, hot):
        assert self.labels(hot, hot_pixel(PLACE), PLACE, (PLACE[0], PLACE[1] + 1)) == [1]

    def test_a_track_across_it_is_a_cosmic_ray(self, hot):
        track = [(PLACE[0], PLACE[1] + dx) for dx in range(4)]
        assert self.labels(hot, hot_pixel(*track), *track) == []

    def test_a_much_brighter_hit_on_it_is_a_cosmic_ray(self, hot):
        assert self.labels(hot, hot_pixel(PLACE, height=5000.0), PLACE) == []

    def test_the_exposure_counts(self, hot):
        long = replace(hits_in(sky(7) + hot_pixel(PLACE, height=5000.0), PLACE), exposure=5.0)
        assert hot_labels(long, hot.index, hot.rate).tolist() == [1]


class TestDark:
    """The dark was subtracted, so that what is left of a hot pixel is its noise, or what the dark lacked."""

    dark = np.random.default_rng(3).normal(2, 1, SHAPE) + hot_pixel(PLACE, height=1800.0)

    def explained(self, *charges, dark=None, level=100.0, readnoise=5.0):
        labels, charge = np.zeros(SHAPE, dtype=int), np.zeros(SHAPE)
        for (y, x), label, amount in charges:
            labels[y, x], charge[y, x] = label, amount
        dark = self.dark if dark is None else dark
        return explained_by_dark(charge, np.full(SHAPE, level), dark, labels, readnoise).tolist()

    def test_an_event_on_a_hot_pixel_of_the_dark_is_explained(self):
        assert self.explained((PLACE, 1, 150.0)) == [True]

    def test_so_is_a_dark_that_was_too_weak(self):
        assert self.explained((PLACE, 1, 1700.0)) == [True]

    def test_an_event_elsewhere_is_not(self):
        assert self.explained(((5, 5), 1, 150.0), (PLACE, 2, 150.0)) == [False, True]

    def test_faint_pixels_beside_it_do_not_matter(self):
        assert self.explained((PLACE, 1, 150.0), ((PLACE[0], PLACE[1] + 1), 1, 20.0)) == [True]

    def test_significant_pixels_beside_it_do(self):
        assert self.explained((PLACE, 1, 150.0), ((PLACE[0], PLACE[1] + 1), 1, 150.0)) == [False]

    def test_more_charge_than_the_dark_has_is_a_cosmic_ray(self):
        assert self.explained((PLACE, 1, 4000.0)) == [False]

    def test_a_pixel_below_the_read_noise_is_not_hot(self):
        dark = np.full(SHAPE, 1.0) + hot_pixel(PLACE, height=4.0)
        assert self.explained((PLACE, 1, 70.0), dark=dark) == [False]

    def test_the_read_noise_may_be_an_array(self):
        assert self.explained((PLACE, 1, 150.0), readnoise=np.full(SHAPE, 5.0)) == [True]

    def test_no_event_is_no_answer(self):
        assert self.explained() == []
