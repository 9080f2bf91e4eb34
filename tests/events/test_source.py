# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Where the cosmic rays of a frame come from: a mask, an earlier cleaning, or a detector.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, plugins

from ..helpers.hit_frames import hit_mask


def test_from_the_flags_of_a_cleaned_frame(cleaned):
    cleaned.mask = np.ones(cleaned.shape, dtype=bool)
    np.testing.assert_array_equal(crp.cr_segments(cleaned).mask, hit_mask())


def test_from_the_mask_that_is_given(cleaned):
    mask = np.zeros(cleaned.shape, dtype=bool)
    mask[4, 4:9] = True
    assert len(crp.cr_segments(cleaned, mask=mask)) == 1


def test_else_they_are_looked_for_and_the_frame_stays_raw(ccd):
    before = ccd.data.copy()
    np.testing.assert_array_equal(crp.cr_segments(ccd).mask, hit_mask())
    np.testing.assert_array_equal(ccd.data, before)
    assert ccd.flags is None


def test_by_the_detector_named_with_its_parameters(ccd):
    assert len(crp.cr_segments(ccd, detector="median", thresh=1e6)) == 0


class TestRefine:
    @pytest.fixture(autouse=True)
    def veto(self):
        def ccdcr_refine(mask):
            return np.zeros_like(mask)

        plugins.register(SimpleNamespace(ccdcr_refine=crp.hookimpl(ccdcr_refine)), "veto")
        yield
        plugins.unregister("veto")

    def test_plugins_change_the_mask_of_the_detector(self, ccd):
        assert len(crp.cr_segments(ccd)) == 0

    def test_unless_they_are_kept_from_it(self, ccd):
        np.testing.assert_array_equal(crp.cr_segments(ccd, refine=False).mask, hit_mask())

    def test_it_is_a_switch(self, ccd):
        with pytest.raises(CosmicRayError, match="refine='no'; expected True or False"):
            crp.cr_segments(ccd, refine="no")

    def test_a_mask_that_is_given_is_not_refined(self, ccd):
        assert len(crp.cr_segments(ccd, mask=hit_mask())) == 3
        with pytest.raises(CosmicRayError, match="'refine' together with mask="):
            crp.cr_segments(ccd, mask=hit_mask(), refine=False)


def test_the_charge_is_the_same_before_and_after_the_cleaning(ccd, cleaned):
    before, after = crp.cr_segments(ccd).table, crp.cr_segments(cleaned).table
    np.testing.assert_allclose(before["sum"].value, after["sum"].value, rtol=1e-6)


def test_a_cleaned_frame_that_kept_only_its_flags_has_events_without_their_charge(cleaned):
    copied = cleaned.copy()
    copied.flags = cleaned.flags
    segments = crp.cr_segments(copied)
    assert len(segments) == 3
    assert np.all(np.isnan(segments.table["sum"]))


@pytest.mark.parametrize("change", [lambda ccd: ccd.copy(), lambda ccd: ccd[5:, 5:]], ids=["copy", "slice"])
def test_a_cleaned_frame_that_lost_its_flags_is_refused(cleaned, change):
    lost = change(cleaned)
    lost.flags = None
    with pytest.raises(CosmicRayError, match=r"without its flags.*A slice or a copy.*read_ccd"):
        crp.cr_segments(lost)


@pytest.mark.parametrize("wish", [{"sigclip": 8}, {"gain": 2}, {"detector": "median"}, {"refine": False}])
def test_a_search_on_a_cleaned_frame_is_refused(cleaned, wish):
    with pytest.raises(CosmicRayError, match=f"'{next(iter(wish))}' for a frame that was cleaned already"):
        crp.cr_segments(cleaned, **wish)


def test_foreign_flags_are_not_taken_for_cosmic_rays(ccd):
    ccd.flags = np.ones(ccd.shape, dtype=np.uint8)
    assert len(crp.cr_segments(ccd)) == 3
