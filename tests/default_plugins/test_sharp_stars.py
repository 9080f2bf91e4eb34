# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Stars that are so sharp that a detector takes them for cosmic rays are let go after it.
"""

import numpy as np
import pytest

from ccdproc_crplugin import CosmicRayError, PixelFlag
from ccdproc_crplugin.simulate import Camera, simulate_frame

SETTINGS = {"readnoise": 6.0, "saturation": 8e4, "preflight": "off"}


@pytest.fixture(scope="module")
def crowded():
    camera = Camera(hot_fraction=0, readnoise=6.0)
    rays = {"n_muons": 10, "n_worms": 6, "n_spots": 10}
    return simulate_frame((400, 400), fwhm=1.3, n_stars=480, sky=150.0, camera=camera, seed=5, **rays)


def frame(fwhm, n_stars):
    return simulate_frame((300, 300), fwhm=fwhm, n_stars=n_stars, sky=150.0, n_spots=8, seed=3).ccd


def events(frame, **settings):
    cleaned = frame.ccd.clean_cosmic_rays(**SETTINGS, **settings)
    hits = (cleaned.flags & PixelFlag.COSMIC_RAY) > 0
    return cleaned, hits, np.setdiff1d(np.unique(frame.labels[hits]), 0)


def history(cleaned):
    return str(cleaned.header["HISTORY"]).replace("\n", "")


def test_most_false_events_go_and_true_ones_stay(crowded):
    _, before, true_before = events(crowded, refine=False)
    _, after, true_after = events(crowded)
    assert len(true_after) >= len(true_before) - 1
    assert (after & ~crowded.truth).sum() < 0.6 * (before & ~crowded.truth).sum()
    assert not (after & ~before).any()


def test_the_history_counts_them_and_names_the_profile(crowded):
    cleaned, *_ = events(crowded)
    text = history(cleaned)
    assert "let_go_as_stars=" in text
    assert "stellar_profile='FWHM 1.2" in text


def test_they_are_kept_when_nothing_may_refine_the_mask(crowded):
    cleaned, *_ = events(crowded, refine=False)
    assert "refine=False" in history(cleaned)
    assert "let_go_as_stars" not in history(cleaned)


def test_another_detector_is_refined_too(crowded):
    _, before, _ = events(crowded, detector="astroscrappy", sepmed=False, refine=False)
    _, after, _ = events(crowded, detector="astroscrappy", sepmed=False)
    assert after.sum() < before.sum()


def test_the_published_algorithm_keeps_its_mask(crowded):
    cleaned, *_ = events(crowded, variant="iraf")
    assert "stellar_profile" not in history(cleaned)


def test_wide_stars_are_not_looked_at():
    assert "stellar_profile" not in history(frame(3.0, 100).clean_cosmic_rays(**SETTINGS))


def test_too_few_stars_are_said():
    cleaned = frame(1.6, 12).clean_cosmic_rays(**SETTINGS)
    assert "stellar_profile='not known, too few stars share one" in history(cleaned)


def test_refine_is_a_switch(crowded):
    with pytest.raises(CosmicRayError, match="refine"):
        crowded.ccd.clean_cosmic_rays(**SETTINGS, refine="no")
