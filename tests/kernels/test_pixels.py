# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Arrays as C takes them, and where a mask is true."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.combine import Stack, combine_stack, frame_median
from ccdproc_crplugin.kernels.pixels import as_c_array, true_pixels


def misaligned(array):
    """A copy whose values begin at an odd address."""
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned
    return copy


def test_true_pixels_are_those_of_numpy():
    mask = np.random.default_rng(1).random((9, 7)) < 0.3
    assert all(np.array_equal(ours, numpys) for ours, numpys in zip(true_pixels(mask), np.nonzero(mask), strict=True))


@pytest.mark.parametrize("change", [misaligned, np.asfortranarray, lambda array: array.astype(">f4")])
def test_an_array_for_c_is_aligned_native_and_in_its_order(change):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    taken = as_c_array(change(array), np.float32)
    assert taken.flags.aligned
    assert taken.flags.c_contiguous
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, array)


def test_an_array_that_is_so_already_is_not_copied():
    array = np.zeros((3, 4), np.float32)
    assert as_c_array(array, np.float32) is array


class TestMisaligned:
    @pytest.mark.parametrize("name", ["data", "background", "variance", "extra_variance", "psf_kernel"])
    def test_arrays_are_searched_as_others_are(self, name, engine_name):
        rng = np.random.default_rng(2)
        data = rng.normal(100, 10, (40, 50)).astype(np.float32)
        data[10, 20] = 3000
        given = {
            "data": data,
            "background": np.full_like(data, 3),
            "variance": np.full_like(data, 125),
            "extra_variance": np.full_like(data, 4),
            "psf_kernel": np.ones((3, 3), np.float32) / 9,
        }
        options = {"readnoise": 5.0, "engine": engine_name, "fsmode": "convolve"}
        expected = lacosmic(**given, **options)
        found = lacosmic(**{**given, name: misaligned(given[name])}, **options)
        np.testing.assert_array_equal(found.mask, expected.mask)
        np.testing.assert_array_equal(found.cleaned, expected.cleaned)

    @pytest.mark.parametrize("dtype", ["<f4", ">f4", "<u2", ">i2"])
    def test_stacks_are_combined_as_others_are(self, dtype, engine_name):
        frames = np.random.default_rng(3).normal(100, 5, (5, 6, 7)).astype(dtype)
        plane, numbers = np.full((6, 7), 3, np.float32), np.linspace(0.9, 1.1, 5)
        plain = Stack(frames, offset=plane, slope=plane, factors=numbers)
        odd = Stack(misaligned(frames), offset=misaligned(plane), slope=misaligned(plane), factors=misaligned(numbers))
        expected = combine_stack(plain, scales=numbers, engine=engine_name)
        found = combine_stack(odd, scales=misaligned(numbers), engine=engine_name)
        np.testing.assert_array_equal(found.image, expected.image)
        assert frame_median(odd, engine=engine_name) == frame_median(plain, engine=engine_name)
