# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The frames of a folder or a collection.
"""

import numpy as np
import pytest
from astropy.io import fits
from ccdproc import ImageFileCollection

from ccdproc_crplugin import CosmicRayError, select_frames
from ccdproc_crplugin.io import selection


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

    def test_a_list_of_paths_will_do(self, night):
        assert self.names([night / "light_2.FIT", night / "bias_1.fits"]) == ["light_2.FIT"]

    def test_the_collection_is_not_changed(self, night):
        ifc = ImageFileCollection(night, glob_include="*.fit*")
        files, summary, mask = ifc.files, ifc.summary.copy(), ifc.summary["file"].mask.copy()
        select_frames(ifc)
        assert ifc.files == files
        assert (ifc.summary["file"].mask == mask).all()
        assert list(ifc.summary["file"]) == list(summary["file"])

    def test_another_type_is_refused(self):
        with pytest.raises(CosmicRayError, match="Found str; expected an ImageFileCollection or a list of paths"):
            select_frames("night")

    def test_an_unknown_kind_is_refused(self, night):
        with pytest.raises(CosmicRayError, match=r"kind='lights'; expected one of: 'bias', .*'light', 'unknown'"):
            select_frames(ImageFileCollection(night, glob_include="*.fits"), "lights")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.fits", "a"),
        ("a.b.FIT", "a.b"),
        ("m31.r.fits.gz", "m31.r"),
        ("dir/x.fts", "x"),
        ("x.fits.gz", "x"),
        ("x.fits.fz", "x"),
        ("odd.dat", "odd"),
    ],
)
def test_the_stem_is_the_name_without_its_endings(name, expected):
    assert selection.stem(name) == expected
