# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The hot pixels of a night on its page.
"""

import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.pipeline.hot_pixels import read_hot_pixels
from ccdproc_crplugin.report.chip import chip_maps
from ccdproc_crplugin.report.frame import CLASSES, view_frame
from ccdproc_crplugin.report.night import rows_of_folder

from ..helpers.nights import HOT, config, write_hot_night


def night(tmp_path, hot_pixels, n_lights=4):
    raw = write_hot_night(tmp_path / "raw", n_lights)
    setting = config(raw, tmp_path / "out", {"name": "clean_cosmic_rays", "preflight": "off"})
    setting["night"]["hot_pixels"] = hot_pixels
    crp.reduce_night(setting, n_workers=1)
    return tmp_path / "out"


def views_of(folder):
    chips = read_hot_pixels(folder)
    return [view_frame(row, chips) for row in rows_of_folder(folder)], chips


def test_events_on_them_have_their_class(tmp_path):
    views, _ = views_of(night(tmp_path, "flag"))
    for view in views:
        assert view.events["class"].tolist().count("hot pixel") == len(view.on_hot) == 3
        assert view.pictures["classes"].count(CLASSES.index("hot pixel")) == 3
        assert "track" in view.events["class"]


@pytest.mark.parametrize(("mode", "n_left"), [("flag", 3), ("restore", 0)])
def test_the_map_shows_them_whether_or_not_they_were_put_back(tmp_path, mode, n_left):
    views, chips = views_of(night(tmp_path, mode))
    (chip,), on_hot = chip_maps(views, chips)
    assert (chip.n_hot, chip.least, chip.n_events) == (3, 3, 12)
    assert sorted((pixel.y, pixel.x, pixel.n_frames) for pixel in chip.marked) == [(*place, 4) for place in HOT]
    assert [len(labels) for labels in on_hot] == [n_left] * 4


@pytest.mark.parametrize("mode", ["flag", "restore"])
def test_a_column_of_the_page_counts_them(tmp_path, mode):
    folder = night(tmp_path, mode)
    views, _ = views_of(folder)
    assert [view.row.n_hot for view in views] == [3] * 4
    page = crp.write_report(folder, tmp_path / "night.html").read_text()
    assert page.count('data-name="On hot pixels" data-value="3') == 4
    assert "<strong>3</strong> pixels hit in 3 frames or more" in page


def test_a_night_that_cannot_tell_has_no_such_column(tmp_path):
    folder = night(tmp_path, "flag", n_lights=2)
    assert "On hot pixels" not in crp.write_report(folder, tmp_path / "night.html").read_text()
