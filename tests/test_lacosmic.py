# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The drop-in gives astroscrappy's answer."""

import inspect

import numpy as np
import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.lacosmic import PSF_MODELS, NotAnImageError, detect_cosmics

from .helpers import random_frames, wild_frames

astroscrappy = pytest.importorskip("astroscrappy")


def ulps(a, b):
    """Largest distance of two float32 arrays, in steps of the last bit."""
    steps = []
    for array in (a, b):
        bits = array.view(np.int32).astype(np.int64)
        steps.append(np.where(bits < 0, -(bits & 0x7FFFFFFF), bits))
    return int(np.abs(steps[0] - steps[1]).max())


def assert_same_answer(frame, **options):
    mask, cleaned = detect_cosmics(frame, **options)
    expected_mask, expected_cleaned = astroscrappy.detect_cosmics(frame, **options)
    assert np.array_equal(mask, expected_mask)
    assert ulps(cleaned, expected_cleaned) <= 4


@pytest.mark.parametrize("seed", range(150))
def test_random_frame_and_options_give_astroscrappys_answer(seed):
    frame, options = random_frames.random_case(seed)
    assert_same_answer(frame, **options)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(150, 2150))
def test_random_frame_and_options_give_astroscrappys_answer_at_length(seed):
    frame, options = random_frames.random_case(seed)
    assert_same_answer(frame, **options)


def assert_astroscrappys_answer_to_anything(seed):
    frame, wild = wild_frames.case(seed, tame=True, smallest=7)
    names = {"mask": "inmask", "background": "inbkg", "variance": "invar", "psf_kernel": "psfk"}
    options = {name: wild[name] for name in ("readnoise", "sigclip", "sigfrac", "niter", "sepmed", "fsmode")}
    options |= {theirs: wild[ours] for ours, theirs in names.items() if ours in wild}
    options |= {"cleantype": wild["repair"] if wild["repair"] in ("medmask", "idw") else "meanmask"}
    options |= {"objlim": 1.5 if wild["objlim"] is None else wild["objlim"]}
    options |= {"satlevel": 65536.0 if wild["saturation"] is None else wild["saturation"]}
    if "psfk" in options:
        options["psfk"] = np.ascontiguousarray(options["psfk"], dtype=np.float32)
    assert_same_answer(frame, **options)


@pytest.mark.parametrize("seed", range(100))
def test_frames_nobody_would_take_give_astroscrappys_answer(seed):
    assert_astroscrappys_answer_to_anything(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 3100, 200))
def test_frames_nobody_would_take_give_astroscrappys_answer_at_length(first):
    for seed in range(first, first + 200):
        assert_astroscrappys_answer_to_anything(seed)


@pytest.mark.parametrize("sepmed", [True, False])
def test_frame_of_many_tiles_gives_astroscrappys_answer(sepmed):
    rng = np.random.default_rng(21)
    frame = random_frames.random_frame(rng, "stars", (400, 610))
    assert_same_answer(frame, sepmed=sepmed)


def test_numpy_engine_gives_astroscrappys_answer(monkeypatch):
    monkeypatch.setenv("CCDCR_ENGINE", "numpy")
    for seed in range(20):
        frame, options = random_frames.random_case(seed)
        assert_same_answer(frame, **options)


@pytest.mark.parametrize("psfmodel", PSF_MODELS)
@pytest.mark.parametrize("psfsize", [5, 6])
def test_psf_models_are_astroscrappys(psfmodel, psfsize):
    rng = np.random.default_rng(22)
    frame = random_frames.random_frame(rng, "stars", (80, 90))
    options = {"fsmode": "convolve", "psfmodel": psfmodel, "psfsize": psfsize, "objlim": 1.5}
    assert_same_answer(frame, **options)


def test_signature_and_defaults_are_astroscrappys():
    ours = inspect.signature(detect_cosmics).parameters
    documented = astroscrappy.detect_cosmics.__doc__.split(")")[0].split("(")[1]
    theirs = [part.strip().split("=") for part in documented.split(",")]
    positional = [name for name, parameter in ours.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    assert positional == [name for name, *_ in theirs]
    for name, *default in theirs:
        if default:
            assert repr(ours[name].default) == default[0]


def test_the_iraf_variant_searches_the_border_and_repairs_as_told():
    frame = np.full((40, 40), 100.0, dtype=np.float32)
    frame[0, 20] = frame[20, 0] = frame[20, 20] = 5000.0
    mask, cleaned = detect_cosmics(frame, variant="iraf", cleantype="medmask")
    assert np.argwhere(mask).tolist() == [[0, 20], [20, 0], [20, 20]]
    assert (cleaned == 100).all()
    assert not detect_cosmics(frame)[0][0].any()


def test_an_unknown_variant_is_refused():
    with pytest.raises(CosmicRayError, match="variant='python'; expected one of: 'astroscrappy', 'iraf'"):
        detect_cosmics(np.ones((9, 9), dtype=np.float32), variant="python")


def test_bools_may_come_as_numbers():
    rng = np.random.default_rng(23)
    frame = random_frames.random_frame(rng, "sky", (60, 60))
    mask = np.zeros((60, 60), dtype=np.int64)
    mask[20:30, 20:30] = 1
    assert_same_answer(frame, inmask=mask, sepmed=0)


@pytest.mark.parametrize(
    "options",
    [
        {name: np.array(value) for name, value in {"sigclip": 4.0, "sigfrac": 0.4, "objlim": 4.0, "niter": 3}.items()},
        {"gain": np.array(2.0), "readnoise": np.array(5), "satlevel": np.array(5e4)},
        {"niter": 3.0},
        {"fsmode": "convolve", "psffwhm": np.array(2.0), "psfsize": np.array(5), "psfbeta": np.array(3.0)},
    ],
)
def test_numbers_may_come_as_arrays_without_axes_and_whole_ones_as_floats(options):
    frame = random_frames.random_frame(np.random.default_rng(26), "stars", (60, 60))
    assert_same_answer(frame, **options)


def test_variance_in_double_precision_is_taken():
    # astroscrappy refuses it.
    rng = np.random.default_rng(24)
    frame = random_frames.random_frame(rng, "sky", (60, 60))
    variance = np.full(frame.shape, 300.0)
    mask, _ = detect_cosmics(frame, invar=variance)
    expected, _ = astroscrappy.detect_cosmics(frame, invar=variance.astype(np.float32))
    assert np.array_equal(mask, expected)


def test_median_cleaning_is_the_median_of_the_window():
    frame = np.full((40, 40), 100.0, dtype=np.float32)
    frame[20, 20] = 4000.0
    mask, cleaned = detect_cosmics(frame, cleantype="median")
    assert mask[20, 20]
    assert cleaned[20, 20] == 100.0


def test_input_is_not_changed():
    frame, options = random_frames.random_case(3)
    before = frame.copy()
    detect_cosmics(frame, **options)
    assert np.array_equal(frame, before)


def test_verbose_prints(capsys):
    detect_cosmics(np.full((20, 20), 100.0, dtype=np.float32), verbose=True)
    assert capsys.readouterr().out == "0 cosmic pixels after 1 iterations\n"


@pytest.mark.parametrize("option", ["cleantype", "fsmode", "psfmodel"])
def test_unknown_choice_is_refused_with_the_known_ones(option):
    options = {"fsmode": "convolve"} | {option: "magic"}
    with pytest.raises(CosmicRayError, match=f"Found {option}='magic'; expected one of"):
        detect_cosmics(np.zeros((9, 9), dtype=np.float32), **options)


@pytest.mark.parametrize("name", ["inmask", "inbkg", "invar"])
def test_number_instead_of_an_image_is_refused_as_type_error_too(name):
    with pytest.raises(NotAnImageError, match=f"Found {name}=5; expected an image") as caught:
        detect_cosmics(np.zeros((9, 9), dtype=np.float32), **{name: 5})
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, CosmicRayError)


def test_background_of_one_row_counts_for_all_rows():
    rng = np.random.default_rng(25)
    frame = random_frames.random_frame(rng, "spectrum", (60, 50))
    assert_same_answer(frame, inbkg=np.median(frame, axis=0, keepdims=True))
