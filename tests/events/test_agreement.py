# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Several detectors on one frame.
"""

import numpy as np
import pytest
from matplotlib.figure import Figure

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, DetectorAgreement


@pytest.fixture
def agreement():
    masks = {name: np.zeros((30, 30), dtype=bool) for name in "abc"}
    masks["a"][5, 5:8] = masks["b"][5, 6:9] = masks["c"][5, 7] = True  # one event of all
    masks["a"][20, 20] = masks["b"][20, 21] = True  # an event of a and b, without a pixel in common
    masks["c"][10, 25] = True
    return DetectorAgreement(np.arange(900.0).reshape(30, 30), masks)


def test_the_summary_counts_for_each_detector(agreement):
    rows = [tuple(row) for row in agreement.summary]
    assert rows == [("a", 4, 1, 2, 2, 1, 0), ("b", 4, 1, 2, 2, 1, 0), ("c", 2, 1, 1, 2, 1, 1)]


def test_the_table_counts_for_each_set_of_detectors(agreement):
    rows = {"".join(row[name] and name for name in "abc"): (row["pixels"], row["events"]) for row in agreement.table}
    assert rows == {"abc": (1, 1), "ab": (1, 1), "a": (2, 0), "b": (2, 0), "c": (1, 1)}
    assert agreement.table["pixels"].sum() == (agreement.ballots > 0).sum()
    assert agreement.table["events"].sum() == len(agreement.events)


def test_an_event_has_its_place_and_who_found_it(agreement):
    first = agreement.events[0]
    assert (first["y"], first["x"], first["n_pixels"]) == (5, 6.5, 4)
    assert [bool(first[name]) for name in "abc"] == [True, True, True]


def test_without_any_hit_the_tables_are_empty():
    nothing = {name: np.zeros((5, 5), dtype=bool) for name in "ab"}
    agreement = DetectorAgreement(np.zeros((5, 5)), nothing)
    assert len(agreement.table) == len(agreement.events) == 0
    assert agreement.summary["pixels"].tolist() == [0, 0]
    assert "detector" in str(agreement)


@pytest.mark.parametrize("data", [np.zeros((30, 30)), np.full((30, 30), np.nan), np.ones((30, 30), dtype="u2")])
def test_the_picture_shows_itself(agreement, data):
    figure = DetectorAgreement(data, agreement.masks).plot()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]


@pytest.mark.parametrize("number", [1, 3])
def test_it_is_drawn_in_axes_that_are_given(agreement, number):
    axes = np.atleast_1d(Figure().subplots(1, number))
    given = axes if number == 3 else axes[0]
    assert agreement.plot(ax=given) is given
    assert [one.get_title() for one in (axes if number == 3 else given.child_axes)] == ["a", "b", "c"]


def test_other_numbers_of_axes_are_refused(agreement):
    with pytest.raises(CosmicRayError, match="expected axes of matplotlib, 1 or 3 of them"):
        agreement.plot(ax=Figure().subplots(1, 2))


def test_it_is_shown_as_tables_and_printed_in_a_line(agreement):
    assert agreement._repr_html_().count("<table") == 2
    assert repr(agreement) == "<DetectorAgreement of a, b, c: 3 events>"


def test_each_detector_searches_with_its_own_parameters(ccd):
    own = {"median": {"thresh": 1e9}}
    agreement = crp.compare_detectors(ccd, ["lacosmic", "median"], parameters=own)
    assert agreement.masks["lacosmic"].sum() == 8
    assert agreement.masks["median"].sum() == 0


@pytest.mark.parametrize(
    ("detectors", "parameters", "message"),
    [
        (["median"], None, "2 to 16 different names"),
        (["median", "median"], None, "2 to 16 different names"),
        ("median", None, "2 to 16 different names"),
        (["median", "nobody"], None, "detector='nobody'"),
        (["median", "lacosmic"], {"astroscrappy": {}}, "names among median, lacosmic"),
    ],
)
def test_what_makes_no_sense_is_refused(ccd, detectors, parameters, message):
    with pytest.raises(CosmicRayError, match=message):
        crp.compare_detectors(ccd, detectors, parameters=parameters)


def test_a_cleaned_frame_is_refused(cleaned):
    with pytest.raises(CosmicRayError, match="were removed; expected one that was not cleaned"):
        crp.compare_detectors(cleaned, ["lacosmic", "median"])
