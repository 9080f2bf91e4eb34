# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The limits that a frame gets: what they keep to, and that they are the same wherever they are asked for.
"""

import dataclasses
import re

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.table import Table
from matplotlib.figure import Figure

import ccdproc_crplugin as crp
from ccdproc_crplugin import detectors
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.rates import judge, with_noise
from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.simulate import Camera
from ccdproc_crplugin.tuning.limits import SIGCLIPS, choose_limits
from ccdproc_crplugin.tuning.trials import LOWEST

READNOISE = 6.0


def field(shape=(256, 256), **settings):
    scene = {"fwhm": 2.0, "n_stars": 40, "n_muons": 8, "n_worms": 6, "n_spots": 8, "seed": 5, **settings}
    return crp.simulate_frame(shape, camera=Camera(hot_fraction=0), **scene)


@pytest.fixture(scope="module")
def frame():
    return field()


@pytest.fixture(scope="module")
def tuning(frame):
    return crp.cr_tune(frame.ccd)


def test_the_table_has_every_pair_of_limits(tuning):
    assert sorted(set(tuning.table["sigclip"])) == list(SIGCLIPS)
    assert (min(SIGCLIPS), max(SIGCLIPS)) == (3, 20)
    assert len(tuning.table) == len(SIGCLIPS) * len(set(tuning.table["objlim"]))


def test_the_choice_has_the_verdict_on_its_events_and_pixels(tuning, frame):
    chosen = row_of(tuning)
    assert tuning.table.meta["n_frame"] == frame.ccd.data.size
    n_tracks = tuning.table.meta["n_tracks"]
    assert 0 < n_tracks <= chosen["n_events"]
    assert tuning.verdict == judge(n_tracks, with_noise(tuning.expectation, float(chosen["n_noise"])))
    many = Table(tuning.table, copy=True)
    many["n_pixels"] = frame.ccd.data.size // 2
    assert dataclasses.replace(tuning, table=many).verdict == "too many"


def test_the_pieces_of_a_track_are_judged_as_one():
    data = np.random.default_rng(2).normal(200, 15, (200, 200)).astype(np.float32)
    places = np.array([*range(40, 60), *range(66, 90)])
    data[places, places] += 1500
    tuning = crp.cr_tune(CCDData(data, unit="electron"), readnoise=5, objlim=3)
    assert (row_of(tuning)["n_events"], tuning.table.meta["n_tracks"]) == (2, 1)


def test_the_choice_keeps_both_bounds(tuning):
    chosen = row_of(tuning)
    assert chosen["allowed"]
    assert chosen["n_false"] <= 0.05 * chosen["n_events"]
    assert chosen["stars_touched"] <= 0.02


def test_no_pair_that_keeps_the_bounds_is_more_complete_by_a_per_cent(tuning):
    allowed = tuning.table[tuning.table["allowed"]]
    assert row_of(tuning)["completeness"] >= allowed["completeness"].max() - 0.01


def test_tighter_bounds_raise_the_limit(frame):
    loose, tight = (crp.cr_tune(frame.ccd, max_false=bound) for bound in (0.5, 1e-4))
    allowed = [table[table["allowed"]]["sigclip"].min() for table in (loose.table, tight.table)]
    assert allowed[0] < allowed[1]


def test_bounds_that_nothing_keeps_are_said_to_be_broken():
    ccd = field((64, 64), n_muons=0, n_worms=0, n_spots=0, n_stars=0).ccd
    assert "no pair of limits keeps the bounds" in crp.cr_tune(ccd, max_false=0).reason


def test_the_counts_are_those_of_one_iteration(frame, tuning):
    for row in tuning.table[::5]:
        limits = {"sigclip": row["sigclip"], "objlim": row["objlim"], "sigfrac": 1.0}
        mask = lacosmic(frame.ccd.data, readnoise=READNOISE, saturation=saturation(frame), niter=1, **limits).mask
        assert row["n_pixels"] >= mask.sum()
        found = crp.cr_segments(frame.ccd, mask=mask)
        assert row["n_events"] == pytest.approx(len(found), abs=0.05 * len(found) + 1)


def saturation(frame):
    return frame.ccd.header["SATURATE"] * frame.ccd.header["GAIN"]


def test_completeness_falls_and_false_events_become_fewer_with_sigclip(tuning):
    for objlim in set(tuning.table["objlim"]):
        rows = tuning.table[tuning.table["objlim"] == objlim]
        assert (np.diff(rows["completeness"]) <= 0).all()
        assert (np.diff(rows["n_false"]) <= 0).all()


def test_the_false_pixels_of_a_blank_frame_are_foretold():
    blank = field((512, 512), n_muons=0, n_worms=0, n_spots=0, n_stars=0, seed=8).ccd
    table = crp.cr_tune(blank, objlim=3.0).table
    mask = np.zeros(blank.shape, bool)
    for row in table[(table["sigclip"] >= 3.5) & (table["sigclip"] <= 4.5)]:
        found = lacosmic(
            blank.data, readnoise=READNOISE, sigclip=row["sigclip"], sigfrac=1, objlim=3, niter=1, mask=mask
        )
        n_found = found.mask.sum()
        assert 0.6 * n_found - 10 < row["n_false"] < 1.6 * n_found + 10


def test_sharp_stars_are_spared_by_the_choice():
    sharp = field((384, 384), fwhm=1.3, n_stars=400, sky=5.0, seed=3)
    found = detectors()["lacosmic"].detect
    arguments = {"mask": np.zeros(sharp.ccd.shape, bool), "variance": None, "readnoise": READNOISE, "saturation": 8e4}
    fixed, auto = (found(sharp.ccd.data, sigclip=sigclip, **arguments).mask for sigclip in (4.5, "auto"))
    assert np.count_nonzero(auto & ~sharp.truth) < np.count_nonzero(fixed & ~sharp.truth) / 4
    assert np.count_nonzero(auto & sharp.truth) > 0.8 * np.count_nonzero(fixed & sharp.truth)


def test_the_same_seed_gives_the_same_table(frame, tuning):
    again = crp.cr_tune(frame.ccd)
    assert (again.table == tuning.table).all()
    assert (again.sigclip, again.objlim, again.reason) == (tuning.sigclip, tuning.objlim, tuning.reason)


def test_the_frame_is_not_changed(frame):
    before = frame.ccd.data.copy()
    crp.cr_tune(frame.ccd)
    np.testing.assert_array_equal(frame.ccd.data, before)


def test_cr_tune_is_a_method(frame, tuning):
    assert frame.ccd.cr_tune().sigclip == tuning.sigclip


def test_auto_is_what_cr_tune_chooses(frame, tuning):
    cleaned = frame.ccd.clean_cosmic_rays(sigclip="auto", preflight="off")
    assert cleaned.header["CRSIGCLP"] == tuning.sigclip
    assert cleaned.header["CROBJLIM"] == pytest.approx(tuning.objlim)


def test_the_history_says_that_the_choice_was_automatic_and_why(frame, tuning):
    cleaned = frame.ccd.clean_cosmic_rays(sigclip="auto", preflight="off")
    history = "".join(cleaned.header["HISTORY"]).replace(" ", "")  # a card drops the blanks at its end
    assert f"sigclip={tuning.sigclip}" in history
    assert f"auto={tuning.reason!r}".replace(" ", "") in history


def test_segments_take_auto_too(frame, tuning):
    limits = {"sigclip": tuning.sigclip, "objlim": tuning.objlim}
    assert len(frame.ccd.cr_segments(sigclip="auto")) == len(frame.ccd.cr_segments(**limits))


def test_an_objlim_that_is_given_is_kept(frame):
    cleaned = frame.ccd.clean_cosmic_rays(sigclip="auto", objlim=4.0, preflight="off")
    assert cleaned.header["CROBJLIM"] == 4.0
    assert set(crp.cr_tune(frame.ccd, objlim=4.0).table["objlim"]) == {4.0}


@pytest.mark.parametrize(
    "options", [{"sepmed": True}, {"fsmode": "convolve"}, {"edges": "skip"}, {"background": np.full((256, 256), 50.0)}]
)
def test_auto_goes_with_the_other_parameters(frame, options):
    cleaned = frame.ccd.clean_cosmic_rays(sigclip="auto", preflight="off", **options)
    assert 3 <= cleaned.header["CRSIGCLP"] <= 20


def test_bad_pixels_take_no_part():
    simulated = field((200, 200), n_stars=10)
    data = simulated.ccd.data.copy()
    data[:60] = np.nan
    mask = np.zeros(data.shape, bool)
    mask[60:80] = True
    ccd = CCDData(data, unit="electron", mask=mask, meta=simulated.ccd.header)
    assert 3 <= crp.cr_tune(ccd).sigclip <= 20


def test_a_large_frame_is_tried_in_parts():
    tile = field((512, 512)).ccd.data
    data = np.tile(tile, (3, 3))
    arguments = {"mask": np.zeros(data.shape, bool), "readnoise": READNOISE, "fwhm": 2.08, "objlim": 2.36}
    whole, part = (
        choose_limits(data, **arguments),
        choose_limits(tile, **{**arguments, "mask": arguments["mask"][:512, :512]}),
    )
    assert whole.sigclip == pytest.approx(part.sigclip, abs=2)


@pytest.mark.parametrize("wrong", [{"max_false": -0.1}, {"max_stars_touched": 2}, {"max_false": "few"}])
def test_bounds_that_are_no_share_are_refused(frame, wrong):
    (name,) = wrong
    with pytest.raises(CosmicRayError, match=f"Found {name}=.*a number from 0 to 1"):
        crp.cr_tune(frame.ccd, **wrong)


def test_another_word_than_auto_is_refused(frame):
    with pytest.raises(CosmicRayError, match="Found sigclip='best'; expected a number above 0, 'auto', or None"):
        frame.ccd.clean_cosmic_rays(sigclip="best", preflight="off")


def test_the_plot_shows_counts_choice_and_plausible_band(frame, tuning):
    bare = tuning.plot()
    expectation = crp.expected_events(frame.ccd, pixel_size=15, altitude=2000)
    banded = crp.cr_tune(frame.ccd, expectation=expectation).plot()
    labels = [[text.get_text() for text in figure.axes[0].get_legend().get_texts()] for figure in (bare, banded)]
    assert f"chosen: {tuning.sigclip:g}" in labels[0]
    assert not any("plausible" in label for label in labels[0])
    assert f"plausible: {expectation}" in labels[1]


def test_the_plot_reaches_no_higher_than_its_curves(tuning):
    assert tuning.plot().axes[0].get_ylim()[1] < 3 * max(tuning.table["n_events"].max(), tuning.table["n_false"].max())


@pytest.mark.parametrize("number", [1, 2])
def test_it_is_drawn_in_axes_that_are_given(tuning, number):
    axes = np.atleast_1d(Figure().subplots(number))
    given = axes[0] if number == 1 else axes
    assert tuning.plot(ax=given) is given
    assert [one.get_ylabel() for one in axes] == ["number", "share"][:number]
    assert axes[-1].get_xlabel() == "sigclip"


def test_other_numbers_of_axes_are_refused(tuning):
    with pytest.raises(CosmicRayError, match="expected axes of matplotlib, 1 or 2 of them"):
        tuning.plot(ax=Figure().subplots(3))


def test_it_is_printed_in_numbers_that_a_person_reads(tuning):
    for text in (str(tuning), tuning._repr_html_(), "\n".join(tuning.table.pformat(max_lines=-1, max_width=-1))):
        assert not re.search(r"\d\.\d{4}|\de[-+]\d", text.replace(tuning.reason, ""))
    assert f"objlim={tuning.objlim:.3g}" in str(tuning)
    assert len(str(tuning).splitlines()) == 3 + len(SIGCLIPS)


def test_the_table_keeps_all_digits(tuning):
    assert 0 < tuning.table["n_false"].min() < 1e-20


def test_a_cleaned_frame_is_refused(frame):
    with pytest.raises(CosmicRayError, match="removed already; expected one that was not cleaned"):
        crp.cr_tune(frame.ccd.clean_cosmic_rays(preflight="off"))


def test_the_table_has_the_expected_events_where_they_are_known(frame, tuning):
    assert tuning.table["expected_low"].mask.all()
    expectation = crp.expected_events(frame.ccd, pixel_size=15)
    table = crp.cr_tune(frame.ccd, expectation=expectation).table
    assert set(table["expected_high"]) == {expectation.high}


def test_the_representation_says_why(tuning):
    assert repr(tuning) == f"<Tuning: sigclip={tuning.sigclip:g}, objlim={tuning.objlim:.3g}: {tuning.reason}>"
    assert "&lt;Tuning" in tuning._repr_html_()


def test_the_lowest_limit_weighed_is_the_lowest_score_kept():
    assert min(SIGCLIPS) == LOWEST


def row_of(tuning):
    return tuning.table[(tuning.table["sigclip"] == tuning.sigclip) & (tuning.table["objlim"] == tuning.objlim)][0]


@pytest.mark.parametrize(
    "wrong",
    [{"objlim": value} for value in (0, -1, "x", np.nan, np.inf, True, [2])]
    + [{"n_pixels": value} for value in (0, 2.5, "x", None, True)]
    + [{"seed": value} for value in (-1, "x", 2.5, None)]
    + [{"expectation": 5}],
)
def test_what_is_no_such_parameter_is_refused(frame, wrong):
    (name,) = wrong
    with pytest.raises(CosmicRayError, match=f"Found {name}="):
        crp.cr_tune(frame.ccd, **wrong)


def test_a_frame_without_any_cosmic_ray_has_limits_too():
    rng = np.random.default_rng(0)
    empty = CCDData(rng.poisson(200, (200, 220)) + rng.normal(0, 5, (200, 220)), unit="electron")
    tuning = crp.cr_tune(empty, readnoise=5)
    assert row_of(tuning)["n_events"] == 0
    assert row_of(tuning)["allowed"]
    assert tuning.sigclip < 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_where_no_trial_event_can_be_found_the_default_stays(shape):
    tuning = crp.cr_tune(CCDData(np.full(shape, 100.0), unit="electron"), readnoise=5)
    assert tuning.sigclip == 5
    assert "no trial event was found" in tuning.reason


def test_one_good_pixel_is_enough_not_to_fail():
    mask = np.ones((64, 64), dtype=bool)
    mask[3, 4] = False
    tuning = crp.cr_tune(CCDData(np.full((64, 64), 100.0), unit="electron", mask=mask), readnoise=5)
    assert tuning.sigclip == 5


def test_values_beyond_any_chip_are_tuned_without_a_crash():
    data = 1e28 * np.random.default_rng(0).poisson(200, (100, 100)).astype(np.float32)
    assert crp.cr_tune(CCDData(data, unit="electron"), readnoise=5).sigclip in SIGCLIPS
