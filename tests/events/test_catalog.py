# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The table of events.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.events.classify import RULES

from ..helpers.hit_frames import hit_frame, hit_mask


@pytest.fixture
def segments(cleaned):
    return crp.cr_segments(cleaned)


def test_it_has_a_row_an_event_and_units(segments):
    table = segments.table
    assert isinstance(table, QTable)
    assert list(table["label"]) == [1, 2, 3]
    assert table["sum"].unit == table["peak"].unit == u.electron
    assert table["area"].unit == table["length"].unit == u.pix
    assert table["orientation"].unit == u.deg
    assert table["ixx"].unit == u.pix**2


def test_the_charge_is_in_electron(segments):
    assert segments.table["sum"][0].value == pytest.approx(3000 * 2, rel=0.02)
    assert segments.table["sum"][1].value == pytest.approx(6 * 1500 * 2, rel=0.02)


def test_without_a_gain_the_charge_stays_in_adu():
    ccd = CCDData(hit_frame().data, unit="adu")
    assert crp.cr_segments(ccd, mask=hit_mask()).table["sum"].unit == u.adu


def test_every_column_says_what_it_holds(segments):
    assert all(segments.table[name].info.description for name in segments.table.colnames)


def test_positions_and_bounds_are_of_the_pixels(segments):
    row = segments.table[1]
    assert (row["x"].value, row["y"].value) == pytest.approx((27.5, 22.5))
    assert (row["xmin"], row["xmax"], row["ymin"], row["ymax"]) == (25, 30, 20, 25)


def test_a_diagonal_track_lies_at_45_degrees(segments):
    row = segments.table[1]
    assert row["orientation"].to_value(u.deg) == pytest.approx(45)
    assert row["length"].value == pytest.approx(6 * 2**0.5, rel=0.05)
    assert row["ixy"] > 0


@pytest.mark.parametrize("n", [3, 5, 20])
def test_a_straight_track_is_as_long_as_its_pixels(ccd, n):
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[10, 10 : 10 + n] = True
    row = crp.cr_segments(ccd, mask=mask).table[0]
    assert (row["length"].value, row["width"].value) == pytest.approx((n, 1))


def test_a_bar_has_no_direction_and_a_dot_no_angle(ccd):
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[10, 10] = True
    mask[30, 30], mask[31, 29], mask[32, 28] = True, True, True
    angles = crp.cr_segments(ccd, mask=mask).table["orientation"].to_value(u.deg)
    np.testing.assert_allclose(angles, [np.nan, -45])


def test_events_at_the_edge_say_so(ccd):
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[0, 5] = mask[20, 20] = mask[49, 30] = True
    assert list(crp.cr_segments(ccd, mask=mask).table["touches_edge"]) == [True, False, True]


def test_events_beside_bad_pixels_say_so(ccd):
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[11, 13] = True
    assert list(crp.cr_segments(ccd, mask=hit_mask()).table["touches_bad"]) == [True, False, False]


def test_the_rule_stands_beside_the_class(segments):
    for row in segments.table:
        assert row["rule"] == RULES[row["class"]]


def test_its_columns_match_photutils(segments):
    from photutils.segmentation import SourceCatalog

    sources = SourceCatalog(segments.removed_charge, segments.segmentation)
    np.testing.assert_allclose(segments.table["sum"].value, sources.segment_flux)
    np.testing.assert_array_equal(segments.table["area"].value, sources.area.value)
