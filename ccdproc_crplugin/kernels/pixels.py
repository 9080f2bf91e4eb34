# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Arrays as C takes them, and where a mask is true."""

from typing import Any

import numpy as np


def as_c_array(array: Any, dtype: Any) -> np.ndarray:
    """An array of this dtype whose values lie in C order and where the processor reads them; a copy if need be."""
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED", "ENSUREARRAY"])


def true_pixels(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the true pixels in reading order, many times faster than `numpy.nonzero`."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])
