"""
Events of a colour mosaic: stars too sharp for its planes are left alone, the others grow over all colours.
"""

import numpy as np

from ccdproc_crplugin.kernels.mosaic import join_planes, split_planes
from ccdproc_crplugin.kernels.mosaic_events import contrast_limit, joined_events, level_frame, search_scores, smooth_sky
from tests.helpers.mosaic_frames import READNOISE, mosaic_frame


def nothing(shape):
    return np.zeros(shape, dtype=bool)


def test_a_level_frame_has_one_sky_and_nearly_one_noise():
    frame = mosaic_frame(n_stars=0, density=0)
    level = level_frame(frame.data, nothing(frame.data.shape), READNOISE)
    skies = [np.median(plane) for plane in split_planes(level)]
    noise = [plane.std() for plane in split_planes(level)]
    assert np.ptp(skies) < 0.3
    assert max(noise) / min(noise) < np.sqrt(np.sqrt((160 + READNOISE**2) / (60 + READNOISE**2))) * 1.02


def test_the_sky_of_a_plane_follows_a_slope():
    slope = np.tile(np.linspace(100, 200, 256), (200, 1))
    bad = nothing(slope.shape)
    bad[:, 100:104] = True
    sky = smooth_sky(np.where(bad, np.nan, slope), bad)
    assert np.abs(sky - slope)[:, 32:-32].max() < 2
    assert np.isfinite(sky).all()


def test_a_star_that_planes_take_for_a_cosmic_ray_is_left_alone():
    frame = mosaic_frame(fwhm=2.5, density=0, seed=3)
    y, x = (np.rint(frame.stars[axis].value).astype(int) for axis in ("y", "x"))
    inside = (y > 3) & (x > 3) & (y < 508) & (x < 508) & (frame.stars["flux"].value > 3000)
    hits = nothing(frame.data.shape)
    hits[y[inside], x[inside]] = True
    kept, _ = joined_events(frame.data, hits, nothing(hits.shape), READNOISE)
    assert kept.sum() <= 0.1 * hits.sum()


def test_a_track_grows_over_the_pixels_of_other_colours():
    frame = mosaic_frame(n_stars=0, density=0)
    data = frame.data.copy()
    data[100, 100:112] += 400
    hits = nothing(data.shape)
    hits[100, 100:112:2] = True
    kept, grown = joined_events(data, hits, nothing(hits.shape), READNOISE)
    assert np.array_equal(kept, hits)
    assert grown[100, 100:112].all()
    assert grown.sum() < 18
    assert np.array_equal(joined_events(data, hits, nothing(hits.shape), READNOISE, grow=False)[1], hits)


def test_beside_bad_pixels_the_planes_have_the_last_word():
    frame = mosaic_frame(n_stars=0, density=0)
    bad, hits = nothing(frame.data.shape), nothing(frame.data.shape)
    bad[50, 50], hits[50, 51] = True, True
    assert np.array_equal(joined_events(frame.data, hits, bad, READNOISE, grow=False)[0], hits)


def test_the_limit_falls_with_the_width_of_the_stars():
    limits = [contrast_limit(fwhm) for fwhm in (1.2, 1.7, 2.5, 4.0)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == 10
    assert 2 < contrast_limit(None) < 10


def test_the_candidates_of_the_planes_stand_at_their_place_in_the_frame():
    data = join_planes([np.full((40, 40), 100, dtype=np.float32)] * 4, (80, 80))
    data += np.random.default_rng(1).normal(0, 11, data.shape).astype(np.float32)
    data[33, 46] += 2000
    scores = search_scores(data, readnoise=5.0, scores_above=20.0)
    assert [(int(y), int(x)) for y, x in zip(scores["y"], scores["x"], strict=True)] == [(33, 46)]
    assert scores["s_prime_over_f"][0] > 5
