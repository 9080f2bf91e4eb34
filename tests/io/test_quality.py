# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Planes of quality and masks of bad pixels in files."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError, read_ccd
from ccdproc_crplugin.io.companions import bad_pixel_mask, read_bad_pixels

SHAPE = (6, 8)


def write(path, planes, primary=None, image=None):
    """A file with a frame in an extension SCI, and planes beside it by name or (name, EXTVER)."""
    image = np.full(SHAPE, 100.0, dtype="f4") if image is None else image
    hdus = [fits.PrimaryHDU(header=fits.Header(primary or {})), fits.ImageHDU(image, name="SCI")]
    hdus[1].header["BUNIT"] = "ELECTRONS"
    for name, (values, cards) in planes.items():
        hdus.append(fits.ImageHDU(values, name=name))
        hdus[-1].header.update(cards)
    fits.HDUList(hdus).writeto(path)
    return path


def write_large(path, image, plane, primary):
    """A file with a frame of any size and its plane of quality."""
    hdus = [
        fits.PrimaryHDU(header=fits.Header(primary)),
        fits.ImageHDU(image, name="SCI"),
        fits.ImageHDU(plane, name="DQ"),
    ]
    hdus[1].header["BUNIT"] = "ELECTRONS"
    fits.HDUList(hdus).writeto(path)
    return path


def bits(*values):
    plane = np.zeros(SHAPE, dtype="i2")
    plane[0, : len(values)] = values
    return plane


class TestFrames:
    def masked(self, path):
        return [x for y, x in np.argwhere(read_ccd(path).mask)]

    def test_what_is_not_zero_in_a_plane_is_bad(self, tmp_path):
        path = write(tmp_path / "f.fits", {"DQ": (bits(1, 0, 4, 512), {})})
        assert self.masked(path) == [0, 2, 3]

    def test_a_mask_of_bad_pixels_is_read_with_a_mask(self, tmp_path):
        planes = {"BPM": (bits(0, 1), {}), "MASK": (bits(1).astype("u1"), {})}
        assert self.masked(write(tmp_path / "f.fits", planes)) == [0, 1]

    @pytest.mark.parametrize(
        ("primary", "bad"),
        [
            ({"TELESCOP": "HST"}, [0, 1, 2]),  # not 256, 2048, 4096, 8192
            ({"OBSERVAT": "Gemini-South"}, [0, 2, 3, 4, 5, 6]),  # not 4
            ({"TELESCOP": "JWST"}, [0]),
            ({}, [0, 1, 2, 3, 4, 5, 6]),
        ],
    )
    def test_cosmic_rays_and_saturated_pixels_are_not_bad(self, tmp_path, primary, bad):
        path = write(tmp_path / "f.fits", {"DQ": (bits(1, 4, 16, 256, 2048, 4096, 8192), {})}, primary)
        assert self.masked(path) == bad

    @pytest.mark.parametrize("primary", [{"TELESCOP": "HST"}, {"OBSERVAT": "Gemini-North"}, {"TELESCOP": "JWST"}])
    def test_a_star_whose_pixels_it_has_as_saturated_is_no_cosmic_ray(self, tmp_path, primary):
        rng = np.random.default_rng(3)
        image = rng.normal(100, 10, (60, 70)).astype("f4")
        image[5:55, 33:36] = rng.normal(60_000, 5000, (50, 3))  # a bleed trail, smeared by the flat
        image[20, 60] = 3000
        bit = {"HST": 256, "JWST": 2}.get(primary.get("TELESCOP"), 4)
        plane = np.where(image > 40_000, bit, 0).astype("i2")
        path = write_large(tmp_path / "f.fits", image, plane, primary)
        cleaned = read_ccd(path).clean_cosmic_rays(readnoise=5, preflight="off")
        hits = np.asarray(cleaned.flags) & 1
        assert hits[20, 60]
        assert not hits[:, 30:40].any()
        assert cleaned.meta.comments["CRSATUR"].endswith("(DQ)")

    def test_of_planes_with_names_only_bad_ones_count(self, tmp_path):
        cards = {"MP_BAD": 0, "MP_CR": 3, "HIERARCH MP_DETECTED": 5}
        assert self.masked(write(tmp_path / "f.fits", {"MASK": (bits(1, 8, 32, 33), cards)})) == [0, 3]

    def test_a_plane_of_another_shape_belongs_to_another_image(self, tmp_path):
        path = write(tmp_path / "f.fits", {"DQ": (np.ones((3, 3), dtype="i2"), {})})
        assert read_ccd(path).mask is None

    def test_of_several_frames_each_has_its_own_plane(self, tmp_path):
        hdus = [fits.PrimaryHDU()]
        for version in (1, 2):
            hdus.append(fits.ImageHDU(np.ones(SHAPE, dtype="f4"), name="SCI", ver=version))
            hdus[-1].header["BUNIT"] = "electron"
            hdus.append(fits.ImageHDU(bits(*[0] * version, 1), name="DQ", ver=version))
        fits.HDUList(hdus).writeto(tmp_path / "f.fits")
        for hdu, expected in ((1, [1]), (3, [2])):
            mask = read_ccd(tmp_path / "f.fits", hdu=hdu).mask
            assert [x for y, x in np.argwhere(mask)] == expected


class TestFileOfBadPixels:
    @pytest.mark.parametrize("name", ["BPM", "MASK", "DQ", "PRIMARY"])
    def test_the_image_that_says_so_or_the_first_one_is_taken(self, tmp_path, name):
        image = bits(0, 1, 3)
        hdus = [fits.PrimaryHDU(image if name == "PRIMARY" else np.ones(SHAPE, "i2"))]
        hdus += [] if name == "PRIMARY" else [fits.ImageHDU(image, name=name)]
        fits.HDUList(hdus).writeto(tmp_path / "bad.fits")
        assert np.argwhere(read_bad_pixels(tmp_path / "bad.fits", SHAPE)).tolist() == [[0, 1], [0, 2]]
        assert np.array_equal(bad_pixel_mask(tmp_path / "bad.fits", SHAPE), image != 0)

    def test_another_shape_is_refused(self, tmp_path):
        fits.writeto(tmp_path / "bad.fits", np.ones((2, 3), dtype="u1"))
        with pytest.raises(CosmicRayError, match=r"Found images of shape \(2, 3\) .*bad\.fits'; expected .* \(6, 8\)"):
            read_bad_pixels(tmp_path / "bad.fits", SHAPE)

    def test_an_array_is_taken_as_it_is(self):
        assert bad_pixel_mask(np.eye(3, dtype=bool), (3, 3)).sum() == 3
        assert bad_pixel_mask(None, (3, 3)) is None


@pytest.mark.skipif("CCDCR_REAL_DATA" not in os.environ, reason="CCDCR_REAL_DATA does not name the folder of frames")
class TestRealFrames:
    def path(self, name):
        return Path(os.environ["CCDCR_REAL_DATA"]) / "cameras" / name

    def test_hst(self):
        with fits.open(self.path("hst_wfc3_flt/Pluto1.fits.gz")) as hdus:
            index = [hdu.name for hdu in hdus].index("SCI")
            expected = (hdus["DQ"].data.astype(int) & ~(256 | 2048 | 4096 | 8192)) != 0
        mask = read_ccd(self.path("hst_wfc3_flt/Pluto1.fits.gz"), hdu=index).mask
        assert np.array_equal(mask, expected)
        assert 0.01 < mask.mean() < 0.03

    @pytest.mark.filterwarnings("ignore:Found BUNIT = 'DN/s'")
    def test_jwst(self):
        path = self.path("jwst_niriss_cal/jw01093012001_03102_00001_nis_cal.fits")
        mask = read_ccd(path, unit="adu", hdu=1).mask
        assert mask[13, 76]
        assert mask.sum() == 457
