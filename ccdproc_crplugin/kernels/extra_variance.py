# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The variance that a pixel has beside that of its own signal and of the read-out."""

import numpy as np

#: Weights of a pixel and of each of its four neighbours in the variance of L+ / 2. The Laplacian takes a pixel less the
#: mean of its neighbours, so that their variances count 1 and 1 / 16 each; divided by their sum, an extra variance that
#: is the same everywhere counts as just itself, as the noise of the sky does.
CENTRE, NEIGHBOUR = 0.8, 0.05


def laplacian_variance(variance: np.ndarray) -> np.ndarray:
    """
    Variance that some variance of the pixels gives the Laplacian, in the scale of the smoothed variance.

    Both are float32, shape (ny, nx), electrons squared. At the border the frame is reflected.
    """
    padded = np.pad(variance, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.float32(CENTRE) * variance + np.float32(NEIGHBOUR) * neighbours
