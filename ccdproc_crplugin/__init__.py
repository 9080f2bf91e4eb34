# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cosmic rays out of CCD images: a pluggy-based extension of ccdproc.

Importing this package gives every `~astropy.nddata.CCDData` its cosmic-ray methods.
"""

import importlib
import sys
from pathlib import Path

from ccdproc_crplugin import plugins
from ccdproc_crplugin.default_plugins import methods
from ccdproc_crplugin.default_plugins.methods import install, uninstall
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, HeaderWarning, PluginWarning, PreflightWarning
from ccdproc_crplugin.frames.flags import PixelFlag
from ccdproc_crplugin.plugins import checks, detectors, dialects, flags, stack_detectors, steps
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import (
    Check,
    Detection,
    Detector,
    Dialect,
    Exposure,
    Finding,
    Flag,
    StackDetector,
    StackStep,
    Step,
)

_HOME = {
    "Acceleration": "default_plugins.acceleration",
    "CRSegments": "events.segments",
    "DetectorAgreement": "events.agreement",
    "Expectation": "frames.rates",
    "EventViewer": "events.viewer",
    "MaskComparison": "events.compare",
    "accelerate": "default_plugins.acceleration",
    "add_cosmic_rays": "cleaning.by_hand",
    "apply_review": "report.review",
    "citations": "frames.citations",
    "clean_collection": "pipeline.run",
    "clean_cosmic_rays": "cleaning.clean",
    "clean_cosmic_rays_stack": "stacking.clean",
    "combine_calibrations": "calibration.combine",
    "compare_detectors": "events.agreement",
    "compare_masks": "events.compare",
    "cr_preflight": "cleaning.preflight",
    "cr_segments": "events.segments",
    "cr_tune": "tuning.tune",
    "expected_events": "frames.rates",
    "load_plugin": "plugins",
    "plan_night": "pipeline.run",
    "plugin_report": "plugins.table",
    "read_ccd": "io.ccd",
    "reduce_night": "pipeline.run",
    "region_mask": "cleaning.regions",
    "restore_cosmic_rays": "cleaning.restore",
    "SimulatedFrame": "simulate",
    "Tuning": "tuning.tune",
    "select_frames": "io.selection",
    "simulate_frame": "simulate",
    "simulate_night": "simulate",
    "write_ccd": "io.ccd",
    "write_report": "report.page",
}

__all__ = [
    "CalibrationWarning",
    "Check",
    "CosmicRayError",
    "Detection",
    "Detector",
    "Dialect",
    "Exposure",
    "Finding",
    "Flag",
    "HeaderWarning",
    "PixelFlag",
    "PluginWarning",
    "PreflightWarning",
    "StackDetector",
    "StackStep",
    "Step",
    "__version__",
    "checks",
    "detectors",
    "dialects",
    "flags",
    "hookimpl",
    "install",
    "methods",
    "plugins",
    "stack_detectors",
    "steps",
    "uninstall",
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
    """Whether this process is the command ``ccdcr``, which loads astropy only once it has work to do."""
    program = Path(sys.argv[0])
    return program.stem == "ccdcr" and program.parent == Path(sys.executable).parent


if not _is_command():
    install()
