# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr demo``.
"""

from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main


def test_it_cleans_the_real_frame_and_leaves_its_results(here, capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    cleaned = crp.read_ccd("ccdcr-demo/a8280271_cleaned.fits")
    events = QTable.read("ccdcr-demo/events.ecsv")
    assert cleaned.meta["CRNEVENT"] == len(events) > 10
    assert len(list((here / "ccdcr-demo" / "events").glob("event_*.png"))) == len(events)
    folders = [line.split()[1] for line in out.splitlines() if line.startswith(("night ", "reduced "))]
    assert [(here / folder).is_dir() for folder in folders] == [True, True]
    assert out.rstrip().endswith("ccdcr clean YOUR_FRAME.fits --output cleaned")


def test_it_can_be_run_again(here):
    assert main(["demo"]) == main(["demo"]) == 0
