# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events of a single pixel: which are, how many cosmic rays make, and when there are too many.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.simulate import Camera
from ccdproc_crplugin.tuning.limits import choose_limits
from ccdproc_crplugin.tuning.single_pixels import expected_single, has_hot_pixels, stand_alone

READNOISE = 6.0


def chip(hot_fraction, *, n_rays, shape=(1024, 1024), seed=1):
    camera = Camera(hot_fraction=hot_fraction, hot_current=20.0, readnoise=READNOISE)
    numbers = {"n_muons": 2 * n_rays, "n_worms": n_rays, "n_spots": 2 * n_rays, "n_stars": 150}
    return crp.simulate_frame(shape, fwhm=2.5, exposure=90.0, camera=camera, seed=seed, **numbers), camera


def row_of(tuning):
    return tuning.table[(tuning.table["sigclip"] == tuning.sigclip) & (tuning.table["objlim"] == tuning.objlim)][0]


def test_a_pixel_with_a_bright_neighbour_does_not_stand_alone():
    data = np.full((30, 30), 100.0, dtype=np.float32)
    data[5, 5] += 500
    data[20, 20:22] += 500
    assert stand_alone(data, np.array([5, 20]), np.array([5, 20]), READNOISE**2).tolist() == [True, False]


def test_the_noise_of_what_was_subtracted_counts_beside_it():
    data = np.full((30, 30), 100.0, dtype=np.float32)
    data[5, 5] += 500
    data[5, 6] += 60
    place, extra = (np.array([5]), np.array([5])), np.zeros(data.shape)
    assert not stand_alone(data, *place, READNOISE**2 + extra)[0]
    extra[5, 6] = 2000.0
    assert stand_alone(data, *place, READNOISE**2 + extra)[0]


def test_single_pixels_are_expected_in_the_proportion_of_the_trial_events():
    found, single = np.ones(1000, bool), np.arange(1000) < 200
    assert expected_single(400, found, single) == pytest.approx(100, rel=0.01)
    assert expected_single(0, found, single) == 0


@pytest.mark.parametrize(
    ("single", "larger", "noise", "hot"),
    [(30, 5, 4, True), (5, 20, 0, False), (25, 100, 0, False), (30, 0, 30, False), (0, 0, 0, False)],
)
def test_there_are_hot_pixels_if_neither_particles_nor_noise_explain_the_number(single, larger, noise, hot):
    assert has_hot_pixels(single, larger, noise) == hot


@pytest.mark.parametrize("seed", [1, 2])
def test_the_hot_pixels_under_a_subtracted_dark_are_counted_within_a_factor_of_two(seed):
    frame, _ = chip(5e-4, n_rays=1, seed=seed)
    table = crp.cr_tune(frame.ccd, objlim=1.8).table
    (row,) = table[table["sigclip"] == 5]
    found = crp.cr_segments(frame.ccd, sigclip=5.0, objlim=1.8, grow=False)
    n_false = sum(not frame.charge[segment].max() > 30 for segment in found.slices)
    assert n_false > 20
    assert n_false / 2 < row["n_false"] < 2 * n_false


def test_the_reason_names_hot_pixels_that_no_limit_tells_from_cosmic_rays():
    frame, _ = chip(5e-4, n_rays=1)
    tuning = crp.cr_tune(frame.ccd, max_false=0.001, objlim=1.8)
    assert tuning.table["n_hot"].max() > 15
    assert "look like hot pixels (give dark=" in tuning.reason or row_of(tuning)["n_hot"] == 0


def test_where_the_number_is_not_certain_the_reason_says_so():
    frame, _ = chip(5e-4, n_rays=25)
    assert "cannot tell how many more are false" in crp.cr_tune(frame.ccd).reason


@pytest.mark.parametrize("seed", [1, 2])
def test_a_chip_without_hot_pixels_is_not_said_to_have_some(seed):
    frame, _ = chip(0.0, n_rays=10, seed=seed)
    tuning = crp.cr_tune(frame.ccd)
    assert not tuning.table["n_hot"].any()
    assert "look like hot pixels" not in tuning.reason


def test_with_the_variance_of_the_dark_hardly_one_is_left():
    frame, camera = chip(5e-4, n_rays=5)
    shape = frame.ccd.shape
    limits = {"mask": np.zeros(shape, bool), "readnoise": READNOISE, "fwhm": 2.5, "objlim": 1.8, "vary_objlim": False}
    variance = (90.0 * camera.dark(shape)).astype(np.float32)
    without, given = (choose_limits(frame.ccd.data, extra_variance=extra, **limits) for extra in (None, variance))
    assert without.table["n_hot"].max() > 15
    assert not given.table["n_hot"].any()
    assert given.sigclip < without.sigclip
    assert "hot pixels" not in given.reason


def test_an_extra_variance_of_nothing_changes_nothing():
    frame, _ = chip(0.0, n_rays=2, shape=(300, 300))
    limits = {"mask": np.zeros((300, 300), bool), "readnoise": READNOISE, "fwhm": 2.5, "objlim": 1.8}
    none, zero = (choose_limits(frame.ccd.data, extra_variance=extra, **limits) for extra in (None, 0 * frame.charge))
    assert (none.table == zero.table).all()
    assert none.sigclip == zero.sigclip


def test_the_twin_has_the_noise_of_what_was_subtracted():
    rng = np.random.default_rng(0)
    shape = (400, 400)
    extra = np.zeros(shape, dtype=np.float32)
    extra[:, 200:] = 40_000.0
    data = (rng.poisson(100, shape) + rng.normal(0, np.sqrt(36 + extra))).astype(np.float32)
    limits = {"mask": np.zeros(shape, bool), "readnoise": READNOISE, "objlim": 2.0, "vary_objlim": False}
    blind, aware = (choose_limits(data, extra_variance=given, **limits) for given in (None, extra))
    assert blind.table[blind.table["sigclip"] == 6]["n_events"][0] > 500
    (row,) = aware.table[aware.table["sigclip"] == 3.5]
    assert 0.5 * row["n_events"] - 10 < row["n_false"] < 2 * row["n_events"] + 10
