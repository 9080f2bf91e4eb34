# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The codes of a picture."""

import numpy as np
import pytest

from ccdproc_crplugin.report.codes import Codes, binned, picture

from ..helpers.pictures import decoded


class TestCodes:
    def test_values_come_back_to_a_fraction_of_the_noise_near_the_sky(self):
        rng = np.random.default_rng(2)
        frame = rng.normal(300, 10, (200, 200)).astype(np.float32)
        frame[::20, ::20] = 60000
        codes = Codes.of(frame)
        again = codes.decode()[codes.encode(frame)]
        assert np.abs(again - frame)[frame < 1000].max() < 3
        np.testing.assert_allclose(again[frame == 60000], 60000, rtol=1e-4)

    @pytest.mark.parametrize("frame", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.array([[1, np.inf], [2, 3]])])
    def test_odd_frames_have_codes(self, frame):
        codes = Codes.of(frame)
        encoded = codes.encode(frame)
        assert ((encoded == 0) == ~np.isfinite(frame)).all()
        assert np.isfinite(codes.decode()).all()

    @pytest.mark.parametrize("shape", [(6, 9), (7, 10), (1, 5)])
    def test_larger_pixels_are_means_of_what_is_finite(self, shape):
        frame = np.random.default_rng(3).normal(size=shape)
        frame[0, 0] = np.nan
        found = binned(frame, 3)
        for y, x in np.ndindex(found.shape):
            assert found[y, x] == pytest.approx(np.nanmean(frame[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]))

    def test_a_picture_is_lossless(self):
        codes = np.random.default_rng(4).integers(0, 256, (11, 7, 3), dtype=np.uint8)
        np.testing.assert_array_equal(decoded(picture(codes)), codes)
