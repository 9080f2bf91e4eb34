# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cosmic rays out of CCD images: a pluggy-based extension of ccdproc.

Importing this package gives every `~astropy.nddata.CCDData` its cosmic-ray methods.
"""

import importlib
import sys
from pathlib import Path

# The folders of the built-in detectors and steps take their names in this package here and now, so that the functions
# `detectors` and `steps` below can have them for good.
import ccdproc_crplugin.detectors
import ccdproc_crplugin.steps  # noqa: F401
from ccdproc_crplugin import methods, plugins
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, PluginWarning, PreflightWarning
from ccdproc_crplugin.hookspecs import hookimpl
from ccdproc_crplugin.model import Check, Detection, Detector, Finding, PixelFlag, Step
from ccdproc_crplugin.plugins import checks, detectors, steps

_HOME = {
    "CRSegments": "segments",
    "Expectation": "rates",
    "EventViewer": "viewer",
    "MaskComparison": "compare",
    "add_cosmic_rays": "by_hand",
    "apply_review": "review",
    "clean_collection": "pipeline",
    "clean_cosmic_rays": "clean",
    "combine_calibrations": "calibrate",
    "compare_masks": "compare",
    "cr_preflight": "preflight",
    "cr_segments": "segments",
    "cr_tune": "tune",
    "expected_events": "rates",
    "plan_night": "pipeline",
    "plugin_report": "plugin_table",
    "read_ccd": "io",
    "reduce_night": "pipeline",
    "region_mask": "regions",
    "restore_cosmic_rays": "restore",
    "SimulatedFrame": "simulate",
    "Tuning": "tune",
    "select_frames": "selection",
    "simulate_frame": "simulate",
    "simulate_night": "simulate",
    "write_ccd": "io",
    "write_report": "report",
}

__all__ = [
    "CalibrationWarning",
    "Check",
    "CosmicRayError",
    "Detection",
    "Detector",
    "Finding",
    "PixelFlag",
    "PluginWarning",
    "PreflightWarning",
    "Step",
    "__version__",
    "checks",
    "detectors",
    "hookimpl",
    "methods",
    "plugins",
    "steps",
    *sorted(_HOME),
]


def __getattr__(name):
    if name == "__version__":
        from importlib.metadata import version

        return version("ccdproc_crplugin")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))


def _is_command():
    """
    Whether this process is the command ``ccdcr``, which loads astropy only once it has work to do.
    """
    program = Path(sys.argv[0])
    return program.stem == "ccdcr" and program.parent == Path(sys.executable).parent


if not _is_command():
    methods.install()
