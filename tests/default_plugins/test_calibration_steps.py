# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The steps of a calibration, one by one.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.default_plugins import calibration_steps as steps
from ccdproc_crplugin.errors import CalibrationWarning


def frame(value=1000, dtype="f4", unit="adu", **cards):
    return CCDData(np.full((6, 8), value, dtype), unit=unit, meta=cards)


class TestPrecision:
    @pytest.mark.parametrize(("dtype", "expected"), [("u2", "f4"), ("i4", "f8"), ("f4", "f4"), ("f8", "f8")])
    def test_integers_become_floating_point_and_floating_point_stays(self, dtype, expected):
        raw, bias = frame(dtype=dtype), frame(100.5, dtype="f4")
        result = steps.subtract_bias(raw, master=bias)
        assert (result.data.dtype, raw.data.dtype) == (expected, dtype)
        assert (result.data == 899.5).all()


class TestUncertainty:
    def test_that_of_the_combined_frame_is_not_taken_for_that_of_the_frame(self):
        bias = frame(100)
        bias.uncertainty = StdDevUncertainty(np.ones(bias.shape))
        assert steps.subtract_bias(frame(), master=bias).uncertainty is None

    def test_both_are_added_where_the_frame_has_one(self):
        raw, bias = frame(), frame(100)
        raw.uncertainty, bias.uncertainty = (StdDevUncertainty(np.full(raw.shape, sigma)) for sigma in (3.0, 4.0))
        assert steps.subtract_bias(raw, master=bias).uncertainty.array == pytest.approx(5.0)

    def test_a_frame_gets_one_from_gain_and_read_noise(self):
        deviation = steps.create_deviation(frame(100), gain=2.0, readnoise=4.0).uncertainty.array
        assert deviation == pytest.approx(np.sqrt(100 * 2 + 4**2) / 2)


class TestDark:
    def test_it_is_scaled_by_the_exposures_if_asked(self):
        raw, dark = frame(EXPTIME=30.0), frame(100, EXPTIME=60.0)
        assert (steps.subtract_dark(raw, master=dark, scale=True).data == 950).all()
        assert (steps.subtract_dark(raw, master=dark).data == 900).all()

    def test_scaling_takes_both_exposures(self):
        with pytest.raises(
            CosmicRayError, match=r"Found no exposure time above 0 s in the header \(looked for EXPTIME"
        ):
            steps.subtract_dark(frame(), master=frame(100, EXPTIME=60.0), scale=True)

    def test_the_shapes_must_agree(self):
        with pytest.raises(CosmicRayError, match=r"shape \(6, 4\) for a frame of \(6, 8\); .* Trim both"):
            steps.subtract_dark(frame(), master=frame()[:, :4])


class TestTrim:
    def test_the_sections_of_the_raw_chip_leave_the_header(self):
        trimmed = steps.trim(frame(TRIMSEC="[3:8, 1:6]", BIASSEC="[1:2, 1:6]"))
        assert trimmed.shape == (6, 6)
        assert not {"TRIMSEC", "BIASSEC"} & set(trimmed.meta)

    def test_a_section_that_the_header_does_not_have_is_to_be_given(self):
        with pytest.raises(CosmicRayError, match=r"Found no TRIMSEC in the header; .* Give fits_section"):
            steps.trim(frame())


class TestGain:
    def test_it_is_that_of_the_header_unless_it_is_given(self):
        raw = frame(GAIN=1.5)
        assert (steps.correct_gain(raw).data == 1500).all()
        corrected = steps.correct_gain(raw, gain=2.0)
        assert (corrected.data == 2000).all()
        assert corrected.unit == u.electron

    def test_a_frame_in_electron_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found a frame in electron already"):
            steps.correct_gain(frame(unit="electron"), gain=2.0)

    def test_without_one_the_keywords_that_were_looked_for_are_named(self):
        with pytest.raises(CosmicRayError, match=r"Found no gain in the header \(looked for .*GAIN"):
            steps.correct_gain(frame())


class TestAmplifiers:
    GAIN, READNOISE = {"[1:4, *]": 1.5, "[5:8, *]": 2}, {"[1:4, *]": 3, "[5:8, *]": 6}

    def test_the_gain_of_each_is_corrected(self):
        corrected = steps.correct_gain(frame(100), gain=self.GAIN)
        assert (corrected.unit, corrected.data.dtype) == (u.electron, "f4")
        assert corrected.data[0].tolist() == [150] * 4 + [200] * 4

    def test_also_by_the_cards_of_the_header(self):
        cards = {"GAIN1": 1.5, "GAIN2": 2, "DATASEC1": "[1:4,1:6]", "DATASEC2": "[5:8,1:6]"}
        assert steps.correct_gain(frame(100, **cards)).data[0].tolist() == [150] * 4 + [200] * 4

    def test_the_deviation_of_each_is_that_of_a_frame_of_its_own(self):
        raw = frame(100)
        raw.data[0] = -50
        whole = steps.create_deviation(raw, gain=self.GAIN, readnoise=self.READNOISE).uncertainty.array
        left = steps.create_deviation(raw[:, :4], gain=1.5, readnoise=3).uncertainty.array
        right = steps.create_deviation(raw[:, 4:], gain=2, readnoise=6).uncertainty.array
        np.testing.assert_allclose(whole, np.hstack([left, right]), rtol=1e-6)
        assert whole.dtype == "f4"

    def test_a_trimmed_frame_knows_where_its_amplifiers_lie(self):
        cards = {"GAIN1": 1.5, "GAIN2": 2, "DATASEC1": "[2:4,1:6]", "DATASEC2": "[5:7,1:6]"}
        trimmed = steps.trim(frame(100, **cards), fits_section="[2:7, 1:6]")
        assert steps.correct_gain(trimmed).data[0].tolist() == [150] * 3 + [200] * 3


class TestFlat:
    SKY = 500.0

    def flat(self, shape=(200, 200)):
        y, x = np.indices(shape)
        shading = 1 - 0.3 * ((y / shape[0] - 0.5) ** 2 + (x / shape[1] - 0.5) ** 2)
        return CCDData(np.random.default_rng(0).normal(20000 * shading, 20).astype("f4"), unit="adu")

    def light(self, flat):
        expected = self.SKY * flat.data / flat.data.mean()
        return CCDData(np.random.default_rng(1).poisson(expected).astype("f4"), unit="adu")

    def dead(self, flat):
        """A dead column and ten dead rows, which read out as noise."""
        dead = np.zeros(flat.shape, dtype=bool)
        dead[:, 50] = dead[100:110] = True
        flat = flat.copy()
        flat.data[dead] = np.random.default_rng(2).normal(0, 1e-3, dead.sum())
        return flat, dead

    def test_an_ordinary_flat_is_divided_by_as_ccdproc_does(self):
        import ccdproc

        flat = self.flat()
        light = self.light(flat)
        corrected = steps.correct_flat(light, master=flat)
        assert corrected.mask is None
        assert np.array_equal(corrected.data, ccdproc.flat_correct(light, flat).data.astype("f4"))
        assert "CRUNLIT" not in corrected.meta

    @pytest.mark.filterwarnings("ignore:Found .* of the pixels of the combined flat")
    @pytest.mark.parametrize("statistic", ["mean", "median"])
    def test_dead_pixels_are_masked_and_the_level_of_the_others_is_right(self, statistic):
        whole = self.flat()
        light = self.light(whole)
        flat, dead = self.dead(whole)
        light.data[dead] = 3.0
        corrected = steps.correct_flat(light, master=flat, statistic=statistic)
        assert np.array_equal(corrected.mask, dead)
        assert (corrected.data[dead] == 3.0).all()
        expected = steps.correct_flat(light, master=whole, statistic=statistic).data[~dead]
        assert np.median(corrected.data[~dead] / expected) == pytest.approx(1, abs=1e-3)
        assert corrected.meta["CRUNLIT"] == dead.sum()

    @pytest.mark.filterwarnings("ignore:Found .* of the pixels of the combined flat")
    def test_nothing_beside_dead_pixels_is_taken_for_a_cosmic_ray(self):
        whole = self.flat()
        light = self.light(whole)
        flat, dead = self.dead(whole)
        light.data[dead] = 3.0
        light.data[30, 30:34] += 2000
        corrected = steps.correct_flat(light, master=flat)
        cleaned = corrected.clean_cosmic_rays(gain=1.0, readnoise=1.0, saturation=60000, preflight="off")
        assert np.array_equal((cleaned.flags & 4) > 0, dead)
        found = (cleaned.flags & 1) > 0
        assert found[30, 30:34].all()
        assert np.count_nonzero(found) <= 6

    def test_a_chip_of_which_sixty_per_cent_saw_no_light_keeps_its_level_and_the_user_hears_of_it(self):
        flat = self.flat()
        light = self.light(flat)
        expected = steps.correct_flat(light, master=flat).data * flat.data[:80].mean() / flat.data.mean()
        flat.data[80:] = np.random.default_rng(3).normal(0, 5, (120, 200))
        with pytest.warns(CalibrationWarning, match=r"Found 60\.0% of the pixels .* below 0\.05 of its level"):
            corrected = steps.correct_flat(light, master=flat)
        assert corrected.mask[80:].all()
        assert not corrected.mask[:80].any()
        assert corrected.data[:80] == pytest.approx(expected[:80], rel=1e-4)

    def test_pixels_that_the_flat_has_no_value_for_are_masked(self):
        flat = self.flat()
        flat.mask = np.zeros(flat.shape, dtype=bool)
        flat.mask[3, 4], flat.data[5, 6], flat.data[3, 4] = True, np.nan, np.nan
        flat.uncertainty = StdDevUncertainty(np.where(np.isfinite(flat.data), 10.0, np.nan))
        light = self.light(self.flat())
        light.uncertainty = StdDevUncertainty(np.full(light.shape, 20.0))
        corrected = steps.correct_flat(light, master=flat)
        assert np.argwhere(corrected.mask).tolist() == [[3, 4], [5, 6]]
        assert np.isfinite(corrected.data).all()
        assert np.isfinite(corrected.uncertainty.array).all()

    def test_the_level_may_be_taken_from_a_part_of_the_chip(self):
        flat = self.flat()
        light = self.light(flat)
        corrected = steps.correct_flat(light, master=flat, section="[91:110, 81:120]", statistic="median")
        assert corrected.data == pytest.approx(light.data * np.median(flat.data[80:120, 90:110]) / flat.data, rel=1e-5)
        with pytest.raises(CosmicRayError, match=r"Found section='\[1:300, 1:20\]' for a frame .* Give section"):
            steps.correct_flat(light, master=flat, section="[1:300, 1:20]")

    def test_a_flat_without_light_is_refused(self):
        flat = self.flat()
        flat.data[:] = -1
        with pytest.raises(CosmicRayError, match="Found a combined flat without light"):
            steps.correct_flat(self.light(self.flat()), master=flat)

    @pytest.mark.parametrize(
        "wrong", [{"statistic": "mode"}, {"section": "[1"}, {"least_light": 2}, {"least_light": "x"}]
    )
    def test_wrong_parameters_are_refused_before_a_night(self, wrong):
        from ccdproc_crplugin import plugins

        with pytest.raises(CosmicRayError, match=next(iter(wrong))):
            plugins.find_step("correct_flat").check(**wrong)


class TestBadPixels:
    def test_those_of_a_file_are_masked_beside_those_that_are_already(self, tmp_path):
        from astropy.io import fits

        bad = np.zeros((6, 8), dtype="u1")
        bad[2, 3] = 1
        fits.writeto(tmp_path / "bad.fits", bad)
        raw = frame()
        raw.mask = np.zeros(raw.shape, dtype=bool)
        raw.mask[0, 0] = True
        masked = steps.mask_bad_pixels(raw, file=tmp_path / "bad.fits")
        assert np.argwhere(masked.mask).tolist() == [[0, 0], [2, 3]]
        assert raw.mask.sum() == 1

    def test_a_mask_of_another_shape_is_refused_with_a_word_on_its_place(self, tmp_path):
        from astropy.io import fits

        fits.writeto(tmp_path / "bad.fits", np.zeros((9, 9), dtype="u1"))
        with pytest.raises(
            CosmicRayError, match=r"shape \(9, 9\) .* \(6, 8\)\. The mask of a raw frame belongs before"
        ):
            steps.mask_bad_pixels(frame(), file=str(tmp_path / "bad.fits"))


class TestOverscanOfAmplifiers:
    """Two amplifiers at 940 and 970 adu read one half each; their overscans lie side by side behind the chip."""

    def frame(self, **cards):
        data = np.full((20, 100), 940.0, dtype="f4")
        data[:, 40:80] = data[:, 90:] = 970
        data[:, :80] += 50
        return CCDData(
            data, unit="adu", meta=fits.Header({"DATASEC": "[1:80,1:20]", "NAXIS1": 100, "NAXIS2": 20, **cards})
        )

    def test_each_half_gets_its_own_level(self):
        leveled = steps.subtract_overscan(self.frame(COVER=10))
        np.testing.assert_array_equal(leveled.data[:, :80], 50)
        np.testing.assert_array_equal(leveled.data[:, 80:], 0)

    def test_one_overscan_for_the_whole_chip_is_one(self):
        leveled = steps.subtract_overscan(self.frame(COVER=20))
        assert leveled.data[0, 0] != leveled.data[0, 79]

    def test_a_section_of_the_user_counts_for_all(self):
        leveled = steps.subtract_overscan(self.frame(COVER=10), fits_section="[81:90, 1:20]")
        np.testing.assert_array_equal(leveled.data[:, [0, 79]], [[50, 80]] * 20)

    def test_so_does_one_that_the_header_names(self):
        leveled = steps.subtract_overscan(self.frame(COVER=10, BIASSEC="[91:100,1:20]"))
        np.testing.assert_array_equal(leveled.data[:, [0, 79]], [[20, 50]] * 20)

    def test_rows_are_shared_out_like_columns(self):
        turned = self.frame(ROVER=10, DATASEC="[1:20,1:80]", NAXIS1=20, NAXIS2=100)
        turned = CCDData(turned.data.T.copy(), unit="adu", meta=turned.meta)
        np.testing.assert_array_equal(steps.subtract_overscan(turned).data[:80], 50)
