# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The variance of single pixels, beside the smoothed variance of the frame."""

import numpy as np
import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.extra_variance import laplacian_variance

from .. import naive
from .test_exact import case, same


def hot_pixels(rng, shape):
    """Electrons squared: a smooth part, and pixels that stand far out."""
    variance = rng.uniform(0, 20, shape)
    variance[rng.random(shape) < 0.01] = rng.choice([300.0, 3e4])
    return variance.astype(np.float32)


def assert_engine_gives_the_oracles_answer(seed, engine_name):
    frame, told, engine_only, oracle_only = case(seed)
    told["extra_variance"] = hot_pixels(np.random.default_rng(seed), frame.shape)
    with np.errstate(all="ignore"):
        mask, cleaned = naive.lacosmic(frame, **told, **oracle_only)
    assert same(lacosmic(frame, engine=engine_name, **told, **engine_only), mask, cleaned)


@pytest.mark.parametrize("seed", range(40))
def test_engine_gives_the_oracles_mask_and_values(seed, engine_name):
    assert_engine_gives_the_oracles_answer(seed, engine_name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40, 400))
def test_engine_gives_the_oracles_mask_and_values_at_length(seed, engine_name):
    assert_engine_gives_the_oracles_answer(seed, engine_name)


def test_no_extra_variance_gives_the_answer_without_it(engine_name):
    frame, told, engine_only, _ = case(1)
    plain = lacosmic(frame, engine=engine_name, **told, **engine_only)
    zero = np.zeros(frame.shape, dtype=np.float32)
    assert same(
        lacosmic(frame, engine=engine_name, extra_variance=zero, **told, **engine_only), plain.mask, plain.cleaned
    )


def test_a_uniform_variance_counts_as_itself():
    assert laplacian_variance(np.full((5, 6), 300.0, dtype=np.float32)) == pytest.approx(np.full((5, 6), 300.0))


def test_the_weights_are_those_of_noise_in_the_laplacian():
    noise = np.random.default_rng(0).normal(0, 1, (400, 400))
    less_its_neighbours = (
        noise[1:-1, 1:-1] - (noise[:-2, 1:-1] + noise[2:, 1:-1] + noise[1:-1, :-2] + noise[1:-1, 2:]) / 4
    )
    one = np.zeros((3, 3), dtype=np.float32)
    one[1, 1] = 1
    assert less_its_neighbours.var() == pytest.approx(1 / laplacian_variance(one)[1, 1], rel=0.02)


def test_a_hot_pixel_is_no_cosmic_ray_once_its_variance_is_known(engine_name):
    rng = np.random.default_rng(2)
    frame = rng.normal(100, 10, (60, 60)).astype(np.float32)
    variance = np.zeros((60, 60), dtype=np.float32)
    variance[30, 30] = 10000
    frame[30, 30] += 300
    frame[10, 10] += 300
    options = {"readnoise": 0, "sigfrac": 1.0, "engine": engine_name}
    assert np.argwhere(lacosmic(frame, **options).mask).tolist() == [[10, 10], [30, 30]]
    found = lacosmic(frame, extra_variance=variance, **options)
    assert np.argwhere(found.mask).tolist() == [[10, 10]]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_variance_that_is_none_is_refused(wrong):
    variance = np.zeros((20, 20), dtype=np.float32)
    variance[3, 3] = wrong
    with pytest.raises(CosmicRayError, match="extra variance"):
        lacosmic(np.ones((20, 20), dtype=np.float32), readnoise=1, extra_variance=variance)
