# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The class of an event.
"""

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.events.classify import classify
from ccdproc_crplugin.kernels.surroundings import Surroundings, look_around

CALM = Surroundings(ring=0.0, ring_error=1.0, noise=3.0)


@pytest.mark.parametrize(
    ("expected", "measured"),
    [
        ("spot", (4, 500.0, 2.0, 2.0, 1.0, CALM)),
        ("spot", (1, 60.0, 1.0, 1.0, 1.0, CALM)),
        ("spot", (2, 500.0, 2.0, 1.0, 2.0, CALM)),
        ("track", (3, 500.0, 3.0, 1.0, 3.0, CALM)),
        ("track", (40, 500.0, 20.0, 2.0, 10.0, CALM)),
        ("worm", (12, 500.0, 8.0, 5.0, 1.6, CALM)),
        ("hot pixel?", (1, 500.0, 1.0, 1.0, 1.0, CALM)),
        ("spot", (1, 500.0, 1.0, 1.0, 1.0, Surroundings(40.0, 10.0, 3.0))),
        ("star core?", (5, 500.0, 3.0, 2.0, 1.5, Surroundings(200.0, 1.0, 3.0))),
    ],
)
def test_each_rule_gives_its_class(expected, measured):
    assert classify(*measured) == expected


def test_a_clipped_star_is_suspected():
    y, x = np.mgrid[:41, :41]
    star = 20000 * np.exp(-((x - 20) ** 2 + (y - 20) ** 2) / (2 * 1.2**2)) + 100
    mask = np.zeros(star.shape, dtype=bool)
    mask[20, 20] = True
    ccd = CCDData(star, unit="electron")
    assert crp.cr_segments(ccd, mask=mask).table["class"][0] == "star core?"


def test_a_single_bright_pixel_is_suspected_hot(cleaned):
    assert list(crp.cr_segments(cleaned).table["class"]) == ["hot pixel?", "track", "hot pixel?"]


def test_where_no_pixel_is_left_nothing_is_measured():
    labels = np.ones((3, 3), dtype=int)
    assert look_around(np.ones((3, 3)), labels, 1, (slice(0, 3), slice(0, 3))) == Surroundings(0, 0, 0)
