# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr plugins new`` writes a distribution that installs, tests green, and is found.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.testing import check_detector, write_plugin


def run(words, **settings):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_distribution_has_what_one_needs(tmp_path):
    folder = write_plugin("sharp-edges", tmp_path / "new")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        *("pyproject.toml", "README.rst", "LICENSE.rst", ".gitignore", ".github/workflows/tests.yml"),
        *("ccdcr_sharp_edges.py", "tests/test_ccdcr_sharp_edges.py"),
    }
    assert not any(re.search(r"@\w+@", path.read_text()) for path in folder.rglob("*.*") if path.is_file())
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "ccdcr-sharp-edges"
    assert project["entry-points"] == {"ccdproc_crplugin": {"sharp-edges": "ccdcr_sharp_edges"}}
    assert "ccdproc_crplugin" in project["keywords"]


def test_its_module_works_before_it_is_installed(tmp_path):
    folder = write_plugin("sharp-edges", tmp_path / "new")
    crp.load_plugin(folder / "ccdcr_sharp_edges.py")
    try:
        assert set(check_detector("sharp-edges")["outcome"]) == {"passed", "not applicable"}
    finally:
        crp.plugins.unregister("ccdcr_sharp_edges")


@pytest.mark.slow
def test_it_is_built_installed_tested_and_found(tmp_path):
    folder, site = write_plugin("sharp-edges", tmp_path / "new"), tmp_path / "site"
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run(["-m", "pip", "install", *offline, "--target", str(site), str(folder)])
    package = str(Path(crp.__file__).parents[1])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), package])}
    environ.pop("PYTHONSAFEPATH", None)
    printed = run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, env=environ)
    assert "failed" not in printed
    listed = run(["-c", "from ccdproc_crplugin.cli import main; main(['plugins'])"], env=environ)
    assert "sharp-edges" in listed
    assert "ccdcr_sharp_edges 0.1.0" in listed


class TestRefusals:
    @pytest.mark.parametrize(
        "name",
        ["", "Sharp", "sharp edges", "../up", "a--b", "-a", "9a", "ä", "a" * 31, "sharp\n", "ccdcr-", "a_b", None, '"'],
    )
    def test_a_name_that_is_none(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CosmicRayError, match="expected lower-case letters, digits and single hyphens"):
            write_plugin(name)
        assert list(tmp_path.iterdir()) == []

    def test_a_name_that_is_taken(self, tmp_path):
        with pytest.raises(CosmicRayError, match="'median', which plugin 'median' of distribution 'ccdproc-crplugin"):
            write_plugin("ccdcr-median", tmp_path / "new")

    def test_a_folder_with_files(self, tmp_path):
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(CosmicRayError, match="Found files in the folder"):
            write_plugin("sharp-edges", tmp_path)

    @pytest.mark.parametrize("name", ["file", "file/new", "\0", "a" * 5000])
    def test_a_folder_that_cannot_be_made(self, tmp_path, name):
        (tmp_path / "file").write_text("")
        with pytest.raises(CosmicRayError, match="can't be made"):
            write_plugin("sharp-edges", tmp_path / name)


class TestCommand:
    def test_new_says_what_to_do_next(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["plugins", "new", "sharp-edges"]) == 0
        assert capsys.readouterr().out.startswith("Wrote ccdcr-sharp-edges. Install and test it:\n    cd ccdcr-sharp")

    def test_a_wrong_name_is_wrong_usage(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["plugins", "new", "Sharp"]) == 2
        assert "Try a name such as sharp-edges." in capsys.readouterr().err

    def test_check_prints_each_outcome(self, capsys):
        assert main(["plugins", "check", "correct_gain"]) == 0
        printed = capsys.readouterr().out
        assert "keeps_the_header" in printed
        assert printed.rstrip().endswith("0 of 29 checks failed")

    def test_check_ends_with_1_if_one_fails(self, capsys):
        assert main(["plugins", "check", "median"]) == 1
        assert "spares_stars" in capsys.readouterr().out

    def test_check_of_an_unknown_name_is_wrong_usage(self, capsys):
        assert main(["plugins", "check", "nobody"]) == 2
