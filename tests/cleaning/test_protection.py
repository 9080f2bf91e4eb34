# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Regions that a search spares, and events widened by a number of pixels."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from scipy.ndimage import binary_dilation

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, Detector, PixelFlag, PreflightWarning

from ..helpers.hit_frames import HITS, hit_frame, hit_mask
from ..helpers.mosaic_frames import mosaic_frame

SPOT = HITS[0][0]  # y, x of a hit of one pixel


@pytest.fixture
def region():
    """The pixels around the first hit: bool (ny, nx)."""
    mask = np.zeros((50, 60), dtype=bool)
    mask[5:15, 5:20] = True
    return mask


def hits_of(cleaned):
    return (cleaned.flags & PixelFlag.COSMIC_RAY) != 0


class TestProtect:
    @pytest.mark.parametrize("detector", ["lacosmic", "median", "astroscrappy"])
    def test_the_region_keeps_its_values_and_is_not_masked(self, ccd, region, detector):
        cleaned = ccd.clean_cosmic_rays(detector, protect=region)
        np.testing.assert_array_equal(cleaned.data[region], ccd.data[region])
        assert not cleaned.mask[region].any()
        assert (cleaned.flags[region] == PixelFlag.NOT_SEARCHED).all()

    def test_the_rest_is_searched_as_before(self, ccd, region):
        plain, spared = ccd.clean_cosmic_rays(), ccd.clean_cosmic_rays(protect=region)
        np.testing.assert_array_equal(hits_of(spared), hits_of(plain) & ~region)

    def test_the_star_in_it_does_not_make_hits_of_its_flank(self, region):
        ccd = hit_frame()
        y, x = np.indices(ccd.shape)
        ccd.data += 3e4 * np.exp(-((y - 10) ** 2 + (x - 12) ** 2) / 8)
        core = np.hypot(y - 10, x - 12) < 3
        assert not hits_of(ccd.clean_cosmic_rays(protect=core))[:18, :20].any()

    def test_growth_does_not_enter_it(self, ccd):
        beside = np.zeros(ccd.shape, dtype=bool)
        beside[:, SPOT[1] + 1 :] = True
        assert not hits_of(ccd.clean_cosmic_rays(protect=beside, grow=5))[beside].any()

    def test_bad_pixels_in_it_stay_bad(self, ccd, region):
        ccd.data[8, 8] = np.nan
        assert ccd.clean_cosmic_rays(protect=region).flags[8, 8] == PixelFlag.BAD

    def test_a_frame_that_is_protected_whole_is_not_judged(self, ccd):
        cleaned = ccd.clean_cosmic_rays(protect=np.ones(ccd.shape, dtype=bool))
        assert (cleaned.header["CRNPIX"], cleaned.header["CRVERDCT"]) == (0, "cannot tell")

    def test_the_history_says_how_many_pixels(self, ccd, region):
        assert "protect='150 pixels'" in str(ccd.clean_cosmic_rays(protect=region).meta["HISTORY"]).replace("\n", "")

    def test_each_colour_of_a_mosaic_is_spared(self):
        ccd = mosaic_frame((128, 128)).ccd()
        region = np.zeros(ccd.shape, dtype=bool)
        region[40:90, 40:90] = True
        assert not hits_of(ccd.clean_cosmic_rays(protect=region, mosaic="RGGB", preflight="off"))[region].any()


class TestForms:
    """Everything that may be given means the same pixels."""

    def given(self, form, region, folder):
        fits.writeto(folder / "mask.fits", region.astype("u1"))
        (folder / "corners.txt").write_text("5 5\n19 5\n19 14\n5 14\n")
        forms = {
            "mask": region,
            "section": "[6:20, 6:15]",
            "fits": folder / "mask.fits",
            "corners": str(folder / "corners.txt"),
            "list": ["[6:20, 6:10]", folder / "mask.fits"],
        }
        return forms[form]

    @pytest.mark.parametrize("form", ["mask", "section", "fits", "corners", "list"])
    def test_pixels(self, ccd, region, tmp_path, form):
        cleaned = ccd.clean_cosmic_rays(protect=self.given(form, region, tmp_path))
        np.testing.assert_array_equal(cleaned.flags == PixelFlag.NOT_SEARCHED, self.unsearched(ccd, region))

    def unsearched(self, ccd, region):
        return ccd.clean_cosmic_rays(protect=region).flags == PixelFlag.NOT_SEARCHED

    def test_a_remote_mask(self, ccd, region, tmp_path):
        memory = pytest.importorskip("fsspec").filesystem("memory")
        fits.writeto(tmp_path / "region.fits", region.astype("u1"))
        memory.put(str(tmp_path / "region.fits"), "/protect/region.fits")
        cleaned = ccd.clean_cosmic_rays(protect="memory://protect/region.fits")
        np.testing.assert_array_equal(cleaned.flags, ccd.clean_cosmic_rays(protect=region).flags)

    def test_a_region_of_ds9(self, ccd, region, tmp_path):
        pytest.importorskip("regions")
        file = tmp_path / "core.reg"
        file.write_text("image\nbox(13,10.5,15,10,0)\n")
        cleaned = ccd.clean_cosmic_rays(protect=file)
        np.testing.assert_array_equal(cleaned.flags == PixelFlag.NOT_SEARCHED, self.unsearched(ccd, region))

    def test_a_region_off_the_frame_is_said(self, ccd, tmp_path):
        (tmp_path / "far.txt").write_text("500 500\n510 500\n510 510\n")
        with pytest.warns(PreflightWarning, match="no pixel of the frame in .*far.txt"):
            ccd.clean_cosmic_rays(protect=tmp_path / "far.txt")

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("memory://night/box.reg", "protect='memory://night/box.reg'; expected a mask in a FITS file"),
            ("nothing.fits", r"protect='nothing.fits'; expected a mask.*no such file"),
            (3, "protect=3; expected a mask"),
            (
                "[1:100, *]",
                r"protect='\[1:100, \*\]' for a frame of shape \(50, 60\); expected a part of \[1:60, 1:50\]",
            ),
            (np.zeros((3, 3), dtype=bool), "a mask of protected pixels of dtype bool and shape"),
            (np.zeros((50, 60)), "a mask of protected pixels of dtype float64"),
        ],
    )
    def test_anything_else_is_refused(self, ccd, given, message):
        with pytest.raises(CosmicRayError, match=message):
            ccd.clean_cosmic_rays(protect=given)

    def test_a_mask_of_another_shape_is_refused(self, ccd, tmp_path):
        fits.writeto(tmp_path / "small.fits", np.zeros((9, 9), dtype="u1"))
        with pytest.raises(CosmicRayError, match=r"\(9, 9\) in the mask of protected pixels"):
            ccd.clean_cosmic_rays(protect=tmp_path / "small.fits")


@pytest.fixture
def told():
    """What a detector is given: its facts by name."""
    facts = {}

    def detect(data, *, mask, variance, readnoise, saturation, protected=None):
        facts.update(mask=mask, protected=protected)
        return Detection(np.ones(data.shape, dtype=bool))

    class Plugin:
        @crp.hookimpl
        def ccdcr_detectors(self):
            yield Detector("greedy", "takes all", detect)

    crp.plugins.register(Plugin(), "greedy")
    yield facts
    crp.plugins.unregister("greedy")


def test_a_detector_that_asks_is_told_what_is_protected_and_obeyed_nowhere_there(ccd, region, told):
    cleaned = ccd.clean_cosmic_rays("greedy", protect=region, max_fraction=1, preflight="off")
    np.testing.assert_array_equal(told["protected"], region)
    assert not told["mask"].any()
    assert not hits_of(cleaned)[region].any()


class TestGrow:
    @pytest.mark.parametrize("n_pixels", [1, 2])
    def test_events_are_widened_by_pixels_all_around(self, ccd, n_pixels):
        narrow = hits_of(ccd.clean_cosmic_rays(grow=False))
        wide = binary_dilation(narrow, np.ones((3, 3)), iterations=n_pixels)
        np.testing.assert_array_equal(hits_of(ccd.clean_cosmic_rays(grow=n_pixels)), wide)

    def test_one_pixel_is_not_the_switch(self, ccd):
        assert hits_of(ccd.clean_cosmic_rays(grow=1)).sum() > hits_of(ccd.clean_cosmic_rays(grow=True)).sum()

    def test_no_pixel_is_no_growth(self, ccd):
        np.testing.assert_array_equal(ccd.clean_cosmic_rays(grow=0).flags, ccd.clean_cosmic_rays(grow=False).flags)

    def test_bad_pixels_are_left_out(self, ccd):
        ccd.mask = np.zeros(ccd.shape, dtype=bool)
        ccd.mask[SPOT[0] + 2] = True
        assert not hits_of(ccd.clean_cosmic_rays(grow=3, preflight="off"))[ccd.mask].any()

    def test_pixels_are_those_of_the_frame_in_a_mosaic(self):
        ccd = mosaic_frame((128, 128)).ccd()
        quiet = {"mosaic": "RGGB", "preflight": "off"}
        wide = binary_dilation(hits_of(ccd.clean_cosmic_rays(grow=False, **quiet)), np.ones((3, 3)))
        np.testing.assert_array_equal(hits_of(ccd.clean_cosmic_rays(grow=1, **quiet)), wide)

    @pytest.mark.parametrize("grow", ["wide", None, -1, 2.5, 1000])
    def test_anything_else_is_refused(self, ccd, grow):
        with pytest.raises(CosmicRayError, match="grow="):
            ccd.clean_cosmic_rays(grow=grow)


class TestMaskFile:
    def test_it_is_1_at_masked_pixels(self, cleaned, tmp_path):
        path = crp.write_ccd(cleaned, tmp_path / "mask.fits", mask_only=True)
        data = fits.getdata(path)
        assert data.dtype == np.uint8
        np.testing.assert_array_equal(data == 1, cleaned.mask)
        np.testing.assert_array_equal(fits.getdata(path, "CRFLAGS"), cleaned.flags)

    def test_it_can_be_given_as_bad_pixels_and_protected_ones(self, ccd, cleaned, tmp_path):
        path = crp.write_ccd(cleaned, tmp_path / "mask.fits", mask_only=True)
        again = ccd.clean_cosmic_rays(bad_pixels=path)
        assert (again.flags[hit_mask()] & PixelFlag.BAD).all()
        assert not hits_of(ccd.clean_cosmic_rays(protect=path)).any()

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_it_may_be_packed(self, cleaned, tmp_path, ending):
        path = crp.write_ccd(cleaned, tmp_path / f"mask{ending}", mask_only=True)
        np.testing.assert_array_equal(crp.read_ccd(path, unit="adu").data == 1, cleaned.mask)

    def test_a_frame_without_a_mask_has_an_empty_one(self, tmp_path):
        path = crp.write_ccd(CCDData(np.ones((5, 6)), unit="adu"), tmp_path / "mask.fits", mask_only=True)
        assert fits.getdata(path).shape == (5, 6)
        assert not fits.getdata(path).any()

    def test_nobody_takes_it_for_a_light_frame(self, ccd, tmp_path):
        ccd.meta = fits.Header({"IMAGETYP": "LIGHT", "GAIN": 2.0, "RDNOISE": 5.0})
        path = crp.write_ccd(ccd.clean_cosmic_rays(), tmp_path / "mask.fits", mask_only=True)
        assert crp.select_frames([path]) == []
