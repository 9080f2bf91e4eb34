# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""An array that another thread changes meanwhile may spoil the result, but never the memory."""

import threading

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.combine import Stack, frame_median

from ..helpers.hit_frames import available_engines

pytestmark = pytest.mark.skipif("c" not in available_engines(), reason="the C engine does not run here")


def read_while_written(array, values, read, n_reads=25):
    """Read again and again while a thread writes one value after the other to all of an array."""
    done = threading.Event()

    def write():
        while not done.wait(1e-5):
            for value in values:
                array[...] = value

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(n_reads):
            read()
    finally:
        done.set()
        writer.join()


@pytest.mark.parametrize(
    ("dtype", "values", "zero"),
    [
        pytest.param("f4", (1.0, 2.0), 0, id="two numbers"),
        pytest.param("f4", (-3e38, 3e38), 0, id="far apart"),
        pytest.param("f4", (1.0, np.nan), 0, id="sometimes nothing"),
        pytest.param("f4", (1.0, 1.0000001, 7.0), 0.1, id="rounded to one number"),
        pytest.param("u2", (1, 65535), 0, id="integers"),
    ],
)
def test_a_median(dtype, values, zero):
    frames = np.ones((1, 200, 200), dtype)
    stack = Stack(frames, zero=zero)
    read_while_written(frames, values, lambda: frame_median(stack, engine="c"))


@pytest.mark.parametrize("values", [(1.0, 2.0), (-3e38, 3e38)])
def test_the_level_of_a_frame_that_is_searched(values):
    frame, mask = np.ones((120, 200), np.float32), np.zeros((120, 200), bool)
    mask[:60], mask[29:32, 29:32] = True, False
    frame[30, 30] = 1e4  # flagged; with no good pixel around, it is replaced by the median of the frame

    def search():
        return lacosmic(frame, mask=mask, readnoise=5.0, niter=1, threads=1, engine="c")

    assert search().cleaned[30, 30] == 1
    read_while_written(frame[62:], values, search)
