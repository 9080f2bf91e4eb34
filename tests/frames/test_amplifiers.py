# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Gain and read noise of amplifiers in the header.
"""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.amplifiers import GIVEN, figure_of_header, has_figure, moved_sections

SHAPE = (20, 80)
TWO = {"GAIN1": 1.2, "GAIN2": 2.0}
LEFT, RIGHT = "[1:40,1:20]", "[41:80,1:20]"
HST = {
    "INSTRUME": "WFC3",
    "DETECTOR": "UVIS",
    "SUBARRAY": False,
    "CCDAMP": "ABCD",
    "CCDCHIP": 2,
    "CCDGAIN": 1.5,
    **{f"ATODGN{letter}": gain for letter, gain in zip("ABCD", (1.51, 1.52, 1.56, 1.58), strict=True)},
    **{f"READNSE{letter}": noise for letter, noise in zip("ABCD", (2.9, 3.0, 3.1, 3.2), strict=True)},
}


def row_of(cards, quantity="gain", shape=SHAPE):
    """The value at the left and at the right end of the first row."""
    by_pixel, _ = figure_of_header(cards, quantity, shape)
    assert by_pixel.shape == shape
    return by_pixel[0, 0], by_pixel[0, -1]


class TestSections:
    @pytest.mark.parametrize("prefix", ["DATASEC", "DSEC", "TRIMSEC", "TSEC", "CCDSEC", "CSEC"])
    @pytest.mark.parametrize("names", ["12", "AB", ("11", "12")])
    def test_the_section_of_the_same_name_says_where_an_amplifier_lies(self, prefix, names):
        cards = {f"{prefix}{names[0]}": LEFT, f"{prefix}{names[1]}": RIGHT}
        cards |= {f"GAIN{names[0]}": 1.2, f"GAIN{names[1]}": 2.0, f"RON{names[0]}": 3, f"RON{names[1]}": 6}
        assert row_of(cards) == (1.2, 2.0)
        assert row_of(cards, "readnoise") == (3, 6)

    def test_four_amplifiers(self):
        sections = {"11": "[1:40,1:10]", "12": "[41:80,1:10]", "21": "[1:40,11:20]", "22": "[41:80,11:20]"}
        cards = {f"DSEC{name}": section for name, section in sections.items()}
        cards |= {f"GTGAIN{name}": gain for name, gain in zip(sections, (1, 2, 3, 4), strict=True)}
        found, keyword = figure_of_header(fits.Header(cards), "gain", SHAPE)
        assert found[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [1, 2, 3, 4]
        assert keyword == "GTGAIN11"

    def test_an_overscan_belongs_to_the_amplifier_beside_it(self):
        found, _ = figure_of_header(
            fits.Header({**TWO, "DATASEC1": "[5:36,2:19]", "DATASEC2": "[76:45,2:19]"}), "gain", SHAPE
        )
        assert (found[:, :40] == 1.2).all()
        assert (found[:, 40:] == 2.0).all()

    def test_the_amplifiers_go_before_the_value_of_the_whole_frame(self):
        assert row_of({"GAIN": 1.5, **TWO, "DATASEC1": LEFT, "DATASEC2": RIGHT}) == (1.2, 2.0)

    @pytest.mark.parametrize(
        "sections",
        [
            {},
            {"DATASEC1": LEFT},
            {"DATASEC1": LEFT, "DATASEC2": "[41:81,1:20]"},
            {"DATASEC1": LEFT, "DATASEC2": "[40:80,1:20]"},
            {"DATASEC1": "[1:10,1:20]", "DATASEC2": RIGHT},
            {"CCDSEC1": "[1:36,1:20]", "CCDSEC2": RIGHT},
        ],
        ids=["none", "one", "beyond the frame", "overlapping", "too small", "with a gap on the chip"],
    )
    def test_it_is_said_where_a_section_is_not_certain(self, sections):
        with pytest.raises(CosmicRayError, match=r"^Found GAIN1 = 1.2, GAIN2 = 2, and no card that says where"):
            figure_of_header(fits.Header({**TWO, **sections}), "gain", SHAPE)

    def test_the_value_of_the_whole_frame_counts_then(self):
        assert figure_of_header(fits.Header({"GAIN": 1.5, **TWO}), "gain", SHAPE) is None

    def test_values_that_agree_count_as_their_mean(self):
        assert figure_of_header(fits.Header({"RON1": 4.0, "RON2": 4.1}), "readnoise", SHAPE) == (4.05, "RON1: mean")

    def test_outputs_of_eso_are_amplifiers(self):
        cards = fits.Header()
        for name, gain in enumerate((1.0, 1.3), start=1):
            cards[f"HIERARCH ESO DET OUT{name} CONAD"] = gain
        with pytest.raises(CosmicRayError, match=r"^Found ESO DET OUT1 CONAD = 1, ESO DET OUT2 CONAD = 1.3"):
            figure_of_header(cards, "gain", SHAPE)


class TestOneAmplifier:
    @pytest.mark.parametrize(
        "cards",
        [
            {"GAIN1": 1.2},
            {"GAIN": 1.2, "RDNOISE": 4, "READNOIS": 4, "RON": 4},
            {"GAIN1": 100, "GAIN2": 200},
            {"GAIN1": "high", "GAIN2": "low"},
            {"EGAIN": 1.2, "GAINE": 1.2},
        ],
    )
    def test_the_header_is_read_as_ever(self, cards):
        for quantity in ("gain", "readnoise"):
            assert figure_of_header(fits.Header(cards), quantity, SHAPE) is None


class TestHST:
    @pytest.mark.parametrize(
        ("chip", "gains", "noises"), [(1, (1.51, 1.52), (2.9, 3.0)), (2, (1.56, 1.58), (3.1, 3.2))]
    )
    def test_two_amplifiers_read_the_halves_of_a_chip(self, chip, gains, noises):
        assert row_of({**HST, "CCDCHIP": chip}) == gains
        assert row_of({**HST, "CCDCHIP": chip, "INSTRUME": "ACS", "DETECTOR": "WFC"}, "readnoise") == noises

    def test_one_amplifier_read_the_chip(self):
        unused = {"ATODGNA": 0.0, "ATODGNB": 0.0, "ATODGND": 0.0}
        assert figure_of_header(fits.Header({**HST, "CCDAMP": "C", "SUBARRAY": True, **unused}), "gain", SHAPE) == (
            1.56,
            "ATODGNC",
        )
        assert figure_of_header(fits.Header({**HST, "CCDAMP": "AC"}), "gain", SHAPE) == (1.56, "ATODGNC")

    def test_the_halves_of_a_subarray_are_not_known(self):
        cards = fits.Header({**HST, "SUBARRAY": True})
        assert figure_of_header(cards, "gain", SHAPE) is None
        assert figure_of_header(cards, "readnoise", SHAPE) == (pytest.approx(3.15), "READNSEC: mean")


class TestGivenForARun:
    def test_sections_go_before_all_cards(self):
        cards = {**TWO, "DATASEC1": LEFT, "DATASEC2": RIGHT, "EGAIN": "[1:20,*]=3; [21:80,*]=4"}
        assert row_of(cards) == (3, 4)

    def test_so_does_one_value(self):
        cards = fits.Header({**TWO, "DATASEC1": LEFT, "DATASEC2": RIGHT})
        cards["EGAIN"] = (1.5, GIVEN)
        assert figure_of_header(cards, "gain", SHAPE) is None

    def test_sections_that_do_not_fit_the_frame_are_refused(self):
        with pytest.raises(CosmicRayError, match="without a value for"):
            figure_of_header(fits.Header({"EGAIN": "[1:20,*]=3; [21:40,*]=4"}), "gain", SHAPE)


def test_a_plain_mapping_will_do():
    cards = {"gain1": 1.2, "gain2": 2.0, "datasec1": LEFT, "datasec2": RIGHT}
    assert np.unique(figure_of_header(cards, "gain", SHAPE)[0]).tolist() == [1.2, 2.0]


def test_whether_a_header_has_amplifiers():
    assert has_figure(TWO, "gain")
    assert not has_figure(TWO, "readnoise")


def test_the_sections_move_with_a_cut_out():
    cards = fits.Header({"DATASEC1": "[5:36,2:19]", "DATASEC2": "[45:76,2:19]", "DATASEC": "[5:76,2:19]"})
    assert moved_sections(cards, (1, 4), (18, 72)) == {"DATASEC1": "[1:32,1:18]", "DATASEC2": "[41:72,1:18]"}
