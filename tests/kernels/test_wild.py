# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Both engines give one answer, to the last bit, on whatever they are given."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic

from ..helpers import wild_frames
from ..helpers.hit_frames import available_engines, same_bits

pytestmark = pytest.mark.skipif("c" not in available_engines(), reason="only one engine runs here")


def assert_engines_agree(frame, *, threads=2, **options):
    by_c = lacosmic(frame, engine="c", threads=threads, **options)
    by_numpy = lacosmic(frame, engine="numpy", **options)
    assert by_c.n_iterations == by_numpy.n_iterations
    for name in ("mask", "cleaned", "not_searched", "scores"):
        ours, theirs = getattr(by_c, name), getattr(by_numpy, name)
        assert (ours is None and theirs is None) or same_bits(ours, theirs), name
    return by_c


def assert_engines_agree_on_the_case(seed):
    frame, options = wild_frames.case(seed)
    assert_engines_agree(frame, threads=1 + seed % 4, **options)


@pytest.mark.parametrize("seed", range(400))
def test_engines_agree_on_anything(seed):
    assert_engines_agree_on_the_case(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(400, 4_400, 500))
def test_engines_agree_on_anything_at_length(first):
    for seed in range(first, first + 500):
        assert_engines_agree_on_the_case(seed)


@pytest.mark.parametrize("sepmed", [False, True])
def test_variances_that_are_not_numbers_hide_nothing_elsewhere(sepmed):
    frame, background, variance = np.zeros((3, 60, 40), dtype=np.float32)
    variance[:20], variance[30:] = 100, 1e8
    frame[20:30], background[20:30], variance[20:30] = 2e38, 2e38, 3e38
    background[24:26] = variance[24:26] = np.nan  # filled, both overflow; their difference is not a number
    frame[10, [5, 15, 25]] = 3000
    result = assert_engines_agree(frame, background=background, variance=variance, readnoise=5.0, sepmed=sepmed)
    assert np.argwhere(result.mask[:17]).tolist() == [[10, 5], [10, 15], [10, 25]]


@pytest.mark.parametrize("seed", range(20))
def test_engines_agree_where_the_median_of_a_repair_meets_what_is_not_a_number(seed):
    rng = np.random.default_rng(seed)
    size = (30, 40)
    background = np.full(size, 2e38, dtype=np.float32)
    frame = (background + rng.normal(0, 1e33, size)).astype(np.float32)
    variance = rng.uniform(2e38, 3e38, size).astype(np.float32)
    hole = rng.random(size) < 0.1
    background[hole] = variance[hole] = np.nan  # filled, both overflow; their difference is not a number
    options = {"sigclip": 1e12, "sigfrac": 0.3, "objlim": -1.0, "niter": 7, "repair": "median"}
    result = assert_engines_agree(frame, background=background, variance=variance, readnoise=5.0, **options)
    assert result.mask.any()


@pytest.mark.parametrize("edges", ["search", "skip"])
def test_engines_agree_where_the_contrast_is_not_a_number(edges):
    rng = np.random.default_rng(6)
    frame = rng.normal(100, 10, (40, 40)).astype(np.float32)
    frame[rng.random(frame.shape) < 0.05] += 2000
    nothing = np.zeros((3, 3))  # a profile without any weight
    result = assert_engines_agree(frame, readnoise=5.0, edges=edges, fsmode="convolve", psf_kernel=nothing, objlim=-1.0)
    assert not result.mask.any()


@pytest.mark.parametrize("sepmed", [False, True])
def test_engines_agree_where_an_infinite_laplacian_exceeds_an_endless_limit(sepmed):
    frame = np.full((30, 40), 1e37, dtype=np.float32)
    frame[10, 10] = frame[20, 30] = 3e38
    result = assert_engines_agree(frame, readnoise=1e18, sigclip=1e25, objlim=-1.0, sepmed=sepmed)
    assert np.argwhere(result.mask).tolist() == [[10, 10], [20, 30]]


@pytest.mark.parametrize("repair", ["medmask", "median"])
def test_zeros_are_repaired_alike_whatever_their_sign(repair):
    rng = np.random.default_rng(7)
    frame = rng.choice(np.float32([0.0, -0.0]), (60, 60))
    hit = rng.random(frame.shape) < 0.05
    frame[hit] = 3000
    result = assert_engines_agree(frame, readnoise=5.0, objlim=1.0, niter=9, repair=repair)
    zeros = result.mask & (result.cleaned == 0)
    assert zeros.any()
    assert not np.signbit(result.cleaned[zeros]).any()
