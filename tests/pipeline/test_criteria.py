# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a night knows the frames of a kind by: ``[select]``.
"""

import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CalibrationWarning, CosmicRayError
from ccdproc_crplugin.pipeline.criteria import Criterion, read_criteria
from ccdproc_crplugin.pipeline.run import plan_night

from ..helpers.nights import by_file, config, level, reduce, write_frame


class TestCards:
    @pytest.mark.parametrize(
        "given",
        [
            {"OBJECT": "Dome Flat*"},
            {"object": "dome flat*"},
            {"OBJECT": "?ome*"},
            {"EXPTIME": 15},
            {"EXPTIME": 15.0, "LAMP": True},
            {"HIERARCH": "x"},
        ],
    )
    def test_text_may_have_stars_and_numbers_count_as_such(self, given):
        (criterion,) = read_criteria("flat", [given])
        meta = {"OBJECT": "Dome Flat 3 ", "EXPTIME": 15.0, "LAMP": True}
        assert criterion.fits("a.fits", meta) == ("HIERARCH" not in given)

    @pytest.mark.parametrize("given", [{"OBJECT": "Dome"}, {"EXPTIME": 1}, {"LAMP": 1}, {"OBJECT": 5}])
    def test_other_values_do_not_fit(self, given):
        assert not Criterion(given).fits("a.fits", {"OBJECT": "Dome Flat", "EXPTIME": 15.0, "LAMP": True})

    def test_all_cards_of_an_entry_must_fit(self):
        criterion = Criterion({"OBJECT": "Dome*", "LAMP": "on"})
        assert not criterion.fits("a.fits", {"OBJECT": "Dome Flat", "LAMP": "off"})

    def test_brackets_stand_for_themselves(self):
        assert Criterion({"OBJECT": "M31 [2]*"}).fits("a.fits", {"OBJECT": "M31 [2] north"})


class TestFileNames:
    @pytest.mark.parametrize("pattern", ["flat_*.fits", "flat_00?.fits", "flat_*", "night1/*", "flat_001.fits"])
    def test_patterns_stand_for_names_with_folder_or_without(self, pattern):
        assert Criterion(pattern).fits("night1/flat_001.fits", {})
        assert not Criterion(pattern).fits("night2/bias_001.fits", {})

    def test_packed_files_are_known_by_their_stem(self):
        assert Criterion("b1?").fits("b11.fits.gz", {})
        assert not Criterion("b1?").fits("b1.fits.gz", {})


class TestWords:
    def test_a_word_is_one_of_the_cards_that_name_the_kind(self):
        assert Criterion("Cap-On").fits("a.fits", {"IMAGETYP": "cap on"})
        assert not Criterion("cap on").fits("a.fits", {"OBSERVER": "cap on"})


@pytest.mark.parametrize("entries", [[], "flat", [3], [{}], [{"OBJECT": ["a"]}], [{3: "a"}], [""], {"OBJECT": "a"}])
def test_other_entries_are_refused(entries):
    with pytest.raises(CosmicRayError, match=r"flat=.*expected a list such as \[\"object\"\]"):
        read_criteria("flat", entries)


@pytest.fixture
def nameless(raw):
    """A night whose headers say what a frame is in OBJECT alone, and lie about the kind."""
    for path in raw.iterdir():
        fits.setval(path, "IMAGETYP", value="OBJECT")
        fits.setval(path, "OBJECT", value={"b": "Bias", "d": "Cap on", "f": "Dome Flat 1", "l": "M 31"}[path.name[0]])
    return raw


SELECT = {
    "bias": [{"OBJECT": "Bias"}],
    "dark": ["dark_*.fits"],
    "flat": [{"OBJECT": "Dome Flat*"}],
    "light": ["light_*"],
}


class TestNight:
    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_frames_are_known_by_any_card_and_by_file_names(self, nameless, output, n_workers):
        table = reduce(nameless, output, select=SELECT, n_workers=n_workers)
        assert set(by_file(table).values()) == {"done"}
        kinds = by_file(table, "kind")
        assert all(kind == file.partition("_")[0] for file, kind in kinds.items())
        assert set(by_file(reduce(nameless, output, select=SELECT)).values()) == {"kept"}

    def test_a_file_named_for_two_kinds_is_of_the_first_and_said(self, nameless, output):
        select = {**SELECT, "light": ["light_*", "flat_*"]}
        plan = plan_night(config(nameless, output, select={"light": select.pop("light"), **select}))
        (doubt,) = [doubt for doubt in plan.doubts if "taken for" in doubt]
        assert doubt.startswith("[select] names flat_")
        assert doubt.endswith("for the kinds light, flat; taken for light")

    def test_a_pattern_that_fits_nothing_is_said_in_every_run(self, nameless, output):
        select = {**SELECT, "flat": [*SELECT["flat"], {"OBJECT": "Sky Flat*"}, "sky_*.fits"]}
        plan = plan_night(config(nameless, output, select=select))
        said = ["flat under [select]: no file fits {OBJECT = 'Sky Flat*'}"]
        said.append("flat under [select]: no file fits 'sky_*.fits'")
        assert list(plan.doubts) == said
        for _ in range(2):
            with pytest.warns(CalibrationWarning) as caught:
                reduce(nameless, output, select=select)
            assert [str(item.message) for item in caught] == said

    def test_a_toml_file_takes_all_of_them(self, nameless, tmp_path):
        path = tmp_path / "night.toml"
        path.write_text(
            '[night]\ninput = "raw"\noutput = "out"\n[select]\nflat = [{ OBJECT = "Dome Flat*" }, "flat_*.fits"]\n'
            'bias = [{ OBJECT = "Bias", EXPTIME = 0 }]\n[[step]]\nname = "subtract_bias"\n'
        )
        write_frame(nameless / "b_long.fits", "OBJECT", level(300), OBJECT="Bias", EXPTIME=5.0)
        kinds = by_file(crp.reduce_night(path, n_workers=1), "kind")
        assert (kinds["bias_0.fits"], kinds["flat_0.fits"], kinds["b_long.fits"]) == ("bias", "flat", "unknown")
