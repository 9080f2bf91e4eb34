# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The built-in checks of the preflight, a subject a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ccdproc_crplugin.default_plugins.preflight.crowding import check_crowding
from ccdproc_crplugin.default_plugins.preflight.header import check_kind, check_overscan, check_records, check_unit
from ccdproc_crplugin.default_plugins.preflight.hot_pixels import check_hot_pixels
from ccdproc_crplugin.default_plugins.preflight.mosaic import check_mosaic
from ccdproc_crplugin.default_plugins.preflight.noise import check_noise
from ccdproc_crplugin.default_plugins.preflight.sampling import check_sampling
from ccdproc_crplugin.default_plugins.preflight.saturation import check_saturation
from ccdproc_crplugin.default_plugins.preflight.spectrum import check_spectrum
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Check


@hookimpl
def ccdcr_checks() -> Iterator[Any]:
    """Register the checks."""
    yield Check("kind", "is it a science frame?", check_kind)
    yield Check("unit", "is the frame in adu or electron, its noise known?", check_unit)
    yield Check("records", "does the header agree with the unit?", check_records)
    yield Check("overscan", "is the overscan subtracted and cut off?", check_overscan)
    yield Check("mosaic", "do the pixels see different colours?", check_mosaic)
    yield Check("spectrum", "is it a spectrum with sky lines?", check_spectrum)
    yield Check("noise", "does the noise follow from level, gain and read noise?", check_noise, by_plane=True)
    yield Check("hot_pixels", "is the dark current subtracted?", check_hot_pixels)
    yield Check("saturation", "is the saturation level where pixels pile up?", check_saturation)
    yield Check("sampling", "do the detector's parameters suit the stellar width?", check_sampling, by_plane=True)
    yield Check("crowding", "do the stars leave sky between them?", check_crowding, by_plane=True)
