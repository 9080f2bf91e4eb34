# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr segments``.
"""

import numpy as np
from astropy.table import QTable

from ccdproc_crplugin.cli import main

from ..helpers.raw_frames import write_raw


def test_it_lists_writes_and_draws(night, capsys):
    main(["clean", "raw/light_1.fits"])
    words = ["segments", "cleaned/light_1.fits", "-o", "events.ecsv", "--gallery", "events.png"]
    assert main(words) == 0
    assert len(QTable.read("events.ecsv")) == 3
    assert (night.parent / "events.png").read_bytes().startswith(b"\x89PNG")
    assert "CRSegments: 3 events" in capsys.readouterr().out
    assert main(words) == 2


def test_a_raw_frame_is_searched(night, capsys):
    assert main(["segments", "raw/light_1.fits", "--detector", "median"]) == 0
    assert "3 events" in capsys.readouterr().out


def test_no_event_is_no_error(here, capsys):
    write_raw(here / "flat.fits", data=np.full((30, 30), 100, dtype="u2"))
    assert main(["segments", "flat.fits", "--gallery", "page.png"]) == 0
    assert "no event to draw" in capsys.readouterr().out
