# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The dialects in use: their order, what they ignore, and those that a user writes.
"""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError, Dialect, hookimpl, plugins
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.dialects import (
    dialects_in,
    in_use,
    read_dialects,
    using,
    with_dialects,
    with_those_in_use,
)
from ccdproc_crplugin.frames.entries import GIVEN

MINE = Dialect("mine", "my camera", {"INSTRUME": "MyCam*"}, {"gain": ["ELPERADU"]})
RAW = {"INSTRUME": "MyCam 3", "ELPERADU": 1.4, "GAIN": 2.0}


class TestOrder:
    def test_a_dialect_of_the_user_goes_before_the_built_in_ones(self):
        with using(with_those_in_use([Dialect("mine", "", keywords={"gain": ["ELPERADU"]})])):
            assert header.gain(RAW).keyword == "ELPERADU"
        assert header.gain(RAW).keyword == "GAIN"

    def test_one_that_needs_cards_holds_for_headers_with_them_alone(self):
        with using(with_those_in_use([MINE])):
            assert header.gain(RAW).keyword == "ELPERADU"
            assert header.gain({**RAW, "INSTRUME": "other"}).keyword == "GAIN"
            assert header.gain({"ELPERADU": 1.4, "GAIN": 2.0}).keyword == "GAIN"

    def test_one_that_needs_cards_goes_before_one_that_holds_for_all(self):
        for_all = Dialect("all", "", keywords={"gain": ["GAIN"]})
        with using([for_all, MINE]):
            assert header.gain(RAW).keyword == "ELPERADU"

    def test_what_was_given_for_the_run_goes_before_every_dialect(self):
        meta = fits.Header(RAW)
        meta["EGAIN"] = (3.0, GIVEN)
        with using(with_those_in_use([MINE])):
            assert header.gain(meta).value.value == 3.0
            assert header.gain(header.read_header(meta)).value.value == 3.0

    def test_the_dialect_of_a_plugin_goes_before_the_built_in_ones(self):
        plugin = SimpleNamespace(ccdcr_dialects=hookimpl(specname="ccdcr_dialects")(lambda: [MINE]))
        plugins.register(plugin, "mine")
        try:
            assert header.gain(RAW).keyword == "ELPERADU"
            assert "mine" in plugins.dialects()
        finally:
            plugins.unregister("mine")
        assert header.gain(RAW).keyword == "GAIN"


class TestEntries:
    def test_a_keyword_may_stand_for_several(self):
        with using([Dialect("wheels", "", keywords={"filter": ["WHEEL#"]})]):
            assert header.filters({"WHEEL3": "V", "WHEEL9": "ND"}).value == ("V", "ND")

    def test_a_keyword_may_ask_for_words_in_the_comment(self):
        with using([Dialect("max", "", keywords={"saturation": ["DATAMAX / *satur*"]})]):
            assert header.saturation({"DATAMAX": (65535, "SATURATION LEVEL")}).value == 65535 * u.adu
            assert header.saturation({"DATAMAX": (65535, "largest value")}) is None
            assert header.saturation({"DATAMAX": 65535}) is None

    def test_a_keyword_may_be_ignored_for_its_comment(self):
        dialect = Dialect("index", "", keywords={"gain": ["GAIN"]}, ignored={"gain": ["GAIN / *index*"]})
        with using([dialect]):
            assert header.gain({"GAIN": (1, "gain INDEX")}) is None
            assert header.gain({"GAIN": (1, "gain")}).keyword == "GAIN"

    def test_what_one_dialect_ignores_another_that_goes_before_it_may_take(self):
        ignoring = Dialect("ignoring", "", ignored={"gain": ["GAIN"]})
        with using([Dialect("taking", "", keywords={"gain": ["GAIN"]}), ignoring]):
            assert header.gain({"GAIN": 2.0}).keyword == "GAIN"

    def test_words_for_kinds_units_and_corrections_are_added(self):
        from ccdproc_crplugin.frames.records import corrections

        mine = Dialect(
            "mine", "", kinds={"flat": ["white screen"]}, units={"electron": ["elecs"]}, corrections={"dark": ["DONE"]}
        )
        with using(with_those_in_use([mine])):
            assert header.frame_kind({"IMAGETYP": "White-Screen"}) == "flat"
            assert header.gain({"GAIN": "1.5 elecs/adu"}).value.value == 1.5
            assert corrections({"DONE": True, "FLATCOR": "F"}) == {"dark"}


class TestOfTheUser:
    def test_a_file_holds_one_or_several(self, tmp_path):
        path = tmp_path / "mycam.toml"
        path.write_text('[dialect]\ncards = {INSTRUME = "MyCam*"}\n[dialect.keywords]\ngain = "ELPERADU"\n')
        (dialect,) = read_dialects(path)
        assert (dialect.name, dialect.keywords) == ("mycam", {"gain": ["ELPERADU"]})
        path.write_text('[[dialect]]\nname = "a"\n[[dialect]]\nname = "b"\n')
        assert [dialect.name for dialect in read_dialects(path)] == ["a", "b"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "no \\[dialect\\]"),
            ("gain = ", "can't be read as TOML"),
            ("[dialect]\nkeyword = 3\n", "Found the key 'keyword' in \\[dialect\\]; expected one of: name"),
            ("dialect = 3\n", "expected a table"),
            ('[dialect.keywords]\ngian = ["A"]\n', "keywords for 'gian'; expected one of: kind"),
            ("[dialect.keywords]\ngain = [3]\n", "expected a list of text"),
            ("[dialect.keywords]\ngain = 3\n", "expected text and a list"),
            ('[dialect.kinds]\nflats = ["A"]\n', "kinds for 'flats'; expected one of: bias"),
            ('[dialect.units]\nelectrum = ["A"]\n', "units for 'electrum'"),
            ('[dialect.corrections]\nfringes = ["A"]\n', "corrections for 'fringes'"),
            ("[dialect]\ncards = 3\n", "expected a dict to text"),
            ("[dialect.cards]\nINSTRUME = 3\n", "expected text and text"),
            (
                '[dialect.keywords]\ngain = ["GA*"]\n',
                r"the keyword 'GA\*' under keywords; expected that of",
            ),
            (f'[dialect.ignored]\ngain = ["{"G" * 100}"]\n', "the keyword 'GGG.* under ignored"),
            ('[dialect.corrections]\nbias = ["SUB=BIAS"]\n', "the keyword 'SUB=BIAS' under corrections"),
            ('[dialect.cards]\n"INS TRUME?" = "X"\n', r"the keyword 'INS TRUME\?' under cards"),
            ('[dialect.kinds]\nbias = ["zero"]\ndark = ["Zero"]\n', "'Zero' for the kinds 'bias' and 'dark'"),
            ('[dialect.units]\nadu = ["cts"]\nelectron = ["cts"]\n', "'cts' for the units 'adu' and 'electron'"),
        ],
    )
    def test_what_is_wrong_is_named_with_the_file(self, tmp_path, text, message):
        path = tmp_path / "mycam.toml"
        path.write_text(text)
        with pytest.raises(CosmicRayError, match=message) as caught:
            read_dialects(path)
        assert "mycam.toml" in str(caught.value)

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(CosmicRayError, match="Found no file"):
            read_dialects(tmp_path / "none.toml")

    def test_another_thread_uses_it_if_it_is_handed_over(self):
        with using(with_those_in_use([MINE])), ThreadPoolExecutor(1) as pool:
            assert pool.submit(header.gain, RAW).result().keyword == "GAIN"
            assert pool.submit(with_dialects, in_use(), header.gain, RAW).result().keyword == "ELPERADU"

    def test_a_plugin_whose_dialect_is_wrong_is_left_out(self):
        wrong = Dialect("wrong", "", keywords={"gian": ["A"]})
        plugin = SimpleNamespace(ccdcr_dialects=hookimpl(specname="ccdcr_dialects")(lambda: [wrong]))
        with pytest.warns(match="keywords for 'gian'"):
            plugins.register(plugin, "wrong")
        plugins.unregister("wrong")

    def test_no_dialect_is_no_table(self):
        assert dialects_in((), "none") == []
