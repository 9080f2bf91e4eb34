# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The noise of what was subtracted from a frame."""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty, VarianceUncertainty

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.frames.electrons import to_electrons
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.subtracted import (
    Calibration,
    calibration_variance,
    calibration_with,
    dark_electrons,
    dark_variance,
    level_of_division,
)

SHAPE = (60, 50)
READNOISE = 5.0


def frame(level=100.0, unit="electron", **keywords):
    return CCDData(np.full(SHAPE, level, dtype=np.float32), unit=unit, meta={"EXPTIME": 300.0}, **keywords)


def dark(level=0.0, hot=400.0, unit="electron", exposure=300.0, **meta):
    data = np.full(SHAPE, level, dtype=np.float32)
    data[20, 30] = hot
    return CCDData(data, unit=unit, meta={"EXPTIME": exposure, "NCOMBINE": 1000, **meta})


def electronics(ccd, **given):
    return electronics_of(ccd, readnoise=READNOISE, saturation=1e6, **given)


class TestDark:
    def test_its_photons_count_at_their_own_pixel(self):
        variance = dark_variance(dark(), frame(), electronics(frame()))
        assert variance[20, 30] == pytest.approx(400, rel=0.01)
        assert variance[20, 31] == pytest.approx(0, abs=0.1)

    def test_a_dark_of_few_frames_adds_its_own_noise(self):
        variance = dark_variance(dark(NCOMBINE=4), frame(), electronics(frame()))
        assert variance[20, 30] == pytest.approx(400 + (400 + READNOISE**2) / 4)

    def test_its_uncertainty_counts_if_it_has_one(self):
        known = dark()
        known.uncertainty = StdDevUncertainty(np.full(SHAPE, 3.0))
        assert dark_variance(known, frame(), electronics(frame()))[0, 0] == pytest.approx(9)

    def test_it_is_scaled_by_the_exposure_if_told(self):
        short = dark(hot=40.0, exposure=30.0)
        assert dark_electrons(short, frame(), electronics(frame()), scale=True)[20, 30] == pytest.approx(400)

    def test_without_an_exposure_it_cannot_be_scaled(self):
        with pytest.raises(CosmicRayError, match="no exposure time above 0 s in the header of the dark"):
            dark_electrons(dark(exposure=0.0), frame(), electronics(frame()), scale=True)

    def test_adu_become_electrons_by_the_gain_of_the_frame(self):
        raw = frame(unit="adu")
        assert dark_electrons(dark(unit="adu"), raw, electronics(raw, gain=2.0))[20, 30] == 800

    def test_adu_below_a_frame_in_electron_need_a_gain_in_a_header(self):
        assert dark_electrons(dark(unit="adu", GAIN=1.5), frame(), electronics(frame()))[20, 30] == 600
        with pytest.raises(CosmicRayError, match="no gain in their headers"):
            dark_electrons(dark(unit="adu"), frame(), electronics(frame()))

    def test_pixels_that_are_not_finite_add_nothing(self):
        damaged = dark()
        damaged.data[1, 1] = np.nan
        assert dark_electrons(damaged, frame(), electronics(frame()))[1, 1] == 0


class TestWrongDarks:
    def given(self, dark, scale=False):
        calibration_with(frame(), dark, scale, electronics(frame()))

    def test_one_far_below_zero_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found a dark at a level of -200 electron; expected 0 or more"):
            self.given(dark(level=-200))

    def test_one_a_little_below_zero_is_not(self):
        self.given(dark(level=-5))

    def test_one_without_a_finite_pixel_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found a dark without a finite pixel"):
            self.given(dark(level=np.nan, hot=np.nan))

    def test_none_can_be_scaled_without_a_dark(self):
        with pytest.raises(CosmicRayError, match="scale_dark=True without a dark"):
            self.given(None, scale=True)


class TestBias:
    def variance(self, **meta):
        data = np.random.default_rng(0).normal(1000, READNOISE, SHAPE).astype(np.float32)
        bias = CCDData(data, unit="electron", meta=meta)
        return np.median(calibration_variance(Calibration(bias=bias), frame(), electronics(frame())))

    def test_a_single_one_has_the_read_noise(self):
        assert self.variance() == pytest.approx(READNOISE**2, rel=0.15)

    def test_a_combined_one_has_that_of_its_frames(self):
        assert self.variance(NCOMBINE=25) == pytest.approx(1.0)


class TestCalibration:
    def test_nothing_known_adds_nothing(self):
        assert calibration_variance(Calibration(), frame(), electronics(frame())) is None

    def test_a_faint_corner_of_the_flat_has_more_noise(self):
        flat = CCDData(np.ones(SHAPE), unit="")
        flat.data[:5, :5] = 0.5
        variance = calibration_variance(Calibration(flat=flat), frame(), electronics(frame()))
        assert variance[0, 0] == pytest.approx(100 * (2 - 1) + READNOISE**2 * (4 - 1), rel=0.03)
        assert variance[30, 30] == pytest.approx(0, abs=1)

    @pytest.mark.parametrize("statistic", [np.mean, np.median, np.max])
    def test_along_a_steep_flat_the_noise_is_that_of_each_pixel_whatever_counts_as_one(self, statistic):
        response = np.tile(np.geomspace(0.05, 1.0, SHAPE[1]), (SHAPE[0], 1))
        light = np.tile(np.linspace(2000, 50, SHAPE[1]), (SHAPE[0], 1)).astype(np.float32)
        flat = CCDData(3 * response, unit="")
        level = statistic(flat.data)
        divisor = flat.data / level
        before, after = (CCDData(data, unit="electron") for data in (light * divisor, light))
        found = level_of_division(before, after, flat)
        assert found == pytest.approx(level, rel=1e-6)
        variance = calibration_variance(Calibration(flat=flat, flat_level=found), after, electronics(after))
        total = light + READNOISE**2 + variance
        expected = light / divisor + READNOISE**2 / divisor**2
        faint = divisor < 0.8
        assert np.abs(total / expected - 1)[faint].max() < 0.2

    def test_the_flats_own_uncertainty_counts_at_the_level_of_the_sky(self):
        flat = CCDData(np.ones(SHAPE), unit="", uncertainty=StdDevUncertainty(np.full(SHAPE, 0.01)))
        variance = calibration_variance(Calibration(flat=flat), frame(1000.0), electronics(frame()))
        assert variance[0, 0] == pytest.approx(100, rel=1e-5)

    def test_frames_of_another_shape_are_left_out(self):
        trimmed = Calibration(dark=CCDData(np.zeros((9, 9)), unit="adu")).fitting(SHAPE)
        assert trimmed.dark is None


class TestUncertainty:
    """An uncertainty made before or after the dark was subtracted gives the same noise."""

    def noise(self, variance, known=None):
        ccd = frame(uncertainty=VarianceUncertainty(variance))
        electrons = to_electrons(ccd, electronics(ccd), calibration=Calibration(dark=known))
        extra = 0 if electrons.extra_variance is None else electrons.extra_variance
        return electrons.variance, extra

    def test_made_after_the_dark_it_lacks_the_darks_photons(self):
        smooth, extra = self.noise(np.full(SHAPE, 125.0), dark())
        assert smooth[20, 30] == pytest.approx(125)
        assert extra[20, 30] == pytest.approx(400, rel=0.01)

    def test_made_before_the_dark_it_has_them(self):
        smooth, extra = self.noise(125.0 + dark().data, dark())
        assert smooth[20, 30] == pytest.approx(125, rel=0.01)
        assert extra[20, 30] == pytest.approx(400, rel=0.01)

    def test_without_the_dark_a_pixel_that_stands_out_keeps_its_own_noise(self):
        smooth, extra = self.noise(125.0 + dark().data)
        assert smooth[20, 30] == pytest.approx(125)
        assert extra[20, 30] == pytest.approx(400)

    def test_an_uncertainty_of_another_model_is_taken_as_it_is(self):
        variance = 125.0 * np.linspace(1, 3, SHAPE[1]) * np.ones(SHAPE)
        smooth, extra = self.noise(variance)
        assert np.allclose(smooth, variance)
        assert np.all(extra == 0)


def test_units_of_the_dark_may_be_quantities_of_their_own():
    kilo = CCDData(dark().data / 1000, unit=u.Unit("1000 electron"), meta={"NCOMBINE": 10})
    assert dark_electrons(kilo, frame(), electronics(frame()))[20, 30] == pytest.approx(400)
