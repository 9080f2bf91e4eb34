# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The approximate discrete Radon transform of Brady (1998, SIAM J. Comput. 27, 107): sums along all lines of an image.

A line that crosses a strip of 2m columns consists of two lines that cross its halves. The sum along each line of a
strip twice as wide is therefore one addition: 2 N^2 log N additions in place of N^3.
"""

import numpy as np


def line_sums(images):
    """
    Sums along the lines that rise by 0 to N - 1 rows over the N columns of square images.

    Parameters
    ----------
    images : numpy.ndarray, shape (k, N, N)
        Square images; N is a power of 2. Whole numbers must be small enough for the sums to fit their dtype.

    Returns
    -------
    numpy.ndarray, shape (k, N, 2 N - 1)
        ``sums[i, rise, start + N - 1]`` is the sum of image i along the line that begins in row ``start`` of the first
        column, -N + 1 to N - 1, and is ``rise`` rows higher in the last one.
    """
    n = images.shape[1]
    sums = np.ascontiguousarray(images.transpose(2, 0, 1))[np.newaxis]  # rise, strip, image, start
    low = 0  # the starts are counted from row -low
    while sums.shape[1] > 1:
        sums, low = _of_wider_strips(sums, low, n), 2 * low + 1
    return sums[:, 0].transpose(1, 0, 2)


def _of_wider_strips(sums, low, n):
    """The sums along the lines of strips twice as wide."""
    n_rises, n_strips, k, _ = sums.shape
    lower = 2 * low + 1
    wider = np.empty((2 * n_rises, n_strips // 2, k, n + lower), dtype=sums.dtype)
    wider[..., : low + 1] = 0
    wider[0::2, ..., low + 1 :] = sums[:, 0::2]
    wider[1::2, ..., low + 1 :] = sums[:, 0::2]
    for rise in range(2 * n_rises):
        begin = low + 1 - (rise + 1) // 2
        wider[rise, ..., begin : begin + n + low] += sums[rise // 2, 1::2]
    return wider
