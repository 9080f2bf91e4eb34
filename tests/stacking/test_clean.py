# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
`clean_cosmic_rays_stack`: each exposure of a field without its cosmic rays.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.wcs import WCS

import ccdproc_crplugin as crp

from ..helpers.exposures import expose, scene
from ..helpers.hit_frames import assert_same_frame

TRACK = [((30 + i, 40 + i), 1500) for i in range(6)]
ALIGNED = [(0, 0), (0, 0)]


def pair(shift=(0.0, 0.0), gain=1.0, **keywords):
    """Two exposures in adu, the first with a track."""
    images = [expose(scene(), 1, TRACK), expose(scene(shift=shift), 2)]
    meta = {"GAIN": gain, "RDNOISE": 5.0}
    return [CCDData(data / np.float32(gain), unit="adu", meta=dict(meta), **keywords) for data in images]


def clean(ccds, **keywords):
    return crp.clean_cosmic_rays_stack(ccds, **{"preflight": "off", **keywords})


def hits(ccd):
    return (ccd.flags & 1) != 0


def test_each_exposure_comes_back_without_its_own_cosmic_rays():
    first, second = clean(pair(), offsets=ALIGNED)
    assert hits(first)[tuple(np.transpose([place for place, _ in TRACK]))].all()
    assert hits(first).sum() <= len(TRACK) + 2
    assert hits(second).sum() <= 1


def test_all_other_pixels_keep_their_values_and_the_unit():
    ccds = pair(gain=2.0)
    for before, after in zip(ccds, clean(ccds, offsets=ALIGNED), strict=True):
        assert after.unit == before.unit
        assert after.data.dtype == before.data.dtype
        np.testing.assert_array_equal(after.data[~hits(after)], before.data[~hits(after)])


def test_the_exposures_are_not_changed():
    ccds = pair()
    before = [ccd.copy() for ccd in ccds]
    clean(ccds, offsets=ALIGNED)
    for ccd, copy in zip(ccds, before, strict=True):
        assert_same_frame(ccd, copy)
        assert ccd.meta == copy.meta


def test_the_mean_has_the_unit_and_the_gain_of_the_first():
    in_adu = pair()
    in_adu[1] = CCDData(in_adu[1].data / 2, unit="adu", meta={"GAIN": 2.0, "RDNOISE": 5.0})
    expected, found = (clean(ccds, offsets=ALIGNED).combine() for ccds in (pair(), in_adu))
    assert found.unit == "adu"
    np.testing.assert_allclose(found.data, expected.data, atol=30, rtol=0.02)


def test_the_mean_does_not_depend_on_what_became_of_the_list():
    cleaned = clean(pair(), offsets=ALIGNED)
    expected = cleaned.combine().data
    cleaned.reverse()
    cleaned.pop()
    np.testing.assert_array_equal(cleaned.combine().data, expected)


def test_pixels_that_are_not_finite_are_left_out_of_the_mean():
    cleaned = clean(pair(), offsets=ALIGNED)
    cleaned[1].data[5, 5] = np.nan
    assert np.isfinite(cleaned.combine().data).all()


def test_the_removed_values_can_be_put_back():
    ccds = pair(uncertainty=StdDevUncertainty(np.full((80, 90), 15.0, dtype=np.float32)))
    for before, after in zip(ccds, clean(ccds, offsets=ALIGNED), strict=True):
        assert_same_frame(after.restore_cosmic_rays(), before)


def test_pixels_are_repaired_from_the_other_exposure():
    image = scene()
    first, _ = clean(pair(), offsets=ALIGNED)
    assert first.meta["CRREPAIR"] == "stack"
    assert np.abs(first.data - image)[hits(first)].max() < 5 * np.sqrt(2 * image[hits(first)].max())


def test_another_repair_is_that_of_a_single_frame():
    first, _ = clean(pair(), offsets=ALIGNED, repair="none")
    np.testing.assert_array_equal(first.data, pair()[0].data)
    assert clean(pair(), offsets=ALIGNED, repair="medmask")[0].meta["CRREPAIR"] == "medmask"


def test_the_header_says_why_pixels_were_flagged():
    first, _ = clean(pair(), offsets=ALIGNED)
    assert first.meta["CRDETECT"] == "stack"
    for word in ("clean_cosmic_rays_stack(", "sigma=5.0", "found=", "grown=", "twice=0", "spared=0", "(given)"):
        assert word in first.meta["HISTORY"]


def test_the_table_has_a_row_for_each_exposure():
    table = clean(pair(), offsets=ALIGNED).table
    assert len(table) == 2
    assert table["pixels"][0] == table["found"][0] + table["grown"][0] + table["alone"][0]
    assert {"dy", "dx", "events", "twice", "spared", "transparency"} <= set(table.colnames)


class TestOffsets:
    def test_they_are_measured_from_the_stars(self):
        cleaned = clean(pair(shift=(4.0, -3.0)))
        assert cleaned.table["dy"][1] == pytest.approx(4.0, abs=0.2)
        assert cleaned.table["dx"][1] == pytest.approx(-3.0, abs=0.2)
        assert "(stars)" in cleaned[1].meta["HISTORY"]

    def test_they_come_from_the_wcs_on_demand(self):
        ccds = pair(shift=(4.0, -3.0))
        for ccd, (dy, dx) in zip(ccds, [(0, 0), (4, -3)], strict=True):
            ccd.wcs = WCS(naxis=2)
            ccd.wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
            ccd.wcs.wcs.cdelt = -1e-4, 1e-4
            ccd.wcs.wcs.crpix = 40 + dx, 40 + dy
        assert clean(ccds, offsets="wcs").table["dy"][1] == pytest.approx(4.0, abs=0.01)

    def test_without_stars_and_wcs_it_says_that_they_are_assumed(self):
        ccds = [CCDData(expose(scene(n_stars=0), seed), unit="electron") for seed in (1, 2)]
        with pytest.warns(crp.PreflightWarning, match="taken for 0"):
            crp.clean_cosmic_rays_stack(ccds, readnoise=5.0, preflight="off")

    def test_measuring_them_is_refused_without_stars(self):
        ccds = [CCDData(expose(scene(n_stars=0), seed), unit="electron") for seed in (1, 2)]
        with pytest.raises(crp.CosmicRayError, match="too few stars"):
            clean(ccds, readnoise=5.0, offsets="measure")

    @pytest.mark.parametrize("wrong", [[(0, 0)], [(0, 0), (0, 0), (0, 0)], "stars", [1, 2], [(0, 0), (np.nan, 0)]])
    def test_wrong_ones_are_refused(self, wrong):
        with pytest.raises(crp.CosmicRayError, match="offsets"):
            clean(pair(), offsets=wrong)


class TestRefused:
    def test_one_exposure(self):
        with pytest.raises(crp.CosmicRayError, match="two or more"):
            clean(pair()[:1])

    def test_a_frame_that_is_no_list(self):
        with pytest.raises(crp.CosmicRayError, match="expected a list"):
            clean(pair()[0])

    def test_exposures_of_different_shapes(self):
        first, second = pair()
        with pytest.raises(crp.CosmicRayError, match="one shape"):
            clean([first, second[:40]])

    def test_no_list_at_all(self):
        with pytest.raises(crp.CosmicRayError, match="ccds=None; expected a list"):
            clean(None)

    def test_the_same_exposure_in_another_unit_and_with_a_hole(self):
        first, _ = pair()
        again = CCDData(first.data * 1.0, unit="electron", meta=dict(first.meta))
        again.data[3, 3] = np.nan
        with pytest.raises(crp.CosmicRayError, match="the same pixels"):
            clean([first, again])

    def test_fields_on_opposite_sides_of_the_sky(self):
        ccds = pair()
        for ccd, place in zip(ccds, ((10, 20), (190, -20)), strict=True):
            wcs = WCS(naxis=2)
            wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], place, [1e-4, 1e-4]
            ccd.wcs = wcs
        with pytest.raises(crp.CosmicRayError, match="exposures 1 and 2 show different fields"):
            clean(ccds, offsets="wcs")

    def test_an_exposure_without_overlap_is_named(self):
        with pytest.warns(crp.PreflightWarning, match="exposures 1, 2 overlap with no other"):
            clean(pair(), offsets=[(0, 0), (500, 0)])

    def test_the_same_exposure_twice(self):
        first, _ = pair()
        with pytest.raises(crp.CosmicRayError, match="the same pixels"):
            clean([first, first.copy()])

    def test_an_exposure_that_was_cleaned_already(self):
        with pytest.raises(crp.CosmicRayError, match="removed already"):
            clean(list(clean(pair(), offsets=ALIGNED)), offsets=ALIGNED)

    @pytest.mark.parametrize("parameter", [{"sigma": -1}, {"sigma_low": 9.0}, {"sigclip": 5}, {"detector": "lacosmic"}])
    def test_wrong_parameters(self, parameter):
        with pytest.raises(crp.CosmicRayError, match="expected"):
            clean(pair(), offsets=ALIGNED, **parameter)


def test_the_combined_frame_has_no_cosmic_ray_and_less_noise():
    cleaned = clean(pair(), offsets=ALIGNED)
    combined = cleaned.combine()
    assert combined.unit == u.adu
    assert combined.data[30, 40] < 1000
    assert np.std(combined.data[:8, :8]) < np.std(cleaned[1].data[:8, :8])
    assert "CRDETECT" not in combined.meta
