# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr demo``.
"""

import contextlib
import io

import pytest
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder in which the demonstration ran, and what it said."""
    folder, said = tmp_path_factory.mktemp("demo"), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        assert main(["demo"]) == 0
    return folder, said.getvalue()


def test_it_cleans_the_real_frame_and_leaves_its_results(demo):
    here, out = demo
    cleaned = crp.read_ccd(here / "ccdcr-demo" / "a8280271_cleaned.fits")
    events = QTable.read(here / "ccdcr-demo" / "events.ecsv")
    assert cleaned.meta["CRNEVENT"] == len(events) > 10
    assert len(list((here / "ccdcr-demo" / "events").glob("event_*.png"))) == len(events)
    folders = [line.split()[1] for line in out.splitlines() if line.startswith(("night ", "reduced "))]
    assert [(here / folder).is_dir() for folder in folders] == [True, True]
    assert out.rstrip().endswith("ccdcr clean YOUR_FRAME.fits --output cleaned")


def test_it_can_be_run_again(demo, monkeypatch):
    monkeypatch.chdir(demo[0])
    assert main(["demo"]) == 0
