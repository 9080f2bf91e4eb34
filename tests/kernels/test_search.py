# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a search guarantees beyond the definition."""

import resource
import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels import lacosmic

from .. import naive
from ..helpers import random_frames

SKY = 200.0
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def sky():
    rng = np.random.default_rng(3)
    return (rng.poisson(SKY, (128, 140)) + rng.normal(0, 5, (128, 140))).astype(np.float32)


@pytest.mark.parametrize("name", ["sigclop", "psf"])
def test_an_unknown_option_is_refused(sky, name):
    with pytest.raises(TypeError, match=name):
        lacosmic(sky, readnoise=5.0, **{name: 1.0})


def test_a_hit_is_found_and_takes_the_value_of_its_surroundings(engine_name):
    frame = np.full((32, 32), 100.0, dtype=np.float32)
    frame[10, 20] = 900.0
    result = lacosmic(frame, readnoise=5.0, engine=engine_name)
    assert np.argwhere(result.mask).tolist() == [[10, 20]]
    assert result.cleaned[10, 20] == 100.0


# --- edges --------------------------------------------------------------------


@pytest.mark.parametrize("sepmed", [False, True])
def test_hits_in_the_outermost_rows_are_found(sky, sepmed, engine_name):
    y = np.repeat([0, 1, 2], 8)
    x = np.tile(np.arange(10, 130, 16), 3) + 4 * y
    sky[y, x] += 2000
    result = lacosmic(sky, readnoise=5.0, sepmed=sepmed, engine=engine_name)
    assert np.count_nonzero(result.mask[y, x]) == 24


def test_hits_in_the_corners_are_found(sky, engine_name):
    corners = ([0, 0, -1, -1], [0, -1, 0, -1])
    sky[corners] += 2000
    assert lacosmic(sky, readnoise=5.0, engine=engine_name).mask[corners].all()


@pytest.mark.parametrize(("sepmed", "width"), [(False, 2), (True, 3)])
def test_skipped_edges_are_marked_not_searched(sky, sepmed, width, engine_name):
    sky[0, 20] += 5000
    result = lacosmic(sky, readnoise=5.0, sepmed=sepmed, edges="skip", engine=engine_name)
    expected = np.ones(sky.shape, dtype=bool)
    expected[width:-width, width:-width] = False
    assert np.array_equal(result.not_searched, expected)
    assert not result.mask[0, 20]


def test_nothing_is_marked_when_all_is_searched(sky, engine_name):
    assert lacosmic(sky, readnoise=5.0, engine=engine_name).not_searched is None


# --- bad pixels ---------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixel_that_is_not_finite_keeps_its_value_and_is_not_searched(sky, value, engine_name):
    sky[60, 70] = value
    result = lacosmic(sky, readnoise=5.0, engine=engine_name)
    assert not result.mask[60, 70]
    assert result.not_searched[60, 70]
    assert result.cleaned[60, 70].tobytes() == np.float32(value).tobytes()


def test_pixels_that_are_not_finite_spoil_nothing_around(sky, engine_name):
    sky[61, 71] += 3000
    sky[60, 60:80] = np.nan
    result = lacosmic(sky, readnoise=5.0, engine=engine_name)
    assert result.mask[61, 71]
    assert np.count_nonzero(result.mask[50:72, 55:85]) == 1


def test_large_hole_is_filled_with_the_frames_level(sky, engine_name):
    sky[20:60, 20:60] = np.nan
    result = lacosmic(sky, readnoise=5.0, sigclip=6, engine=engine_name)
    assert not result.mask.any()
    assert np.isnan(result.cleaned[20:60, 20:60]).all()


@pytest.mark.parametrize("which", ["background", "variance"])
def test_companion_that_is_not_finite_makes_a_bad_pixel(sky, which, engine_name):
    companion = np.full(sky.shape, SKY if which == "background" else SKY + 25.0, dtype=np.float32)
    companion[40, 40] = np.nan
    result = lacosmic(sky, readnoise=5.0, engine=engine_name, **{which: companion})
    assert result.not_searched[40, 40]
    assert np.count_nonzero(result.not_searched) == 1
    assert np.array_equal(result.cleaned[~result.mask], sky[~result.mask])


def test_masked_pixel_and_its_neighbours_are_not_searched(sky, engine_name):
    sky[50, 50] += 3000
    sky[80, 80] += 3000
    mask = np.zeros(sky.shape, dtype=bool)
    mask[50, 51] = True
    result = lacosmic(sky, readnoise=5.0, mask=mask, engine=engine_name)
    assert not result.mask[50, 50]
    assert result.mask[80, 80]
    assert result.not_searched[49:52, 50:53].all()
    assert np.count_nonzero(result.not_searched) == 9


def test_saturated_star_is_not_searched_but_a_saturated_hit_is(sky, engine_name):
    sky[40:47, 40:47] = 60000
    sky[90, 90] = 60000
    result = lacosmic(sky, readnoise=5.0, saturation=50000, engine=engine_name)
    assert result.not_searched[36:51, 40:47].all()
    assert not result.mask[36:51, 36:51].any()
    assert result.mask[90, 90]


def test_frame_with_nothing_but_bad_pixels_gives_an_empty_mask(engine_name):
    result = lacosmic(np.full((20, 20), np.nan, dtype=np.float32), readnoise=5.0, engine=engine_name)
    assert not result.mask.any()
    assert result.not_searched.all()


# --- results ------------------------------------------------------------------


def test_inputs_are_not_changed(sky, engine_name):
    sky[30, 30] += 3000
    sky[10, 10] = np.nan
    arrays = {
        "background": np.full(sky.shape, 50.0, dtype=np.float32),
        "variance": np.full(sky.shape, 225.0, dtype=np.float32),
        "mask": np.zeros(sky.shape, dtype=bool),
    }
    before = sky.copy(), {name: array.copy() for name, array in arrays.items()}
    for array in (sky, *arrays.values()):
        array.flags.writeable = False
    lacosmic(sky, readnoise=5.0, saturation=1000.0, engine=engine_name, **arrays)
    assert sky.tobytes() == before[0].tobytes()
    assert all(np.array_equal(arrays[name], before[1][name]) for name in arrays)


def test_pixels_that_are_not_flagged_are_the_inputs_bit_for_bit(sky, engine_name):
    sky[30, 30] += 3000
    background = np.linspace(0, 1e4, sky.size, dtype=np.float32).reshape(sky.shape)
    result = lacosmic(sky + background, readnoise=5.0, background=background, engine=engine_name)
    assert result.mask.any()
    assert np.array_equal(result.cleaned[~result.mask], (sky + background)[~result.mask])


def test_no_repair_leaves_the_data(sky, engine_name):
    sky[30, 30] += 3000
    result = lacosmic(sky, readnoise=5.0, repair=None, engine=engine_name)
    assert result.mask[30, 30]
    assert result.n_iterations == 1
    assert np.array_equal(result.cleaned, sky)


def test_median_repair_is_the_median_of_the_25_pixels_around(sky, engine_name):
    sky[30, 30] += 3000
    result = lacosmic(sky, readnoise=5.0, repair="median", engine=engine_name, niter=1)
    assert result.cleaned[30, 30] == np.median(sky[28:33, 28:33])


def test_pixel_without_a_good_neighbour_takes_the_level_of_the_good_pixels(sky, engine_name):
    mask = np.zeros(sky.shape, dtype=bool)
    mask[26:35, 26:35] = True
    mask[29:32, 29:32] = False
    sky[30, 30] += 3000
    result = lacosmic(sky, readnoise=5.0, mask=mask, engine=engine_name)
    good = np.sort(sky[~result.not_searched])
    assert result.mask[30, 30]
    assert result.cleaned[30, 30] == good[(good.size - 1) // 2]


def test_iterations_end_when_nothing_changes(sky, engine_name):
    sky[30, 30] += 3000
    assert lacosmic(sky, readnoise=5.0, niter=50, engine=engine_name).n_iterations <= 4


def test_no_iteration_finds_nothing(sky, engine_name):
    sky[30, 30] += 3000
    result = lacosmic(sky, readnoise=5.0, niter=0, engine=engine_name)
    assert not result.mask.any()
    assert result.n_iterations == 0


def test_stars_are_spared(engine_name):
    rng = np.random.default_rng(11)
    frame = np.full((512, 512), 200.0)
    random_frames.add_stars(rng, frame, 40, 1.6, 5e4)
    frame = (rng.poisson(frame) + rng.normal(0, 5, frame.shape)).astype(np.float32)
    assert np.count_nonzero(lacosmic(frame, readnoise=5.0, sigclip=5, objlim=5, engine=engine_name).mask) <= 8


@pytest.mark.slow
def test_sharp_stars_are_spared_and_the_hits_among_them_found(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    score = runpy.run_path(str(BENCHMARKS / "bench_quality.py"))["score_sharp_stars"]
    false, found = np.mean([score(seed, sepmed=False) for seed in range(20)], axis=0)
    assert false <= 8
    assert found >= 0.99
    assert score(0, sepmed=True)[0] > 1500  # the scene is one that separable medians fail on


def test_matched_filter_finds_hits_among_stars_with_its_own_limit(engine_name):
    rng = np.random.default_rng(12)
    frame = np.full((200, 200), 200.0)
    random_frames.add_stars(rng, frame, 10, 2.0, 5e4)
    frame = (rng.poisson(frame) + rng.normal(0, 5, frame.shape)).astype(np.float32)
    y, x = rng.integers(0, 200, (2, 20))
    frame[y, x] += 2000
    mask = lacosmic(frame, readnoise=5.0, fsmode="convolve", engine=engine_name).mask
    assert np.count_nonzero(mask[y, x]) >= 17


# --- scores -------------------------------------------------------------------


def test_scores_are_not_made_unasked(sky, engine_name):
    assert lacosmic(sky, readnoise=5.0, engine=engine_name).scores is None


def test_scores_are_the_oracles_s_prime_and_contrast(sky, engine_name):
    sky[30, 30] += 3000
    scores = lacosmic(sky, readnoise=5.0, scores_above=2.0, engine=engine_name).scores
    s_prime, f = naive.significance(sky, sky + np.float32(25), None, None, False, "search", None)
    y, x = np.nonzero(s_prime > 2)
    assert np.array_equal(scores["y"], y)
    assert np.array_equal(scores["x"], x)
    assert np.array_equal(scores["s_prime"], s_prime[y, x])
    assert np.array_equal(scores["s_prime_over_f"], (s_prime / f)[y, x])


@pytest.mark.parametrize("sigclip", [3.0, 4.5, 8.0])
def test_scores_tell_what_any_higher_sigclip_would_choose(sky, sigclip, engine_name):
    rng = np.random.default_rng(4)
    y, x = rng.integers(0, 128, (2, 60))
    sky[y, x] += rng.uniform(50, 400, 60).astype(np.float32)
    scores = lacosmic(sky, readnoise=5.0, scores_above=2.0, engine=engine_name).scores
    chosen = scores[(scores["s_prime"] > np.float32(sigclip)) & (scores["s_prime_over_f"] > 5)]
    one = lacosmic(sky, readnoise=5.0, sigclip=sigclip, niter=1, sigfrac=1e3, scores_above=sigclip, engine=engine_name)
    again = one.scores[one.scores["s_prime_over_f"] > 5]
    assert chosen.size > 5
    assert np.array_equal(chosen, again)


def test_scores_change_nothing_else(sky, engine_name):
    sky[30, 30] += 3000
    plain = lacosmic(sky, readnoise=5.0, engine=engine_name)
    scored = lacosmic(sky, readnoise=5.0, scores_above=1.0, engine=engine_name)
    assert np.array_equal(plain.mask, scored.mask)
    assert np.array_equal(plain.cleaned, scored.cleaned)


# --- wrong input --------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data": np.zeros(5)}, r"Found data of shape \(5,\); expected two axes"),
        ({"data": np.zeros((0, 5))}, "expected two axes with pixels"),
        ({"data": np.zeros((5, 5), complex)}, "expected real numbers"),
        ({"mask": np.zeros((4, 4), bool)}, r"Found mask of shape \(4, 4\); expected the data's \(5, 5\)"),
        ({"variance": np.zeros((4, 5))}, "Found variance of shape"),
        ({"background": np.zeros(5)}, "Found background of shape"),
        ({"sigclip": -1.0}, "Found sigclip=-1.0; expected a number of 0 or more"),
        ({"sigclip": "high"}, "Found sigclip='high'"),
        ({"sigfrac": np.nan}, "Found sigfrac=nan"),
        ({"readnoise": -3.0}, "Found readnoise=-3.0"),
        ({"niter": -1}, "Found niter=-1; expected a whole number of 0 or more"),
        ({"saturation": np.nan}, "Found saturation=nan"),
        ({"edges": "wrap"}, "Found edges='wrap'; expected one of: 'search', 'skip'"),
        ({"repair": "magic"}, "Found repair='magic'; expected one of: 'meanmask'"),
        ({"fsmode": "wavelet"}, "Found fsmode='wavelet'; expected one of: 'median', 'convolve'"),
        ({"fsmode": "convolve", "psf_kernel": np.ones(3)}, r"Found a psf_kernel of shape \(3,\)"),
        ({"fsmode": "convolve", "psf_kernel": np.full((3, 3), np.nan)}, "weights in psf_kernel that are not finite"),
        ({"threads": 0}, "Found threads=0; expected a whole number of 1 or more"),
        ({"engine": "fortran"}, "Found engine='fortran'; expected one of: 'c', 'numpy'"),
    ],
)
def test_wrong_input_is_refused_with_found_and_expected(wrong, message):
    arguments = {"data": np.zeros((5, 5), dtype=np.float32), "readnoise": 5.0} | wrong
    with pytest.raises(CosmicRayError, match=message):
        lacosmic(**arguments)


# --- running many -------------------------------------------------------------


def test_eight_threads_get_identical_answers(engine_name):
    rng = np.random.default_rng(6)
    frame = random_frames.random_frame(rng, "dense", (160, 300))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: lacosmic(frame, readnoise=6.5, engine=engine_name), range(8)))
    assert all(np.array_equal(result.cleaned, results[0].cleaned) for result in results)


@pytest.mark.parametrize("place", [np.s_[:, -1], np.s_[-1], np.s_[:, 0], np.s_[31, 63]])
def test_saturation_is_seen_wherever_a_pixel_is_not_finite(engine_name, place):
    y, x = np.mgrid[:64, :64]
    star = (100 + np.minimum(2e5 * np.exp(-((x - 30) ** 2 + (y - 30) ** 2) / 20), 6e4)).astype(np.float32)
    star[place] = np.nan
    result = lacosmic(star, readnoise=5.0, saturation=5e4, engine=engine_name)
    assert result.not_searched[28:33, 28:33].all()


def test_memory_is_flat_over_a_thousand_frames():
    rng = np.random.default_rng(7)
    frame = random_frames.random_frame(rng, "dense", (96, 96))
    for _ in range(100):
        lacosmic(frame, readnoise=6.5, scores_above=2.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        lacosmic(frame, readnoise=6.5, scores_above=2.0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8_000  # KiB: 1,000 leaked planes of 96 x 96 would be 36,000
