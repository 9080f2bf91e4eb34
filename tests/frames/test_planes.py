"""
All that is known of a frame's pixels, for each plane of a mosaic.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty

from ccdproc_crplugin.frames.planes import split_ccd, split_known


@dataclass(frozen=True)
class Known:
    level: object
    name: str = "bias"


FRAME = np.arange(35.0).reshape(5, 7)


def test_arrays_of_the_shape_of_the_frame_are_split():
    planes = split_known(FRAME, (5, 7))
    assert np.array_equal(planes[1], FRAME[::2, 1::2])
    assert not planes[1].flags.writeable


def test_so_are_those_within_mappings_and_dataclasses():
    planes = split_known({"pedestal": Known(FRAME), "sigclip": 5.0}, (5, 7))
    assert np.array_equal(planes[3]["pedestal"].level, FRAME[1::2, 1::2])
    assert planes[3]["pedestal"].name == "bias"
    assert planes[3]["sigclip"] == 5.0


def test_a_level_for_each_row_is_split_along_the_column():
    rows = FRAME[:, :1]
    assert [plane.ravel().tolist() for plane in split_known(rows, (5, 7))] == [[0, 14, 28]] * 2 + [[7, 21]] * 2


@pytest.mark.parametrize("known", [None, 3.0, "auto", 2 * u.electron, np.ones((3, 3)), np.ones(4)])
def test_anything_else_is_the_same_for_all_planes(known):
    assert all(plane is known for plane in split_known(known, (5, 7)))


def test_a_frame_is_split_with_mask_flags_and_uncertainty():
    ccd = CCDData(FRAME, unit="adu", mask=FRAME > 20, uncertainty=StdDevUncertainty(FRAME + 1), meta={"GAIN": 2})
    ccd.flags = np.arange(35, dtype=np.uint8).reshape(5, 7)
    plane = split_ccd(ccd)[2]
    for found, whole in ((plane.data, FRAME), (plane.mask, FRAME > 20), (plane.uncertainty.array, FRAME + 1)):
        assert np.array_equal(found, whole[1::2, ::2])
    assert np.array_equal(plane.flags, ccd.flags[1::2, ::2])
    assert plane.meta["GAIN"] == 2
    assert ccd.data is not plane.data
