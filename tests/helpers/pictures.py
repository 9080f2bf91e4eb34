# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pictures of a page."""

import base64
import io

import numpy as np
from PIL import Image


def decoded(address):
    return np.array(Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))))
