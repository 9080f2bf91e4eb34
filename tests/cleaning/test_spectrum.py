# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Long-slit spectra, cleaned on top of a model of their lines."""

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import PixelFlag

DEAD, ROW = 200, 150


@pytest.fixture(scope="module")
def spectrum():
    """Thirty sky lines along the rows, a dead column across them, and a track of 9 pixels across a line."""
    rng = np.random.default_rng(3)
    y = np.indices((600, 400), dtype=float)[0]
    light = np.full(y.shape, 40.0)
    for centre, height in zip(rng.uniform(20, 580, 30), 10 ** rng.uniform(2, 3.8, 30), strict=True):
        light += height * np.exp(-4 * np.log(2) * ((y - centre) / 2.2) ** 2)
    light += 5000 * np.exp(-4 * np.log(2) * ((y - ROW) / 2.2) ** 2)
    light[:, DEAD] *= 0.05
    data = rng.poisson(light) + rng.normal(0, 4, light.shape)
    data[ROW - 4 : ROW + 5, 100] += 3000
    return CCDData(data.astype("f4"), unit="electron", meta={"RDNOISE": 4.0}), light


@pytest.fixture(scope="module")
def cleaned(spectrum):
    return crp.clean_cosmic_rays(spectrum[0], saturation=1e5)


def test_the_history_names_the_axis_of_dispersion(cleaned):
    assert "dispersion_axis=0" in "".join(str(cleaned.meta["HISTORY"]).split())


def test_the_track_is_found_and_little_else(cleaned):
    hits = (cleaned.flags & PixelFlag.COSMIC_RAY) != 0
    assert hits[ROW - 4 : ROW + 5, 100].all()
    hits[ROW - 6 : ROW + 7, 98:103] = False
    assert hits.sum() < 10


def test_where_lines_cross_a_dead_column_its_pixels_are_bad_and_hardly_any_is_a_cosmic_ray(cleaned):
    assert cleaned.flags[ROW, DEAD] & PixelFlag.BAD
    assert np.count_nonzero(cleaned.flags[:, DEAD - 2 : DEAD + 3] & PixelFlag.COSMIC_RAY) < 5


def test_the_repair_goes_along_the_line(spectrum, cleaned):
    expected = spectrum[1][ROW - 4 : ROW + 5, 100]
    found = cleaned.data[ROW - 4 : ROW + 5, 100]
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected + 16))


def test_the_preflight_says_what_is_made_of_it(spectrum):
    (finding,) = [finding for finding in crp.cr_preflight(spectrum[0]) if finding.check == "spectrum"]
    assert (finding.status, finding.measured) == ("ok", 0)
