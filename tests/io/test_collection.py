# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The methods of ImageFileCollection.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyUserWarning
from ccdproc import ImageFileCollection

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

FRAMES = {
    "a.fits": ("IMAGETYP", "Light Frame", None),
    "b.FIT": ("OBSTYPE", "OBJECT", None),
    "c.fts": ("IMAGETYP", "science", "electron"),
    "bias.fits": ("IMAGETYP", "zero", None),
    "dark.fits": ("IMAGETYP", "Dark Frame", "adu"),
}


@pytest.fixture
def folder(tmp_path):
    for value, (name, (keyword, kind, unit)) in enumerate(FRAMES.items()):
        header = fits.Header({keyword: kind, "EXPTIME": 30.0 * (kind != "zero"), "FILTER": "RV"[value % 2]})
        if unit:
            header["BUNIT"] = unit
        fits.PrimaryHDU(np.full((8, 9), value, dtype="u2"), header).writeto(tmp_path / name)
    return tmp_path


@pytest.fixture
def ifc(folder):
    return ImageFileCollection(folder)


class TestSelectFrames:
    def test_it_returns_a_collection_of_the_frames_of_all_dialects(self, ifc):
        lights = ifc.select_frames("light")
        assert isinstance(lights, ImageFileCollection)
        assert list(lights.files) == ["a.fits", "b.FIT", "c.fts"]
        assert list(ifc.select_frames("bias").files) == ["bias.fits"]
        assert list(ifc.select_frames().files) == list(lights.files)

    def test_its_frames_can_be_read(self, ifc):
        ccds = list(ifc.select_frames("light").ccds())
        assert all(isinstance(ccd, CCDData) for ccd in ccds)
        assert [(str(ccd.unit), ccd.data[0, 0]) for ccd in ccds] == [("adu", 0), ("adu", 1), ("electron", 2)]

    def test_the_arguments_of_ccds_are_those_of_ccdproc(self, ifc):
        lights = ifc.select_frames("light")
        assert [name for _, name in lights.ccds(return_fname=True)] == list(lights.files)
        assert [ccd.data[0, 0] for ccd in lights.ccds(filter="V")] == [1]
        assert {str(ccd.unit) for ccd in lights.ccds(ccd_kwargs={"unit": "Jy"})} == {"Jy"}
        with pytest.raises(NotImplementedError):
            lights.ccds(overwrite=True)

    def test_headers_hdus_and_data_are_those_of_ccdproc(self, ifc):
        lights = ifc.select_frames("light")
        assert [header["EXPTIME"] for header in lights.headers()] == [30, 30, 30]
        assert [data[0, 0] for data in lights.data()] == [0, 1, 2]

    def test_selections_can_be_selected_and_filtered(self, ifc):
        lights = ifc.select_frames("light")
        assert list(lights.select_frames("light").files) == list(lights.files)
        assert len(lights.filter(filter="R").files) == 2
        assert crp.select_frames(lights) == crp.select_frames(ifc)

    def test_keywords_and_location_are_kept(self, folder):
        lights = ImageFileCollection(folder, keywords=["exptime"]).select_frames("light")
        assert set(lights.summary.colnames) == {"file", "exptime"}
        assert lights.location == folder

    def test_a_collection_of_names_is_selected_from(self, folder):
        names = [str(folder / name) for name in ("a.fits", "bias.fits")]
        assert list(ImageFileCollection(filenames=names).select_frames("light").files) == names[:1]
        assert list(ImageFileCollection(folder, filenames=["a.fits", "dark.fits"]).select_frames().files) == ["a.fits"]

    def test_no_frame_of_a_kind_is_an_empty_collection(self, ifc):
        with pytest.warns(AstropyUserWarning, match="no FITS files in the collection"):
            flats = ifc.select_frames("flat")
        assert list(flats.files) == list(flats.ccds()) == crp.select_frames(flats) == []

    def test_an_unknown_kind_is_refused(self, ifc):
        with pytest.raises(CosmicRayError, match="kind='lights'"):
            ifc.select_frames("lights")

    def test_the_function_returns_paths(self, ifc, folder):
        assert crp.select_frames(ifc, "light") == [folder / name for name in ("a.fits", "b.FIT", "c.fts")]


class TestFunctionsAsMethods:
    def test_they_are_the_functions_of_those_names(self):
        assert ImageFileCollection.clean_cosmic_rays is crp.clean_collection
        assert ImageFileCollection.combine_calibrations is crp.combine_calibrations

    def test_a_collection_is_combined_and_cleaned(self, ccd, tmp_path):
        raw = tmp_path / "raw"
        raw.mkdir()
        light = ccd.copy()
        light.header["IMAGETYP"] = "LIGHT"
        light.write(raw / "light.fits")
        for number in range(3):
            bias = CCDData(np.full(ccd.shape, 5, "f4"), unit="electron", meta={"IMAGETYP": "BIAS"})
            bias.write(raw / f"bias_{number}.fits")
        ifc = ImageFileCollection(raw)
        table = ifc.clean_cosmic_rays(tmp_path / "cleaned")
        assert sorted(table["status"]) == ["done", "skipped", "skipped", "skipped"]
        assert [path.name for path in ifc.combine_calibrations(tmp_path / "calibration")]
        assert list(ifc.select_frames("light").clean_cosmic_rays(tmp_path / "again")["file"]) == ["light.fits"]


def test_uninstalling_takes_them_away():
    crp.uninstall()
    try:
        assert not {"select_frames", "clean_cosmic_rays", "combine_calibrations"} & set(vars(ImageFileCollection))
    finally:
        crp.install()


def test_an_attribute_that_is_not_ours_is_left_alone_with_a_warning():
    crp.uninstall()
    ImageFileCollection.select_frames = "theirs"
    try:
        with pytest.warns(crp.PluginWarning, match="ImageFileCollection already has an attribute 'select_frames'"):
            crp.install()
        crp.uninstall()
        assert ImageFileCollection.select_frames == "theirs"
    finally:
        del ImageFileCollection.select_frames
        crp.install()
