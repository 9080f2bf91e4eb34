# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Connected pixels, counted without going through the whole frame."""

from __future__ import annotations

import numpy as np

#: Steps to the neighbours that come later in reading order, by connectivity.
_FORWARD = {4: ((0, 1), (1, 0)), 8: ((0, 1), (1, -1), (1, 0), (1, 1))}


def label_pixels(y: np.ndarray, x: np.ndarray, shape: tuple[int, int], connectivity: int = 8) -> np.ndarray:
    """Labels (int32, from 1) of pixels in reading order, as `scipy.ndimage.label` numbers connected pixels."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if len(y) == 0:
        return np.zeros(0, dtype=np.int32)
    width = shape[1] + 2
    position = y.astype(np.int64) * width + x
    pairs = [_neighbours(position, dy * width + dx) for dy, dx in _FORWARD[connectivity]]
    first, second = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(len(y), len(y)))
    _, component = connected_components(graph, directed=False)
    _, first_pixel, inverse = np.unique(component, return_index=True, return_inverse=True)
    order = np.empty(len(first_pixel), dtype=np.int32)
    order[np.argsort(first_pixel)] = np.arange(1, len(first_pixel) + 1)
    return order[inverse]


def index_of(y: np.ndarray, x: np.ndarray, wanted_y: np.ndarray, wanted_x: np.ndarray, width: int) -> np.ndarray:
    """Where some pixels stand among others, which are in reading order and hold all of them."""
    position = y.astype(np.int64) * width + x
    return np.searchsorted(position, wanted_y.astype(np.int64) * width + wanted_x)


def _neighbours(position: np.ndarray, step: int) -> np.ndarray:
    """The pairs of indices whose positions differ by ``step``."""
    index = np.searchsorted(position, position + step)
    found = index < len(position)
    found[found] = position[index[found]] == position[found] + step
    return np.array([np.nonzero(found)[0], index[found]])
