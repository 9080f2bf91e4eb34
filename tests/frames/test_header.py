# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Header dialects.
"""

import pytest
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.frames import header

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


@pytest.mark.parametrize(("meta", "kind"), KINDS)
def test_the_kind_is_understood(meta, kind):
    assert header.frame_kind(meta) == kind


class TestGain:
    def test_it_is_in_electron_per_adu(self):
        assert header.gain({"GAIN": 1.9}) == header.HeaderValue(1.9 * u.electron / u.adu, "GAIN")

    def test_egain_goes_before_a_setting_of_the_camera(self):
        assert header.gain({"GAIN": 100, "EGAIN": 0.8}).keyword == "EGAIN"

    def test_conad_goes_before_the_inverse_gain_of_eso(self):
        meta = fits.Header([("GAIN", 0.5)])
        meta["HIERARCH ESO DET OUT1 CONAD"] = 2.0
        assert header.gain(meta).value.value == 2.0

    def test_text_that_is_a_number_will_do(self):
        assert header.gain({"GAIN": " 1.5 "}).value.value == 1.5

    def test_a_setting_is_no_gain(self):
        with pytest.raises(CosmicRayError, match=r"GAIN = 120.*setting of the camera.*Give gain="):
            header.gain({"GAIN": 120})

    @pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "", "high", None])
    def test_what_is_no_positive_number_is_passed_over(self, value):
        assert header.gain({"GAIN": value}) is None

    def test_a_tuple_of_value_and_comment_will_do(self):
        assert header.gain({"GAIN": (1.5, "e-/adu")}).value.value == 1.5


class TestOtherFigures:
    @pytest.mark.parametrize("keyword", header.keywords("readnoise", {}))
    def test_every_keyword_of_the_read_noise_is_found(self, keyword):
        assert header.readnoise({keyword: 4.5}).value == 4.5 * u.electron

    def test_saturation_is_in_adu(self):
        assert header.saturation({"SATURATE": 65535}).value == 65535 * u.adu

    def test_an_exposure_of_zero_is_one(self):
        assert header.exposure({"EXPTIME": 0}).value == 0 * u.s

    def test_exposure_has_other_names(self):
        assert header.exposure({"EXPOSURE": "30.0"}).value == 30 * u.s

    @pytest.mark.parametrize(
        ("meta", "micron"), [({"XPIXSZ": 9.0}, 9), ({"CCDXPIXE": 15e-6}, 15), ({"PIXSIZE": 0.0135}, 13.5)]
    )
    def test_pixel_size_is_in_micron_whatever_the_header_means(self, meta, micron):
        assert header.pixel_size(meta).value.to_value(u.micron) == pytest.approx(micron)

    def test_a_pixel_size_of_zero_is_none(self):
        assert header.pixel_size({"CCDXPIXE": 0.0}) is None

    def test_altitude_is_in_metre(self):
        assert header.altitude({"HEIGHT": 2344.0}).value == 2344 * u.m

    def test_the_filter_is_stripped(self):
        assert header.filter_name({"FILTER": " R "}).value == "R"

    @pytest.mark.parametrize(
        ("meta", "factors"),
        [
            ({"CCDSUM": "2 4"}, (2, 4)),
            ({"BINNING": "2x2"}, (2, 2)),
            ({"BINNING": 3}, (3, 3)),
            ({"XBINNING": 1, "YBINNING": 2}, (1, 2)),
            ({"CCDXBIN": 1.0, "CCDYBIN": 1.0}, (1, 1)),
            ({"ESO DET WIN1 BINX": 2, "ESO DET WIN1 BINY": 2}, (2, 2)),
            ({"XBINNING": 4}, (4, 4)),
            ({"YBINNING": 4}, (4, 4)),
            ({"BINNING": "none", "XBINNING": 2}, (2, 2)),
        ],
    )
    def test_binning_is_of_x_and_y(self, meta, factors):
        assert header.binning(meta).value == factors

    @pytest.mark.parametrize(
        ("meta", "celsius"),
        [
            ({"CCD-TEMP": -20.1, "SET-TEMP": -20.0}, -20.1),
            ({"SET-TEMP": -20}, -20),
            ({"CCDTEMP": 173.15}, -100),
            ({"DETTEMP": "-99.5"}, -99.5),
            ({"CCD-TEMP": -999, "SET-TEMP": -10}, -10),
        ],
    )
    def test_temperature_is_in_celsius_whatever_the_header_means(self, meta, celsius):
        assert header.temperature(meta).value.to_value(u.deg_C) == pytest.approx(celsius)

    @pytest.mark.parametrize("value", [-999, 1e4, float("nan"), "cold", True])
    def test_what_no_detector_can_have_is_no_temperature(self, value):
        assert header.temperature({"CCD-TEMP": value}) is None

    def test_the_readout_mode_may_be_a_speed(self):
        assert header.readout_mode({"CCDSPEED": "SLOW "}).value == "SLOW"

    def test_a_setting_of_the_camera_tells_gains_apart(self):
        assert header.gain_setting({"GAIN": 0}) == 0
        assert header.gain_setting({"GAIN": 120}) == 120
        assert header.gain_setting({"GAIN": "high"}) is None

    def test_what_is_not_there_is_none(self):
        for look_up in (
            header.binning,
            header.temperature,
            header.readout_mode,
            header.gain_setting,
            header.gain,
            header.readnoise,
            header.saturation,
            header.exposure,
            header.altitude,
            header.filter_name,
        ):
            assert look_up({}) is None

    def test_a_card_without_a_value_says_nothing(self):
        meta = fits.Header([("FILTER", None), ("READOUTM", None), ("OBJECT", None)])
        assert header.filter_name(meta) is None
        assert header.readout_mode(meta) is None
        assert header.frame_name(meta) == ""

    def test_a_frame_is_called_by_its_file_or_object(self):
        assert header.frame_name({"FILENAME": "a.fits", "OBJECT": "M 31"}) == "a.fits"
        assert header.frame_name({"OBJECT": "M 31"}) == "M 31"
        assert header.frame_name({}) == ""


class TestWhatIsInTheBeam:
    @pytest.mark.parametrize(
        ("meta", "names"),
        [
            ({"FILTER": " R "}, ("R",)),
            ({"FILTER1": "CLEAR", "FILTER2": "V"}, ("V",)),
            ({"FILTER1": "CLEAR", "FILTER2": "R"}, ("R",)),
            ({"FILTER1": "CLEAR1S", "FILTER2": "F606W"}, ("F606W",)),
            ({"FILTER1": "air", "FILTER2": "Air", "FILTER3": "B"}, ("B",)),
            ({"FILTNAM1": "F555W", "FILTNAM2": " "}, ("F555W",)),
            ({"ALFLTNM": "Open (Lyot)", "FAFLTNM": "V Bes 530_80"}, ("V Bes 530_80",)),
            ({"FILTERS": "F606W;CLEAR2L"}, ("F606W",)),
            ({"FILTER": "V", "FILTER1": "Clear", "FILTER2": "V"}, ("V",)),
            ({"FILTER": "V", "FILTER2": "ND1"}, ("V", "ND1")),
            ({"ESO INS FILT2 NAME": "V#641", "ESO INS FILT1 NAME": "FREE"}, ("V#641",)),
            ({"FILTER": "None"}, ()),
            ({"FILTER1": "Open", "FILTER2": "CLEAR"}, ()),
            ({"FILTER": 3}, ("3",)),
        ],
    )
    def test_all_wheels_count_but_open_positions_do_not(self, meta, names):
        assert header.filters(meta).value == names

    @pytest.mark.parametrize("meta", [{}, {"FILTER": " "}, {"FILTER": "N/A"}, {"FILTER": "unknown"}])
    def test_a_header_that_names_no_position_says_nothing(self, meta):
        assert header.filters(meta) is None
        assert header.filter_name(meta) is None

    def test_the_keywords_are_those_of_the_filters_found(self):
        assert header.filters({"FILTER": "V", "FILTER1": "Open", "FILTER2": "ND1"}).keyword == "FILTER, FILTER2"
        assert header.filters({"FILTER1": "Open", "FILTER2": "Clear"}).keyword == "FILTER1"

    def test_a_frame_without_a_filter_is_called_by_its_open_position(self):
        assert header.filter_name({"FILTER1": "Open", "FILTER2": "Clear"}).value == "Open"
        assert header.filter_name({"FILTER1": "V", "FILTER2": "ND1"}).value == "V+ND1"

    def test_so_do_dispersers_and_slits(self):
        assert header.disperser({"GRATNG_N": "1200/5000", "GRISM_N": "600/4310"}).value == ("1200/5000", "600/4310")
        assert header.disperser({"GRISM": "Open"}).value == ()
        assert header.slit({"SLITNAME": "1.0 arcsec"}).value == ("1.0 arcsec",)
        assert header.slit({"ISISLITW": 1.00171}).value == ("1.002",)
        assert header.central_wavelength({"CENWAVE": 6562.8}).value == 6562.8


@pytest.mark.parametrize(
    ("look_up", "meta", "value"),
    [
        (header.camera, {"INSTRUME": "ALTA U16M", "CAMERA": "1"}, "ALTA U16M"),
        (header.detector, {"DETECTOR": "UVIS", "CCDCHIP": 2}, "UVIS"),
        (header.detector, {"EXTNAME": "im3"}, "im3"),
        (header.detector, {"EXTNAME": "COMPRESSED_IMAGE", "CCDID": 4}, "4"),
        (header.amplifier, {"CCDAMP": "C"}, "C"),
        (header.offset, {"OFFSET": 0}, 0),
        (header.bit_depth, {"BITDEPTH": 12}, 12),
        (header.gain_setting, {"ISO": 100}, 100),
    ],
)
def test_cameras_chips_and_settings_are_told_apart(look_up, meta, value):
    found = look_up(meta)
    assert getattr(found, "value", found) == value


def test_all_cards_that_name_the_chip_are_listed():
    assert header.texts({"DETECTOR": "UVIS", "CCDCHIP": 2, "EXTNAME": "PRIMARY"}, "detector") == {
        "DETECTOR": "UVIS",
        "CCDCHIP": "2",
    }


CARDS = {
    "CONAD": 1.9,
    "RDNOISE": 5.0,
    "SATURATE": 6e4,
    "EXPTIME": 90,
    "XPIXSZ": 9.0,
    "HEIGHT": 2344.0,
    "FILTER": "R",
    "CCDSUM": "2 2",
    "CCD-TEMP": -20.0,
    "READMODE": "slow",
    "IMAGETYP": "Light Frame",
    "OBJECT": "M 31",
    "AIRMASS": 1.2,
}
LOOK_UPS = [
    header.gain,
    header.gain_setting,
    header.readnoise,
    header.saturation,
    header.exposure,
    header.pixel_size,
    header.altitude,
    header.filter_name,
    header.binning,
    header.temperature,
    header.readout_mode,
    header.frame_kind,
    header.frame_name,
]


@pytest.mark.parametrize("meta", [fits.Header(CARDS), CARDS, {key.lower(): value for key, value in CARDS.items()}])
def test_a_header_that_was_read_once_answers_every_look_up(meta):
    once = header.read_header(meta)
    assert [look_up(once) for look_up in LOOK_UPS] == [look_up(meta) for look_up in LOOK_UPS]
    assert None not in [look_up(once) for look_up in LOOK_UPS]


def test_a_header_that_was_read_once_holds_the_comments_too():
    assert header.exposure(header.read_header(fits.Header([("EXPOSURE", 2, "[min]")]))).value == 120 * u.s
