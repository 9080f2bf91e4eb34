# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Events that no particle makes are told from tracks, worms and spots."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.structure import RULES, structure_rules

SHAPE = (1000, 800)


def rule_of(hits, saturated=None):
    """The rule of the only event, or of the first; "" for none."""
    y, x = np.nonzero(hits)
    number = structure_rules(y, x, label_pixels(y, x, hits.shape), hits.shape, saturated)[1]
    return RULES[number - 1] if number else ""


def empty():
    return np.zeros(SHAPE, dtype=bool)


def line(y0, x0, y1, x1, width=1):
    """A straight track."""
    hits, n = empty(), 2 * int(max(abs(y1 - y0), abs(x1 - x0))) + 1
    for offset in range(width):
        hits[np.linspace(y0, y1, n).round().astype(int) + offset, np.linspace(x0, x1, n).round().astype(int)] = True
    return hits


class TestParticles:
    @pytest.mark.parametrize("end", [(700, 500), (400, 420), (160, 700)])
    @pytest.mark.parametrize("width", [1, 3])
    def test_a_muon_may_leave_a_track_of_hundreds_of_pixels(self, end, width):
        assert rule_of(line(100, 100, *end, width=width)) == ""

    def test_a_bent_worm_is_none(self):
        angle = np.linspace(0, 2, 400)
        hits = empty()
        hits[(300 + 60 * np.sin(angle)).astype(int), (300 + 60 * np.cos(angle)).astype(int)] = True
        assert rule_of(hits) == ""

    def test_a_spot_of_nine_pixels_across_is_none(self):
        hits = empty()
        hits[300:309, 300:309] = True
        assert rule_of(hits) == ""

    def test_a_track_in_a_small_cut_out_is_none(self):
        hits = np.zeros((40, 40), dtype=bool)
        hits[20, 2:38] = True
        assert rule_of(hits) == ""

    def test_a_short_track_along_the_edge_of_the_frame_is_none(self):
        assert rule_of(line(0, 100, 0, 120)) == ""

    def test_a_hit_that_saturates_a_few_pixels_is_none(self):
        hits, saturated = line(300, 300, 330, 300), empty()
        saturated[300:305, 300] = True
        assert rule_of(hits, saturated) == ""

    def test_no_event_has_no_rule(self):
        nothing = np.zeros(0, dtype=int)
        assert list(structure_rules(nothing, nothing, nothing, SHAPE, empty())) == [0]


class TestStructure:
    def test_what_covers_the_frame(self):
        assert "2 % of the frame" in rule_of(np.ones(SHAPE, dtype=bool))

    @pytest.mark.parametrize("holes", [1.0, 0.9])
    def test_a_filled_area(self, holes):
        hits = empty()
        hits[300:312, 300:312] = np.random.default_rng(1).random((12, 12)) < holes
        assert "square of 10 x 10" in rule_of(hits)

    def test_a_large_area_with_half_of_its_pixels(self):
        hits = empty()
        hits[300:330, 300:330] = np.indices((30, 30)).sum(axis=0) % 2 == 0
        assert "square of 10 x 10" in rule_of(hits)

    @pytest.mark.parametrize("tilt", [0, 6])
    def test_the_edge_of_a_slit(self, tilt):
        assert "along rows or columns" in rule_of(line(200, 100, 200 + tilt, 700, width=3))

    def test_a_bad_column(self):
        assert "along rows or columns" in rule_of(line(200, 300, 320, 300))

    @pytest.mark.parametrize("turned", [False, True])
    def test_what_lies_along_the_edge_of_the_frame(self, turned):
        hits = line(1, 100, 1, 150)
        assert "along the edge of the frame" in rule_of(hits.T if turned else hits)

    def test_a_bleed_trail(self):
        hits = line(300, 300, 340, 300)
        assert "saturated pixels" in rule_of(hits, hits)

    def test_the_core_of_a_saturated_star(self):
        hits = empty()
        hits[300:305, 300:305] = True
        assert "saturated pixels" in rule_of(hits, hits)

    def test_the_flank_of_a_trail(self):
        saturated = line(300, 300, 380, 300, width=1)
        assert "flank of a trail" in rule_of(line(310, 302, 350, 302), saturated)

    def test_each_event_has_a_rule_of_its_own(self):
        hits = line(200, 300, 320, 300) | line(600, 300, 650, 350)
        y, x = np.nonzero(hits)
        numbers = structure_rules(y, x, label_pixels(y, x, SHAPE), SHAPE)
        assert list(numbers > 0) == [False, True, False]
