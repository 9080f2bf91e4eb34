# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Each violation of the notes for users is seen, and good frames are left alone.
"""

import dataclasses
import re

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin.cleaning.preflight import run_checks
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.header import overscan_section
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.isolated import isolated_pixels
from ccdproc_crplugin.kernels.photon_transfer import measure_noise
from ccdproc_crplugin.kernels.pile_up import measure_bright_end
from ccdproc_crplugin.simulate import Camera

CAMERA = Camera(hot_fraction=0.0, dark_current=0.0)
READNOISE = CAMERA.readnoise


def field(sky=150.0, **settings):
    options = {"fwhm": 2.5, "n_stars": 15, "n_muons": 3, "n_worms": 1, "n_spots": 1, "camera": CAMERA, "seed": 1}
    return crp.simulate_frame((256, 256), sky=sky, **{**options, **settings}).ccd


def found(name, ccd, *, parameters=None, dark=None, **figures):
    findings = run_checks(
        ccd, electronics_of(ccd, **figures), dark=dark, detector="lacosmic", parameters=parameters or {}
    )
    return next(finding for finding in findings if finding.check == name)


def in_order(text):
    """The causes or remedies that a text numbers, or the only one."""
    return re.split(r"(?:^|;? )\(\d\) ", text)[1:] or [text]


def times(ccd, factor):
    return CCDData((ccd.data * factor).astype(np.float32), unit=ccd.unit, meta=ccd.meta)


class TestGoodFrames:
    @pytest.mark.parametrize("sky", [5, 150, 3000, 50_000])
    @pytest.mark.parametrize("fwhm", [1.7, 2.5, 6])
    @pytest.mark.parametrize("n_stars", [0, 200])
    def test_nothing_is_said_of_a_corrected_frame(self, sky, fwhm, n_stars):
        ccd = field(sky, fwhm=fwhm, n_stars=n_stars)
        assert {finding.status for finding in ccd.cr_preflight()} == {"ok"}

    @pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 7), (12, 400), (40, 60), (100, 100)])
    def test_nor_of_a_cut_out_of_any_size(self, shape):
        noise = np.random.default_rng(0).normal(150, np.sqrt(150 + 36), shape)
        ccd = CCDData(noise, unit="electron", meta={"RDNOISE": 6.0})
        assert {finding.status for finding in ccd.cr_preflight()} == {"ok"}

    def test_nor_of_one_with_masked_pixels_and_dead_columns(self):
        ccd = field()
        ccd.mask = np.random.default_rng(0).random(ccd.shape) < 0.1
        ccd.data[ccd.mask] = 1e6
        ccd.data[:, 30] = np.nan
        assert {finding.status for finding in ccd.cr_preflight()} == {"ok"}

    def test_nor_of_one_whose_sky_was_subtracted_but_whose_uncertainty_knows_of_it(self):
        ccd = field()
        ccd.uncertainty = StdDevUncertainty(np.sqrt(np.maximum(ccd.data, 0) + READNOISE**2))
        ccd.data = ccd.data - np.float32(150)
        assert found("noise", ccd).status == "ok"

    def test_nor_of_spectra_and_nebulae_whose_light_varies_within_a_block(self):
        rng = np.random.default_rng(2)
        y, x = np.mgrid[:256, :256]
        light = 20 + sum(900 * np.exp(-((x - c) ** 2) / 3) for c in range(10, 250, 12)) + 5 * y
        ccd = CCDData(rng.poisson(light) + rng.normal(0, 4, y.shape), unit="electron", meta={"RDNOISE": 4.0})
        assert found("noise", ccd).status == "ok"

    def test_the_reduced_frame_of_the_saao_is_fine(self, saao):
        assert {finding.status for finding in saao.cr_preflight()} == {"ok"}


class TestNoise:
    def test_a_bias_left_in_fails_and_is_measured(self):
        finding = found("noise", field(corrected=("dark", "flat")))
        assert (finding.status, finding.note) == ("fail", 1)
        assert "a bias of about 1" in finding.message

    def test_a_bias_on_record_is_not_suspected(self):
        ccd = field(corrected=("dark", "flat"))
        ccd.meta["SUBBIAS"] = "ccd=<CCDData>, master=<CCDData>"
        assert "bias" not in found("noise", ccd).message

    @pytest.mark.parametrize(("factor", "status"), [(1.5, "warn"), (4, "fail"), (0.25, "fail")])
    def test_a_wrong_gain_is_seen(self, factor, status):
        finding = found("noise", field(unit="adu"), gain=factor * CAMERA.gain)
        assert finding.status == status
        assert "gain" in finding.message

    def test_a_gain_applied_twice_is_seen(self):
        camera = dataclasses.replace(CAMERA, gain=2.5)
        assert found("noise", times(field(camera=camera), 2.5)).status == "fail"

    def test_adu_taken_for_electrons_are_seen(self):
        camera = dataclasses.replace(CAMERA, gain=4.0)
        assert found("noise", times(field(camera=camera), 0.25)).status == "fail"

    def test_where_levels_differ_a_wrong_gain_is_told_from_a_bias(self):
        rng = np.random.default_rng(0)
        light = np.linspace(500, 5000, 256) * np.ones((256, 1))
        data = rng.poisson(light) + rng.normal(0, 6, light.shape)
        small = found("noise", CCDData(data / 4, unit="electron", meta={"RDNOISE": 6.0})).message
        biased = found("noise", CCDData(data + 6000, unit="electron", meta={"RDNOISE": 6.0})).message
        assert "gain" in small
        assert "bias" not in small
        assert "bias" in biased
        assert "gain" not in biased

    @pytest.mark.parametrize("sky", [150, 3000, 50_000])
    def test_a_sky_subtracted_fails_with_the_constant_to_add(self, sky):
        ccd = field(sky)
        ccd.data = ccd.data - np.float32(np.median(ccd.data))
        finding = found("noise", ccd)
        assert (finding.status, finding.note) == ("fail", 3)
        assert "the sky was subtracted" in finding.message

    def test_pixels_that_respond_differently_are_a_warning(self):
        camera = dataclasses.replace(CAMERA, pixel_response=0.03)
        finding = found("noise", field(5000, camera=camera, corrected=("bias", "dark")))
        assert finding.status == "warn"
        assert "not flat-fielded" in finding.message

    @pytest.mark.parametrize("factor", [0.5, 2])
    def test_a_wrong_read_noise_is_seen_under_a_dark_sky(self, factor):
        finding = found("noise", field(5), readnoise=factor * READNOISE)
        assert finding.status == "fail"
        assert "read noise" in finding.message

    @pytest.mark.parametrize("sky", [5, 3000])
    def test_a_read_noise_of_zero_is_no_cameras(self, sky):
        assert found("noise", field(sky), readnoise=0).status in ("warn", "fail")

    def test_a_rate_that_claims_to_be_electrons_is_seen(self):
        assert found("noise", times(field(3000), 1 / 300)).status == "fail"

    def test_an_uncertainty_that_is_not_the_scatter_is_seen(self):
        ccd = field()
        ccd.uncertainty = StdDevUncertainty(np.full(ccd.shape, 30.0))
        assert "the uncertainty is too large" in found("noise", ccd).message

    def test_smeared_noise_is_not_judged(self):
        smooth = field(n_stars=0).data
        smooth = (smooth + np.roll(smooth, 1, 0) + np.roll(smooth, 1, 1) + np.roll(smooth, (1, 1), (0, 1))) / 4
        finding = found("noise", CCDData(smooth, unit="electron", meta={"RDNOISE": 6.0}))
        assert finding.status == "ok"
        assert "not measured" in finding.message


class TestSubtractedDark:
    """The noise of a dark current that was subtracted is the same at every level."""

    def frame(self, current, sky=150.0, **settings):
        camera = dataclasses.replace(CAMERA, dark_current=current / 300)
        return field(sky, camera=camera, **settings)

    def dark(self, ccd, current):
        scatter = np.sqrt((current + READNOISE**2) / 20)
        data = np.random.default_rng(5).normal(current, scatter, ccd.shape)
        return CCDData(data, unit="electron", meta={"NCOMBINE": 20})

    @pytest.mark.parametrize("current", [300, 1200])
    def test_it_is_named_with_its_level(self, current):
        finding = found("noise", self.frame(current))
        assert finding.status == "fail"
        named = float(re.search(r"a dark current of about (\d+) electron", finding.message)[1])
        assert named == pytest.approx(current, rel=0.2)

    @pytest.mark.parametrize(
        "record",
        [
            {"SUBDARK": "ccd=<CCDData>, master=<CCDData>"},
            {"CALSTAT": "BD"},
            {"DARKCOR": "Nov 25 16:38 Dark is D"},
            {"DARKCORR": "COMPLETE"},
            {"HISTORY": "Auto Dark Subtraction"},
        ],
    )
    def test_it_is_the_first_cause_where_the_header_records_it(self, record):
        ccd = self.frame(300)
        ccd.meta.update(record)
        assert in_order(found("noise", ccd).message)[0].startswith("a dark current")

    @pytest.mark.parametrize("value", ["PERFORM", "OMIT"])
    def test_a_correction_that_is_still_to_be_made_is_no_record(self, value):
        assert corrections({"DARKCORR": value}) == set()

    @pytest.mark.parametrize("current", [300, 1200])
    def test_nothing_is_wrong_with_the_noise_once_it_is_given(self, current):
        ccd = self.frame(current)
        findings = crp.cr_preflight(ccd, dark=self.dark(ccd, current))
        assert next(finding for finding in findings if finding.check == "noise").status == "ok"

    def test_the_noise_of_hot_pixels_in_it_is_not_taken_for_a_dark_that_was_not_subtracted(self):
        camera = dataclasses.replace(CAMERA, hot_fraction=3e-3, hot_current=50.0)
        ccd = field(camera=camera)
        dark = CCDData((300 * camera.dark(ccd.shape)).astype(np.float32), unit="electron", meta={"NCOMBINE": 20})
        before, after = found("hot_pixels", ccd), found("hot_pixels", ccd, dark=dark)
        assert before.status == "warn"
        assert "dark=" in before.fix
        assert after.status == "ok"
        assert "hot in the dark that was subtracted" in after.message

    @pytest.mark.parametrize("exposure", [0.1, 1.0])
    def test_one_that_was_not_subtracted_is_found_by_its_own_hot_pixels(self, exposure):
        camera = dataclasses.replace(CAMERA, hot_fraction=3e-3, hot_current=50.0)
        hot = (300 * camera.dark((256, 256))).astype(np.float32)
        ccd = field(camera=camera)
        ccd.data = ccd.data + np.float32(exposure) * hot
        finding = found("hot_pixels", ccd, dark=CCDData(hot, unit="electron", meta={"NCOMBINE": 20}))
        expected = ("fail", "the dark was not subtracted") if exposure == 1 else ("ok", "that was subtracted")
        assert (finding.status, finding.message.endswith(expected[1] + "." * (exposure == 1))) == (expected[0], True)

    def test_pixels_that_stand_alone_without_being_hot_in_it_are_no_hot_pixels(self):
        ccd = field()
        y, x = np.random.default_rng(3).integers(5, 250, (2, 60))
        ccd.data[y, x] += np.float32(2000)
        clean = CCDData(np.random.default_rng(4).normal(0, 1, ccd.shape).astype(np.float32), unit="electron")
        assert found("hot_pixels", ccd).status == "warn"
        finding = found("hot_pixels", ccd, dark=clean)
        assert finding.status == "ok"
        assert "0 of them hot in the dark" in finding.message

    def test_a_level_that_no_dark_has_is_not_called_one(self):
        ccd = field(unit="adu")
        finding = found("noise", ccd, gain=139 * u.electron / u.adu)
        assert "dark current" not in finding.message
        assert "the gain is too large" in finding.message


class TestReadNoise:
    def test_one_above_all_of_the_noise_is_the_first_cause(self):
        finding = found("noise", field(), readnoise=100.0)
        assert "the read noise given, 100 electron, is more than all of the noise" in in_order(finding.message)[0]
        assert re.search(r"readnoise=1[0-9.]+ or less", finding.fix)


class TestPedestal:
    def raised(self, card):
        ccd = field(unit="adu")
        ccd.data = ccd.data + np.float32(200)
        ccd.meta["PEDESTAL"] = card
        return ccd

    def test_one_of_which_the_header_says_that_it_was_added_is_taken_off_for_the_noise(self):
        findings = crp.cr_preflight(self.raised(-200))
        assert next(finding for finding in findings if finding.check == "noise").status == "ok"

    def test_one_of_the_other_sign_is_the_first_cause(self):
        finding = found("noise", self.raised(200))
        first = in_order(finding.message)[0]
        assert first.startswith("the pedestal of 200 adu that the header records (PEDESTAL) is left in")

    def test_a_bias_is_given_in_adu_too(self):
        ccd = field(unit="adu")
        ccd.data = ccd.data + np.float32(1000)
        electrons, adu = re.search(
            r"a bias of about (\d+) electron \((\d+) adu\)", found("noise", ccd).message
        ).groups()
        assert float(adu) == pytest.approx(1000, rel=0.05)
        assert float(electrons) == pytest.approx(1000 * CAMERA.gain, rel=0.05)


class TestAdvice:
    """Whatever the finding advises leads to a frame of which it does not advise the same again."""

    @staticmethod
    def followed(ccd, fix, message, figures):
        """The frame and the figures after the advice was followed, None for advice that takes other frames."""
        per_adu = 1.0 if ccd.unit == u.electron else figures["gain"]
        new, figures = ccd.copy(), dict(figures)
        number = float((re.search(r"(?:about |by |=|subtract )([\d.]+)", fix) or re.search(r"()", "")).group(1) or 0)
        if fix.startswith("divide the frame"):
            new.data = new.data / number
        elif fix.startswith("multiply the frame"):
            new.data = new.data * number
        elif fix.startswith("give gain"):
            figures["gain"] = number
        elif fix.startswith("give readnoise"):
            figures["readnoise"] = number
        elif fix.startswith("add about"):
            new.data = new.data + number / per_adu
        elif fix.startswith("subtract the bias"):
            new.data = new.data - float(re.search(r"bias of about (\d+)", message)[1]) / per_adu
        elif fix.startswith("give the dark"):
            level = float(re.search(r"dark current of about (\d+)", message)[1])
            dark = np.random.default_rng(0).normal(level, np.sqrt(level / 20), new.shape) / per_adu
            figures["dark"] = CCDData(dark, unit=new.unit, meta={"NCOMBINE": 20})
        else:
            return None
        return new, figures

    def walk(self, ccd, figures, path=()):
        finding = next(finding for finding in crp.cr_preflight(ccd, **figures) if finding.check == "noise")
        if finding.status == "ok":
            return
        for fix in in_order(finding.fix):
            kind = re.sub(r"[\d.]+", "", fix)
            assert kind not in path, f"{fix} after {path}"
            after = self.followed(ccd, fix, finding.message, figures)
            if after is not None:
                self.walk(*after, (*path, kind))

    @pytest.mark.parametrize("sky", [5, 150, 3000])
    @pytest.mark.parametrize("factor", [1 / 6, 0.5, 1.5, 6])
    def test_on_a_wrong_gain(self, sky, factor):
        self.walk(field(sky, unit="adu"), {"gain": factor * CAMERA.gain})
        self.walk(times(field(sky), factor), {})

    @pytest.mark.parametrize("sky", [5, 150, 3000])
    @pytest.mark.parametrize("level", [-3000, -150, 100, 2000])
    def test_on_a_wrong_level(self, sky, level):
        ccd = field(sky)
        ccd.data = ccd.data + np.float32(level)
        self.walk(ccd, {})

    @pytest.mark.parametrize("sky", [5, 150])
    @pytest.mark.parametrize("readnoise", [1.0, 2.0, 18.0])
    def test_on_a_wrong_read_noise(self, sky, readnoise):
        self.walk(field(sky), {"readnoise": readnoise})

    @pytest.mark.parametrize("sky", [5, 150])
    @pytest.mark.parametrize("current", [300, 1200])
    def test_on_a_subtracted_dark(self, sky, current):
        camera = dataclasses.replace(CAMERA, dark_current=current / 300)
        self.walk(field(sky, camera=camera), {})

    def test_an_uncertainty_that_is_photons_and_read_out_is_not_blamed_for_other_noise(self):
        ccd = field(camera=dataclasses.replace(CAMERA, dark_current=1.0))
        ccd.uncertainty = StdDevUncertainty(np.sqrt(np.maximum(ccd.data, 0) + READNOISE**2))
        finding = found("noise", ccd)
        assert "the uncertainty is too small" not in finding.message
        assert "make the uncertainty anew" in finding.fix


class TestHeader:
    def test_a_combined_frame_fails(self, ccd):
        ccd.meta["NCOMBINE"] = 5
        finding = found("kind", ccd)
        assert finding.status == "fail"
        assert "5 frames were combined" in finding.message

    def test_a_gain_correction_on_record_of_a_frame_in_adu_fails(self, ccd):
        ccd.meta["GAINCOR"] = "ccd=<CCDData>, gain=2.0"
        assert found("records", ccd).status == "fail"

    def test_the_overscan_of_a_raw_frame_shows_its_bias(self, saao_path):
        finding = found("overscan", crp.read_ccd(saao_path))
        assert (finding.status, finding.note, finding.measured) == ("warn", 1, 214.0)

    def test_an_overscan_without_bias_is_to_be_trimmed(self, saao_path):
        raw = crp.read_ccd(saao_path)
        raw.data = raw.data - 214.0
        assert found("overscan", raw).status == "warn"

    @pytest.mark.parametrize("text", ["", "[1:2", "[9:1,3:4]", "[a:b,c:d]", "[1:99999999,1:2]", "[:,:]", None, 5])
    def test_a_section_that_makes_no_sense_is_none(self, text):
        assert overscan_section({"BIASSEC": text}) is None

    def test_corrections_are_read_from_all_that_record_them(self):
        assert corrections({"ZEROCOR": "Zero is Z", "subflat": "", "FLATCOR": "no", "CALSTAT": "D"}) == {"bias", "dark"}

    def test_a_card_that_no_one_can_read_records_no_correction(self):
        header = fits.Header.fromstring(f"{'ZEROCOR = Zero is Z':80}{'CALSTAT = 1.2.3':80}{'FLATCOR = 1':80}")
        assert corrections(header) == {"flat"}


class TestHotPixels:
    @pytest.fixture
    def camera(self):
        return dataclasses.replace(CAMERA, hot_fraction=1e-3, hot_current=5.0)

    def test_without_a_dark_many_are_a_warning(self, camera):
        finding = found("hot_pixels", field(camera=camera, corrected=("bias", "flat")))
        assert (finding.status, finding.note) == ("warn", 1)

    def test_a_dark_that_has_them_too_makes_it_certain(self, camera):
        ccd = field(camera=camera, corrected=("bias", "flat"))
        dark = CCDData(300 * camera.dark(ccd.shape) + np.random.default_rng(0).normal(0, 6, ccd.shape), unit="electron")
        assert found("hot_pixels", ccd, dark=dark).status == "fail"
        assert found("hot_pixels", field(camera=camera), dark=dark).status == "ok"

    def test_a_dark_of_another_shape_is_a_warning(self):
        finding = found("hot_pixels", field(), dark=CCDData(np.zeros((9, 9)), unit="electron"))
        assert finding.status == "warn"
        assert "(9, 9)" in finding.message

    def test_stars_of_any_width_and_place_are_not_isolated(self):
        assert len(isolated_pixels(take_blocks(field(5, fwhm=1.3, n_stars=400, n_spots=0).data))[0]) <= 3

    def test_a_single_pixel_is_found_where_it_is(self):
        blocks = np.random.default_rng(0).normal(100, 5, (3, 32, 32)).astype(np.float32)
        blocks[1, 7, 9] += 500
        assert [int(where[0]) for where in isolated_pixels(blocks)] == [1, 7, 9]


class TestSaturation:
    @pytest.fixture
    def bright(self):
        return field(n_stars=20, flux_range=(3e5, 1e7))

    def test_a_pile_without_a_level_is_a_warning_that_gives_it(self, bright):
        del bright.meta["SATURATE"]
        finding = found("saturation", bright)
        assert finding.status == "warn"
        assert finding.measured == pytest.approx(CAMERA.saturation, rel=0.1)

    def test_the_level_at_the_pile_is_fine(self, bright):
        assert found("saturation", bright).status == "ok"

    @pytest.mark.parametrize("factor", [0.25, 4])
    def test_another_level_is_a_warning(self, bright, factor):
        assert found("saturation", bright, saturation=factor * CAMERA.saturation).status == "warn"

    def test_a_level_below_the_sky_fails(self, bright):
        assert found("saturation", bright, saturation=100).status == "fail"

    def test_a_spectral_line_is_no_pile(self):
        data = np.random.default_rng(0).normal(10, 3, (200, 200))
        data[:, 90:92] = 5000
        assert measure_bright_end(data).pile is None


class TestSampling:
    def test_separable_medians_fail_on_sharp_stars_alone(self):
        sharp, wide = (field(fwhm=fwhm, n_stars=60, flux_range=(3e3, 3e5)) for fwhm in (1.4, 3.0))
        assert found("sampling", sharp, parameters={"sepmed": True}).status == "fail"
        assert found("sampling", sharp, parameters={"sepmed": False}).status == "ok"
        assert found("sampling", wide, parameters={"sepmed": True}).status == "ok"

    def test_a_matched_filter_with_a_high_objlim_fails(self):
        assert found("sampling", field(), parameters={"fsmode": "convolve", "objlim": 5.0}).status == "fail"

    def test_a_matched_filter_of_another_width_is_a_warning(self):
        ccd = field(fwhm=5, n_stars=60, flux_range=(3e3, 3e5))
        parameters = {"fsmode": "convolve", "objlim": 2.0, "psffwhm": 2.5}
        assert found("sampling", ccd, parameters=parameters).status == "warn"

    def test_cosmic_rays_and_hot_pixels_alone_are_not_stars(self):
        camera = dataclasses.replace(CAMERA, hot_fraction=5e-4, hot_current=5.0)
        rays = field(n_stars=0, n_muons=20, n_worms=10, n_spots=30, camera=camera)
        assert found("sampling", rays).status == "ok"

    @pytest.mark.parametrize("fwhm", [1.2, 1.3])
    @pytest.mark.parametrize("beta", [3.0, 20.0])
    def test_stars_as_sharp_as_cosmic_rays_are_a_warning(self, fwhm, beta):
        sharp = field(fwhm=fwhm, beta=beta, n_stars=60, flux_range=(3e3, 3e5))
        finding = found("sampling", sharp)
        assert finding.status == "warn"
        assert "undersampled" in finding.message

    def test_they_are_none_once_the_advice_was_followed(self):
        sharp = field(fwhm=1.3, n_stars=60, flux_range=(3e3, 3e5))
        assert "give objlim=10" in found("sampling", sharp, parameters={"objlim": None}).fix
        assert found("sampling", sharp, parameters={"objlim": 10.0}).status == "ok"

    def test_a_detector_without_objlim_is_not_told_to_use_it(self):
        sharp = field(fwhm=1.3, n_stars=60, flux_range=(3e3, 3e5))
        findings = run_checks(sharp, electronics_of(sharp), detector="median", parameters={"thresh": 5.0})
        (finding,) = (finding for finding in findings if finding.check == "sampling")
        assert "objlim" not in finding.fix


class TestCrowding:
    def test_stars_that_leave_no_sky_between_them_are_a_warning(self):
        crowded = field(fwhm=2.2, n_stars=1600, flux_range=(1e3, 1e5))
        finding = found("crowding", crowded)
        assert finding.status == "warn"
        assert finding.measured > 0.9

    def test_a_field_with_sky_between_the_stars_is_not_crowded(self):
        assert found("crowding", field(fwhm=2.2, n_stars=150, flux_range=(1e3, 1e5))).status == "ok"

    def test_nor_is_one_full_of_cosmic_rays(self):
        assert found("crowding", field(n_stars=20, n_muons=200, n_worms=200, n_spots=400)).status == "ok"


class TestMeasurement:
    def test_the_noise_is_that_put_in_whatever_rows_and_columns_add(self):
        rng = np.random.default_rng(0)
        blocks = rng.normal(0, 10, (64, 32, 32)) + 300 * rng.random((64, 32, 1)) + 300 * rng.random((64, 1, 32))
        measured = measure_noise(blocks.astype(np.float32), 0, variance=np.full(blocks.shape, 100, dtype=np.float32))
        assert np.median(measured.ratio) == pytest.approx(1, abs=0.03)
        assert np.median(measured.ratio_apart) == pytest.approx(1, abs=0.03)

    def test_hits_on_a_hundredth_of_the_pixels_hardly_change_it(self):
        rng = np.random.default_rng(0)
        blocks = rng.normal(100, 10, (64, 32, 32))
        blocks[rng.random(blocks.shape) < 0.01] += 5000
        assert np.median(measure_noise(blocks.astype(np.float32), 0).ratio) == pytest.approx(1, abs=0.2)

    @pytest.mark.parametrize("shape", [(1, 1), (3, 900), (33, 31), (4096, 50)])
    def test_the_blocks_lie_within_the_frame(self, shape):
        frame = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
        blocks = take_blocks(frame)
        assert np.isin(blocks, frame).all()
        assert len(np.unique(blocks)) == blocks.size


class TestCard:
    def test_the_header_names_the_checks_and_the_history_has_their_words(self):
        ccd = field(corrected=("dark", "flat"))
        with pytest.warns(crp.PreflightWarning, match="bias"):
            cleaned = ccd.clean_cosmic_rays()
        assert cleaned.header["CRPREFLT"] == "fail: noise"
        assert "preflight, fail: noise: The noise is" in "".join(cleaned.header["HISTORY"])

    def test_it_says_ok_where_nothing_was_found_and_nothing_where_nobody_looked(self):
        assert field().clean_cosmic_rays().header["CRPREFLT"] == "ok"
        assert "CRPREFLT" not in field().clean_cosmic_rays(preflight="off").header

    def test_restoring_takes_it_away(self):
        assert "CRPREFLT" not in field().clean_cosmic_rays().restore_cosmic_rays().header

    def test_a_frame_that_fails_may_be_refused(self):
        with pytest.raises(crp.CosmicRayError, match="preflight failed: noise"):
            field(corrected=("dark", "flat")).clean_cosmic_rays(preflight="raise")


class TestWhatChecksAreTold:
    def test_one_is_told_what_it_asks_for_by_name(self, ccd):
        seen = {}

        def ask(ccd, *, gain, readnoise, dark, detector, parameters, saturation):
            seen.update(detector=detector, sigclip=parameters["sigclip"], saturation=saturation)

        self._clean_with(ask, ccd, saturation=5e4 * u.electron)
        assert seen == {"detector": "lacosmic", "sigclip": None, "saturation": 5e4 * u.electron}

    def test_one_that_asks_for_no_more_is_told_no_more(self, ccd):
        seen = []
        self._clean_with(lambda ccd, *, gain, readnoise, dark: seen.append(dark), ccd)
        assert seen == [None]

    def _clean_with(self, run, ccd, **figures):
        class Plugin:
            @crp.hookimpl
            def ccdcr_checks(self):
                yield crp.Check("curious", "a check", run)

        crp.plugins.register(Plugin(), "curious")
        try:
            crp.clean_cosmic_rays(ccd, **figures)
        finally:
            crp.plugins.unregister("curious")


def test_hot_pixels_are_seen_under_a_bright_sky_too():
    camera = Camera(hot_fraction=8e-4, hot_current=4.0)
    rays = {"n_muons": 15, "n_worms": 5, "n_spots": 5}
    frame = crp.simulate_frame((512, 512), sky=50_000, camera=camera, corrected=("bias", "flat"), **rays, seed=2)
    (found,) = [finding for finding in crp.cr_preflight(frame.ccd) if finding.check == "hot_pixels"]
    assert found.status == "warn"


class TestAmplifiers:
    def halves(self, factor=1.0):
        """The noise of a frame whose right half has another gain and read noise, and the figures times a factor."""
        rng = np.random.default_rng(4)
        gain, readnoise = (
            np.repeat([[one, other]], 128, axis=1) * np.ones((256, 1)) for one, other in ((1, 3), (3, 12))
        )
        data = (rng.poisson(20, gain.shape) + rng.normal(0, readnoise)) / gain
        return found("noise", CCDData(data, unit="adu"), gain=gain * factor, readnoise=readnoise)

    def test_nothing_is_said_where_each_is_right(self):
        assert self.halves().status == "ok"

    def test_a_gain_that_is_wrong_for_all_is_seen(self):
        assert self.halves(3).status == "fail"
