# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
CCDData.write and CCDData.read, which keep flags and removed values while the package is installed.
"""

import gzip
import io
import pickle

import numpy as np
import pytest
from astropy.io import fits, registry
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.nddata.ccddata import fits_ccddata_reader, fits_ccddata_writer
from astropy.utils.exceptions import AstropyUserWarning

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import hit_frame


class InstrumentFrame(CCDData):
    """A frame of a package that is built on CCDData."""


def noisy_frame():
    ccd = hit_frame()
    ccd.uncertainty = StdDevUncertainty(np.sqrt(np.maximum(ccd.data, 0) + 25))
    return ccd


@pytest.fixture
def before():
    return noisy_frame()


@pytest.fixture
def cleaned(before):
    return before.clean_cosmic_rays(preflight="off")


@pytest.fixture
def without_plugin():
    crp.uninstall()
    yield
    crp.install()


def names_of_hdus(path):
    with fits.open(path) as hdus:
        return [hdu.name for hdu in hdus]


def assert_restorable(ccd, cleaned, before):
    """Check flags, class and all that restoring gives back."""
    np.testing.assert_array_equal(ccd.flags, cleaned.flags)
    restored = ccd.restore_cosmic_rays()
    assert type(restored) is type(ccd)
    np.testing.assert_array_equal(restored.data, before.data)
    assert restored.data.dtype == before.data.dtype
    assert restored.mask is before.mask is None


class TestRoundTrip:
    @pytest.mark.parametrize("name", ["x.fits", "x.fits.gz", "x.fit", "x.fts"])
    def test_a_frame_that_was_written_and_read_can_be_restored(self, cleaned, before, tmp_path, name):
        cleaned.write(tmp_path / name)
        again = CCDData.read(tmp_path / name)
        assert_restorable(again, cleaned, before)
        np.testing.assert_array_equal(again.restore_cosmic_rays().uncertainty.array, before.uncertainty.array)
        np.testing.assert_array_equal(again.mask, cleaned.mask)

    @pytest.mark.parametrize(
        ("writing", "reading"),
        [
            ({"hdu_mask": None}, {}),
            ({"hdu_mask": "BADPIX"}, {"hdu_mask": "BADPIX"}),
            ({"hdu_uncertainty": None}, {}),
            ({"hdu_uncertainty": "ERRORS", "key_uncertainty_type": "KIND"}, {"hdu_uncertainty": "ERRORS"}),
            ({"hdu_psf": None}, {"unit": "adu"}),
            ({"as_image_hdu": True}, {}),
            ({"as_image_hdu": True}, {"hdu": 1}),
            ({"hdu_mask": None, "hdu_uncertainty": None, "output_verify": "exception"}, {"memmap": False}),
            ({"checksum": True}, {"checksum": True}),
        ],
    )
    def test_the_arguments_of_astropy_are_honoured(self, cleaned, before, tmp_path, writing, reading):
        path = tmp_path / "x.fits"
        cleaned.write(path, **writing)
        again = CCDData.read(path, **reading)
        assert_restorable(again, cleaned, before)
        assert (again.mask is None) == (writing.get("hdu_mask", "") is None)
        assert (again.uncertainty is None) == (writing.get("hdu_uncertainty", "") is None)

    @pytest.mark.skipif("hdu_flags" not in fits_ccddata_writer.__code__.co_varnames, reason="astropy before 8")
    @pytest.mark.parametrize("name", ["FLAGS", "CRFLAGS"])
    def test_flags_under_a_name_of_the_user_are_read_from_there(self, cleaned, before, tmp_path, name):
        path = tmp_path / "x.fits"
        cleaned.write(path, hdu_flags=name)
        assert names_of_hdus(path).count(name) == 1
        assert_restorable(CCDData.read(path), cleaned, before)
        assert_restorable(CCDData.read(path, hdu_flags=name), cleaned, before)

    def test_existing_files_are_replaced_if_asked_for(self, cleaned, before, tmp_path):
        path = tmp_path / "x.fits"
        before.write(path)
        with pytest.raises(OSError, match="already exists"):
            cleaned.write(path)
        cleaned.write(path, overwrite=True)
        assert_restorable(CCDData.read(path), cleaned, before)

    def test_file_objects_are_written_and_read(self, cleaned, before, tmp_path):
        with open(tmp_path / "x.fits", "wb") as stream:
            cleaned.write(stream, format="fits")
        memory = io.BytesIO()
        cleaned.write(memory, format="fits")
        assert memory.getvalue() == (tmp_path / "x.fits").read_bytes()
        packed = io.BytesIO(gzip.compress(memory.getvalue()))
        with open(tmp_path / "x.fits", "rb") as stream, gzip.open(packed) as unpacked:
            for readable in (stream, io.BytesIO(memory.getvalue()), unpacked):
                assert_restorable(CCDData.read(readable, format="fits"), cleaned, before)

    def test_a_subclass_is_read_whole(self, cleaned, before, tmp_path):
        cleaned.write(tmp_path / "x.fits")
        again = InstrumentFrame.read(tmp_path / "x.fits")
        assert type(again) is InstrumentFrame
        assert_restorable(again, cleaned, before)

    def test_a_subclass_is_written_whole(self, before, tmp_path):
        cleaned = InstrumentFrame(before).clean_cosmic_rays(preflight="off")
        cleaned.write(tmp_path / "x.fits")
        assert_restorable(CCDData.read(tmp_path / "x.fits"), cleaned, before)

    def test_what_was_read_pickles(self, cleaned, before, tmp_path):
        cleaned.write(tmp_path / "x.fits")
        assert_restorable(pickle.loads(pickle.dumps(CCDData.read(tmp_path / "x.fits"))), cleaned, before)

    def test_read_ccd_and_write_ccd_go_with_those_of_astropy(self, cleaned, before, tmp_path):
        cleaned.write(tmp_path / "astropy.fits")
        assert_restorable(crp.read_ccd(tmp_path / "astropy.fits"), cleaned, before)
        crp.write_ccd(cleaned, tmp_path / "ours.fits")
        assert_restorable(CCDData.read(tmp_path / "ours.fits"), cleaned, before)

    def test_packed_images_of_write_ccd_are_read_too(self, cleaned, before, tmp_path):
        crp.write_ccd(cleaned, tmp_path / "x.fits.fz")
        assert_restorable(CCDData.read(tmp_path / "x.fits.fz", hdu=1), cleaned, before)

    def test_a_frame_restored_in_part_can_be_restored_wholly(self, cleaned, before, tmp_path):
        part = cleaned.restore_cosmic_rays(labels=1)
        part.write(tmp_path / "x.fits")
        assert_restorable(CCDData.read(tmp_path / "x.fits"), part, before)


class TestFramesThatWereNotCleaned:
    @pytest.mark.parametrize("keywords", [{}, {"hdu_mask": None}, {"as_image_hdu": True}, {"checksum": "datasum"}])
    def test_their_files_are_the_same_byte_for_byte(self, before, tmp_path, keywords):
        before.mask = before.data > 1000
        before.flags = before.mask.astype("u1")
        before.write(tmp_path / "ours.fits", **keywords)
        fits_ccddata_writer(before, tmp_path / "theirs.fits", **keywords)
        assert strip_dates(tmp_path / "ours.fits") == strip_dates(tmp_path / "theirs.fits")

    def test_they_are_opened_once(self, before, tmp_path, monkeypatch):
        before.write(tmp_path / "x.fits")
        opened = []
        open_file = fits.open
        monkeypatch.setattr(fits, "open", lambda *args, **keywords: opened.append(args) or open_file(*args, **keywords))
        CCDData.read(tmp_path / "x.fits", format="fits")
        assert len(opened) == 1

    def test_a_restored_frame_is_one_of_them(self, cleaned, tmp_path):
        cleaned.restore_cosmic_rays().write(tmp_path / "x.fits")
        assert "CRPIXELS" not in names_of_hdus(tmp_path / "x.fits")

    def test_errors_are_those_of_astropy(self, before, tmp_path):
        with pytest.raises(TypeError, match="do_not_scale_image_data"):
            CCDData.read(tmp_path / "x.fits", format="fits", do_not_scale_image_data=True)
        with pytest.raises(FileNotFoundError):
            CCDData.read(tmp_path / "x.fits", format="fits")
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            before.write(tmp_path / "x.fits", colour="red")


def strip_dates(path):
    """The content without the comments of checksums, which hold the time."""
    lines = [path.read_bytes()[start : start + 80] for start in range(0, path.stat().st_size, 80)]
    return [line[:32] if line.startswith((b"CHECKSUM", b"DATASUM")) else line for line in lines]


class TestWhatCanNotBeKept:
    def test_a_frame_changed_since_the_cleaning_is_written_with_a_warning(self, cleaned, tmp_path):
        cleaned.data *= 2
        with pytest.warns(AstropyUserWarning, match="removed values were not written: .*other values at the repaired"):
            cleaned.write(tmp_path / "x.fits")
        again = CCDData.read(tmp_path / "x.fits")
        np.testing.assert_array_equal(again.flags, cleaned.flags)
        with pytest.raises(CosmicRayError, match="does not carry the removed values"):
            again.restore_cosmic_rays()

    def test_flags_of_another_dtype_are_written_with_a_warning(self, cleaned, tmp_path):
        cleaned.flags = cleaned.flags.astype(int)
        with pytest.warns(AstropyUserWarning, match="flags were not written: Found flags of dtype int64; expected"):
            cleaned.write(tmp_path / "x.fits")
        np.testing.assert_array_equal(CCDData.read(tmp_path / "x.fits").data, cleaned.data)

    @pytest.mark.parametrize("name", ["CRFLAGS", "CRPIXELS"])
    def test_a_name_that_another_hdu_has_is_written_with_a_warning(self, cleaned, tmp_path, name):
        with pytest.warns(AstropyUserWarning, match=f"HDU {name} of a cleaned frame was not written"):
            cleaned.write(tmp_path / "x.fits", hdu_mask=name)
        assert names_of_hdus(tmp_path / "x.fits").count(name) == 1

    def test_flags_changed_since_the_cleaning_are_written_with_a_warning(self, cleaned, tmp_path):
        cleaned.flags[:] = 0
        with pytest.warns(AstropyUserWarning, match="removed values were not written: Found flags that have other"):
            cleaned.write(tmp_path / "x.fits")
        assert "CRPIXELS" not in names_of_hdus(tmp_path / "x.fits")
        np.testing.assert_array_equal(CCDData.read(tmp_path / "x.fits").flags, 0)
        with pytest.raises(CosmicRayError, match=r"flags that have other pixels.*restore_cosmic_rays"):
            crp.write_ccd(cleaned, tmp_path / "y.fits")

    def test_a_file_whose_record_is_damaged_is_read_as_astropy_reads_it(self, cleaned, tmp_path):
        cleaned.write(tmp_path / "x.fits")
        with fits.open(tmp_path / "x.fits") as hdus:
            hdus["CRPIXELS"].data["y"] = -1
            hdus.writeto(tmp_path / "damaged.fits")
        with pytest.warns(AstropyUserWarning, match="removed values and flags were not read"):
            again = CCDData.read(tmp_path / "damaged.fits")
        np.testing.assert_array_equal(again.data, cleaned.data)

    def test_arithmetic_on_what_was_read_does_not_carry_the_record(self, cleaned, tmp_path):
        cleaned.write(tmp_path / "x.fits")
        again = CCDData.read(tmp_path / "x.fits")
        for other in (again.multiply(2, handle_meta="first_found"), again[:20, :20], again.copy()):
            with pytest.raises(CosmicRayError, match="does not carry the removed values"):
                other.restore_cosmic_rays()


class TestInstallation:
    def test_uninstall_puts_those_of_astropy_back(self, without_plugin):
        assert registry.get_reader("fits", CCDData) is fits_ccddata_reader
        assert registry.get_writer("fits", CCDData) is fits_ccddata_writer

    def test_installing_again_changes_nothing(self):
        installed = registry.get_reader("fits", CCDData)
        crp.install()
        assert registry.get_reader("fits", CCDData) is installed is not fits_ccddata_reader

    def test_what_others_registered_in_our_place_stays(self):
        def theirs(*args, **keywords):
            return None

        registry.register_reader("fits", CCDData, theirs, force=True)
        try:
            crp.install()
            crp.uninstall()
            assert registry.get_reader("fits", CCDData) is theirs
        finally:
            registry.register_reader("fits", CCDData, fits_ccddata_reader, force=True)
            crp.install()

    def test_the_documentation_is_that_of_astropy(self, capsys):
        CCDData.read.help("fits")
        assert "hdu_uncertainty" in capsys.readouterr().out

    def test_the_files_hold_what_astropy_reads_without_the_package(self, cleaned, tmp_path, without_plugin):
        crp.install()
        cleaned.write(tmp_path / "x.fits")
        crp.uninstall()
        np.testing.assert_array_equal(CCDData.read(tmp_path / "x.fits").data, cleaned.data)


def test_a_stream_is_read_from_where_it_stands(tmp_path):
    noisy_frame().write(tmp_path / "raw.fits")
    stream = io.BytesIO(b"before" + (tmp_path / "raw.fits").read_bytes())
    stream.seek(6)
    assert CCDData.read(stream, format="fits").shape == noisy_frame().shape
