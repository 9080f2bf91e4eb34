# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The flagged pixels of a frame, as they were before the cleaning.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.frames.hits import removed_hits, voting_hits
from ccdproc_crplugin.frames.restored import put_hot_pixels_back

from ..helpers.hit_frames import HITS, hit_frame

INDEX = sorted(y * 60 + x for (y, x), _ in HITS)


@pytest.fixture
def cleaned():
    ccd = hit_frame()
    ccd.meta["EXPTIME"] = 60.0
    return crp.clean_cosmic_rays(ccd, "median", thresh=40)


def by_hand(ccd, *places):
    mask = np.zeros(ccd.shape, dtype=bool)
    for place in places:
        mask[place] = True
    return crp.add_cosmic_rays(ccd, mask)


def test_heights_are_in_electron_and_belong_to_the_frame_before(cleaned):
    hits = voting_hits(cleaned)
    assert hits.index.tolist() == INDEX
    assert hits.height[0] == pytest.approx(2 * 3000, rel=0.02)
    assert hits.exposure == 60


def test_what_was_put_back_votes_as_before(cleaned):
    before, after = voting_hits(cleaned), voting_hits(put_hot_pixels_back(cleaned, np.array(INDEX[:1])))
    for name in ("index", "label", "height", "around", "noise", "high"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_what_was_put_back_is_not_removed(cleaned):
    assert removed_hits(put_hot_pixels_back(cleaned, np.array(INDEX[:1]))).index.tolist() == INDEX[1:]


def test_a_file_votes_as_the_frame(cleaned, tmp_path):
    crp.write_ccd(cleaned, tmp_path / "frame.fits")
    one, other = voting_hits(cleaned), voting_hits(crp.read_ccd(tmp_path / "frame.fits"))
    for name in ("index", "label", "height", "around", "noise", "high"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_pixels_added_by_hand_have_no_vote(cleaned):
    edited = by_hand(cleaned, (40, 5))
    assert voting_hits(edited).index.tolist() == INDEX
    assert 40 * 60 + 5 in removed_hits(edited).index


def test_labels_are_those_of_the_segments(cleaned):
    edited = by_hand(cleaned, (9, 13), (40, 5))
    hits = removed_hits(edited)
    np.testing.assert_array_equal(hits.label, edited.cr_segments().data.flat[hits.index])


def test_without_the_removed_values_there_is_no_vote(cleaned):
    assert voting_hits(cleaned.copy()) is None
    assert removed_hits(cleaned.copy()) is None


def test_a_frame_that_is_flagged_all_over_has_no_vote(cleaned, monkeypatch):
    monkeypatch.setattr("ccdproc_crplugin.frames.hits.LARGEST_SHARE", 1e-3)
    assert voting_hits(cleaned) is None


def test_an_exposure_of_zero_counts_as_a_second(cleaned):
    cleaned.meta["EXPTIME"] = 0.0
    assert voting_hits(cleaned).exposure == 1
