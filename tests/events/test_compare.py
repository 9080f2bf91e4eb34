# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The pixels and events that two masks share.
"""

import numpy as np
import pytest
from matplotlib.figure import Figure

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import hit_mask


def test_two_cleanings_are_compared_by_their_cosmic_rays(ccd, cleaned):
    other = crp.clean_cosmic_rays(ccd, "median", thresh=100)
    counts = crp.compare_masks(cleaned, other)
    assert (counts.n_pixels_both, counts.n_pixels_only_a, counts.n_pixels_only_b) == (7, 1, 0)
    assert (counts.n_events_both, counts.n_events_only_a, counts.n_events_only_b) == (2, 1, 0)


def test_segments_and_arrays_will_do(cleaned):
    assert crp.compare_masks(crp.cr_segments(cleaned), hit_mask()).n_pixels_both == 8


def test_an_event_of_which_each_has_a_part_is_shared():
    a, b = np.zeros((2, 9, 9), dtype=bool)
    a[4, 2:5] = b[4, 5:8] = True
    counts = crp.compare_masks(a, b)
    assert (counts.n_pixels_both, counts.n_events_both) == (0, 1)


def test_a_frame_without_a_mask_has_no_cosmic_ray(ccd):
    assert crp.compare_masks(ccd, hit_mask()).n_events_only_b == 3


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (np.ones((2, 2)), "a: ndarray of dtype float64"),
        ("mask.fits", "a: str"),
        (np.ones((3, 3), bool), "same shape"),
    ],
)
def test_what_is_no_mask_is_refused(a, message):
    with pytest.raises(CosmicRayError, match=message):
        crp.compare_masks(a, hit_mask())


class TestShown:
    @pytest.fixture
    def comparison(self):
        a = np.zeros((20, 30), dtype=bool)
        b = a.copy()
        a[5, 5:8] = b[5, 7] = a[15, 20] = True
        b[1, 28] = b[2, 2] = True
        return crp.compare_masks(a, b)

    def test_in_a_line_and_as_a_table(self, comparison):
        said = "<MaskComparison: pixels: 1 both, 3 only a, 2 only b; events: 1 both, 1 only a, 2 only b>"
        assert repr(comparison) == said
        assert "<tr><td>pixels</td><td>1</td><td>3</td><td>2</td></tr>" in comparison._repr_html_()

    def test_a_circle_stands_at_each_event_of_its_kind(self, comparison):
        (axes,) = comparison.plot().axes
        circles = {one.get_label(): one.get_offsets().tolist() for one in axes.collections}
        assert circles == {"both: 1": [[6, 5]], "only a: 1": [[20, 15]], "only b: 2": [[28, 1], [2, 2]]}

    def test_it_is_drawn_in_axes_that_are_given(self, comparison):
        ax = Figure().subplots()
        assert comparison.plot(ax=ax) is ax
        assert len(ax.collections) == 3

    def test_without_an_event_it_is_empty(self):
        nothing = np.zeros((5, 5), dtype=bool)
        (axes,) = crp.compare_masks(nothing, nothing).plot().axes
        assert [len(one.get_offsets()) for one in axes.collections] == [0, 0, 0]
