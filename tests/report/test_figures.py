# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The histograms of a night."""

from ccdproc_crplugin.report.figures import histograms


def test_histograms_count_each_event_once(views):
    area, charge, angle = histograms(views)
    assert area.n_events == charge.n_events == 9
    assert sum(count for *_, count in area.rows) == 9
    assert angle.n_events == 3
    assert [(low, high) for low, high, _ in angle.rows] == [("40", "50")]


def test_bars_stand_upon_each_other_by_class(views):
    area = histograms(views)[0]
    assert sum(bar.height for bar in area.bars) > 0
    assert {bar.style for bar in area.bars} == {"class-2", "class-3"}


def test_a_night_without_frames_has_empty_histograms():
    assert [figure.n_events for figure in histograms([])] == [0, 0, 0]
