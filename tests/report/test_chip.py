# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The map of the chip, and its hot pixels."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.table import QTable

from ccdproc_crplugin.report.chip import chip_maps

from ..helpers.hit_frames import HITS, hit_mask
from ..helpers.pictures import decoded


def test_pixels_hit_in_every_frame_are_hot(views):
    (chip,), on_hot = chip_maps(views)
    assert chip.n_hot == len(HITS)
    assert {(pixel.y, pixel.x) for pixel in chip.marked} == {where for where, _ in HITS}
    assert on_hot == [[1, 2, 3]] * 3
    assert chip.n_events == 9


def test_what_several_detectors_made_of_one_exposure_is_one_hit(views):
    names = ("lacosmic", "median", "deepcr")
    results = [replace(view, row=replace(views[0].row, detector=name)) for view, name in zip(views, names, strict=True)]
    maps, on_hot = chip_maps(results)
    assert [chip.n_hot for chip in maps] == [0, 0, 0]
    assert on_hot == [[], [], []]


def test_a_pixel_hit_twice_by_chance_is_not(views):
    rng = np.random.default_rng(5)
    for view in views:
        view.pixels[:] = rng.integers(0, 50 * 60, len(view.pixels))
    (chip,), on_hot = chip_maps(views)
    assert chip.n_hot == 0
    assert on_hot == [[], [], []]


def night_by_chance(view, n_hits, seed, common=0):
    """Frames hit at random, events of two pixels, and in a column the same pixels of each frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for n in n_hits:
        first = rng.choice(500 * 500 // 2, n // 2, replace=False)
        hits = np.zeros((500, 500), bool)
        hits.flat[np.concatenate([2 * first, 2 * first + 1])] = True
        hits[:common, 321] = True
        pixels = np.flatnonzero(hits)
        labels = np.arange(len(pixels)) // 2 + 1
        events = QTable({"area": np.zeros(labels.max(), int)})
        frames.append(replace(view, shape=(500, 500), pixels=pixels, labels=labels, events=events))
    return frames


def test_pixels_shared_beyond_chance_are_reported_though_each_may_be_chance(views):
    (chip,), on_hot = chip_maps(night_by_chance(views[0], (1000, 1000), 1, common=40))
    shared = chip.shared
    assert (chip.n_hot, on_hot) == (0, [[], []])
    assert (shared.least, shared.most, shared.too_many) == (2, 2, True)
    assert 40 <= shared.n_pixels < 60
    assert shared.n_by_chance == pytest.approx(1040**2 / 500**2, rel=0.02)
    assert chip.n_marked == len(chip.marked) == shared.n_pixels
    assert sum(pixel.x == 321 for pixel in chip.marked) >= 40


def test_pixels_shared_by_chance_raise_no_alarm(views):
    nights = [night_by_chance(views[0], (4000, 1000, 200)[:n], seed) for seed in range(20) for n in (2, 3)]
    chips = [chip_maps(night)[0][0] for night in nights]
    assert not any(chip.shared.too_many or chip.marked for chip in chips)
    found, by_chance = (sum(getattr(chip.shared, name) for chip in chips) for name in ("n_pixels", "n_by_chance"))
    assert found == pytest.approx(by_chance, rel=0.1)


def test_one_frame_tells_no_hot_pixel(views):
    (chip,), on_hot = chip_maps(views[:1])
    assert (chip.least, chip.n_hot, chip.shared, on_hot) == (0, 0, None, [[]])


def test_no_frame_makes_no_map():
    assert chip_maps([]) == ([], [])


def test_the_map_has_the_first_row_of_the_frame_at_the_bottom(views):
    (chip,), _ = chip_maps(views)
    np.testing.assert_array_equal(decoded(chip.image)[::-1, :, 1] > 0, hit_mask())
