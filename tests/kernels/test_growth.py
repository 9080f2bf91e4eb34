# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Growth by context: both engines and the plain oracle agree, and the thresholds follow the frame's own events."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ccdproc_crplugin.kernels.growth_curve import KNOTS, LEAST, MOST, measured_curve
from ccdproc_crplugin.kernels.numpy_growth import BESIDE
from ccdproc_crplugin.kernels.refine import grow_events

from .. import naive_growth

READNOISE = 5.0
SEEDS = range(6)


def random_frame(seed, shape=(47, 53)):
    """Sky, stars, tracks that diffuse, and the bright part of these found; bad pixels; values that are no numbers."""
    rng = np.random.default_rng(seed)
    light = np.full(shape, rng.choice([0.0, 20.0, 500.0]))
    charge = np.zeros(shape)
    for _ in range(12):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1] - 8)
        charge[y, x : x + rng.integers(1, 8)] += 10 ** rng.uniform(2, 4.5)
        light[rng.integers(0, shape[0]), rng.integers(0, shape[1])] += 3000
    charge = gaussian_filter(charge, 0.4)
    data = rng.poisson(gaussian_filter(light, 1.0) + charge) + READNOISE * rng.standard_normal(shape)
    bad = rng.random(shape) < rng.choice([0, 0.03])
    mask = (charge > 200) & ~bad
    data = data.astype(np.float32)
    data[(rng.random(shape) < 0.01) & ~mask] = rng.choice([np.nan, np.inf, -np.inf])
    extra = rng.uniform(0, 30, shape).astype(np.float32)
    return data, mask, bad, extra


@pytest.mark.parametrize("seed", SEEDS)
def test_engines_and_oracle_grow_the_same(seed, engine_name):
    data, mask, bad, extra = random_frame(seed)
    grown, curve = grow_events(
        data, mask, readnoise=READNOISE, bad=bad, extra_variance=extra, engine=engine_name, threads=2
    )
    expected, thresholds = naive_growth.grow(data, mask, READNOISE, bad, extra)
    np.testing.assert_array_equal(grown, expected)
    np.testing.assert_allclose(curve.thresholds, thresholds, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (5, 6), (7, 7)])
def test_they_do_so_in_frames_smaller_than_what_is_looked_at(shape, engine_name):
    rng = np.random.default_rng(1)
    data = rng.normal(100, 10, shape).astype(np.float32)
    mask = rng.random(shape) < 0.2
    data[mask] += 1000
    nothing = np.zeros(shape, dtype=bool)
    grown, _ = grow_events(data, mask, readnoise=READNOISE, engine=engine_name)
    np.testing.assert_array_equal(grown, naive_growth.grow(data, mask, READNOISE, nothing, np.zeros(shape))[0])


def test_number_of_threads_does_not_matter():
    data, mask, bad, _ = random_frame(1, (400, 400))
    one, two = (grow_events(data, mask, readnoise=READNOISE, bad=bad, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    assert str(one[1]) == str(two[1])


def test_data_without_noise_are_no_error(engine_name):
    data, mask = np.zeros((20, 20), dtype=np.float32), np.zeros((20, 20), dtype=bool)
    mask[10, 10] = True
    data[10, 10:12] = 5
    assert grow_events(data, mask, readnoise=0, engine=engine_name)[0].sum() == 2


def test_extra_variance_keeps_pixels_from_joining():
    data, mask, _, _ = random_frame(3)
    noisy = np.full(data.shape, 1e6, dtype=np.float32)
    assert grow_events(data, mask, readnoise=READNOISE)[0].sum() > mask.sum()
    np.testing.assert_array_equal(grow_events(data, mask, readnoise=READNOISE, extra_variance=noisy)[0], mask)


def beside(n_empty, share, n_charged, n_bright=1):
    """Pixels beside ones of 100 sigma: empty ones, and others that hold a share of the charge."""
    rng = np.random.default_rng(2)
    pixels = np.zeros(n_empty + n_charged, BESIDE)
    pixels["excess"] = rng.standard_normal(pixels.size)
    pixels["excess"][n_empty:] += 100 * share
    pixels["brightest"], pixels["n_bright"] = 100, n_bright
    return pixels


class TestCurve:
    def test_thresholds_fall_with_the_charge_beside_and_stay_in_range(self):
        for pixels in (beside(0, 0, 0), beside(1000, 0.05, 300)):
            thresholds = measured_curve(pixels).thresholds
            assert thresholds.shape == (3, KNOTS.size)
            assert (np.diff(thresholds, axis=1) <= 0).all()
            assert (thresholds >= LEAST).all()
            assert (thresholds <= MOST).all()

    def test_without_bright_events_it_is_the_prior(self):
        faint = beside(300, 0.2, 300)
        faint["brightest"] = 40
        np.testing.assert_array_equal(measured_curve(faint).thresholds, measured_curve(beside(0, 0, 0)).thresholds)

    def test_more_pixels_of_the_event_around_lower_it(self):
        corner, edge, edges = measured_curve(beside(0, 0, 0)).thresholds
        assert (corner >= edge).all()
        assert (edge >= edges).all()

    def test_chip_that_spills_charge_has_lower_thresholds_than_one_that_does_not(self):
        sharp, diffuse = (measured_curve(beside(2000 - n, 0.05, n)).thresholds[1] for n in (0, 1500))
        assert (diffuse < sharp).all()
        assert sharp[-1] > 3
        assert diffuse[-1] < 1.5

    def test_a_few_events_hardly_move_it(self):
        prior, few = (measured_curve(beside(n, 0.05, n)).thresholds[1] for n in (0, 5))
        np.testing.assert_allclose(few, prior, atol=0.4)

    def test_its_text_has_all_thresholds(self):
        text = str(measured_curve(beside(0, 0, 0)))
        assert text.startswith("across a corner 4.0 ")
        assert text.endswith(" sigma beside 3 5 10 20 50 100 sigma")
