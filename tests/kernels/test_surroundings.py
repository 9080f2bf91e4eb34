# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cores of stars among the events are counted from their surroundings, as one by one."""

import numpy as np
import pytest
from scipy.ndimage import find_objects

from ccdproc_crplugin.kernels import surroundings
from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.surroundings import count_star_cores, is_star_core, look_around


def sky_with_cores(n_cores, n_hits, seed=3):
    """A repaired frame, the flagged pixels and their charge: cores of stars, and cosmic rays."""
    rng = np.random.default_rng(seed)
    frame = rng.normal(100, 5, (400, 400))
    places = np.stack(np.meshgrid(np.arange(20, 390, 20), np.arange(20, 390, 20)), axis=-1).reshape(-1, 2)
    rng.shuffle(places)
    y, x = np.indices(frame.shape)
    hits, charge = np.zeros(frame.shape, dtype=bool), np.zeros(frame.shape)
    for number, (cy, cx) in enumerate(places[: n_cores + n_hits]):
        if number < n_cores:
            frame += 3000 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
        hits[cy, cx : cx + 2] = True
        charge[cy, cx : cx + 2] = rng.uniform(60, 2000)
    return frame, hits, charge


def counted(frame, hits, charge):
    y, x = np.nonzero(hits)
    return count_star_cores(frame, y, x, label_pixels(y, x, hits.shape), charge[y, x])


@pytest.mark.parametrize(("n_cores", "n_hits"), [(0, 40), (7, 0), (25, 60)])
def test_cores_are_counted_and_cosmic_rays_are_not(n_cores, n_hits):
    assert counted(*sky_with_cores(n_cores, n_hits)) == n_cores


def test_the_count_is_that_of_looking_at_each_event():
    frame, hits, charge = sky_with_cores(25, 60)
    frame[::7, ::5] = np.nan
    y, x = np.nonzero(hits)
    labels = np.zeros(hits.shape, dtype=int)
    labels[y, x] = label_pixels(y, x, hits.shape)
    alone = [
        is_star_core(charge[labels == event].max(), look_around(frame, labels, event, box))
        for event, box in enumerate(find_objects(labels), start=1)
    ]
    assert counted(frame, hits, charge) == sum(alone)


def test_of_very_many_events_a_sample_is_looked_at(monkeypatch):
    monkeypatch.setattr(surroundings, "MOST_LOOKED_AT", 10)
    assert counted(*sky_with_cores(40, 0)) == 40


def test_elongated_events_are_no_cores():
    frame, hits, charge = sky_with_cores(3, 0)
    for y, x in zip(*np.nonzero(hits), strict=True):
        hits[y, x : x + 12], charge[y, x : x + 12] = True, charge[y, x]
    assert counted(frame, hits, charge) == 0


def test_no_event_has_no_core():
    assert counted(np.ones((9, 9)), np.zeros((9, 9), dtype=bool), np.zeros((9, 9))) == 0


def test_where_no_pixel_is_left_there_is_no_core():
    assert counted(np.ones((3, 3)), np.ones((3, 3), dtype=bool), np.ones((3, 3))) == 0
