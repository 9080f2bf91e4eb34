# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The combining of stacks over plain arrays: both engines against each other, and against a plain slow oracle.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import combine
from ccdproc_crplugin.kernels.combine import Combined, CombineOptions, Stack, combine_stack, frame_median

from .. import naive
from ..helpers.hit_frames import available_engines

IMAGES = ("image", "uncertainty")
COUNTS = ("n_used", "n_rejected", "n_bad")


def random_values(rng, dtype):
    n_frames = int(rng.choice([1, 2, 3, 4, 5, 15, 16, 17, 20, 32, 33, 47, 48, 130]))
    shape = tuple(int(n) for n in rng.integers(1, [9, 70]))
    values = rng.normal(1000, rng.choice([0.3, 5, 50]), (n_frames, *shape))
    values[rng.random(values.shape) < 0.01] += 3000
    values = values.astype(dtype)
    if values.dtype.kind == "f":
        values[rng.random(values.shape) < rng.choice([0, 0.01, 0.5])] = np.nan
        values[rng.random(values.shape) < rng.choice([0, 0.01])] = np.inf
    return values


def random_stack(seed):
    """A stack, what its frames are multiplied with, and how to combine it."""
    rng = np.random.default_rng(seed)
    values = random_values(rng, str(rng.choice(["<f4", ">f4", "<u2", ">u2", "<i2", ">i2"])))
    n_frames, shape = len(values), values.shape[1:]
    keywords = {}
    if rng.random() < 0.5:
        keywords["offset"] = rng.normal(300, 1, shape).astype(np.float32)
    if rng.random() < 0.3:
        keywords |= {"slope": rng.normal(3, 1, shape).astype(np.float32), "factors": rng.uniform(0.5, 2, n_frames)}
    options = CombineOptions(
        method=str(rng.choice(["average", "average", "median"])),
        sigma_low=float(rng.choice([0, 1, 3, 5, np.inf])),
        sigma_high=float(rng.choice([1, 3, 5])),
        n_iterations=int(rng.choice([0, 1, 1, 2, 9])),
        clip_scaled=bool(rng.random() < 0.5),
    )
    scales = rng.uniform(0.5, 2, n_frames) if rng.random() < 0.5 else None
    return Stack(values, float(rng.choice([0, 32768])), **keywords), scales, options


def assert_same(a, b):
    for name in IMAGES:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def test_a_cosmic_ray_in_one_frame_is_clipped(engine_name):
    frames = np.array([[10, 11], [12, 11], [11, 12], [11, 9], [10, 900]], dtype=np.uint16)
    combined = combine_stack(Stack(frames), engine=engine_name)
    np.testing.assert_array_equal(combined.image, np.float32([10.8, 10.75]))
    assert combined.n_used.tolist() == [5, 4]
    assert combined.n_rejected.tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("seed", range(60))
def test_the_result_is_that_of_the_plain_slow_oracle(seed, engine_name):
    stack, scales, options = random_stack(seed)
    result = combine_stack(stack, options, scales=scales, engine=engine_name)
    assert_same(result, Combined(*naive.combine(stack, options, scales)))


@pytest.mark.skipif(len(available_engines()) < 2, reason="there is only one engine")
@pytest.mark.parametrize("seed", range(200))
def test_both_engines_give_the_same_bits(seed):
    stack, scales, options = random_stack(seed)
    ours = combine_stack(stack, options, scales=scales, engine="c", threads=1 + seed % 3)
    assert_same(ours, combine_stack(stack, options, scales=scales, engine="numpy"))


@pytest.mark.parametrize("seed", range(40))
def test_the_median_of_a_frame_is_that_of_numpy(seed, engine_name):
    stack, _, _ = random_stack(seed)
    frame = seed % len(stack.stored)
    values = naive.stack_values(stack)[frame]
    values = values[np.isfinite(values)]
    expected = np.median(values) if values.size else np.nan
    np.testing.assert_equal(frame_median(stack, frame, engine=engine_name), expected)


def test_a_stack_may_be_combined_row_by_row(engine_name):
    stack, scales, options = random_stack(5)
    whole = combine_stack(stack, options, scales=scales, engine=engine_name)
    parts = Combined.empty(len(stack.stored), stack.stored.shape[1:])
    for row in range(stack.stored.shape[1]):
        rows = slice(row, row + 1)
        offset, slope = (None if plane is None else plane[rows] for plane in (stack.offset, stack.slope))
        part = Stack(stack.stored[:, rows], stack.zero, offset, slope, stack.factors)
        combine_stack(part, options, scales=scales, out=parts.rows(rows), engine=engine_name)
    assert_same(parts, whole)


@pytest.mark.parametrize("dtype", ["<f4", ">f4"])
@pytest.mark.parametrize("seed", range(10))
def test_the_result_may_be_wanted_in_any_byte_order(seed, dtype, engine_name):
    stack, scales, options = random_stack(seed)
    out = Combined.empty(len(stack.stored), stack.stored.shape[1:], dtype=dtype)
    combine_stack(stack, options, scales=scales, out=out, engine=engine_name)
    assert_same(out, combine_stack(stack, options, scales=scales, engine=engine_name))


def test_a_pixel_without_a_good_value_is_not_a_number(engine_name):
    result = combine_stack(Stack(np.full((3, 2), np.nan, np.float32)), engine=engine_name)
    assert np.isnan(result.image).all()
    assert np.isnan(result.uncertainty).all()
    assert result.n_used.tolist() == [0, 0]
    assert result.n_bad.tolist() == [2, 2, 2]


def test_other_dtypes_are_refused():
    with pytest.raises(TypeError, match="Found frames stored as float64; expected float32, uint16 or int16"):
        Stack(np.zeros((2, 3)))


@pytest.mark.skipif("c" not in available_engines(), reason="there is no C engine")
class TestMemory:
    """Arrays of the wrong length must never reach the loops of the C engine."""

    def call(self, *, n_stored=6, n_image=3, n_scales=2, n_frames=2, n_pixels=3):
        stack = (np.zeros(n_stored, "u2"), n_frames, n_pixels, 1, False, 0.0, None, None, np.ones(n_frames))
        n_used = np.zeros(3, "u2")
        out = (
            np.zeros(n_image, "f4"),
            np.zeros(3, "f4"),
            n_used,
            np.zeros(2, "i8"),
            np.zeros(2, "i8"),
            False,
        )
        combine._load("c").combine(stack, np.ones(n_scales), out, (False, 1, 5.0, 5.0, True), 1)
        return n_used

    def test_arrays_that_fit_are_combined(self):
        assert self.call().tolist() == [2, 2, 2]

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"n_stored": 5}, "stored: found 10 bytes"),
            ({"n_image": 2}, "image: found 8 bytes"),
            ({"n_scales": 1}, "scales: found 8 bytes"),
            ({"n_frames": 0}, "too many frames or pixels, or none"),
            ({"n_pixels": -1}, "too many frames or pixels, or none"),
            ({"n_pixels": 2**62}, "too many frames or pixels, or none"),
        ],
    )
    def test_others_are_refused(self, changed, message):
        with pytest.raises(ValueError, match=message):
            self.call(**changed)

    def test_read_only_results_are_refused(self):
        out = Combined.empty(2, (3,))
        out.image.flags.writeable = False
        with pytest.raises((ValueError, BufferError)):
            combine_stack(Stack(np.zeros((2, 3), "u2")), out=out, engine="c")
