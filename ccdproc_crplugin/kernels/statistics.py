# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Robust statistics of plain arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["EXACT_STD_OF_MAD", "STD_OF_MAD", "robust_std"]

#: Standard deviation of normal values, in units of their median absolute deviation; and to all digits, as
#: `ccdproc.combine` has it, to whose results those of the combination are equal.
STD_OF_MAD, EXACT_STD_OF_MAD = 1.4826, 1.482602218505602


def robust_std(values: Any, centre: Any, median: Callable[..., Any] = np.median, axis: Any = None) -> Any:
    """Standard deviation from the absolute deviations from ``centre``, whose ``median`` along an axis is taken."""
    deviations = np.abs(values - centre)
    return STD_OF_MAD * (median(deviations) if axis is None else median(deviations, axis=axis))
