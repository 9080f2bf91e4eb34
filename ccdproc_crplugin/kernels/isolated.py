# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Single pixels that stand out from all pixels around them."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.kernels.blocks import quantiles

HEIGHT = 7.0  # standard deviations over the neighbours, where hot pixels begin to be taken for cosmic rays
# Of a pixel's height: the most by which one neighbour and the four beside it may stand out. A star with a FWHM
# of 1.3 pixels has 0.19 of its peak more in the four beside it than in the four corners.
ONE_NEIGHBOUR = 0.25
FOUR_BESIDE = 0.08
BELOW_ONE_SIGMA = 0.1587  # share of a normal distribution
BESIDE = ((-1, 0), (1, 0), (0, -1), (0, 1))
CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def isolated_pixels(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Block, row and column of each in `take_blocks`, without those beside bad pixels or on the border of a block."""
    level, low = quantiles(blocks, 0.5, BELOW_ONE_SIGMA)
    sigma = level - low
    block, y, x = np.nonzero(blocks[:, 1:-1, 1:-1] > (level + HEIGHT * sigma)[:, np.newaxis, np.newaxis])
    y, x = y + 1, x + 1
    beside = np.stack([blocks[block, y + dy, x + dx] for dy, dx in BESIDE])
    corners = np.stack([blocks[block, y + dy, x + dx] for dy, dx in CORNERS])
    around = (beside.mean(axis=0) + corners.mean(axis=0)) / 2
    height = blocks[block, y, x] - around
    highest = np.maximum(beside.max(axis=0), corners.max(axis=0)) - around
    cross = beside.mean(axis=0) - corners.mean(axis=0)
    alone = (height > HEIGHT * sigma[block]) & (highest < ONE_NEIGHBOUR * height) & (cross < FOUR_BESIDE * height)
    return block[alone], y[alone], x[alone]
