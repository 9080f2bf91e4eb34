# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Hooks, the records that pass through them, and the plugins that are registered."""

from ccdproc_crplugin.plugins.loader import (
    checks,
    detectors,
    dialects,
    find_detector,
    find_stack_detector,
    find_step,
    flags,
    host,
    load_plugin,
    register,
    stack_detectors,
    steps,
    unregister,
)
from ccdproc_crplugin.plugins.registry import FAILURES
from ccdproc_crplugin.plugins.rules import (
    detector_parameters,
    step_parameters,
    switches,
    takes_any_parameter,
    takes_keyword,
)

__all__ = [
    "FAILURES",
    "checks",
    "detector_parameters",
    "detectors",
    "dialects",
    "find_detector",
    "find_stack_detector",
    "find_step",
    "flags",
    "host",
    "load_plugin",
    "register",
    "stack_detectors",
    "step_parameters",
    "steps",
    "switches",
    "takes_any_parameter",
    "takes_keyword",
    "unregister",
]
