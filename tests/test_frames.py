# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Header dialects, and the frames of a collection.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from ccdproc import ImageFileCollection

from ccdproc_crplugin import CosmicRayError, frames, select_frames

KINDS = [
    ({"IMAGETYP": "LIGHT"}, "light"),
    ({"IMAGETYP": "Light Frame"}, "light"),
    ({"IMAGETYP": "object   "}, "light"),
    ({"OBSTYPE": "SCIENCE"}, "light"),
    ({"FRAME": "Light"}, "light"),
    ({"ESO DPR TYPE": "OBJECT"}, "light"),
    ({"IMAGETYP": "zero"}, "bias"),
    ({"IMAGETYP": "Bias Frame"}, "bias"),
    ({"ESO DPR TYPE": "BIAS"}, "bias"),
    ({"IMAGETYP": "Dark Frame"}, "dark"),
    ({"OBSTYPE": "DARK"}, "dark"),
    ({"IMAGETYP": "Flat Field"}, "flat"),
    ({"IMAGETYP": "flat"}, "flat"),
    ({"IMAGETYP": "skyflat"}, "flat"),
    ({"IMAGETYP": "SKY FLAT"}, "flat"),
    ({"IMAGETYP": "DOME FLAT"}, "flat"),
    ({"ESO DPR TYPE": "FLAT,SKY"}, "flat"),
    ({"OBSTYPE": "ARC"}, "arc"),
    ({"IMAGETYP": "weird", "OBSTYPE": "OBJECT"}, "light"),
    ({"IMAGETYP": 7}, "unknown"),
    ({"imagetyp": "bias"}, "bias"),
    ({}, "unknown"),
]


@pytest.mark.parametrize(("header", "kind"), KINDS)
def test_the_kind_is_understood(header, kind):
    assert frames.frame_kind(header) == kind


class TestGain:
    def test_it_is_in_electron_per_adu(self):
        assert frames.gain({"GAIN": 1.9}) == frames.HeaderValue(1.9 * u.electron / u.adu, "GAIN")

    def test_egain_goes_before_a_setting_of_the_camera(self):
        assert frames.gain({"GAIN": 100, "EGAIN": 0.8}).keyword == "EGAIN"

    def test_conad_goes_before_the_inverse_gain_of_eso(self):
        header = fits.Header([("GAIN", 0.5)])
        header["HIERARCH ESO DET OUT1 CONAD"] = 2.0
        assert frames.gain(header).value.value == 2.0

    def test_text_that_is_a_number_will_do(self):
        assert frames.gain({"GAIN": " 1.5 "}).value.value == 1.5

    def test_a_setting_is_no_gain(self):
        with pytest.raises(CosmicRayError, match=r"GAIN = 120.*setting of the camera.*Give gain="):
            frames.gain({"GAIN": 120})

    @pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "", "high", None])
    def test_what_is_no_positive_number_is_passed_over(self, value):
        assert frames.gain({"GAIN": value}) is None

    def test_a_tuple_of_value_and_comment_will_do(self):
        assert frames.gain({"GAIN": (1.5, "e-/adu")}).value.value == 1.5


class TestOtherFigures:
    @pytest.mark.parametrize("keyword", frames.KEYWORDS["readnoise"])
    def test_every_keyword_of_the_read_noise_is_found(self, keyword):
        assert frames.readnoise({keyword: 4.5}).value == 4.5 * u.electron

    def test_saturation_is_in_adu(self):
        assert frames.saturation({"SATURATE": 65535}).value == 65535 * u.adu

    def test_an_exposure_of_zero_is_one(self):
        assert frames.exposure({"EXPTIME": 0}).value == 0 * u.s

    def test_exposure_has_other_names(self):
        assert frames.exposure({"EXPOSURE": "30.0"}).value == 30 * u.s

    @pytest.mark.parametrize(
        ("header", "micron"), [({"XPIXSZ": 9.0}, 9), ({"CCDXPIXE": 15e-6}, 15), ({"PIXSIZE": 0.0135}, 13.5)]
    )
    def test_pixel_size_is_in_micron_whatever_the_header_means(self, header, micron):
        assert frames.pixel_size(header).value.to_value(u.micron) == pytest.approx(micron)

    def test_a_pixel_size_of_zero_is_none(self):
        assert frames.pixel_size({"CCDXPIXE": 0.0}) is None

    def test_altitude_is_in_metre(self):
        assert frames.altitude({"HEIGHT": 2344.0}).value == 2344 * u.m

    def test_the_filter_is_stripped(self):
        assert frames.filter_name({"FILTER": " R "}).value == "R"

    def test_what_is_not_there_is_none(self):
        for look_up in (
            frames.gain,
            frames.readnoise,
            frames.saturation,
            frames.exposure,
            frames.altitude,
            frames.filter_name,
        ):
            assert look_up({}) is None

    def test_a_frame_is_called_by_its_file_or_object(self):
        assert frames.frame_name({"FILENAME": "a.fits", "OBJECT": "M 31"}) == "a.fits"
        assert frames.frame_name({"OBJECT": "M 31"}) == "M 31"
        assert frames.frame_name({}) == ""


@pytest.fixture
def night(tmp_path):
    """A folder with a frame of each kind under different endings, and what is no frame."""
    contents = {
        "bias_1.fits": "zero",
        "dark_1.fit": "Dark Frame",
        "light_1.fits": "LIGHT",
        "light_2.FIT": "Light Frame",
        "light_3.fts": "object",
        "light_4.fits.gz": "science",
        "strange.fits": "",
    }
    for name, kind in contents.items():
        fits.HDUList([fits.PrimaryHDU(np.ones((4, 4), dtype="i2"), fits.Header([("IMAGETYP", kind)]))]).writeto(
            tmp_path / name
        )
    (tmp_path / "notes.txt").write_text("seeing 1.2 arcsec")
    (tmp_path / "broken.FIT").write_text("nothing")
    return tmp_path


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
class TestSelection:
    def names(self, ifc, kind="light"):
        return [path.name for path in select_frames(ifc, kind)]

    def test_light_frames_are_found_under_any_ending(self, night):
        found = self.names(ImageFileCollection(night, glob_exclude="broken*"))
        assert found == ["light_1.fits", "light_2.FIT", "light_3.fts", "light_4.fits.gz"]

    @pytest.mark.parametrize(
        ("kind", "name"), [("bias", "bias_1.fits"), ("dark", "dark_1.fit"), ("unknown", "strange.fits")]
    )
    def test_so_are_the_other_kinds(self, night, kind, name):
        assert self.names(ImageFileCollection(night, glob_exclude="broken*"), kind) == [name]

    def test_a_broken_file_is_no_frame(self, night):
        ifc = ImageFileCollection(night, glob_include="*.fits")
        assert "broken.FIT" not in self.names(ifc)

    def test_the_patterns_of_the_collection_hold(self, night):
        assert self.names(ImageFileCollection(night, glob_include="*.F*")) == ["light_2.FIT"]
        assert self.names(ImageFileCollection(night, glob_include="light*", glob_exclude="*_1*")) == [
            "light_2.FIT",
            "light_3.fts",
            "light_4.fits.gz",
        ]

    def test_files_chosen_by_hand_stay_the_only_ones(self, night):
        ifc = ImageFileCollection(night, filenames=["light_2.FIT", "bias_1.fits"])
        assert self.names(ifc) == ["light_2.FIT"]

    def test_the_collection_is_not_changed(self, night):
        ifc = ImageFileCollection(night, glob_include="*.fit*")
        files, summary, mask = ifc.files, ifc.summary.copy(), ifc.summary["file"].mask.copy()
        select_frames(ifc)
        assert ifc.files == files
        assert (ifc.summary["file"].mask == mask).all()
        assert list(ifc.summary["file"]) == list(summary["file"])

    def test_what_is_no_collection_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found str; expected an ImageFileCollection"):
            select_frames("night")

    def test_an_unknown_kind_is_refused(self, night):
        with pytest.raises(
            CosmicRayError, match="kind='lights'; expected one of: bias, dark, flat, arc, light, unknown"
        ):
            select_frames(ImageFileCollection(night, glob_include="*.fits"), "lights")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.fits", "a"),
        ("a.b.FIT", "a.b"),
        ("dir/x.fts", "x"),
        ("x.fits.gz", "x"),
        ("x.fits.fz", "x"),
        ("odd.dat", "odd"),
    ],
)
def test_the_stem_is_the_name_without_its_endings(name, expected):
    assert frames.stem(name) == expected
