# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cosmic rays added by hand: the new frame, and how they are put back.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import InverseVariance, StdDevUncertainty, VarianceUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PixelFlag
from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import assert_same_frame, hit_frame, hit_mask, rich_frame, same_bits

pytestmark = pytest.mark.filterwarnings("ignore:Found an uncertainty")

DS9 = "# Region file format: DS9 version 4.1\nimage\n"


def some_pixels(shape=(50, 60)):
    mask = np.zeros(shape, dtype=bool)
    mask[40:43, 8:10] = True
    return mask


def write(path, text):
    path.write_text(text)
    return path


class TestAdding:
    def test_the_pixels_are_flagged_masked_repaired_and_counted(self, ccd, cleaned):
        ccd.data[some_pixels()] += 500
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=1e6)
        more = crp.add_cosmic_rays(cleaned, some_pixels())
        np.testing.assert_array_equal(more.flags == PixelFlag.COSMIC_RAY, some_pixels())
        np.testing.assert_array_equal(more.mask, some_pixels())
        np.testing.assert_allclose(more.data[some_pixels()], 200, atol=6)
        assert same_bits(more.data[~some_pixels()], ccd.data[~some_pixels()])
        assert (more.meta["CRNPIX"], more.meta["CRNEVENT"], more.meta["CRBYHAND"]) == (6, 1, 6)
        assert "6 pixels added" in str(more.meta["HISTORY"])

    def test_the_frame_given_stays_as_it_was(self, cleaned):
        before = cleaned.data.copy(), cleaned.flags.copy(), cleaned.mask.copy(), dict(cleaned.meta)
        crp.add_cosmic_rays(cleaned, some_pixels())
        assert same_bits(cleaned.data, before[0])
        assert same_bits(cleaned.flags, before[1])
        assert same_bits(cleaned.mask, before[2])
        assert dict(cleaned.meta) == before[3]
        assert len(crp.cr_segments(cleaned)) == 3

    @pytest.mark.parametrize("dtype", [">i2", "uint16", "int32", "float32", ">f8"])
    @pytest.mark.parametrize("uncertainty", [StdDevUncertainty, VarianceUncertainty, InverseVariance])
    def test_all_of_it_goes_back_bit_for_bit_through_a_file(self, tmp_path, dtype, uncertainty):
        ccd = rich_frame(dtype, uncertainty)
        more = crp.add_cosmic_rays(crp.clean_cosmic_rays(ccd), some_pixels() | hit_mask())
        read = crp.read_ccd(crp.write_ccd(more, tmp_path / "frame.fits"))
        assert_same_frame(crp.restore_cosmic_rays(read), ccd)

    def test_it_can_be_put_back_alone(self, cleaned):
        more = crp.add_cosmic_rays(cleaned, some_pixels())
        again = crp.restore_cosmic_rays(more, mask=some_pixels())
        assert same_bits(again.data, cleaned.data)
        assert again.meta["CRNEVENT"] == 3

    def test_pixels_nearby_are_repaired_without_the_new_ones(self):
        ccd = hit_frame()
        ccd.data[10, 13] += 2000
        half = np.zeros(ccd.shape, dtype=bool)
        half[10, 12] = True
        other = np.zeros_like(half)
        other[10, 13] = True
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=1e6)
        both = crp.add_cosmic_rays(cleaned, half | other)
        one_by_one = crp.add_cosmic_rays(crp.add_cosmic_rays(cleaned, half), other)
        assert same_bits(one_by_one.data, both.data)
        assert one_by_one.meta["CRBYHAND"] == 2
        assert same_bits(crp.restore_cosmic_rays(one_by_one).data, ccd.data)

    def test_the_header_counts_those_that_are_still_removed(self, cleaned, tmp_path):
        half = some_pixels().copy()
        half[:, 9:] = False
        more = crp.add_cosmic_rays(cleaned, some_pixels())
        for again in (more, crp.read_ccd(crp.write_ccd(more, tmp_path / "more.fits"))):
            rest = crp.restore_cosmic_rays(again, mask=half)
            assert rest.meta["CRBYHAND"] == int(some_pixels().sum() - half.sum()) > 0
            assert "CRBYHAND" not in crp.restore_cosmic_rays(rest, mask=some_pixels()).meta
            detected = crp.restore_cosmic_rays(more, mask=~some_pixels())
            assert detected.meta["CRBYHAND"] == detected.meta["CRNPIX"] == int(some_pixels().sum())

    def test_the_header_counts_them_still_when_the_frame_is_cleaned_again(self, cleaned):
        more = crp.add_cosmic_rays(cleaned, some_pixels())
        assert crp.clean_cosmic_rays(more, force=True).meta["CRBYHAND"] == int(some_pixels().sum())

    def test_the_uncertainty_grows(self, ccd):
        ccd.uncertainty = StdDevUncertainty(np.full(ccd.shape, 0.1, dtype=np.float32))
        cleaned = crp.clean_cosmic_rays(ccd)
        more = crp.add_cosmic_rays(cleaned, some_pixels())
        assert (more.uncertainty.array[some_pixels()] > 1).all()

    def test_bad_pixels_and_those_taken_already_are_left_out(self, ccd):
        ccd.mask = np.zeros(ccd.shape, dtype=bool)
        ccd.mask[40, 8] = True
        more = crp.add_cosmic_rays(crp.clean_cosmic_rays(ccd), some_pixels() | hit_mask())
        assert more.meta["CRBYHAND"] == 5
        assert more.flags[40, 8] == PixelFlag.BAD

    def test_a_frame_that_was_only_flagged_is_only_flagged(self, ccd):
        more = crp.add_cosmic_rays(crp.clean_cosmic_rays(ccd, repair=None), some_pixels())
        assert same_bits(more.data, ccd.data)
        assert (more.flags[some_pixels()] == PixelFlag.COSMIC_RAY).all()

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.zeros((50, 60), dtype=bool), "0 pixels to add"),
            (hit_mask(), "flagged as cosmic rays already"),
            (np.ones((2, 2), dtype=bool), r"shape \(2, 2\)"),
            (np.ones((50, 60)), "dtype float64"),
            (np.ones((50, 60), dtype=bool), "every good pixel"),
        ],
    )
    def test_wrong_masks_are_refused(self, cleaned, mask, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.add_cosmic_rays(cleaned, mask)

    def test_a_frame_that_was_not_cleaned_is_refused(self, ccd):
        with pytest.raises(CosmicRayError, match="not cleaned"):
            crp.add_cosmic_rays(ccd, some_pixels())


class TestCommand:
    @pytest.fixture
    def night(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        header = fits.Header({"IMAGETYP": "Light Frame", "GAIN": 2.0, "RDNOISE": 5.0})
        fits.writeto("raw.fits", hit_frame("uint16").data, header)
        write(tmp_path / "mine.reg", f"{DS9}box(10,41,3,3,0)\n")
        return tmp_path

    def test_a_raw_frame_is_cleaned_and_gets_the_region_too(self, night):
        assert main(["clean", "raw.fits", "--quiet", "--add-region", "mine.reg"]) == 0
        header = fits.getheader("cleaned/raw.fits")
        assert (header["CRNEVENT"], header["CRBYHAND"]) == (4, 9)
        back = crp.read_ccd("cleaned/raw.fits").restore_cosmic_rays()
        assert same_bits(back.data, crp.read_ccd("raw.fits").data)

    def test_a_cleaned_frame_only_gets_the_regions(self, night):
        main(["clean", "raw.fits", "--quiet", "--sigclip", "7"])
        words = ["clean", "cleaned/raw.fits", "-o", "more", "--quiet", "--add-region", "mine.reg"]
        assert main([*words, "--add-region", "40,8,42,8,42,9,40,9"]) == 0
        header = fits.getheader("more/raw.fits")
        assert (header["CRSIGCLP"], header["CRNEVENT"], header["CRBYHAND"]) == (7, 5, 15)

    @pytest.mark.parametrize("word", ["1,2,3,4", "no.reg", "1,2,3,4,5,6,7"])
    def test_what_is_no_region_is_wrong_usage(self, night, word, capsys):
        assert main(["clean", "raw.fits", "--add-region", word]) == 2
        assert word in capsys.readouterr().err

    def test_a_region_beside_the_frame_costs_the_frame_and_no_more(self, night, capsys):
        assert main(["clean", "raw.fits", "--quiet", "--add-region", "900,900,910,900,910,910"]) == 1
        assert "no pixel of the frame" in capsys.readouterr().err
        assert not list((night / "cleaned").iterdir())
