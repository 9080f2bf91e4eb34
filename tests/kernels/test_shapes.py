# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The shapes of pieces.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.shapes import Shapes, ends

from ..helpers.track_pixels import line_pixels


def shapes_of(*pieces):
    """The shapes of pieces, and their pixels with the piece of each."""
    y, x = np.concatenate(pieces, axis=1)
    piece = np.repeat(np.arange(len(pieces)), [one.shape[1] for one in pieces])
    return Shapes.of(y, x, np.ones(len(y)), piece, len(pieces)), y, x, piece


@pytest.mark.parametrize(("angle", "length"), [(0, 10), (90, 10), (45, 10 * 2**0.5)])
def test_a_row_of_pixels_has_its_length_and_direction(angle, length):
    steps = np.arange(10)
    y, x = (steps * (angle > 0), steps * (angle < 90))
    shapes, *_ = shapes_of(np.array([y + 20, x + 30]))
    assert shapes.area == shapes.charge == 10
    assert shapes.centre[:, 0] == pytest.approx((x.mean() + 30, y.mean() + 20))
    assert shapes.bar[0] == pytest.approx(length, rel=0.01)
    assert np.abs(shapes.axis[:, 0]) == pytest.approx(np.abs([np.cos(np.radians(angle)), np.sin(np.radians(angle))]))


def test_the_sum_of_pieces_is_the_shape_of_all_their_pixels():
    first, second = line_pixels((100, 100), 10, 30), line_pixels((130, 90), 5, 70)
    apart, *_ = shapes_of(first, second)
    together, *_ = shapes_of(np.concatenate([first, second], axis=1))
    np.testing.assert_allclose((apart[[0]] + apart[[1]]).sums, together.sums)
    np.testing.assert_allclose(apart.grouped(np.array([0, 0])).sums, together.sums)


def test_pieces_deviate_from_a_line_by_their_offset_and_their_tilt():
    shapes, *_ = shapes_of(*(np.array([[50 + dy] * 9, np.arange(9)]) for dy in (0, 3)), line_pixels((0, 50), 12, 30))
    line = shapes[[0, 0, 0]]
    assert shapes.distance(line)[:2] == pytest.approx([0, -3])
    deviation = shapes.deviation(line)
    assert deviation[:2] == pytest.approx([0, 9], abs=1e-9)
    assert deviation[2] > shapes.distance(line)[2] ** 2 + 2


def test_the_ends_are_the_outermost_pixels_from_the_middle():
    shapes, *pixels = shapes_of(np.array([[7] * 5, np.arange(5)]), np.array([[9], [9]]))
    first, last = ends(shapes, *pixels)
    assert (*first, *last) == pytest.approx((-2, 0, 2, 0))
