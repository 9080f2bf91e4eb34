# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events as a notebook shows them.
"""

import re

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.events.html import MOST_ROWS

from ..helpers.pictures import decoded


@pytest.fixture
def segments(cleaned):
    return cleaned.cr_segments()


def rows_of(page):
    """The cells of the first table."""
    table = page[page.index("<table>") : page.index("</table>")]
    return [re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", table)]


def test_the_columns_that_matter_are_shown_with_their_units(segments):
    head, *rows = rows_of(segments._repr_html_())
    assert head == ["label", "frame", "x (pix)", "y (pix)", "area (pix)", "sum (electron)", "class"]
    assert len(rows) == 3


def test_the_largest_event_comes_first_in_few_digits(segments):
    label, _, x, y, area, charge, kind = rows_of(segments._repr_html_())[1]
    assert (label, x, y, area, kind) == ("2", "27.5", "22.5", "6", "track")
    assert re.fullmatch(r"\d+", charge)


def test_each_event_has_its_picture(segments):
    for row in rows_of(segments._repr_html_())[1:]:
        address = re.search('src="(.*?)"', row[1])[1]
        picture = decoded(address)[..., 0]
        assert picture.shape == (25, 25)
        assert picture[12, 12] == 255 > np.median(picture)


def test_the_other_columns_are_shown_on_demand(segments):
    page = segments._repr_html_()
    rest = page[page.index("<details>") : page.index("</details>")]
    assert all(name in rest for name in segments.table.colnames)
    assert "orientation" not in page.replace(rest, "")


def test_of_many_events_the_largest_are_shown_with_how_many_there_are():
    ccd = crp.simulate_frame((256, 256), n_stars=0, seed=1).ccd
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[::20, ::20] = mask[40, 40:44] = True
    segments = crp.cr_segments(ccd, mask=mask)
    page = segments._repr_html_()
    assert len(rows_of(page)) == 1 + MOST_ROWS
    assert rows_of(page)[1][0] == str(segments.largest(1)[0])
    assert f"The {MOST_ROWS} largest of {len(segments)} events." in page


def test_a_selection_shows_its_own_events(segments):
    assert [row[0] for row in rows_of(segments[2:]._repr_html_())[1:]] == ["3"]


def test_without_an_event_the_columns_are_shown(ccd):
    page = crp.cr_segments(ccd, mask=np.zeros(ccd.shape, dtype=bool))._repr_html_()
    assert "0 events" in page
    assert len(rows_of(page)) == 1


def test_events_whose_removed_values_are_lost_are_shown(cleaned):
    bare = CCDData(cleaned.data, unit=cleaned.unit, meta=cleaned.meta)
    bare.flags = cleaned.flags
    assert len(rows_of(bare.cr_segments()._repr_html_())) == 4
