# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The structure of a file is checked before anything else reads it, whether the file is packed or not.
"""

import gzip
import lzma
import re

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.errors import HeaderWarning
from ccdproc_crplugin.io import structure

from ..helpers.fits_bytes import bytes_of, header, raw, sky, with_card_replaced, with_cards


def write(folder, content, packed=False):
    path = folder / ("frame.fits.gz" if packed else "frame.fits")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("keyword", "card", "reason"),
    [
        ("SIMPLE", "SIMPLE  = 32767", "it does not start with SIMPLE = T"),
        ("SIMPLE", "SAMPLE  =                    T", "it does not start with SIMPLE = T"),
        ("BITPIX", "BITPIX  = 32767", "HDU 0 has BITPIX = 32767, not one of 8, 16, 32, 64, -32, -64"),
        ("BITPIX", "BITPIX  = 'many'", "HDU 0 has BITPIX = 'many', not a whole number"),
        ("NAXIS", f"NAXIS   = {2**63}", "HDU 0 has NAXIS = 9223372036854775808"),
        ("NAXIS", "NAXIS   = 1000", "not a whole number from 0 to 999"),
        ("NAXIS1", "NAXIS1  = -5", "HDU 0 has NAXIS1 = -5"),
        ("NAXIS1", f"NAXIS1  = {2**40}", "shorter than its header says"),
        ("NAXIS2", "NAXIS3  = 1", "HDU 0 has NAXIS2 = without a value"),
    ],
)
def test_a_damaged_structure_is_named(tmp_path, keyword, card, reason, packed):
    path = write(tmp_path, with_card_replaced(raw(), keyword, card), packed)
    with pytest.raises(CosmicRayError, match=rf"frame.fits.*which can't be read \(.*{re.escape(reason)}"):
        crp.read_ccd(path)


def test_a_header_without_end_is_named(tmp_path):
    with pytest.raises(CosmicRayError, match="the header of HDU 0 has no END"):
        crp.read_ccd(write(tmp_path, raw().replace(b"END".ljust(80), b"".ljust(80))))


@pytest.mark.parametrize("card", ["TFIELDS = 1000000", f"TFIELDS = {2**63}"])
def test_a_table_of_countless_columns_is_refused(tmp_path, card):
    table = fits.BinTableHDU(np.rec.fromarrays([np.arange(3)], names=["row"]))
    content = bytes_of(fits.PrimaryHDU(sky(), header()), table)
    with pytest.raises(CosmicRayError, match="HDU 1 has TFIELDS"):
        crp.read_ccd(write(tmp_path, with_card_replaced(content, "TFIELDS", card)))


@pytest.mark.parametrize("kind", ["'NAN'", "1000", "'IMAGO'"])
def test_an_extension_of_no_known_kind_is_refused(tmp_path, kind):
    content = bytes_of(fits.PrimaryHDU(sky(), header()), fits.ImageHDU(sky()))
    with pytest.raises(CosmicRayError, match="HDU 1 has XTENSION = "):
        crp.read_ccd(write(tmp_path, with_card_replaced(content, "XTENSION", f"XTENSION= {kind}")))


def test_a_compressed_image_larger_than_its_file_explains_is_refused(tmp_path):
    content = bytes_of(fits.PrimaryHDU(), fits.CompImageHDU(sky(), header()))
    content = with_card_replaced(content, "ZNAXIS1", f"ZNAXIS1 = {2**40}")
    with pytest.raises(CosmicRayError, match="unpacks to more than any frame of its size"):
        crp.read_ccd(write(tmp_path, content))


def test_a_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(structure, "ALWAYS_UNPACKED", 1 << 20)
    (tmp_path / "frame.fits.xz").write_bytes(lzma.compress(bytes(1 << 23), preset=0))
    with pytest.raises(CosmicRayError, match="unpacks to more"):
        crp.read_ccd(tmp_path / "frame.fits.xz")


@pytest.mark.parametrize("keyword", ["BZERO", "BSCALE"])
def test_two_cards_that_differ_leave_the_pixels_open(tmp_path, keyword):
    content = with_cards(raw(), f"{keyword:8}= 3")
    with pytest.raises(CosmicRayError, match=f"HDU 0 has two cards {keyword}, .* and 3"):
        crp.read_ccd(write(tmp_path, content))


def test_two_equal_cards_are_one(tmp_path):
    path = write(tmp_path, with_cards(raw(), "BZERO   = 32768"))
    np.testing.assert_array_equal(crp.read_ccd(path).data, sky())


def test_what_is_no_hdu_after_the_last_one_is_passed_over(tmp_path):
    path = write(tmp_path, raw() + b"rubbish" * 1000)
    np.testing.assert_array_equal(crp.read_ccd(path).data, sky())


class TestOddCards:
    ODD = ("HUMIDITY= 4.5e-01", "airmass = 1.2", "CAM.GAIN= 1.5", "REMARK  = 5 / in\tdeg\r", "HUGE    = 1E999")

    @pytest.mark.parametrize("packed", [False, True])
    def test_they_are_mended_or_left_out_with_one_warning(self, tmp_path, packed):
        path = write(tmp_path, with_cards(raw(), *self.ODD), packed)
        with pytest.warns(HeaderWarning, match="break the FITS standard, such as 'HUMIDITY= 4.5e-01'") as caught:
            ccd = crp.read_ccd(path)
        assert len(caught) == 1
        assert [ccd.meta.get(name) for name in ("HUMIDITY", "AIRMASS", "CAM_GAIN", "REMARK")] == [0.45, 1.2, 1.5, 5]
        assert "HUGE" not in ccd.meta
        np.testing.assert_array_equal(ccd.data, sky())

    def test_they_do_not_replace_a_card_that_is_there(self, tmp_path):
        with pytest.warns(HeaderWarning):
            ccd = crp.read_ccd(write(tmp_path, with_cards(raw(), "gain    = 99.0")))
        assert ccd.meta["GAIN"] == 1.5
        assert ccd.meta.count("GAIN") == 1

    def test_a_text_that_continues_nothing_is_left_out(self, tmp_path):
        with pytest.warns(HeaderWarning):
            ccd = crp.read_ccd(write(tmp_path, with_cards(raw(), "NUMBER  = 5", "CONTINUE  'lost'")))
        assert ccd.meta["NUMBER"] == 5

    def test_a_long_text_stays_whole(self, tmp_path):
        text = "word " * 40
        assert crp.read_ccd(write(tmp_path, raw(LONG=text))).meta["LONG"] == text.rstrip()
