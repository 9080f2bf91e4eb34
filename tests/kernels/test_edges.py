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
