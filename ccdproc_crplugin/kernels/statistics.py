# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Robust statistics of plain arrays."""

import numpy as np

__all__ = ["STD_OF_MAD", "robust_std"]

#: Standard deviation of normal values, in units of their median absolute deviation.
STD_OF_MAD = 1.4826


def robust_std(values, centre, median=np.median, axis=None):
    """Standard deviation from the absolute deviations from ``centre``, whose ``median`` along an axis is taken."""
    deviations = np.abs(values - centre)
    return STD_OF_MAD * (median(deviations) if axis is None else median(deviations, axis=axis))
