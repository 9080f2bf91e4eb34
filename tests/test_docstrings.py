# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The examples in the docstrings of the package give what they show.
"""

import doctest
import importlib
import importlib.util
import pkgutil

import pytest

import ccdproc_crplugin

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    """The names of all modules with source."""
    found = pkgutil.walk_packages(ccdproc_crplugin.__path__, "ccdproc_crplugin.")
    return sorted(name for _, name, _ in found if not name.rpartition(".")[2].startswith("_"))


def examples(name):
    """The examples of a module that can run with what is installed."""
    module = importlib.import_module(name)
    needs = getattr(module, "__doctest_requires__", {})
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        wanted = needs.get(test.name.removeprefix(f"{name}."), [])
        if test.examples and all(importlib.util.find_spec(package) for package in wanted):
            yield test


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in examples(name):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("name", sorted(set(ccdproc_crplugin.__all__)))
def test_a_public_function_has_an_example(name):
    item = getattr(ccdproc_crplugin, name)
    if callable(item) and not isinstance(item, type) and getattr(item, "__module__", "").startswith("ccdproc_crplugin"):
        assert ">>>" in item.__doc__
