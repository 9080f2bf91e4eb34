# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The level at which bright pixels pile up is the saturation level where none is known, and this is said."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import PixelFlag, PreflightWarning
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.saturation import attach_saturated, with_saturation

TOP = 4095


def raw(unit="adu", **meta):
    """A raw frame of 12 bits with stars of which some end at its top, and their trails."""
    rng = np.random.default_rng(4)
    frame = rng.normal(400, 6, (200, 300))
    y, x = np.indices(frame.shape)
    for cy, cx, peak in ((40, 50, 9e3), (90, 200, 2e4), (150, 120, 4e4), (60, 250, 1500), (170, 260, 2500)):
        frame += peak * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 5)
    frame[120:180, 119:121] = 9e3
    frame[20, 150:160] += 2000
    header = fits.Header({"GAIN": 2.0, "RDNOISE": 9.0, **meta})
    return CCDData(np.minimum(frame, TOP).round().astype(np.float32), unit=unit, header=header)


def level_of(ccd, **given):
    found = with_saturation(ccd, electronics_of(ccd, **given))
    return found.saturation, found.saturation_source


def test_the_level_is_just_below_the_pile_in_electrons():
    level, source = level_of(raw())
    assert 0.95 * 2 * TOP < level < 2 * TOP
    assert source == "pile-up"


def test_a_frame_in_electron_has_its_own():
    assert 0.95 * TOP < level_of(raw("electron"))[0] < TOP


def test_a_gain_by_amplifier_gives_a_level_by_amplifier():
    ccd = raw()
    gain = np.where(np.indices(ccd.shape)[1] < 150, 2.0, 3.0)
    found = with_saturation(ccd, electronics_of(ccd, gain=gain))
    assert found.saturation == pytest.approx(found.saturation_map[0, 0])
    assert found.saturation_map[0, 299] == pytest.approx(1.5 * found.saturation)


@pytest.mark.parametrize(("meta", "given"), [({"SATURATE": 60000.0}, {}), ({}, {"saturation": 60000})])
def test_a_level_that_is_known_is_kept(meta, given):
    assert level_of(raw(**meta), **given)[0] == 120000


def test_without_a_pile_no_level_is_known():
    ccd = raw()
    assert level_of(CCDData(ccd.data[:, 220:], unit="adu", header=ccd.header)) == (np.inf, "not known")


@pytest.fixture
def cleaned():
    with pytest.warns(PreflightWarning, match="pile up at 4095 adu, and no saturation level is known: 4013.1 is used"):
        return raw().clean_cosmic_rays()


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
class TestCleaning:
    def test_cores_and_trails_are_left_alone(self, cleaned):
        assert not (cleaned.flags[115:185, 110:130] & PixelFlag.COSMIC_RAY).any()
        assert (cleaned.flags[20, 150:160] & PixelFlag.COSMIC_RAY).all()

    def test_the_header_says_level_and_source(self, cleaned):
        assert cleaned.header["CRSATUR"] == pytest.approx(2 * 4013, rel=0.001)
        assert "pile-up" in cleaned.header.comments["CRSATUR"]
        assert "saturation" in cleaned.header["CRPREFLT"]
        history = "".join(cleaned.header["HISTORY"])
        assert "saturation=8026" in history.replace("\n", "")

    def test_following_the_advice_ends_the_finding(self):
        findings = crp.cr_preflight(raw(SATURATE=4095.0))
        assert [finding.status for finding in findings if finding.check == "saturation"] == ["ok"]

    def test_segments_and_tuning_use_it_too(self):
        ccd = raw()
        assert not crp.cr_segments(ccd).mask[115:185, 110:130].any()
        given = crp.cr_tune(ccd, saturation=4013.1 * u.adu)
        assert crp.cr_tune(ccd).sigclip == given.sigclip


def test_the_pixels_that_the_file_has_as_saturated_tell_the_level():
    ccd = CCDData(np.arange(2000.0).reshape(40, 50), unit="adu", meta={"GAIN": 2.0, "RDNOISE": 9.0})
    marked = ccd.data >= 1500
    marked[0, 3] = True  # one that is not, marked beside the others
    attach_saturated(ccd, marked)
    level, source = level_of(ccd)
    assert 2 * 1480 < level < 2 * 1520
    assert source == "DQ"
    assert level_of(ccd, saturation=5000)[0] == 10_000
