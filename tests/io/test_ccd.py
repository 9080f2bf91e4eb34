# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames to and from FITS files.
"""

import bz2
import gzip
import os
import re
import stat
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, UnknownUncertainty, VarianceUncertainty
from astropy.wcs import WCS, Sip

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, HeaderWarning, read_ccd
from ccdproc_crplugin.io.ccd import open_frame, read_header

from ..helpers.hit_frames import hit_frame, same_bits

ENDINGS = [".fits", ".fit", ".fits.gz", ".fits.fz", ".FITS"]


def native(array):
    return array.astype(array.dtype.newbyteorder("="))


def distorted_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.wcs.crval, wcs.wcs.cdelt = [10.0, 20.0], [-0.001, 0.001]
    terms = np.zeros((3, 3))
    terms[2, 0] = 1e-6
    wcs.sip = Sip(terms, terms, None, None, [25, 30])
    return wcs


def is_standard(card):
    """Whether a card of 80 bytes has a keyword and text that FITS allows."""
    return re.fullmatch(rb"[A-Z0-9_-]* *", card[:8]) and re.fullmatch(rb"[ -~]{72}", card[8:])


class TestRoundTrip:
    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64"])
    def test_everything_comes_back(self, tmp_path, ending, dtype):
        ccd = hit_frame(dtype, uncertainty=StdDevUncertainty(np.full((50, 60), 10.0)))
        cleaned = crp.clean_cosmic_rays(ccd)
        read = crp.read_ccd(crp.write_ccd(cleaned, tmp_path / f"frame{ending}"))
        for name in ("data", "mask", "flags"):
            assert same_bits(native(getattr(read, name)), native(getattr(cleaned, name)))
        assert same_bits(native(read.uncertainty.array), cleaned.uncertainty.array)
        assert read.unit == u.adu
        assert read.meta["CRNPIX"] == 8

    @pytest.mark.parametrize(
        "dtype", ["uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    )
    @pytest.mark.parametrize("ending", [".fits", ".fits.fz"])
    def test_compression_loses_nothing(self, tmp_path, dtype, ending):
        data = np.random.default_rng(3).normal(100, 20, (40, 50)).astype(dtype)
        read = crp.read_ccd(crp.write_ccd(CCDData(data, unit="adu"), tmp_path / f"frame{ending}"))
        assert same_bits(native(np.asarray(read.data)), data)

    def test_values_that_are_not_finite_survive(self, tmp_path, ccd):
        ccd.data[3, 3], ccd.data[4, 4] = np.nan, np.inf
        read = crp.read_ccd(crp.write_ccd(crp.clean_cosmic_rays(ccd), tmp_path / "frame.fits.fz"))
        assert np.isnan(read.data[3, 3])
        assert np.isinf(read.data[4, 4])

    def test_wcs_psf_and_header_survive(self, tmp_path, ccd):
        ccd.meta = fits.Header([("GAIN", 2.0, "a comment"), ("RDNOISE", 5.0), ("OBJECT", "M 31")])
        ccd.wcs = WCS(naxis=2)
        ccd.wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        ccd.wcs.wcs.crval = [10.0, 20.0]
        ccd.psf = np.ones((5, 5))
        read = crp.read_ccd(crp.write_ccd(crp.clean_cosmic_rays(ccd), tmp_path / "frame.fits"))
        assert list(read.wcs.wcs.crval) == [10.0, 20.0]
        assert read.psf.shape == (5, 5)
        assert list(read.header)[:3] == ["GAIN", "RDNOISE", "OBJECT"] or read.header.comments["GAIN"] == "a comment"

    def test_a_frame_that_was_not_cleaned_can_be_written_too(self, tmp_path, ccd):
        read = crp.read_ccd(crp.write_ccd(ccd, tmp_path / "frame.fits"))
        assert read.flags is None
        assert "CRDETECT" not in read.meta


class TestAsOthersSeeIt:
    @pytest.mark.parametrize(("ending", "hdu"), [(".fits", 0), (".fits.gz", 0), (".fits.fz", 1)])
    def test_ccddata_reads_it(self, tmp_path, cleaned, ending, hdu):
        path = crp.write_ccd(cleaned, tmp_path / f"frame{ending}")
        read = CCDData.read(path, hdu=hdu)
        np.testing.assert_array_equal(read.data, cleaned.data)
        np.testing.assert_array_equal(read.mask, cleaned.mask)

    def test_the_extensions_have_their_names(self, tmp_path, ccd):
        ccd.uncertainty = VarianceUncertainty(np.full(ccd.shape, 100.0))
        path = crp.write_ccd(crp.clean_cosmic_rays(ccd), tmp_path / "frame.fits")
        with fits.open(path) as hdus:
            assert [hdu.name for hdu in hdus] == ["PRIMARY", "MASK", "UNCERT", "CRFLAGS", "CRPIXELS"]
            assert hdus["CRFLAGS"].data.dtype == np.uint8
            assert hdus["CRPIXELS"].columns.names[:4] == ["y", "x", "label", "removed"]
            assert hdus["CRPIXELS"].data["label"].min() == 1

    def test_every_image_of_a_packed_file_is_compressed(self, tmp_path, cleaned):
        with fits.open(crp.write_ccd(cleaned, tmp_path / "frame.fits.fz")) as hdus:
            assert hdus[0].data is None
            assert all(isinstance(hdu, fits.CompImageHDU) for hdu in hdus[1:] if hdu.is_image)
            assert hdus[1].compression_type == "GZIP_2"
            assert hdus["MASK"].compression_type == "RICE_1"

    def test_the_file_follows_the_standard(self, tmp_path, saao):
        path = crp.write_ccd(saao.clean_cosmic_rays(), tmp_path / "frame.fits")
        with fits.open(path) as hdus, warnings.catch_warnings(record=True) as complaints:
            hdus.verify("warn")
            places = [hdu.fileinfo() for hdu in hdus]
        assert [str(complaint.message) for complaint in complaints] == []
        content = path.read_bytes()
        assert len(content) == places[-1]["datLoc"] + places[-1]["datSpan"]
        assert len(content) % 2880 == 0
        for place in places:
            header = content[place["hdrLoc"] : place["datLoc"]]
            cards = [header[start : start + 80] for start in range(0, len(header), 80)]
            assert [card for card in cards if not is_standard(card)] == []
            assert cards.count(b"END".ljust(80)) == 1


class TestWriting:
    def test_an_existing_file_is_kept(self, tmp_path, cleaned):
        path = tmp_path / "frame.fits"
        path.write_text("precious")
        with pytest.raises(CosmicRayError, match=r"frame.fits' there already.*overwrite=True"):
            crp.write_ccd(cleaned, path)
        assert path.read_text() == "precious"

    def test_overwrite_replaces_it(self, tmp_path, cleaned):
        path = tmp_path / "frame.fits"
        path.write_text("worthless")
        crp.write_ccd(cleaned, path, overwrite=True)
        assert crp.read_ccd(path).meta["CRNPIX"] == 8

    @pytest.mark.parametrize("name", ["frame.txt", "frame", "frame.fits.bz2"])
    def test_other_endings_are_refused(self, tmp_path, cleaned, name):
        with pytest.raises(CosmicRayError, match=f"name '{name}'; expected one that ends in .fits"):
            crp.write_ccd(cleaned, tmp_path / name)

    def test_a_missing_folder_is_named(self, tmp_path, cleaned):
        with pytest.raises(CosmicRayError, match=r"no folder .*nowhere"):
            crp.write_ccd(cleaned, tmp_path / "nowhere" / "frame.fits")

    @pytest.mark.parametrize("dtype", ["float16", "int8", "longdouble"])
    def test_a_dtype_that_fits_lacks_is_refused(self, tmp_path, dtype):
        ccd = CCDData(np.ones((9, 9), dtype=dtype), unit="adu")
        with pytest.raises(CosmicRayError, match="which FITS does not have"):
            crp.write_ccd(ccd, tmp_path / "frame.fits")
        assert list(tmp_path.iterdir()) == []

    def test_an_uncertainty_that_fits_lacks_is_refused(self, tmp_path, ccd):
        ccd.uncertainty = UnknownUncertainty(np.ones(ccd.shape))
        with pytest.raises(CosmicRayError, match="FITS can't hold"):
            crp.write_ccd(ccd, tmp_path / "frame.fits")

    def test_a_header_that_fits_cannot_hold_is_refused(self, tmp_path, ccd):
        ccd.meta["THING"] = [1, 2]
        with pytest.raises(CosmicRayError, match="FITS can't hold"):
            crp.write_ccd(ccd, tmp_path / "frame.fits")

    def test_permissions_are_those_of_any_file(self, tmp_path, cleaned):
        umask = os.umask(0o022)
        try:
            path = crp.write_ccd(cleaned, tmp_path / "frame.fits")
        finally:
            os.umask(umask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


class TestReading:
    def test_header_and_frame_come_from_one_opening(self, tmp_path, cleaned, monkeypatch):
        path = crp.write_ccd(cleaned, tmp_path / "frame.fits.gz")
        opened, opening = [], fits.open
        monkeypatch.setattr(fits, "open", lambda name, *rest, **how: opened.append(name) or opening(name, *rest, **how))
        with open_frame(path) as file:
            header, read = file.header, file.read()
        assert [stream.name for stream in opened] == [str(path)]
        assert header["CRNPIX"] == read.meta["CRNPIX"] == 8
        assert same_bits(read.restore_cosmic_rays().data, hit_frame().data)

    @pytest.mark.parametrize("kind", [StdDevUncertainty, VarianceUncertainty, InverseVariance])
    @pytest.mark.parametrize("dtype", ["uint16", "float32"])
    def test_it_is_what_ccddata_reads(self, tmp_path, dtype, kind):
        ccd = hit_frame(dtype, wcs=distorted_wcs(), psf=np.ones((5, 5)), uncertainty=kind(np.full((50, 60), 10.0)))
        ccd.mask = ccd.data > 500
        ccd.to_hdu().writeto(tmp_path / "frame.fits")
        read, expected = crp.read_ccd(tmp_path / "frame.fits"), CCDData.read(tmp_path / "frame.fits")
        for name in ("data", "mask", "psf"):
            assert same_bits(getattr(read, name), getattr(expected, name))
        assert same_bits(read.uncertainty.array, expected.uncertainty.array)
        assert type(read.uncertainty) is kind
        assert read.unit == expected.unit
        assert repr(read.header) == repr(expected.header)
        assert read.wcs.to_header_string(relax=True) == expected.wcs.to_header_string(relax=True)
        assert read.wcs.sip.a_order == 2

    def test_the_primary_hdu_stands_for_the_first_image_where_it_is_empty(self, tmp_path):
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones((9, 8), dtype="i2"))]).writeto(tmp_path / "frame.fits")
        assert crp.read_ccd(tmp_path / "frame.fits", hdu=0).shape == (9, 8)

    @pytest.mark.parametrize("ending", [".gz", ".bz2", ".zip"])
    def test_a_packed_file_is_read(self, tmp_path, saao_path, ending):
        content, path = Path(saao_path).read_bytes(), tmp_path / f"frame.fits{ending}"
        if ending == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("frame.fits", content)
        else:
            path.write_bytes({".gz": gzip, ".bz2": bz2}[ending].compress(content))
        assert same_bits(native(crp.read_ccd(path).data), native(crp.read_ccd(saao_path).data))

    def test_integers_without_bunit_are_adu(self, saao_path):
        assert crp.read_ccd(saao_path).unit == u.adu

    def test_floating_point_without_bunit_needs_a_unit(self, tmp_path):
        fits.writeto(tmp_path / "frame.fits", np.ones((9, 9), dtype="f4"))
        with pytest.raises(CosmicRayError, match=r"without BUNIT.*Give unit="):
            crp.read_ccd(tmp_path / "frame.fits")
        assert crp.read_ccd(tmp_path / "frame.fits", unit="electron").unit == u.electron

    @pytest.mark.parametrize(
        ("bunit", "unit"),
        [("ADU", u.adu), ("counts", u.count), ("e-", u.electron), ("ELECTRONS", u.electron), ("DN", u.DN)],
    )
    def test_dialects_of_bunit_are_understood(self, tmp_path, bunit, unit):
        fits.writeto(tmp_path / "frame.fits", np.ones((9, 9), dtype="f4"), fits.Header([("BUNIT", bunit)]))
        assert crp.read_ccd(tmp_path / "frame.fits").unit == unit

    def test_nonsense_in_bunit_is_named(self, tmp_path):
        fits.writeto(tmp_path / "frame.fits", np.ones((9, 9), dtype="f4"), fits.Header([("BUNIT", "frogs")]))
        with pytest.raises(CosmicRayError, match="BUNIT = 'frogs'"):
            crp.read_ccd(tmp_path / "frame.fits")

    def test_the_first_image_is_found_and_inherits_the_primary_header(self, tmp_path):
        primary = fits.PrimaryHDU(header=fits.Header([("IMAGETYP", "object"), ("GAIN", 9.0)]))
        image = fits.ImageHDU(np.ones((9, 8), dtype="i2"), header=fits.Header([("GAIN", 1.5)]))
        fits.HDUList([primary, image]).writeto(tmp_path / "frame.fits")
        for header in (crp.read_ccd(tmp_path / "frame.fits").header, read_header(tmp_path / "frame.fits")):
            assert header["IMAGETYP"] == "object"
            assert header["GAIN"] == 1.5

    def test_of_several_images_one_must_be_chosen(self, tmp_path):
        chips = [fits.ImageHDU(np.full((9, 8), level, dtype="i2"), name=f"CHIP{level}") for level in (1, 2)]
        path = tmp_path / "frame.fits"
        fits.HDUList([fits.PrimaryHDU(), *chips]).writeto(path)
        with pytest.raises(CosmicRayError, match=r"2 images in .*HDU 1 \(CHIP1\), 2 \(CHIP2\).*hdu="):
            crp.read_ccd(path)
        assert crp.read_ccd(path, hdu=2).data[0, 0] == 2
        assert read_header(path, hdu=2)["EXTNAME"] == "CHIP2"

    def test_masks_and_variances_are_not_frames(self, tmp_path):
        hdus = [fits.PrimaryHDU(np.ones((9, 8), dtype="i2")), fits.ImageHDU(np.ones((9, 8)), name="VAR")]
        fits.HDUList(hdus).writeto(tmp_path / "frame.fits")
        assert crp.read_ccd(tmp_path / "frame.fits").data.dtype.kind == "i"

    def test_a_wrong_unit_is_named(self, saao_path):
        with pytest.raises(CosmicRayError, match="unit='furlongs', which is no unit"):
            crp.read_ccd(saao_path, unit="furlongs")

    @pytest.mark.parametrize("read", [crp.read_ccd, read_header])
    def test_a_missing_file_is_named(self, tmp_path, read):
        with pytest.raises(CosmicRayError, match=r"no file '.*gone.fits'"):
            read(tmp_path / "gone.fits")

    @pytest.mark.parametrize("read", [crp.read_ccd, read_header])
    def test_a_file_that_is_not_fits_is_named(self, tmp_path, read):
        (tmp_path / "frame.fits").write_text("no FITS here")
        with pytest.raises(CosmicRayError, match=r"frame.fits', which can't be read"):
            read(tmp_path / "frame.fits")

    @pytest.mark.filterwarnings("ignore:File may have been truncated")
    def test_a_truncated_file_is_named(self, tmp_path, saao_path):
        with open(saao_path, "rb") as whole:
            (tmp_path / "frame.fits").write_bytes(whole.read(100_000))
        with pytest.raises(CosmicRayError, match=r"frame.fits', which can't be read"):
            crp.read_ccd(tmp_path / "frame.fits")

    def test_a_file_without_an_image_says_what_it_holds(self, tmp_path):
        fits.writeto(tmp_path / "cube.fits", np.ones((2, 9, 9)))
        with pytest.raises(CosmicRayError, match=r"no two-dimensional image.*\(2, 9, 9\)"):
            crp.read_ccd(tmp_path / "cube.fits")


class TestUnitGiven:
    def write(self, folder, bunit):
        cards = [("BUNIT", bunit)] if bunit else []
        fits.writeto(folder / "frame.fits", np.ones((9, 9), dtype="f4"), fits.Header(cards))
        return folder / "frame.fits"

    def test_one_against_that_of_the_header_is_warned_of(self, tmp_path):
        with pytest.warns(HeaderWarning, match="BUNIT = 'ELECTRONS' in .*, but the unit adu is given"):
            assert read_ccd(self.write(tmp_path, "ELECTRONS"), unit="adu").unit == "adu"

    @pytest.mark.parametrize("bunit", [None, "adu", "COUNTS", "Massaged Data Value"])
    def test_one_that_says_the_same_or_the_only_one_is_not(self, tmp_path, bunit):
        assert read_ccd(self.write(tmp_path, bunit), unit="adu").unit == "adu"
