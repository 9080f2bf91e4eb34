# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What stands out in one exposure against the others.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.stack_match import Plane
from ccdproc_crplugin.kernels.stack_search import StackSearch

from ..helpers.exposures import READNOISE, expose, scene

SHAPE = (80, 90)


def search(exposures, offsets=None, fwhm=3.0, bad=None):
    offsets = [(0.0, 0.0)] * len(exposures) if offsets is None else offsets
    bad = np.zeros(SHAPE, dtype=bool) if bad is None else bad
    planes = [
        Plane(data, bad, lacosmic(data, readnoise=READNOISE, sigclip=5, objlim=2).mask, READNOISE, offset)
        for data, offset in zip(exposures, offsets, strict=True)
    ]
    return StackSearch(planes, 5.0, 3.0, [fwhm] * len(planes))


def mask_of(hits):
    mask = np.zeros(SHAPE, dtype=bool)
    for index in (hits.found, hits.grown):
        mask.reshape(-1)[index] = True
    return mask


def pixels(hits):
    return set(zip(*(place.tolist() for place in np.nonzero(mask_of(hits))), strict=True))


TRACK = [((30 + i, 40 + i), 800) for i in range(6)]


@pytest.mark.parametrize("n_exposures", [2, 3, 5])
def test_a_track_is_found_in_its_exposure_only(n_exposures):
    exposures = [expose(scene(), 0, TRACK), *(expose(scene(), seed) for seed in range(1, n_exposures))]
    first, *others = search(exposures).run()
    assert {place for place, _ in TRACK} <= pixels(first)
    assert sum(len(pixels(hits)) for hits in (first, *others)) <= len(TRACK) + 2


def test_a_pixel_hit_in_both_exposures_is_found_in_both():
    exposures = [expose(scene(n_stars=0), 0, [((20, 20), 3000)]), expose(scene(n_stars=0), 1, [((20, 20), 900)])]
    first, second = search(exposures).run()
    assert (20, 20) in pixels(first)
    assert (20, 20) in pixels(second)
    assert second.twice.tolist() == [20 * SHAPE[1] + 20]


def test_tracks_of_equal_charge_that_cross_are_found_in_both():
    other = [((32 - i, 40 + i), 800) for i in range(-3, 4)]
    first, second = search([expose(scene(n_stars=0), 0, TRACK), expose(scene(n_stars=0), 1, other)]).run()
    assert {place for place, _ in TRACK} <= pixels(first)
    assert {place for place, _ in other} <= pixels(second)


def test_a_pixel_that_is_as_bright_in_both_is_no_cosmic_ray():
    hot = [((20, 20), 3000)]
    found = search([expose(scene(n_stars=0), seed, hot) for seed in (1, 2)]).run()
    assert not any((20, 20) in pixels(hits) for hits in found)


@pytest.mark.parametrize(
    ("shift", "fwhm"), [((0.0, 0.0), 3.0), ((3.4, -3.4), 3.0), ((0.0, 0.0), 3.6), ((3.4, -3.4), 3.6)]
)
def test_stars_are_spared_whatever_shift_and_seeing(shift, fwhm):
    exposures = [expose(scene(), 1), expose(scene(shift=shift, fwhm=fwhm), 2)]
    found = search(exposures, [(0.0, 0.0), shift]).run()
    assert sum(len(hits.found) for hits in found) <= 1


def test_a_hit_on_the_core_of_a_star_is_found():
    image = scene()
    y, x = np.unravel_index(np.argmax(image[10:-10, 10:-10]), (60, 70))
    place = (y + 10, x + 10)
    charge = 12 * np.sqrt(2 * image[place])
    first, second = search([expose(image, 1, [(place, charge)]), expose(image, 2)]).run()
    assert place in pixels(first)
    assert place not in pixels(second)


def test_a_star_that_became_brighter_is_no_cosmic_ray():
    image, flare = scene(), scene(n_stars=1, flux=8000, seed=5) - 200
    flare = np.roll(flare, 40 - np.argmax(flare.max(axis=1)), axis=0)
    first, second = search([expose(image + flare, 1), expose(image, 2)]).run()
    assert len(first.spared) > 0
    assert len(first.found) + len(second.found) <= 2


def test_a_long_exposure_is_no_cosmic_ray():
    found = search([expose(4 * scene(), 1), expose(scene(), 2)]).run()
    assert sum(len(hits.found) for hits in found) <= 1


def test_bad_pixels_are_never_flagged():
    bad = np.zeros(SHAPE, dtype=bool)
    bad[32, 42] = True
    first, _ = search([expose(scene(), 0, TRACK), expose(scene(), 1)], bad=bad).run()
    assert (32, 42) not in pixels(first)
    assert (31, 41) in pixels(first)


def test_pixels_that_no_other_exposure_shows_are_named():
    stack = search([expose(scene(), 0), expose(scene(shift=(5, 0)), 1)], [(0.0, 0.0), (5.0, 0.0)])
    assert stack.uncovered(1)[:5].all()
    assert not stack.uncovered(1)[5:].any()


def test_flagged_pixels_get_the_values_that_the_others_predict():
    image = scene()
    stack = search([expose(image, 0, TRACK), expose(image, 1)])
    first, _ = stack.run()
    cleaned, mask = stack.cleaned(0, mask_of(first)), mask_of(first)
    assert np.abs(cleaned - image)[mask].max() < 5 * np.sqrt(2 * image[mask].max())
