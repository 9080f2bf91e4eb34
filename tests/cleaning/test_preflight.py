# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The preflight: its policies, its place in the cleaning, and checks that fail to run.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import Check, CosmicRayError, Finding, PreflightWarning, hookimpl, plugins

from ..helpers.hit_frames import hit_frame


def finding(status):
    return lambda ccd, *, gain, readnoise, dark: Finding("theirs", status, "the dome was shut", fix="open it")


@pytest.fixture
def with_check():
    """Registers a check for this test."""

    def add(run):
        @hookimpl
        def ccdcr_checks():
            yield Check("theirs", "a check", run)

        plugins.register(SimpleNamespace(ccdcr_checks=ccdcr_checks), "theirs")

    yield add
    plugins.unregister("theirs")


def statuses(findings):
    return {finding.check: finding.status for finding in findings}


class TestUnit:
    def test_a_frame_in_adu_with_its_noise_is_fine(self, ccd):
        assert set(statuses(crp.cr_preflight(ccd)).values()) == {"ok"}

    @pytest.mark.parametrize(
        ("unit", "meta", "message"),
        [
            ("electron / s", {}, "a rate"),
            ("Jy", {}, "'Jy'"),
            ("adu", {}, "no gain"),
            ("electron", {}, "no readnoise"),
        ],
    )
    def test_a_frame_that_could_not_be_cleaned_fails(self, unit, meta, message):
        found = crp.cr_preflight(CCDData(np.ones((9, 9)), unit=unit, meta=meta))[1]
        assert (found.check, found.status, found.note) == ("unit", "fail", 5)
        assert message in found.message
        assert found.fix

    def test_noise_given_by_hand_counts(self):
        assert statuses(CCDData(np.ones((9, 9)), unit="adu").cr_preflight(gain=2, readnoise=5))["unit"] == "ok"


class TestKind:
    @pytest.mark.parametrize("kind", ["bias", "dark", "flat"])
    def test_a_calibration_frame_is_to_be_combined(self, ccd, kind):
        ccd.meta["IMAGETYP"] = kind
        found = crp.cr_preflight(ccd)[0]
        assert (found.check, found.status) == ("kind", "fail")
        assert "combine" in found.fix

    def test_a_cleaned_frame_says_so(self, cleaned):
        assert "cleaned already" in crp.cr_preflight(cleaned)[0].message


class TestPolicies:
    def test_report_only_returns(self, ccd, with_check):
        with_check(finding("fail"))
        assert statuses(crp.cr_preflight(ccd))["theirs"] == "fail"

    @pytest.mark.parametrize("status", ["warn", "fail"])
    def test_warn_warns_of_each_that_is_not_ok(self, ccd, with_check, status):
        with_check(finding(status))
        with pytest.warns(PreflightWarning, match=r"theirs: the dome was shut What to do: open it\."):
            crp.cr_preflight(ccd, policy="warn")

    def test_raise_raises_on_a_fail(self, ccd, with_check):
        with_check(finding("fail"))
        with pytest.raises(CosmicRayError, match="preflight failed: theirs: the dome was shut"):
            crp.cr_preflight(ccd, policy="raise")

    def test_raise_warns_of_a_warning(self, ccd, with_check):
        with_check(finding("warn"))
        with pytest.warns(PreflightWarning):
            crp.cr_preflight(ccd, policy="raise")

    def test_off_looks_at_nothing(self, ccd, with_check):
        with_check(finding("fail"))
        assert crp.cr_preflight(ccd, policy="off") == []

    def test_another_policy_is_refused(self, ccd):
        with pytest.raises(CosmicRayError, match="policy='shout'; expected one of: 'report', 'warn', 'raise', 'off'"):
            crp.cr_preflight(ccd, policy="shout")


class TestOnTheWayToCleaning:
    def test_warn_is_the_default(self, ccd, with_check):
        with_check(finding("fail"))
        with pytest.warns(PreflightWarning):
            crp.clean_cosmic_rays(ccd)

    def test_raise_stops_a_frame_that_fails(self, ccd, with_check):
        with_check(finding("fail"))
        with pytest.raises(CosmicRayError, match="the dome was shut"):
            crp.clean_cosmic_rays(ccd, preflight="raise")

    def test_off_does_not_look(self, ccd, with_check):
        with_check(finding("fail"))
        assert crp.clean_cosmic_rays(ccd, preflight="off").mask.any()


class TestBrokenChecks:
    @pytest.mark.parametrize(
        ("run", "message"),
        [
            (lambda ccd, **_: 1 / 0, "plugin 'theirs' of distribution 'this process' failed: ZeroDivisionError"),
            (lambda ccd, **_: "fine", "expected a Finding"),
            (lambda ccd, **_: Finding("theirs", "perhaps", "..."), "expected a Finding of status ok, warn, fail"),
            (lambda ccd, **_: [None], "expected a Finding"),
        ],
    )
    def test_one_that_fails_is_a_warning_that_names_it(self, ccd, with_check, run, message):
        with_check(run)
        found = crp.cr_preflight(ccd)[-1]
        assert (found.check, found.status) == ("theirs", "warn")
        assert message in found.message

    def test_one_may_find_nothing_or_several_things(self, ccd, with_check):
        with_check(lambda ccd, **_: None)
        assert "theirs" not in statuses(crp.cr_preflight(ccd))

    def test_it_sees_the_noise_and_the_dark(self, ccd, with_check):
        seen = {}
        with_check(lambda ccd, **known: seen.update(known))
        crp.cr_preflight(ccd, dark=ccd)
        assert str(seen["gain"]) == "2.0 electron / adu"
        assert str(seen["readnoise"]) == "5.0 electron"
        assert seen["dark"] is ccd


@pytest.mark.parametrize("figures", [{"gain": -1}, {"gain": "x"}, {"readnoise": -1}, {"readnoise": [1, 2]}])
def test_the_finding_says_what_is_wrong_with_the_figures_given(figures):
    (name,) = figures
    ccd = CCDData(np.ones((9, 9)), unit="adu", meta={"GAIN": 1.5, "RDNOISE": 5.0})
    (found,) = [finding for finding in crp.cr_preflight(ccd, **figures) if finding.status == "fail"]
    assert found.check == "unit"
    assert f"Found {name}=" in found.message


@pytest.mark.parametrize("wrong", [5, np.ones((9, 9))])
def test_a_dark_that_is_no_frame_is_refused(wrong):
    with pytest.raises(CosmicRayError, match="Found dark="):
        crp.cr_preflight(CCDData(np.ones((9, 9)), unit="adu"), dark=wrong)


def test_a_number_of_combined_frames_that_no_one_can_count_is_passed_over():
    ccd = CCDData(np.ones((9, 9)), unit="adu", meta={"NCOMBINE": 10**400})
    assert "kind" not in [finding.check for finding in crp.cr_preflight(ccd) if finding.status != "ok"]


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_a_level_below_the_sky_fails_and_the_verdict_is_not_plausible():
    ccd = hit_frame(meta={"GAIN": 2.0, "RDNOISE": 5.0, "EXPTIME": 90, "XPIXSZ": 9})
    found = {finding.check: finding for finding in crp.cr_preflight(ccd, saturation=100)}
    assert found["saturation"].status == "fail"
    assert ccd.clean_cosmic_rays(saturation=100).header["CRVERDCT"] == "cannot tell"


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_pixels_that_clean_refuses_fail(value):
    ccd = CCDData(np.full((9, 9), value), unit="adu", meta={"GAIN": 2.0, "RDNOISE": 5.0})
    assert [finding.check for finding in crp.cr_preflight(ccd) if finding.status == "fail"] == ["pixels"]


def test_a_surface_brightness_that_is_called_adu_is_doubted():
    ccd = hit_frame(meta={"GAIN": 2.0, "RDNOISE": 5.0, "BUNIT": "MJy/sr"})
    found = {finding.check: finding for finding in crp.cr_preflight(ccd)}
    assert found["records"].status == "warn"
    assert "BUNIT says MJy/sr" in found["records"].message


def test_the_advice_for_rates_keeps_the_header():
    rate = CCDData(np.ones((9, 9)), unit="adu / s", meta=fits.Header({"GAIN": 2.0}))
    assert rate.multiply(5 * u.s, handle_meta="first_found").meta["GAIN"] == 2.0
