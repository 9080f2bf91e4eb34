# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The detector ``stack``.
"""

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.simulate.exposures import simulate_exposures


def exposures_of(frames, offsets):
    nothing = np.zeros(frames[0].ccd.shape, dtype=bool)
    return [
        crp.Exposure(frame.ccd.data, nothing, 6.0, 80_000.0, offset)
        for frame, offset in zip(frames, offsets, strict=True)
    ]


def detect(frames, offsets, **parameters):
    return crp.stack_detectors()["stack"].detect(exposures_of(frames, offsets), **parameters)


@pytest.mark.parametrize("offsets", [[(0.0, 0.0)] * 2, [(0.0, 0.0), (3.4, -3.4)]])
@pytest.mark.parametrize("fwhm", [3.0, (3.0, 3.6)])
def test_hits_are_found_and_stars_are_not(offsets, fwhm):
    frames = simulate_exposures((256, 256), offsets=offsets, fwhm=fwhm, seed=3)
    for frame, found in zip(frames, detect(frames, offsets), strict=True):
        noise = np.sqrt(2 * (np.maximum(frame.ccd.data - frame.charge, 0) + 36))
        assert found.mask[frame.charge > 10 * noise].mean() > 0.97
        assert (found.mask & frame.truth).sum() > 0.95 * found.mask.sum()


def test_it_says_why_each_pixel_was_flagged():
    offsets = [(0.0, 0.0), (20.0, 0.0)]
    frames = simulate_exposures((256, 256), offsets=offsets, seed=4)
    for found in detect(frames, offsets):
        by_reason = [found.info[reason] for reason in ("found", "grown", "alone")]
        assert sum(by_reason) == found.mask.sum()
        assert min(by_reason[0], by_reason[2]) > 0


def test_exposures_without_overlap_are_searched_alone():
    offsets = [(0.0, 0.0), (500.0, 0.0)]
    frames = simulate_exposures((256, 256), offsets=[(0.0, 0.0)] * 2, seed=5)
    for found in detect(frames, offsets):
        assert found.info["alone"] == found.mask.sum() > 0


def test_a_saturated_star_is_not_searched():
    frames = simulate_exposures((128, 128), n_stars=1, flux_range=(5e6, 5e6), seed=2)
    assert any(
        found.not_searched is not None and found.not_searched.any() for found in detect(frames, [(0.0, 0.0)] * 2)
    )


@pytest.mark.parametrize("parameters", [{"sigma": 0}, {"sigma_low": 0}, {"sigma": 2}])
def test_limits_that_make_no_sense_are_refused(parameters):
    check = crp.stack_detectors()["stack"].check
    with pytest.raises(crp.CosmicRayError, match="sigma"):
        check(**{"sigma": 5.0, "sigma_low": 3.0, **parameters})
