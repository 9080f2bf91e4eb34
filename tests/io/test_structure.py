# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The structure of a file is checked before anything else reads it, whether the file is packed or not.
"""

import bz2
import gzip
import io
import lzma
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.errors import HeaderWarning
from ccdproc_crplugin.io import opening, structure
from ccdproc_crplugin.io.companions import read_bad_pixels
from ccdproc_crplugin.io.structure import OF_FRAMES

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


class TestExpansion:
    """A small file that unpacks to a large frame is refused before it fills the memory, whatever packed it."""

    LARGE = "bytes unpack to more than .* MB, as no frame with noise does"

    @pytest.fixture
    def limits(self, monkeypatch):
        for module in (opening, structure):
            monkeypatch.setattr(module, "OF_FRAMES", structure.Expansion(ratio=20, always=1 << 16))
        monkeypatch.setitem(opening.open_hdus.__wrapped__.__kwdefaults__, "expansion", opening.OF_FRAMES)

    def even(self):
        """A frame without noise, of 250 kB."""
        return bytes_of(fits.PrimaryHDU(np.full((250, 500), 7, dtype=np.int16), header()))

    @pytest.mark.parametrize(
        ("ending", "pack", "program"),
        [("gz", gzip.compress, "gunzip"), ("bz2", bz2.compress, "bunzip2"), ("xz", lzma.compress, "unxz")],
    )
    def test_a_packed_file_is_refused_and_unpacked_by_hand(self, tmp_path, limits, ending, pack, program):
        path, plain = tmp_path / f"frame.fits.{ending}", tmp_path / "frame.fits"
        path.write_bytes(pack(self.even()))
        plain.write_bytes(self.even())
        with pytest.raises(CosmicRayError, match=rf"{self.LARGE}.* unpack it by hand with {program}"):
            crp.read_ccd(path)
        assert crp.read_ccd(plain).shape == (250, 500)

    def test_a_compressed_image_is_refused(self, tmp_path):
        content = bytes_of(fits.PrimaryHDU(), fits.CompImageHDU(sky(), header()))
        content = with_card_replaced(content, "ZNAXIS1", f"ZNAXIS1 = {2**40}")
        with pytest.raises(CosmicRayError, match=rf"{self.LARGE}.* with funpack"):
            crp.read_ccd(write(tmp_path, content))

    def test_compressed_images_count_together(self):
        image = bytes_of(fits.PrimaryHDU(), fits.CompImageHDU(sky(), header()))
        one = with_card_replaced(image, "ZNAXIS1", "ZNAXIS1 = 300000")  # of 24 MB
        assert structure.sound_stream(io.BytesIO(one), 1000, OF_FRAMES).read() == one
        with pytest.raises(structure.StructureError, match=self.LARGE):
            structure.sound_stream(io.BytesIO(one + one[2880:]), 1000, OF_FRAMES)

    def test_a_compressed_image_in_a_packed_file_counts_by_the_size_of_the_packed_file(self, tmp_path, limits):
        content = bytes_of(fits.PrimaryHDU(), fits.CompImageHDU(np.full((250, 500), 7, dtype=np.int16), header()))
        with pytest.raises(CosmicRayError, match=rf"{self.LARGE}.* with funpack"):
            crp.read_ccd(write(tmp_path, content, packed=True))

    def test_a_frame_with_noise_is_read_however_large(self, tmp_path, limits):
        noise = np.random.default_rng(1).normal(1000, 10, (400, 400)).astype(np.int16)
        path = write(tmp_path, bytes_of(fits.PrimaryHDU(noise, header())), packed=True)
        assert crp.read_ccd(path).shape == (400, 400)

    def test_a_mask_of_zeros_is_read(self, tmp_path, limits):
        path = write(tmp_path, bytes_of(fits.PrimaryHDU(np.zeros((400, 400), dtype=np.uint8))), packed=True)
        assert not read_bad_pixels(path, (400, 400)).any()
        with pytest.raises(CosmicRayError, match=self.LARGE):
            crp.read_ccd(path)

    @pytest.mark.slow
    def test_the_largest_frame_in_100_kb_is_cleaned_in_1_gb(self, tmp_path):
        side = int(OF_FRAMES.always**0.5) - 10
        even = fits.PrimaryHDU(np.full((side, side), 100, dtype=np.uint8), header())
        path = write(tmp_path, bytes_of(even), packed=True)
        assert path.stat().st_size < 100_000
        assert memory_of("clean", path, "-o", tmp_path / "cleaned") < 1e9


def memory_of(*words):
    """The most memory that a command needs in a process of its own, bytes."""
    script = (
        "import resource, sys; from ccdproc_crplugin.cli import main; assert main(sys.argv[1:]) == 0;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024))"
    )
    done = subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


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
