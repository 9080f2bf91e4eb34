# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The level at which bright pixels pile up is a saturation level where the pile is clear, and nowhere else."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.pile_up import measure_bright_end

TOP = 4095.0


def field(seed, n_stars=40, brightest=6.3, top=np.inf):
    """A sky with stars, cut off at the end of the converter."""
    rng = np.random.default_rng(seed)
    frame = rng.normal(300, 6, (300, 300))
    for _ in range(n_stars):
        cy, cx, flux = rng.uniform(20, 280), rng.uniform(20, 280), 10 ** rng.uniform(3, brightest)
        rows, columns = slice(int(cy) - 15, int(cy) + 16), slice(int(cx) - 15, int(cx) + 16)
        y, x = np.mgrid[rows, columns]
        frame[rows, columns] += flux / 12.6 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
    return np.minimum(frame, top)


def level(frame):
    return measure_bright_end(frame.astype(np.float32)).level


def radius():
    y, x = np.indices((300, 300))
    return np.hypot(y - 150, x - 150)


@pytest.mark.parametrize("seed", range(5))
class TestClear:
    def test_a_raw_frame_piles_up_at_the_end_of_the_converter(self, seed):
        assert 0.95 * TOP < level(field(seed, top=TOP)) < TOP

    def test_a_subtracted_bias_moves_the_level(self, seed):
        bias = 250 + np.random.default_rng(seed).normal(0, 2, (300, 300))
        assert 0.95 * (TOP - 250) < level(field(seed, top=TOP) - bias) < TOP - 250

    def test_a_flat_field_smears_it(self, seed):
        flat = np.random.default_rng(seed).normal(1, 0.015, (300, 300))
        found = level((field(seed, top=TOP) - 250) / flat)
        saturated = (field(seed) >= TOP) & (flat < 1.03)
        assert found < TOP - 250
        assert np.mean((field(seed, top=TOP) - 250)[saturated] / flat[saturated] >= found) > 0.99


class TestNotClear:
    @pytest.mark.parametrize("n_stars", [3, 40, 400])
    @pytest.mark.parametrize("seed", range(5))
    def test_stars_that_do_not_saturate(self, seed, n_stars):
        assert level(field(seed, n_stars, brightest=5)) is None

    @pytest.mark.parametrize(
        "lit",
        [
            pytest.param(lambda r: (r < 15) & (r > 6), id="star out of focus"),
            pytest.param(lambda r: r < 20, id="disc of a planet"),
            pytest.param(lambda r: r < 80, id="lit field"),
            pytest.param(lambda r: np.exp(-(r**2) / 50), id="star"),
            pytest.param(lambda r: np.exp(-r / 6), id="galaxy"),
        ],
    )
    def test_what_light_makes_level(self, lit):
        rng = np.random.default_rng(1)
        assert level(field(1, 0) + rng.poisson(8000.0 * lit(radius()))) is None

    def test_a_frame_without_anything_bright(self):
        assert level(field(1, 0)) is None

    @pytest.mark.parametrize("shape", [(1, 1), (1, 8), (2, 2), (8, 2)])
    def test_hits_of_equal_charge(self, shape):
        frame = np.round(field(1, 40, brightest=5)).astype(float)
        rng = np.random.default_rng(1)
        for y, x in rng.integers(10, 280, (40, 2)):
            frame[y : y + shape[0], x : x + shape[1]] = 20000
        assert level(frame) is None
