# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The level of a frame that no light made."""

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.pedestal import pedestal_of

GAIN, READNOISE = 2.0, 6.0
SECTIONS = {"BIASSEC": "[101:120,1:80]", "TRIMSEC": "[1:100,1:80]"}


@pytest.fixture
def raw():
    """A raw frame in adu: bias 1000, sky 50, a track, and an overscan of 20 columns."""
    rng = np.random.default_rng(5)
    electrons = rng.poisson(100.0, (80, 120)).astype(float)
    electrons[:, 100:] = 0
    electrons[40, 30:40] += 180
    data = electrons / GAIN + rng.normal(0, READNOISE / GAIN, electrons.shape) + 1000
    return CCDData(np.rint(data).astype(np.uint16), unit="adu", meta={"GAIN": GAIN, "RDNOISE": READNOISE})


def pedestal(ccd, bias=None):
    return pedestal_of(ccd, electronics_of(ccd), bias)


def test_the_overscan_tells_the_pedestal(raw):
    raw.meta.update(SECTIONS)
    found = pedestal(raw)
    assert found.level == pytest.approx(2000, abs=3)
    assert found.source == "BIASSEC"


def test_an_overscan_that_was_subtracted_has_none(raw):
    raw.meta.update(SECTIONS)
    raw.data = raw.data - 1000.0
    assert pedestal(raw) is None


def test_programs_note_a_pedestal_with_a_minus(raw):
    raw.meta["PEDESTAL"] = -1000
    assert pedestal(raw).level == 2000


def test_a_pedestal_that_is_gone_does_not_count(raw):
    raw.meta["PEDESTAL"] = -1000
    raw.data = raw.data - 1000.0
    assert pedestal(raw) is None


def test_a_bias_that_is_given_takes_precedence(raw):
    raw.meta["PEDESTAL"] = -500
    found = pedestal(raw, CCDData(np.full(raw.shape, 1000.0), unit="adu"))
    assert np.all(found.level == 2000)
    assert found.source == "bias given"


def test_a_bias_of_another_shape_is_refused(raw):
    with pytest.raises(CosmicRayError, match="bias of shape"):
        pedestal(raw, CCDData(np.zeros((9, 9)), unit="adu"))


class TestCleaning:
    def test_a_raw_frame_is_searched_with_the_noise_of_its_light(self, raw):
        track = np.s_[40, 30:40]
        without = crp.clean_cosmic_rays(raw, preflight="off")
        raw.meta.update(SECTIONS)
        cleaned = crp.clean_cosmic_rays(raw, preflight="off")
        assert cleaned.mask[track].all()
        assert not without.mask[track].all()

    def test_it_finds_what_is_found_without_the_pedestal(self, raw):
        plain = CCDData(raw.data.astype(np.float32) - 1000, unit="adu", meta=raw.meta)
        bias = CCDData(np.full(raw.shape, 1000.0), unit="adu")
        cleaned = crp.clean_cosmic_rays(raw, bias=bias, preflight="off")
        assert np.array_equal(cleaned.mask, crp.clean_cosmic_rays(plain, preflight="off").mask)

    def test_the_data_keep_their_level(self, raw):
        raw.meta.update(SECTIONS)
        cleaned = crp.clean_cosmic_rays(raw, preflight="off")
        assert np.array_equal(cleaned.data[~cleaned.mask], raw.data[~cleaned.mask])
        assert abs(np.median(cleaned.data[40, 30:40]) - 1050) < 10

    def test_the_history_says_what_was_assumed(self, raw):
        raw.meta.update(SECTIONS)
        assert "pedestal=" in str(crp.clean_cosmic_rays(raw, preflight="off").meta["HISTORY"])
