# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Edges of a chip with a level of their own."""

import numpy as np

from ccdproc_crplugin.kernels.edges import structured_edges


def test_an_edge_that_is_hit_all_along_is_structure():
    hits = np.zeros((50, 40), dtype=bool)
    hits[::2, 0] = True
    assert structured_edges(hits)[0, :5].tolist() == [True, True, True, False, False]


def test_one_cosmic_ray_at_an_edge_is_not():
    hits = np.zeros((50, 40), dtype=bool)
    hits[20:24, 0] = True
    assert structured_edges(hits) is None


class TestLinesInside:
    def test_a_column_that_is_hit_all_along_is_structure_with_its_neighbours(self):
        hits = np.zeros((200, 300), dtype=bool)
        hits[::5, 40] = True
        edges = structured_edges(hits)
        assert edges[:, 39:42].all()
        assert edges.sum() == 3 * 200

    def test_a_track_along_a_column_is_not(self):
        hits = np.zeros((200, 300), dtype=bool)
        hits[50:120, 40] = True
        assert structured_edges(hits) is None

    def test_a_column_beside_many_cosmic_rays_is_not(self):
        hits = np.random.default_rng(1).random((200, 300)) < 0.05
        assert structured_edges(hits) is None
