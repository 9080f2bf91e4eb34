# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Regions drawn by hand: which pixels they contain, and which are refused.
"""

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

DS9 = "# Region file format: DS9 version 4.1\nimage\n"

FRAME = CCDData(np.zeros((20, 30)), unit="adu")


def write(path, text):
    path.write_text(text)
    return path


@settings(deadline=None)
@given(st.integers(-5, 25), st.integers(-5, 35), st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_a_rectangle_holds_its_pixels_and_those_on_its_edge(y, x, height, width, clockwise):
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    expected = np.zeros((20, 30), dtype=bool)
    expected[max(y, 0) : max(y + height + 1, 0), max(x, 0) : max(x + width + 1, 0)] = True
    if not expected.any() or not width or not height:
        return
    found = crp.region_mask(FRAME, corners[::-1] if clockwise else corners)
    np.testing.assert_array_equal(found, expected)


def test_a_text_file_holds_polygons_with_blank_lines_between(tmp_path):
    path = write(tmp_path / "mine.txt", "# two\n2 3\n4, 3\n4 5  # a corner\n\n\n10 10\n12 10\n10 12\n")
    mask = crp.region_mask(FRAME, path)
    assert mask[3, 2]
    assert mask[10, 10]
    assert mask.sum() == 6 + 6


def test_the_first_pixel_of_ds9_is_at_one(tmp_path):
    path = write(tmp_path / "mine.reg", f"{DS9}box(6,4,3,1,0)\n")
    assert np.argwhere(crp.region_mask(FRAME, path)).tolist() == [[3, 4], [3, 5], [3, 6]]


def test_a_point_is_a_pixel_and_a_minus_cuts_out(tmp_path):
    path = write(tmp_path / "mine.reg", f"{DS9}point(21,11)\nbox(6,4,3,1,0)\n-box(6,4,1,1,0)\n")
    assert np.argwhere(crp.region_mask(FRAME, path)).tolist() == [[3, 4], [3, 6], [10, 20]]


@pytest.mark.parametrize(
    "shape", ["circle(5,5,1e9)", "ellipse(5,5,1e9,1e9,30)", "polygon(-1e9,-1e9,1e9,-1e9,1e9,1e9,-1e9,1e9)"]
)
def test_a_region_far_larger_than_the_frame_takes_no_more_memory(tmp_path, shape):
    assert crp.region_mask(FRAME, write(tmp_path / "large.reg", f"{DS9}{shape}\n")).all()


@pytest.mark.parametrize("seed", range(5))
def test_regions_have_the_pixels_that_their_package_gives_them(tmp_path, seed):
    import astropy.units as u
    from regions import CircleAnnulusPixelRegion, EllipsePixelRegion, PixCoord, PolygonPixelRegion, Regions

    rng = np.random.default_rng(seed)
    center, sides = PixCoord(*rng.uniform(2, 18, 2)), rng.uniform(4, 20, 2)
    # Corners in the order of their angles: releases of the package differ on polygons that cross themselves.
    x, y = rng.uniform(-5, 35, 5), rng.uniform(-5, 25, 5)
    around = np.argsort(np.arctan2(y - y.mean(), x - x.mean()))
    corners = PixCoord(x[around], y[around])
    for region in (
        EllipsePixelRegion(center, *sides, angle=rng.uniform(0, 360) * u.deg),
        CircleAnnulusPixelRegion(center, sides[0], sides.sum()),
        PolygonPixelRegion(corners),
    ):
        Regions([region]).write(tmp_path / "one.reg", format="ds9", precision=12, overwrite=True)
        expected = region.to_mask(mode="center").to_image((20, 30)) > 0
        np.testing.assert_array_equal(crp.region_mask(FRAME, tmp_path / "one.reg"), expected)


def test_a_region_on_the_sky_goes_by_the_wcs(tmp_path):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (
        ["RA---TAN", "DEC--TAN"],
        [10, 20],
        [8, 6],
        [0.01] * 2,
    )
    path = write(tmp_path / "sky.reg", '# Region file format: DS9\nfk5\ncircle(10,20,18")\n')
    ccd = CCDData(np.zeros((20, 30)), unit="adu", wcs=wcs)
    assert np.argwhere(crp.region_mask(ccd, path)).tolist() == [[5, 7]]
    with pytest.raises(CosmicRayError, match="a frame without WCS"):
        crp.region_mask(FRAME, path)


def test_what_segments_write_comes_back(cleaned, tmp_path):
    made = crp.cr_segments(cleaned).to_regions()
    made.write(tmp_path / "events.reg", format="ds9")
    mask = crp.region_mask(cleaned, tmp_path / "events.reg")
    assert mask[10, 12]
    assert mask[22:24, 27:29].any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3 4\n", r"corners of shape \(2, 2\)"),
        ("a b\n1 2\n3 4\n", "not made of numbers"),
        ("1 2 3\n1 2 4\n3 4 5\n", r"shape \(3, 3\)"),
        ("1 2\n3\n3 4\n", "not made of numbers"),
        ("1 nan\n1 2\n3 4\n", "finite"),
        ("1 1e300\n1 2\n3 4\n", "finite"),
        (f"{DS9}circle(inf,5,3)\n", "infinite"),
        (f"{DS9}circle(1e30,5,3)\n", "no pixel"),
        (f"{DS9}point(1e300,5)\n", "no pixel"),
        (f"{DS9}text(5,5) # text={{hot}}\n", "no pixel"),
        ("900 900\n901 900\n900 901\n", "no pixel of the frame"),
        ("", "no pixel of the frame"),
        (f"{DS9}line(1,2,3,4)\n", "LinePixelRegion.*has no area"),
        (f"{DS9}circle(1,2\n", "can't be read|no pixel"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_region_is_refused(tmp_path, text, message):
    with pytest.raises(CosmicRayError, match=message):
        crp.region_mask(FRAME, write(tmp_path / "mine.txt", text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CosmicRayError, match="no file"):
        crp.region_mask(FRAME, tmp_path / "no.reg")


def test_without_the_package_regions_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "regions", None)
    with pytest.raises(CosmicRayError, match="pip install regions"):
        crp.region_mask(FRAME, write(tmp_path / "mine.reg", DS9))
