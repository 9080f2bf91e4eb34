# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The properties of a frame that decide which frames belong together.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.calibration.key import GroupRule, calibration_key
from ccdproc_crplugin.frames.entries import GIVEN

KINDS = ("BIAS", "DARK", "FLAT")


def key(kind="FLAT", rule=None, **cards):
    meta = {"IMAGETYP": kind, **{keyword.replace("_", "-"): value for keyword, value in cards.items()}}
    return (rule or GroupRule()).key_of(meta)


def differ(kind, one, other):
    return bool(key(kind, **one).differences(key(kind, **other)))


class TestBeam:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"FILTER1": "CLEAR", "FILTER2": "V"}, {"FILTER1": "CLEAR", "FILTER2": "R"}),
            ({"FILTNAM1": "F606W", "FILTNAM2": ""}, {"FILTNAM1": "F606W", "FILTNAM2": "POL0V"}),
            ({"ALFLTNM": "Open", "FAFLTNM": "V"}, {"ALFLTNM": "Open", "FAFLTNM": "R"}),
            ({"FILTER": "Clear"}, {"FILTER": "V"}),
            ({"GRATING": "R1200B"}, {"GRATING": "R600B"}),
            ({"GRISM": "open"}, {"GRISM": "600/4310"}),
            ({"SLITNAME": "1.0"}, {"SLITNAME": "5.0"}),
            ({"CENWAVE": 4500.0}, {"CENWAVE": 6500.0}),
        ],
    )
    def test_it_tells_flats_apart_but_neither_biases_nor_darks(self, one, other):
        assert differ("FLAT", one, other)
        assert not differ("BIAS", one, other)
        assert not differ("DARK", one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"FILTER1": "CLEAR", "FILTER2": "V"}, {"FILTER1": "V", "FILTER2": "Open"}),
            ({"FILTER": "Clear"}, {"FILTER": "Open"}),
            ({"CENWAVE": 4500.0}, {"CENWAVE": 4500.8}),
        ],
    )
    def test_what_makes_no_difference_to_the_light_does_not(self, one, other):
        assert not differ("FLAT", one, other)

    def test_a_filter_that_is_given_takes_the_place_of_all_wheels(self):
        meta = fits.Header({"IMAGETYP": "FLAT", "FILTER2": "R"})
        meta["FILTER"] = ("V", GIVEN)
        assert calibration_key(meta).filter == "V"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"INSTRUME": "U16M"}, {"INSTRUME": "ASI183"}),
        ({"INSTRUME": "WFC3", "DETECTOR": "UVIS"}, {"INSTRUME": "WFC3", "DETECTOR": "IR"}),
        ({"CAMERA": "1"}, {"CAMERA": "2"}),
        ({"CCDNAME": "A5382-1-7"}, {"CCDNAME": "A5506-4"}),
        ({"CCDID": 1}, {"CCDID": 2}),
        ({"EXTNAME": "im1"}, {"EXTNAME": "im2"}),
        ({"AMPNAME": "left"}, {"AMPNAME": "right"}),
        ({"READMODE": "fast"}, {"READMODE": "slow"}),
        ({"GAIN": 100}, {"GAIN": 200}),
        ({"OFFSET": 10}, {"OFFSET": 50}),
        ({"BITDEPTH": 12}, {"BITDEPTH": 16}),
    ],
)
def test_camera_chip_and_settings_tell_frames_of_every_kind_apart(kind, one, other):
    assert differ(kind, one, other)
    assert not differ(kind, one, one)


class TestMissingCards:
    @pytest.mark.parametrize(
        ("one", "other"), [({"READMODE": "fast"}, {}), ({}, {"INSTRUME": "U16M"}), ({"SLIT": "1.0"}, {})]
    )
    def test_a_card_on_one_side_does_not_separate_but_is_unsure(self, one, other):
        assert not differ("FLAT", one, other)
        assert len(key(**one).unsure(key(**other))) == 1

    def test_one_card_in_common_is_enough_to_know_the_camera(self):
        one, other = key(INSTRUME="U16M", CAMERA="1"), key(INSTRUME="U16M")
        assert one.unsure(other) == other.unsure(one) == []

    def test_what_does_not_count_for_a_bias_is_never_unsure(self):
        assert key("BIAS").unsure(key("LIGHT", FILTER="V", GRISM="600", SLIT="1.0")) == []


class TestRule:
    def test_further_cards_count(self):
        rule = GroupRule(by=["ROTATOR"])
        turned = key(rule=rule, ROTATOR=90.0)
        assert turned.differences(key("LIGHT", rule, ROTATOR=0.0)) == ["ROTATOR"]
        assert turned.differences(key("LIGHT", rule, ROTATOR=90.0)) == []
        assert turned.unsure(key("LIGHT", rule)) == ["ROTATOR"]

    def test_they_may_count_for_one_kind_alone(self):
        rule = GroupRule(by={"flat": ["ROTATOR"]})
        light = key("LIGHT", rule, ROTATOR=0.0)
        assert key("FLAT", rule, ROTATOR=90.0).differences(light) == ["ROTATOR"]
        assert key("BIAS", rule, ROTATOR=90.0).differences(light) == []

    @pytest.mark.parametrize("ignore", [["INSTRUME"], ["camera"]])
    def test_a_card_or_a_property_can_be_ignored(self, ignore):
        rule = GroupRule(ignore=ignore)
        assert key("BIAS", rule, INSTRUME="a") == key("BIAS", rule, INSTRUME="b")

    def test_properties_of_two_words_may_have_an_underscore(self):
        assert GroupRule(ignore=["bit_depth"]) == GroupRule(ignore=["bit depth"])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"by": "ROTATOR"}, "group_by='ROTATOR'; expected a list of keywords"),
            ({"by": ["rotator"]}, "expected a list of keywords of header cards in capitals"),
            ({"by": {"light": ["ROTATOR"]}}, "or lists of these for bias, dark, flat"),
            ({"ignore": ["fylter"]}, "or of: filter, disperser, slit, central wavelength"),
            ({"ignore": [3]}, "group_ignore="),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, settings, message):
        with pytest.raises(CosmicRayError, match=message):
            GroupRule(**settings)
