# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Folders of raw and of simulated frames.
"""

import pytest

from ccdproc_crplugin.cli import main

from ..helpers.raw_frames import SMALL, write_raw


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def night(here):
    folder = here / "raw"
    folder.mkdir()
    write_raw(folder / "light_1.fits")
    write_raw(folder / "light_2.FIT")
    write_raw(folder / "bias_1.fits", "zero")
    return folder


@pytest.fixture(scope="session")
def frames(tmp_path_factory):
    """A folder with two simulated frames, to read only."""
    folder = tmp_path_factory.mktemp("simulated") / "frames"
    assert main(["simulate", str(folder), "-n", "2", *SMALL]) == 0
    return folder
