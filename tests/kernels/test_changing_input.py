# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""An array that another thread changes meanwhile may spoil the result, but never the memory."""

import subprocess
import sys

import pytest

from ..helpers.hit_frames import available_engines

pytestmark = pytest.mark.skipif("c" not in available_engines(), reason="the C engine does not run here")

#: Reads an array again and again while a thread writes one value after the other to all of it.
RACE = """
import threading
import numpy as np
from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.combine import Stack, frame_median

def race(array, values, read, n_reads):
    done = threading.Event()
    def write():
        while not done.is_set():
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
"""

MEDIANS = """
for dtype, values, zero in (
    ("f4", (1.0, 2.0), 0),
    ("f4", (-3e38, 3e38), 0),
    ("f4", (1.0, np.nan), 0),
    ("f4", (1.0, 1.0000001, 7.0), 0.1),  # some are rounded to one number
    ("u2", (1, 65535), 0),
):
    frames = np.ones((1, 200, 200), dtype)
    stack = Stack(frames, zero=zero)
    race(frames, values, lambda: frame_median(stack, engine="c"), 30)
"""

LEVEL = """
frame = np.ones((120, 200), np.float32)
mask = np.zeros(frame.shape, bool)
mask[:60] = True
mask[29:32, 29:32] = False
frame[30, 30] = 1e4  # flagged; with no good pixel around, it is replaced by the median of the frame
assert lacosmic(frame, mask=mask, readnoise=5.0, niter=1, engine="c").cleaned[30, 30] == 1
for values in ((1.0, 2.0), (-3e38, 3e38)):
    race(frame[62:], values, lambda: lacosmic(frame, mask=mask, readnoise=5.0, niter=1, threads=1, engine="c"), 30)
"""


@pytest.mark.parametrize("code", [pytest.param(MEDIANS, id="medians"), pytest.param(LEVEL, id="level of a search")])
def test_the_memory_is_safe(code):
    subprocess.run([sys.executable, "-P", "-c", RACE + code], check=True, timeout=120)
