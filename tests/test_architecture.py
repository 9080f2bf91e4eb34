# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The floors of the house: a file imports from its own floor or from lower ones, and never in a circle.
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ccdproc_crplugin

PACKAGE = "ccdproc_crplugin"
ROOT = Path(ccdproc_crplugin.__file__).parent

FLOORS = {
    "errors": 0,
    "model": 0,
    "kernels": 0,
    "hookspecs": 1,
    "plugin_rules": 2,
    "plugin_registry": 2,
    "simulate": 1,
    "tuning": 2,
    "plugins": 2,
    "detectors": 2,
    "lacosmic": 2,
    "removed": 3,
    "argument_checks": 3,
    "atomic_files": 3,
    "hdus": 3,
    "removed_table": 3,
    "packing": 3,
    "io": 3,
    "frames": 3,
    "selection": 3,
    "frame_checks": 3,
    "gain_and_noise": 3,
    "electrons": 3,
    "provenance": 3,
    "rates": 3,
    "detection": 3,
    "preflight": 3,
    "calibrate": 3,
    "preflight_checks": 3,
    "clean": 3,
    "restore": 3,
    "combine_arguments": 3,
    "combined_frame": 3,
    "flat_saturation": 3,
    "input_frames": 3,
    "frame_stack": 3,
    "group_combination": 3,
    "gallery": 3,
    "grouping": 3,
    "classify": 3,
    "catalog": 3,
    "event_source": 3,
    "segments": 3,
    "compare": 3,
    "layout": 3,
    "plugin_table": 3,
    "steps": 4,
    "pipeline": 4,
    "image_widget": 5,
    "viewer": 5,
    "copies": 3,
    "by_hand": 3,
    "regions": 3,
    "night_table": 3,
    "review": 3,
    "report": 5,
    "tune": 4,
    "methods": 5,
    "cli": 6,
    "__init__": 6,
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imported_modules(path):
    """What a file of this package imports from it when it is loaded or when one of its functions runs."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith(PACKAGE + "."):
                yield existing_module(name.removeprefix(PACKAGE + "."))


def existing_module(name):
    while name and not ((ROOT / name.replace(".", "/")).is_dir() or (ROOT / (name.replace(".", "/") + ".py")).exists()):
        name = name.rpartition(".")[0]
    return name or "__init__"


FILES = {module_name(path): path for path in ROOT.rglob("*.py")}
IMPORTS = {name: sorted(set(imported_modules(path)) - {name}) for name, path in FILES.items()}


def floor(name):
    return FLOORS[name.split(".")[0]]


def test_every_file_has_a_floor():
    assert {name.split(".")[0] for name in FILES} == set(FLOORS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_imports_only_from_its_floor_or_lower_ones(name):
    upward = [
        f"{name} (F{floor(name)}) imports {other} (F{floor(other)})"
        for other in IMPORTS[name]
        if floor(other) > floor(name)
    ]
    # `methods` and `plugins` reach the upper floors by dotted names only, and a method is what it registers
    assert upward == []


def test_no_file_imports_itself_in_a_circle():
    order = TopologicalSorter({name: [other for other in IMPORTS[name] if other in FILES] for name in FILES})
    assert len(list(order.static_order())) == len(FILES)


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.startswith("kernels")))
def test_the_kernels_know_nothing_of_astropy(name):
    assert "astropy" not in FILES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FILES))
def test_only_plugins_reads_entry_points(name):
    source = ast.parse(FILES[name].read_text(encoding="utf-8"))
    imports = {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}
    assert ("entrypoints" in imports) == (name == "plugins")


def test_the_core_imports_no_detector():
    for name, imported in IMPORTS.items():
        if not name.startswith("detectors") and name != "__init__":
            assert not [other for other in imported if other.startswith("detectors.")]
