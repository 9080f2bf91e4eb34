# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A frame brought to one level, so that what surrounds an event can be judged."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.frames.mosaic import Mosaic
from ccdproc_crplugin.kernels.mosaic_events import without_sky
from ccdproc_crplugin.kernels.spectrum import dispersion_axis, spectrum_model

#: For an axis of dispersion that is not known yet.
FIND = -1


def on_one_level(mosaic: Mosaic, data: np.ndarray, axis: int | None = FIND) -> np.ndarray:
    """
    The data of a frame less the sky of each colour of a mosaic, or less the lines and traces of a spectrum.

    ``axis`` is that of the dispersion, None for an image.
    """
    if mosaic.pattern is not None:
        return without_sky(data, ~np.isfinite(data))
    axis = dispersion_axis(data) if axis == FIND else axis
    return data if axis is None else data - spectrum_model(data, axis, ~np.isfinite(data))
