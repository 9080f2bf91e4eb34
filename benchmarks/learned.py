# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The learned detectors, deepCR and Cosmic-CoNN, each run by the Python of an environment of its own.

`python_of` finds that Python: ``CCDCR_DEEPCR=/path/to/python`` and ``CCDCR_COSMIC_CONN=/path/to/python``, where the
packages ``deepCR`` and ``cosmic-conn[cpu]`` are installed. This project does not depend on them.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

#: What each environment runs. The arguments are a file with frames (n, ny, nx) in electrons, and one for their masks.
PROGRAMS = {
    "deepCR": """
import sys
import numpy as np
from deepCR import deepCR
model = deepCR(mask="ACS-WFC", device="CPU")
frames = np.load(sys.argv[1])
np.save(sys.argv[2], [model.clean(frame, threshold=0.5, inpaint=False) > 0 for frame in frames])
""",
    "Cosmic-CoNN": """
import sys
import numpy as np
from cosmic_conn import init_model
model = init_model("ground_imaging")
frames = np.load(sys.argv[1])
np.save(sys.argv[2], [model.detect_cr(frame) > 0.5 for frame in frames])
""",
}


def python_of(name):
    """The Python that has a learned detector, or None."""
    return os.environ.get("CCDCR_" + name.upper().replace("-", "_"))


def installed():
    """The names of the learned detectors at hand."""
    return [name for name in PROGRAMS if python_of(name)]


def masks_of(name, frames):
    """The masks that a learned detector finds in frames of one shape, at the threshold of its documentation, 0.5."""
    with tempfile.TemporaryDirectory() as folder:
        frames_file, masks_file = Path(folder) / "frames.npy", Path(folder) / "masks.npy"
        np.save(frames_file, np.asarray(frames, dtype=np.float32))
        subprocess.run([python_of(name), "-W", "ignore", "-c", PROGRAMS[name], frames_file, masks_file], check=True)
        return np.load(masks_file).reshape(np.shape(frames))
