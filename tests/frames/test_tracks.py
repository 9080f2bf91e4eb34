# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Tracks in the header of a cleaned frame.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.frames.tracks import count_tracks

from ..helpers.broken_track import broken_track

pytestmark = pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")


@pytest.fixture(scope="module")
def cleaned():
    return broken_track().clean_cosmic_rays()


def test_the_pieces_of_one_count_once(cleaned):
    assert (cleaned.header["CRNEVENT"], cleaned.header["CRNTRACK"]) == (2, 1)


def test_a_track_restored_in_part_is_counted_anew(cleaned):
    assert cleaned.restore_cosmic_rays(labels=[1]).header["CRNTRACK"] == 1
    assert "CRNTRACK" not in cleaned.restore_cosmic_rays().header


def test_the_verdict_is_on_tracks():
    # Less than one muon is expected, and one is plausible: two would be too many.
    cleaned = broken_track(EXPTIME=1.0, XPIXSZ=2.0, HEIGHT=0.1).clean_cosmic_rays(sigclip=8)
    assert (cleaned.header["CRNEVENT"], cleaned.header["CREXPHI"]) == (2, 1)
    assert cleaned.header["CRVERDCT"] == cleaned.cr_segments().verdict == "plausible"


def test_without_flags_only_pieces_with_short_gaps_are_joined(cleaned):
    record = crp.frames.removed.removed_pixels(cleaned)
    assert count_tracks(record, cleaned.shape, cleaned.flags) == 1
    assert count_tracks(record, cleaned.shape, np.zeros_like(cleaned.flags)) == 2
