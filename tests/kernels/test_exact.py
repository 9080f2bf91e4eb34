# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Both engines give the oracle's answer, to the last bit."""

import functools

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.bad_pixels import grow_mask
from ccdproc_crplugin.kernels.options import OBJLIM
from ccdproc_crplugin.kernels.psf import gaussian_psf

from .. import naive
from ..helpers import random_frames, wild_frames

REPAIRS = ("meanmask", "medmask", "median", "idw")


def case(seed):
    """A random frame, the options of both the engines and the oracle, and those of either alone."""
    frame, options = random_frames.random_case(seed)
    frame = np.ascontiguousarray(frame, dtype=np.float32)
    shared = {name: options[name] for name in ("sigclip", "sigfrac", "objlim", "niter", "readnoise", "sepmed")}
    shared |= {
        "background": options.get("inbkg"),
        "variance": options.get("invar"),
        "edges": ("search", "search", "skip")[seed % 3],
        "repair": REPAIRS[seed // 3 % 4],
    }
    psf_kernel = None
    if options["fsmode"] == "convolve":
        psf_kernel = options.get("psfk", gaussian_psf(options["psffwhm"], options["psfsize"]))
    mask = options.get("inmask")
    bad = np.zeros(frame.shape, dtype=bool)
    if mask is not None:
        grow_mask(mask, bad, skip_edges=shared["edges"] == "skip")
    engine_only = {"mask": mask, "fsmode": options["fsmode"], "psf_kernel": psf_kernel}
    return frame, shared, engine_only, {"bad": bad, "psf_kernel": psf_kernel}


def same(result, mask, cleaned):
    return np.array_equal(result.mask, mask) and np.array_equal(result.cleaned, cleaned)


@functools.lru_cache(maxsize=200)  # each engine asks for it
def oracles_answer(seed):
    frame, shared, _, oracle_only = case(seed)
    with np.errstate(all="ignore"):
        return naive.lacosmic(frame, **shared, **oracle_only)


def assert_engine_gives_the_oracles_mask_and_values(seed, engine_name):
    frame, shared, engine_only, _ = case(seed)
    mask, cleaned = oracles_answer(seed)
    result = lacosmic(frame, engine=engine_name, **shared, **engine_only)
    assert same(result, mask, cleaned)


@pytest.mark.parametrize("seed", range(75))
def test_engine_gives_the_oracles_mask_and_values(seed, engine_name):
    assert_engine_gives_the_oracles_mask_and_values(seed, engine_name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(75, 1000))
def test_engine_gives_the_oracles_mask_and_values_at_length(seed, engine_name):
    assert_engine_gives_the_oracles_mask_and_values(seed, engine_name)


def wild_case(seed):
    """A frame that nobody would take, and options of the engines."""
    frame, wild = wild_frames.case(seed, tame=True)
    return frame, wild | {"repair": wild["repair"] or "idw", "saturation": None, "scores_above": np.inf}


@functools.lru_cache(maxsize=200)
def oracles_answer_to_anything(seed):
    frame, wild = wild_case(seed)
    oracle = {name: wild[name] for name in wild.keys() - {"mask", "fsmode", "saturation", "scores_above"}}
    oracle["bad"] = np.zeros(frame.shape, dtype=bool)
    if "mask" in wild:
        grow_mask(wild["mask"], oracle["bad"], skip_edges=wild["edges"] == "skip")
    if wild["fsmode"] == "convolve":
        oracle["psf_kernel"] = np.float32(wild.get("psf_kernel", gaussian_psf(2.5)))
    oracle["objlim"] = OBJLIM[wild["fsmode"]] if wild["objlim"] is None else wild["objlim"]
    with np.errstate(all="ignore"):
        return naive.lacosmic(np.ascontiguousarray(frame), **oracle)


def assert_engine_gives_the_oracles_answer_to_anything(seed, engine_name):
    frame, wild = wild_case(seed)
    mask, cleaned = oracles_answer_to_anything(seed)
    assert same(lacosmic(frame, engine=engine_name, **wild), mask, cleaned)


@pytest.mark.parametrize("seed", range(75))
def test_engine_gives_the_oracles_answer_on_frames_nobody_would_take(seed, engine_name):
    assert_engine_gives_the_oracles_answer_to_anything(seed, engine_name)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(75, 1575, 100))
def test_engine_gives_the_oracles_answer_on_frames_nobody_would_take_at_length(first, engine_name):
    for seed in range(first, first + 100):
        assert_engine_gives_the_oracles_answer_to_anything(seed, engine_name)


@pytest.mark.parametrize("sepmed", [False, True])
def test_a_frame_of_several_tiles_is_searched_as_one(sepmed, engine_name):
    rng = np.random.default_rng(5)
    frame = random_frames.random_frame(rng, "crowded", (150, 300))
    mask, cleaned = naive.lacosmic(frame, readnoise=6.5, sepmed=sepmed)
    assert same(lacosmic(frame, readnoise=6.5, sepmed=sepmed, engine=engine_name), mask, cleaned)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (5, 5), (6, 70)])
@pytest.mark.parametrize("sepmed", [False, True])
def test_a_frame_smaller_than_the_windows_is_searched_over_its_reflection(shape, sepmed, engine_name):
    frame = np.full(shape, 100.0, dtype=np.float32)
    frame[shape[0] // 2, shape[1] // 2] = 2000.0
    mask, cleaned = naive.lacosmic(frame, readnoise=5.0, sepmed=sepmed)
    assert same(lacosmic(frame, readnoise=5.0, sepmed=sepmed, engine=engine_name), mask, cleaned)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (6, 6), (3, 40)])
def test_a_frame_that_is_all_edge_is_not_searched(shape, engine_name):
    frame = np.full(shape, 100.0, dtype=np.float32)
    frame[shape[0] // 2, shape[1] // 2] = 9000.0
    result = lacosmic(frame, readnoise=5.0, sepmed=True, edges="skip", engine=engine_name)
    assert not result.mask.any()
    assert result.not_searched.all()


def test_number_of_threads_changes_nothing():
    rng = np.random.default_rng(8)
    frame = random_frames.random_frame(rng, "dense", (300, 700))
    one = lacosmic(frame, readnoise=6.5, threads=1, scores_above=3.0)
    for threads in (2, 3, 8):
        more = lacosmic(frame, readnoise=6.5, threads=threads, scores_above=3.0)
        assert same(more, one.mask, one.cleaned)
        assert np.array_equal(more.scores, one.scores)


def test_iterations_are_counted_alike(engine_name):
    rng = np.random.default_rng(9)
    frame = random_frames.random_frame(rng, "dense", (120, 130))
    assert lacosmic(frame, readnoise=6.5, niter=9, engine=engine_name).n_iterations == 4


@pytest.mark.parametrize("seed", range(60))
def test_of_the_iraf_variant_the_engines_give_the_oracles_mask(seed, engine_name):
    frame, shared, engine_only, oracle_only = case(seed)
    with np.errstate(all="ignore"):
        mask, _ = naive.lacosmic(frame, **shared, **oracle_only, variant="iraf")
    result = lacosmic(frame, engine=engine_name, **shared, **engine_only, variant="iraf")
    assert np.array_equal(result.mask, mask)
    assert np.array_equal(result.cleaned[~mask], frame[~mask])
