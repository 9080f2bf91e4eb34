# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The night that the tests of the report share."""

import pytest
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin.report.frame import view_frame
from ccdproc_crplugin.report.night import rows_of_folder

from ..helpers.hit_frames import hit_frame, hit_pixels


@pytest.fixture
def folder(tmp_path):
    """Three cleaned frames, and the table of their reduction."""
    folder = tmp_path / "night"
    folder.mkdir()
    rows = []
    for number in (1, 2, 3):
        ccd = hit_frame()
        ccd.data[:] = hit_pixels(seed=number)
        ccd.meta["OBJECT"] = f"Target {number}"
        name = f"light_{number}.fits"
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=40)
        cleaned.meta["CRVERDCT"] = "plausible"
        crp.write_ccd(cleaned, folder / name)
        rows.append({"file": name, "status": "done", "output": name, "verdict": "plausible", "findings": "warn: sky"})
    rows.append({"file": "bad.fits", "status": "failed", "output": "", "verdict": "", "findings": ""})
    table = Table(rows)
    table["reason"] = ["", "", "", "Found no gain"]
    table["parameters"] = ['{"sigclip": 5.000000001}'] * 4
    table["seconds"] = [1.5, 2.5, 3.5, 0.1]
    table.write(folder / "night.ecsv", format="ascii.ecsv")
    return folder


@pytest.fixture
def views(folder):
    return [view_frame(row) for row in rows_of_folder(folder)[:3]]
