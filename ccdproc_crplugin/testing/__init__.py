# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The conformance kit: checks that the author of a detector, a stack detector or a reduction step runs.

`check_detector`, `check_stack_detector` and `check_step` need no test framework; `parametrize_with_checks` makes a
pytest test of each check.
"""

import importlib

_HOME = {
    "Check": "checks",
    "ConformanceError": "checks",
    "Subject": "subjects",
    "check_detector": "running",
    "check_stack_detector": "running",
    "check_step": "running",
    "checks_of": "running",
    "parametrize_with_checks": "pytest_plugin",
    "write_plugin": "new_plugin",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
