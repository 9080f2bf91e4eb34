# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Sections of a frame in FITS notation, and their values.
"""

import numpy as np
import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.sections import as_pairs, map_of_sections, read_pairs, read_section, sections_of

SHAPE = (4, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1:3, 2:4]", (slice(1, 4), slice(0, 3))),
        (" [ 1 : 3 ,2:4] ", (slice(1, 4), slice(0, 3))),
        ("[3:1,2:4]", (slice(1, 4), slice(0, 3))),
        ("[*, 2:4]", (slice(1, 4), slice(0, None))),
    ],
)
def test_x_comes_first_both_ends_are_included_and_a_range_may_run_backwards(text, expected):
    assert read_section(text) == expected


@pytest.mark.parametrize(
    "text", ["", "[1:3]", "[0:3, 1:4]", "[1, 1:4]", "1:3, 2:4", "[1:3:2, 1:4]", "[a:b, c:d]", 5, None]
)
def test_anything_else_is_no_section(text):
    assert read_section(text) is None


def test_each_section_gets_its_value():
    filled = map_of_sections("gain", {"[1:2, *]": 1, "[3:6, *]": 2}, SHAPE)
    assert filled.tolist() == [[1, 1, 2, 2, 2, 2]] * 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"gain=\{\}; expected a section in FITS notation"),
        ({"[1:6]": 1}, r"with the section '\[1:6\]'; expected a section in FITS notation, such as"),
        ({"[1:3, *]": 1, "[3:6, *]": 2}, r"the sections \[1:3, \*\] and \[3:6, \*\], which overlap"),
        ({"[1:3, *]": 1, "[4:5, *]": 2}, r"without a value for 4 of 24 pixels, the first at x = 6, y = 1"),
        ({"[1:3, *]": 1, "[4:7, *]": 2}, r"the section \[4:7, \*\] for a frame of shape \(4, 6\); .*of \[1:6, 1:4\]"),
        ({"[1:6, 5:6]": 1}, r"for a frame of shape"),
    ],
)
def test_sections_must_fill_the_frame_without_overlap(values, message):
    with pytest.raises(CosmicRayError, match=message):
        map_of_sections("gain", values, SHAPE)


def test_values_can_be_written_in_one_text():
    values = {"[1:2, *]": 1.5, "[3:6, *]": 2.0}
    assert read_pairs(as_pairs(values)) == values
    assert read_pairs("[1:2,*]=1.5;[3:6,*] = 2 ; ") == {"[1:2,*]": 1.5, "[3:6,*]": 2}


@pytest.mark.parametrize("text", ["", "1.5", "[1:2,*]", "[1:2,*]=", "[1:2,*]=x", "[1:2,*]=1, [3:6,*]=2", 1.5, None])
def test_anything_else_is_no_text_of_values(text):
    assert read_pairs(text) is None


@pytest.mark.parametrize("values", [(1, 2, 3, 4), (1, 2, 2, 1), (1, 1, 1, 2)])
def test_the_sections_of_a_map_make_the_same_map(values):
    lower_left, lower_right, upper_left, upper_right = (np.full((2, 3), value, float) for value in values)
    by_pixel = np.block([[lower_left, lower_right], [upper_left, upper_right]])
    found = sections_of(by_pixel)
    assert len(found) == 4
    assert (map_of_sections("gain", found, SHAPE) == by_pixel).all()


def test_a_map_that_differs_from_pixel_to_pixel_has_no_sections():
    assert sections_of(np.random.default_rng(1).normal(size=(20, 20))) is None
