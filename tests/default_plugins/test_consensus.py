# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The detector ``consensus``: votes, weights, and who voted for what.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, Detector, hookimpl, plugins
from ccdproc_crplugin.default_plugins.cosmic_ray_steps import _decisive

SHAPE = (20, 20)


@pytest.fixture(autouse=True)
def voters():
    """Detectors a, b and c, each of which flags three pixels of a row of its own choice; d does not search the left."""
    flagged = {"a": [2, 3, 4], "b": [3, 4, 5], "c": [4, 5, 6], "d": [15]}
    seen = {}

    def voter(name, columns):
        def detect(data, *, mask, variance, readnoise, saturation, background=None, level=1.0):
            seen[name] = {"mask": mask, "variance": variance, "background": background, "level": level}
            found = np.zeros(data.shape, dtype=bool)
            found[data.shape[0] // 2, [column for column in columns if column < data.shape[1]]] = True
            left = np.zeros(data.shape, dtype=bool)
            left[:, :10] = True
            return Detection(found, not_searched=left if name == "d" else None)

        return Detector(name, f"flags {columns}", detect)

    @hookimpl
    def ccdcr_detectors():
        return [voter(name, columns) for name, columns in flagged.items()]

    plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors), "voters")
    yield seen
    plugins.unregister("voters")


def clean(detectors, **options):
    data = np.random.default_rng(1).normal(100, 10, SHAPE)
    ccd = CCDData(data, unit="electron", mask=options.pop("mask", None))
    keywords = {"readnoise": 5, "preflight": "off", **options}
    return crp.clean_cosmic_rays(ccd, "consensus", detectors=detectors, **keywords)


def columns(cleaned):
    return np.flatnonzero(((cleaned.flags & 1) != 0)[10]).tolist()


def detect(**options):
    facts = {"mask": np.zeros(SHAPE, dtype=bool), "variance": None, "readnoise": 5.0, "saturation": np.inf}
    return crp.detectors()["consensus"].detect(np.full(SHAPE, 100, dtype="f4"), **{**facts, **options})


class TestVotes:
    def test_more_than_half_is_enough_unless_said_otherwise(self):
        assert columns(clean(["a", "b", "c"])) == [3, 4, 5]
        assert columns(clean(["a", "b"])) == [3, 4]

    @pytest.mark.parametrize(("votes", "expected"), [(1, [2, 3, 4, 5, 6]), (2, [3, 4, 5]), (3, [4])])
    def test_the_number_needed_can_be_given(self, votes, expected):
        assert columns(clean("a, b, c", votes=votes)) == expected

    def test_votes_have_weights(self):
        assert columns(clean(["a", "b", "c"], weights={"c": 3}, votes=3)) == [4, 5, 6]
        assert columns(clean(["a", "b", "c"], weights={"a": 3})) == [2, 3, 4]

    def test_who_does_not_search_has_no_vote(self):
        assert columns(clean(["a", "b", "d"], votes=3)) == [3, 4]
        assert columns(clean(["a", "d"], votes=1)) == [2, 3, 4, 15]

    def test_where_nobody_searches_it_says_so(self):
        found = detect(detectors=["c", "d"], votes=1)
        assert found.not_searched is None
        facts = {"mask": np.ones(SHAPE, dtype=bool)}
        assert detect(detectors=["c", "d"], **facts).not_searched is None


class TestRecord:
    def test_the_ballots_say_who_voted_for_what(self):
        found = detect(detectors=["a", "b", "c"])
        assert found.info["ballots"][10, 2:7].tolist() == [1, 3, 7, 6, 4]
        assert found.info["votes_of"] == "a 3, b 3, c 3"

    def test_the_score_is_the_share_of_the_votes(self):
        np.testing.assert_allclose(detect(detectors=["a", "b", "c"]).score[10, 2:7], np.array([1, 2, 3, 2, 1]) / 3)

    def test_the_history_names_the_detectors_and_their_pixels(self):
        history = "".join(clean(["a", "b"], votes=2).meta["HISTORY"])
        assert "detectors=['a', 'b']" in history
        assert "votes_of='a 3, b 3'" in history

    def test_a_mosaic_has_its_ballots_too(self):
        seen = []
        observer = SimpleNamespace(ccdcr_cleaned=hookimpl(ccdcr_cleaned_into(seen)))
        plugins.register(observer, "observer")
        try:
            clean(["a", "b"], mosaic="RGGB", max_fraction=1)
        finally:
            plugins.unregister("observer")
        assert seen[0].info["ballots"].shape == SHAPE


def ccdcr_cleaned_into(seen):
    def ccdcr_cleaned(detection):
        seen.append(detection)

    return ccdcr_cleaned


class TestWhatTheyAreGiven:
    def test_parameters_of_their_own(self, voters):
        clean(["a", "b"], parameters={"b": {"level": 7.0}})
        assert (voters["a"]["level"], voters["b"]["level"]) == (1.0, 7.0)

    def test_protected_pixels_are_masked_for_those_that_know_none(self, voters):
        protected = np.zeros(SHAPE, dtype=bool)
        protected[0] = True
        detect(detectors=["a", "b"], protected=protected)
        assert voters["a"]["mask"][0].all()

    def test_extra_variance_is_part_of_the_variance(self, voters):
        detect(detectors=["a", "b"], extra_variance=np.full(SHAPE, 7, dtype="f4"))
        assert voters["a"]["variance"][0, 0] == 100 + 25 + 7
        given = {"variance": np.full(SHAPE, 50, dtype="f4"), "extra_variance": np.full(SHAPE, 7, dtype="f4")}
        detect(detectors=["a", "b"], **given)
        assert voters["a"]["variance"][0, 0] == 57

    def test_the_background_of_a_spectrum(self, voters):
        background = np.full(SHAPE, 3, dtype="f4")
        detect(detectors=["a", "b"], background=background)
        assert voters["a"]["background"] is background


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"detectors": ["a"]}, "2 to 16 different detectors"),
            ({"detectors": ["a", "a"]}, "2 to 16 different detectors"),
            ({"detectors": 5}, "names of detectors, as a list or with commas"),
            ({"detectors": ["a", "consensus"]}, "others than 'consensus' itself"),
            ({"detectors": ["a", "nobody"]}, "detector='nobody'; expected one of"),
            ({"detectors": ["a", "b"], "votes": 3}, r"votes=3; expected a number .*of 2 or less"),
            ({"detectors": ["a", "b"], "votes": 0}, "votes=0"),
            ({"detectors": ["a", "b"], "weights": {"c": 1}}, "names among a, b"),
            ({"detectors": ["a", "b"], "weights": {"a": -1}}, r"weights\['a'\]=-1; expected a number above 0"),
            ({"detectors": ["a", "b"], "parameters": {"a": {"lvl": 1}}}, "'lvl', which detector 'a' does not have"),
            ({"detectors": ["a", "b"], "parameters": {"a": 3}}, "a dict of dicts"),
        ],
    )
    def test_what_makes_no_sense(self, options, message):
        with pytest.raises(CosmicRayError, match=message):
            clean(**options)

    def test_a_detector_that_fails_is_named(self):
        def fails(data, *, mask, variance, readnoise, saturation):
            raise KeyError("lost")

        @hookimpl
        def ccdcr_detectors():
            return [Detector("fails", "it fails", fails)]

        plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors), "failing")
        try:
            with pytest.raises(CosmicRayError, match="Failed: detector 'fails' of the consensus: KeyError: 'lost'"):
                clean(["a", "fails"])
        finally:
            plugins.unregister("failing")


def test_a_night_asks_for_the_releases_of_all_detectors():
    assert _decisive("consensus", detectors=["a", "b"], gain=2) == [
        *(("detector", "consensus"), ("detector", "a"), ("detector", "b"))
    ]
    assert _decisive() == [("detector", "lacosmic")]


def test_the_built_in_detectors_agree_on_bright_hits(ccd):
    cleaned = crp.clean_cosmic_rays(ccd, "consensus")
    np.testing.assert_array_equal(cleaned.mask, crp.clean_cosmic_rays(ccd).mask)


def test_a_detector_with_the_keyword_header_is_given_that_of_the_frame(ccd):
    seen = {}

    def detect(data, *, mask, variance, readnoise, saturation, header):
        seen.update(header)
        return Detection(mask & False)

    @hookimpl
    def ccdcr_detectors():
        return [Detector("reader", "it reads the header", detect)]

    ccd.meta["INSTRUME"] = "ACS"
    plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors), "reader")
    try:
        crp.clean_cosmic_rays(ccd, "reader")
        assert seen.pop("INSTRUME") == "ACS"
        crp.clean_cosmic_rays(ccd, "consensus", detectors=["reader", "median"])
        assert seen["INSTRUME"] == "ACS"
    finally:
        plugins.unregister("reader")
