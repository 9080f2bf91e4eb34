# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files of several frames: read from one opening, written in the layout that they came in.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.io.layout import read_frames, write_frames

from ..helpers.fits_bytes import header, sky
from ..helpers.hit_frames import hit_frame


@pytest.fixture
def mosaic(tmp_path):
    """A primary header, a chip, a table and another chip."""
    chips = [fits.ImageHDU(hit_frame().data, hit_frame().to_hdu()[0].header, name=f"CHIP{number}") for number in (1, 2)]
    table = fits.BinTableHDU(np.rec.fromarrays([np.arange(3)], names=["row"]), name="GUIDING")
    primary = fits.PrimaryHDU(header=fits.Header([("OBJECT", "M 31")]))
    fits.HDUList([primary, chips[0], table, chips[1]]).writeto(tmp_path / "mosaic.fits")
    return tmp_path / "mosaic.fits"


@pytest.fixture
def cleaned(mosaic):
    """The chips by their HDU, cleaned; before that each had flags of its own."""
    frames = read_frames(mosaic)
    for hdu, ccd in frames.items():
        ccd.flags = np.full(ccd.shape, hdu, dtype=np.uint8)
    return {hdu: crp.clean_cosmic_rays(ccd) for hdu, ccd in frames.items()}


def test_the_frames_have_the_number_of_their_hdu(mosaic):
    frames = read_frames(mosaic)
    assert list(frames) == [1, 3]
    assert {ccd.meta["OBJECT"] for ccd in frames.values()} == {"M 31"}


def test_the_other_hdus_stay_where_they_were(mosaic, cleaned, tmp_path):
    write_frames(cleaned, mosaic, tmp_path / "out.fits")
    with fits.open(tmp_path / "out.fits") as hdus:
        assert [hdu.name for hdu in hdus[:4]] == ["PRIMARY", "CHIP1", "GUIDING", "CHIP2"]
        assert {hdu.ver for hdu in hdus[4:]} == {1, 3}
        assert "OBJECT" not in hdus[1].header


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
def test_each_frame_is_restored_to_what_it_was(mosaic, cleaned, tmp_path, ending):
    write_frames(cleaned, mosaic, tmp_path / f"out{ending}")
    for hdu, ccd in read_frames(tmp_path / f"out{ending}").items():
        assert ccd.meta["CRNPIX"] == 8
        restored = ccd.restore_cosmic_rays()
        np.testing.assert_array_equal(restored.data, hit_frame().data)
        assert (restored.flags == hdu).all()


@pytest.fixture
def exposure(tmp_path):
    """Two chips in the style of the Hubble telescope, and a table of distortion, from the first HDU on."""
    hdus = [fits.PrimaryHDU(header=header())]
    for number in (1, 2):
        bad = np.zeros((40, 50), np.int16)
        bad[3, 4] = 4
        hdus += [
            fits.ImageHDU(sky("float32"), fits.Header([("BUNIT", "adu")]), name="SCI", ver=number),
            fits.ImageHDU(np.full((40, 50), 15, np.float32), name="ERR", ver=number),
            fits.ImageHDU(bad, name="DQ", ver=number),
            fits.ImageHDU(np.ones((40, 50), np.int16), name="SAMP", ver=number),
            fits.ImageHDU(np.ones((8, 9), np.float32), name="D2IMARR", ver=number),
        ]
    fits.HDUList(hdus).writeto(tmp_path / "exposure.fits")
    return tmp_path / "exposure.fits"


class TestSpaceTelescopes:
    def test_the_frames_are_those_named_sci(self, exposure):
        assert list(read_frames(exposure)) == [1, 6]

    def test_err_is_the_uncertainty_and_dq_the_mask(self, exposure):
        for ccd in read_frames(exposure).values():
            assert (ccd.uncertainty.array == 15).all()
            assert np.argwhere(ccd.mask).tolist() == [[3, 4]]

    def test_an_err_that_says_nothing_is_left_out(self, tmp_path):
        planes = [fits.ImageHDU(sky("float32"), header(), name="SCI"), fits.ImageHDU(np.zeros((40, 50)), name="ERR")]
        fits.HDUList([fits.PrimaryHDU(), *planes]).writeto(tmp_path / "frame.fits")
        assert crp.read_ccd(tmp_path / "frame.fits").uncertainty is None

    @pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
    def test_clean_takes_every_frame_and_keeps_every_hdu(self, exposure, tmp_path, ending, capsys):
        assert main(["clean", str(exposure), "-o", str(tmp_path / "out"), "--ending", ending, "--quiet"]) == 0
        with fits.open(exposure) as before, fits.open(tmp_path / "out" / f"exposure{ending}") as after:
            assert [(hdu.name, hdu.ver) for hdu in after[: len(before)]] == [(hdu.name, hdu.ver) for hdu in before]
            for old, new in zip(before[1:], after[1:], strict=False):
                if old.name == "SCI":
                    assert new.header["CRNPIX"] == 6
                    assert (new.data != old.data).sum() == 6
                else:
                    np.testing.assert_array_equal(new.data, old.data)
        for ccd in read_frames(tmp_path / "out" / f"exposure{ending}").values():
            np.testing.assert_array_equal(ccd.restore_cosmic_rays().data, sky("float32"))

    def test_a_night_writes_what_clean_writes(self, exposure, tmp_path, capsys):
        main(["clean", str(exposure), "-o", str(tmp_path / "one"), "--quiet"])
        crp.clean_collection([exposure], tmp_path / "two", preflight="off", n_workers=1)
        with fits.open(tmp_path / "one" / "exposure.fits") as one, fits.open(tmp_path / "two" / "exposure.fits") as two:
            assert [hdu.name for hdu in one] == [hdu.name for hdu in two]
            for a, b in zip(one[1:-1], two[1:-1], strict=True):
                np.testing.assert_array_equal(a.data, b.data)

    def test_a_frame_that_is_chosen_is_written_alone(self, exposure, tmp_path, capsys):
        assert main(["clean", str(exposure), "--hdu", "6", "-o", str(tmp_path / "out"), "--quiet"]) == 0
        assert crp.read_ccd(tmp_path / "out" / "exposure.fits").meta["CRNPIX"] == 6


def test_a_third_axis_of_one_plane_is_kept(tmp_path, capsys):
    fits.writeto(tmp_path / "plane.fits", sky()[np.newaxis], header())
    assert crp.read_ccd(tmp_path / "plane.fits").shape == (40, 50)
    assert main(["clean", str(tmp_path / "plane.fits"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert fits.getdata(tmp_path / "out" / "plane.fits").shape == (1, 40, 50)
    for read in (crp.read_ccd, CCDData.read):
        cleaned = read(tmp_path / "out" / "plane.fits")
        np.testing.assert_array_equal(cleaned.restore_cosmic_rays().data, sky())


class TestRestored:
    """A file that was cleaned and restored has the HDUs of the input."""

    def hdus_of(self, path):
        with fits.open(path) as hdus:
            return [(hdu.name, hdu.header.get("EXTVER"), hdu.header.get("BUNIT"), hdu.size) for hdu in hdus]

    @pytest.mark.parametrize("ending", [".fits", ".fits.gz"])
    def test_a_file_of_a_space_telescope(self, exposure, tmp_path, ending, capsys):
        with fits.open(exposure, mode="update") as hdus:
            for hdu in hdus[1::5]:
                hdu.header["BUNIT"] = "ELECTRONS"
        self.check_round_trip(exposure, tmp_path, ending)

    def test_a_file_of_several_images_without_a_version(self, mosaic, tmp_path, capsys):
        with fits.open(mosaic) as hdus:
            for hdu in hdus:
                hdu.header.remove("EXTVER", ignore_missing=True)
            hdus[0].header["IMAGETYP"] = "light"
            hdus.writeto(tmp_path / "plain.fits")
        self.check_round_trip(tmp_path / "plain.fits", tmp_path)

    @pytest.mark.parametrize("unit", ["COUNTS", "e-", "adu"])
    def test_a_frame_alone(self, tmp_path, unit, capsys):
        fits.writeto(tmp_path / "frame.fits", sky("float32"), header(BUNIT=unit))
        self.check_round_trip(tmp_path / "frame.fits", tmp_path)

    def check_round_trip(self, path, folder, ending=".fits"):
        assert main(["clean", str(path), "-o", str(folder / "out"), "--ending", ending, "--quiet"]) == 0
        cleaned, restored = folder / "out" / f"{path.stem}{ending}", folder / f"restored{ending}"
        CCDData.read(cleaned, hdu=next(iter(read_frames(cleaned))))
        assert main(["restore", str(cleaned), str(restored)]) == 0
        assert self.hdus_of(restored) == self.hdus_of(path)
        assert main(["restore", str(cleaned), "--in-place"]) == 0
        assert self.hdus_of(cleaned) == self.hdus_of(path)


def test_a_table_beside_a_frame_stays(tmp_path, capsys):
    table = fits.BinTableHDU(np.rec.fromarrays([np.arange(3)], names=["row"]), name="GUIDING")
    fits.HDUList([fits.PrimaryHDU(sky(), header()), table]).writeto(tmp_path / "frame.fits")
    assert main(["clean", str(tmp_path / "frame.fits"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    with fits.open(tmp_path / "out" / "frame.fits") as hdus:
        assert hdus["GUIDING"].data["row"].tolist() == [0, 1, 2]
