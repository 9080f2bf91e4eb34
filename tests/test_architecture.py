# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The plan of the package: a folder for each subject, what each may import, and no circles.
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ccdproc_crplugin

PACKAGE = "ccdproc_crplugin"
ROOT = Path(ccdproc_crplugin.__file__).parent

#: What each file and folder of the package may import from it, beside itself and `errors`.
MAY_IMPORT = {
    "errors": "",
    "kernels": "",
    "simulate": "",
    "plugins": "kernels",
    "lacosmic": "kernels",
    "frames": "kernels plugins",
    "io": "frames kernels plugins",
    "cleaning": "io frames kernels plugins",
    "stacking": "cleaning io frames kernels plugins",
    "tuning": "io frames kernels simulate",
    "events": "cleaning io frames kernels",
    "calibration": "io frames kernels",
    "pipeline": "events calibration stacking io plugins frames kernels",
    "default_plugins": "pipeline calibration events cleaning stacking tuning io plugins frames kernels lacosmic",
    "report": "pipeline events cleaning io frames kernels",
    "testing": "simulate plugins cleaning stacking frames",
    "cli": "testing report default_plugins pipeline calibration events stacking tuning cleaning io frames plugins "
    "simulate "
    "kernels",
    "__init__": "default_plugins plugins frames",
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


def folder(name):
    return name.split(".")[0]


def test_the_root_holds_nothing_but_the_folders_of_the_table():
    assert {folder(name) for name in FILES} == set(MAY_IMPORT)
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "errors.py", "lacosmic.py"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_imports_only_from_the_folders_that_its_own_may_import(name):
    allowed = {folder(name), "errors", *MAY_IMPORT[folder(name)].split()}
    assert [other for other in IMPORTS[name] if folder(other) not in allowed] == []


def test_no_folder_may_import_one_that_may_import_it():
    order = TopologicalSorter({name: allowed.split() for name, allowed in MAY_IMPORT.items()})
    assert set(order.static_order()) == set(MAY_IMPORT)


def test_no_file_imports_itself_in_a_circle():
    order = TopologicalSorter({name: [other for other in IMPORTS[name] if other in FILES] for name in FILES})
    assert len(list(order.static_order())) == len(FILES)


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.startswith("kernels")))
def test_the_kernels_know_nothing_of_astropy(name):
    assert "astropy" not in FILES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FILES))
def test_only_the_loader_reads_entry_points(name):
    source = ast.parse(FILES[name].read_text(encoding="utf-8"))
    imports = {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}
    assert ("entrypoints" in imports) == (name == "plugins.loader")


def test_the_core_imports_no_built_in_plugin():
    for name, imported in IMPORTS.items():
        if folder(name) not in ("default_plugins", "__init__", "cli"):
            assert not [other for other in imported if other.startswith("default_plugins")]
