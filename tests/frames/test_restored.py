# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Values that were removed from hot pixels, put back into a frame.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.frames.removed import removed_pixels
from ccdproc_crplugin.frames.restored import put_hot_pixels_back

from ..helpers.hit_frames import assert_same_frame, rich_frame

#: The first of the hits of the frame, in the flattened frame.
FIRST = np.array([10 * 60 + 12])


@pytest.fixture
def frame():
    ccd = rich_frame()
    ccd.uncertainty.array[:] = 10.5  # the noise of the frame
    return ccd


@pytest.fixture
def restored(frame):
    return put_hot_pixels_back(crp.clean_cosmic_rays(frame, "median", thresh=40), FIRST)


def test_the_pixel_is_as_it_was(frame, restored):
    assert restored.data[10, 12] == frame.data[10, 12]
    assert restored.uncertainty.array[10, 12] == frame.uncertainty.array[10, 12]
    assert not restored.mask[10, 12]
    assert not restored.flags[10, 12]


def test_the_header_counts_them_and_the_events_that_are_left(restored):
    assert [restored.meta[card] for card in ("CRNHOT", "CRNEVENT", "CRNPIX")] == [1, 2, 7]


def test_the_record_remembers_it_through_a_file(restored, tmp_path):
    crp.write_ccd(restored, tmp_path / "frame.fits")
    for ccd in (restored, crp.read_ccd(tmp_path / "frame.fits")):
        assert removed_pixels(ccd).put_back.tolist() == [[10, 12]]


def test_a_further_edit_keeps_it(restored):
    mask = np.zeros(restored.shape, dtype=bool)
    mask[40, 5] = True
    edited = crp.restore_cosmic_rays(crp.add_cosmic_rays(restored, mask), labels=[1])
    assert removed_pixels(edited).put_back.tolist() == [[10, 12]]
    assert edited.meta["CRNHOT"] == 1


def test_the_rest_can_be_restored(frame, restored):
    everything = crp.restore_cosmic_rays(restored)
    assert_same_frame(everything, frame)
    assert "CRNHOT" not in everything.meta


def test_a_table_of_pixels_outside_of_the_frame_is_refused(restored, tmp_path):
    from astropy.io import fits

    crp.write_ccd(restored, tmp_path / "frame.fits")
    with fits.open(tmp_path / "frame.fits", mode="update") as hdus:
        hdus["CRHOT"].data["y"][0] = 99
    with pytest.raises(crp.CosmicRayError, match="does not fit the frame"):
        crp.read_ccd(tmp_path / "frame.fits")
