# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The stamps of a frame's events."""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.report.codes import Codes
from ccdproc_crplugin.report.stamps import make_sheet

from ..helpers.hit_frames import hit_frame, hit_mask


class TestStamps:
    def test_each_shows_its_event_before_and_after(self, ccd, cleaned):
        segments = crp.cr_segments(cleaned)
        codes = Codes.of(segments.cleaned, segments.raw)
        sheet = make_sheet(segments, codes)
        labels = segments.data
        for index in range(len(segments)):
            height, width = sheet.height[index], sheet.width[index]
            stamp = sheet.pixels[sheet.row[index] :, sheet.column[index] :][:height, :width][::-1]
            part = (
                slice(sheet.bottom[index], sheet.bottom[index] + height),
                slice(sheet.left[index], sheet.left[index] + width),
            )
            np.testing.assert_array_equal(stamp[..., 0], codes.encode(cleaned.data)[part])
            np.testing.assert_array_equal(stamp[..., 2] == 255, labels[part] == index + 1)
            hit = hit_mask()[part]
            np.testing.assert_array_equal(stamp[hit][:, 1], codes.encode(ccd.data)[part][hit])

    @pytest.mark.parametrize("seed", range(3))
    def test_they_do_not_overlap(self, seed):
        mask = np.random.default_rng(seed).random((200, 300)) > 0.995
        ccd = hit_frame()
        ccd.data = np.ones(mask.shape)
        ccd.mask = None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        used = np.zeros(sheet.pixels.shape[:2], dtype=int)
        for column, row, width, height in zip(sheet.column, sheet.row, sheet.width, sheet.height, strict=True):
            used[row : row + height, column : column + width] += 1
        assert used.max() == 1
        assert used.sum() == (sheet.width * sheet.height).sum()

    @pytest.mark.parametrize("seed", range(3))
    def test_each_fills_the_square_around_its_event_as_far_as_the_frame_goes(self, seed):
        rng = np.random.default_rng(seed)
        mask = rng.random((120, 90)) > 0.995
        mask[30:70, rng.integers(90)] = mask[rng.integers(120), 20:60] = mask[0, 0] = mask[-1, -1] = True
        ccd = hit_frame()
        ccd.data, ccd.mask = np.ones(mask.shape), None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        left, bottom = sheet.left - sheet.inset_x, sheet.bottom + sheet.height + sheet.inset_y - sheet.side
        for start, first, size, n_pixels in (
            (left, sheet.left, sheet.width, 90),
            (bottom, sheet.bottom, sheet.height, 120),
        ):
            np.testing.assert_array_equal(first, np.maximum(start, 0))
            np.testing.assert_array_equal(first + size, np.minimum(start + sheet.side, n_pixels))
        middles = [[(part.start + part.stop) / 2 for part in where] for where in segments.slices]
        assert np.abs(np.array(middles).T - [bottom + sheet.side / 2, left + sheet.side / 2]).max() <= 1

    def test_black_and_white_are_about_the_sky_whatever_hit_it(self):
        ccd = hit_frame()
        rng = np.random.default_rng(6)
        ccd.data = (np.linspace(100, 5000, 300)[:, np.newaxis] + rng.normal(0, 10, (300, 200))).astype("f4")
        ccd.data[:40, :40] = np.nan
        mask = rng.random(ccd.shape) > 0.99
        ccd.data[mask] += 20000
        ccd.mask = None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        sky = np.linspace(100, 5000, 300)[sheet.bottom + sheet.height // 2]
        seen = (sheet.bottom > 40) | (sheet.left > 40)
        assert (sheet.low < sky)[seen].all()
        assert (sheet.high > sky)[seen].all()
        assert (sheet.high - sheet.low)[seen].max() < 2500
        assert np.isfinite([sheet.low, sheet.high]).all()

    @pytest.mark.parametrize("value", [0.0, 300.0, np.nan, np.inf])
    def test_a_stamp_without_noise_has_limits(self, value):
        ccd = hit_frame()
        ccd.data[:], ccd.data[-1, -1], ccd.mask = value, 300, None
        sheet = make_sheet(crp.cr_segments(ccd, mask=hit_mask()), Codes.of(ccd.data))
        assert (sheet.low < sheet.high).all()
        assert np.isfinite([sheet.low, sheet.high]).all()
