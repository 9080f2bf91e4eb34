# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a frame is, by its card for the kind, its exposure and, at last, the name of its object.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin.frames.entries import GIVEN, read_header
from ccdproc_crplugin.frames.kinds import frame_kind, kind_of, named_by_object


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("DARKFLAT", "dark"),
        ("Dark Flat", "dark"),
        ("Flat Dark", "dark"),
        ("Twilight", "flat"),
        ("twilight flat", "flat"),
        ("sky flats", "flat"),
        ("dusk flat", "flat"),
        ("Arcs", "arc"),
        ("HeNeAr", "arc"),
        ("COMP", "arc"),
        ("FOCUS", "focus"),
        ("Focus frame", "focus"),
        ("Master Dark", "dark"),
        ("Bias Frame 12", "bias"),
        ("FLAT,LAMP", "flat"),
        ("STD,FLUX", "light"),
    ],
)
def test_words_in_the_card_of_the_kind(word, kind):
    assert frame_kind({"IMAGETYP": word}) == kind


@pytest.mark.parametrize("seconds", [0, 0.0, 1e-32, "0.0"])
def test_a_dark_without_exposure_is_a_bias(seconds):
    found = kind_of({"IMAGETYP": "Dark Frame", "EXPTIME": seconds})
    assert (found.value, found.keyword) == ("bias", "IMAGETYP, EXPTIME")


@pytest.mark.parametrize("meta", [{"EXPTIME": 32e-6}, {"EXPTIME": 1}, {"EXPTIME": -1}, {}])
def test_any_other_dark_is_a_dark(meta):
    assert frame_kind({"IMAGETYP": "dark", **meta}) == "dark"


class TestNameOfTheObject:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("Dome Flat", "flat"),
            ("flat_V", "flat"),
            ("flat R 10s", "flat"),
            ("Sky Flat 3", "flat"),
            ("flat Halpha", "flat"),
            ("FlatDither00", "flat"),
            ("Bias", "bias"),
            ("bias_012", "bias"),
            ("Dark 300s", "dark"),
            ("Arcs", "arc"),
            ("CuAr arc", "arc"),
            ("focus run 2", "focus"),
        ],
    )
    @pytest.mark.parametrize("said", [{}, {"OBSTYPE": "OBJECT"}, {"IMAGETYP": "Light Frame"}, {"IMAGETYP": "wibble"}])
    def test_it_counts_where_the_card_says_nothing_or_no_more_than_object(self, name, kind, said):
        meta = {"OBJECT": name, **said}
        assert frame_kind(meta) == kind
        assert named_by_object(meta) == f"OBJECT = '{name}'"

    @pytest.mark.parametrize(
        "name",
        [
            "M 31",
            "Dark Nebula B68",
            "Flat galaxy",
            "bias star",
            "Offset 1",
            "Offset",
            "comparison",
            "Barnard's dark cloud",
            "Arcturus",
            "Focus on NGC 7000",
            "V",
            "",
            7,
        ],
    )
    def test_a_target_is_a_target(self, name):
        assert frame_kind({"OBJECT": name, "IMAGETYP": "LIGHT"}) == "light"
        assert frame_kind({"OBJECT": name}) == "unknown"
        assert named_by_object({"OBJECT": name, "IMAGETYP": "LIGHT"}) == ""

    def test_a_card_that_names_another_kind_goes_before_it(self):
        assert frame_kind({"OBJECT": "Dome Flat", "IMAGETYP": "bias"}) == "bias"
        assert named_by_object({"OBJECT": "Bias", "IMAGETYP": "bias"}) == ""

    def test_the_field_and_the_title_name_objects_too(self):
        assert frame_kind({"FIELD": "Bias", "IMAGETYP": "Light Frame"}) == "bias"


def test_a_kind_that_was_given_is_not_doubted():
    meta = fits.Header([("OBJECT", "Dome Flat"), ("EXPTIME", 0)])
    for kind in ("light", "dark"):
        assert frame_kind(read_header(meta).with_given("kind", kind)) == kind
    meta["IMAGETYP"] = ("dark", GIVEN)
    assert frame_kind(meta) == "dark"
