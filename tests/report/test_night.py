# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The rows of a night."""

import pytest
from astropy.table import Table

from ccdproc_crplugin.report.night import Row, complete, rows_of_folder


@pytest.mark.parametrize("output", ["../light_1.fits", "/etc/passwd", "a/../../light_1.fits", "a\0b"])
def test_the_table_leads_to_no_file_outside_of_the_folder(folder, tmp_path, output):
    (folder / "light_1.fits").rename(tmp_path / "light_1.fits")
    table = Table.read(folder / "night.ecsv", format="ascii.ecsv")
    table["output"] = table["output"].astype("U40")
    table["output"][0] = output
    table.write(folder / "night.ecsv", format="ascii.ecsv", overwrite=True)
    row = rows_of_folder(folder)[0]
    assert row.path is None
    assert "outside of the folder" in row.reason


def test_a_row_has_words_for_what_to_expect():
    assert Row("a", "done", expected_low=3.2, expected_high=9.9).expected == "3 to 10"
    assert Row("a", "done").expected == ""


def test_calibration_frames_come_after_the_light_frames(folder):
    table = Table.read(folder / "night.ecsv")
    table["kind"] = ["bias", "light", "flat", "light"]
    table.write(folder / "night.ecsv", overwrite=True)
    assert [row.kind for row in rows_of_folder(folder)] == ["light", "light", "bias", "flat"]


@pytest.mark.parametrize(
    ("header", "shown"),
    [({"CRSIGCLP": 8.0}, "sigclip=8 (auto), niter=4"), ({"CRSIGCLP": "?"}, "sigclip=auto, niter=4")],
)
def test_a_limit_that_was_left_open_is_shown_as_it_was_taken(header, shown):
    assert complete(Row("a", "done", parameters="sigclip=auto, niter=4"), header).parameters == shown
