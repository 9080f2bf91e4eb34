# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Crowded fields: they are recognised, and blends of stars are told from cosmic rays by the profile.
"""

import numpy as np
import pytest

from ccdproc_crplugin import detectors
from ccdproc_crplugin.kernels.blocks import take_blocks
from ccdproc_crplugin.kernels.crowding import LEAST_SHARE, crowded_share, without_blends
from ccdproc_crplugin.kernels.stellar_width import stellar_width
from ccdproc_crplugin.simulate import Camera, simulate_frame

READNOISE = 6.0


def field(n_stars, fwhm=2.2, **settings):
    rays = {"n_muons": 0, "n_worms": 0, "n_spots": 0, **settings}
    camera = Camera(hot_fraction=0, readnoise=READNOISE)
    options = {"flux_range": (1e3, 1.6e5), "beta": 20.0, "seed": 1, **rays}
    return simulate_frame((300, 300), n_stars=n_stars, fwhm=fwhm, camera=camera, **options)


def searched(frame):
    shape = frame.ccd.shape
    return detectors()["lacosmic"].detect(
        frame.ccd.data, mask=np.zeros(shape, bool), variance=None, readnoise=READNOISE, saturation=np.inf
    )


@pytest.mark.parametrize(("n_stars", "crowded"), [(50, False), (270, False), (1080, True), (2160, True)])
def test_a_field_is_crowded_when_several_stars_share_a_window(n_stars, crowded):
    data = field(n_stars).ccd.data
    assert (crowded_share(take_blocks(data), READNOISE, stellar_width(data)) >= LEAST_SHARE) == crowded


def test_cosmic_rays_do_not_crowd_a_field():
    data = field(100, n_muons=300, n_worms=300, n_spots=600).ccd.data
    assert crowded_share(take_blocks(data), READNOISE, 2.2) < LEAST_SHARE


def test_a_frame_smaller_than_a_window_is_not_crowded():
    assert crowded_share(take_blocks(np.ones((5, 40))), READNOISE) == 0


@pytest.mark.parametrize("fwhm", [1.6, 2.2, 3.0])
def test_no_blend_is_taken_for_a_cosmic_ray(fwhm):
    found = searched(field(2160, fwhm))
    assert found.info["crowded"] > 0.5
    assert found.mask.sum() <= 10


def test_most_of_the_cosmic_rays_between_the_blends_are_found():
    frame = field(2160, n_muons=20, n_worms=10, n_spots=20)
    mask = searched(frame).mask
    light = np.maximum(frame.ccd.data - frame.charge, 0) + READNOISE**2
    bright = np.unique(frame.labels[(frame.charge > 20 * np.sqrt(light)) & frame.truth])
    assert sum(mask[frame.labels == label].any() for label in bright) > 0.8 * len(bright)


def test_a_single_pixel_on_a_star_is_sharper_than_the_star():
    data = field(1, flux_range=(2e4, 2.1e4)).ccd.data
    y, x = np.unravel_index(data.argmax(), data.shape)
    hits = np.zeros(data.shape, dtype=bool)
    hits[y, x] = True
    assert not without_blends(data, hits, 2.0, READNOISE).any()
    data[y, x] += 5000
    assert without_blends(data, hits, 2.0, READNOISE)[y, x]


def test_an_ordinary_field_has_no_such_record():
    assert "crowded" not in searched(field(100)).info
