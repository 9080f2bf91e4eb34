# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Edges of slits and of overscans are told from cosmic rays."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.refine import grow_events
from ccdproc_crplugin.kernels.steps import without_steps

READNOISE = 4.0


def stepped(turn, seed=0, tilt=0.0):
    """Electrons, float32: a bright part beside a dark one, the edge along y, turned by 90 degrees so many times."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((200, 160))
    scene = np.where(x > 80 + tilt * y, 3000.0, 20.0)
    return np.ascontiguousarray(np.rot90(rng.poisson(scene) + rng.normal(0, READNOISE, scene.shape), turn), dtype="f4")


def found(data):
    hits = lacosmic(data, readnoise=READNOISE, sigclip=4.5).mask
    return grow_events(data, hits, readnoise=READNOISE)[0]


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("tilt", [0.0, 0.02])
def test_a_step_is_not_a_cosmic_ray(turn, tilt):
    data = stepped(turn, tilt=tilt)
    hits = found(data)
    edge = np.zeros((200, 160), dtype=bool)
    edge[20:180, 81] = tilt == 0  # what a search may flag of a step
    hits = hits | np.rot90(edge, turn)
    assert np.count_nonzero(without_steps(data, hits, READNOISE)) <= 0.1 * max(np.count_nonzero(hits), 10)


@pytest.mark.parametrize("turn", range(4))
def test_a_track_beside_or_across_a_step_stays(turn):
    data = stepped(turn)
    track = np.zeros((200, 160), dtype=bool)
    track[np.arange(40, 80), np.arange(60, 100)] = True
    track[150, 100:120] = True
    track = np.rot90(track, turn)
    data[track] += 2500
    kept = without_steps(data, track.copy(), READNOISE)
    assert np.array_equal(kept, track)


def test_small_events_are_not_judged():
    data = stepped(0)
    hits = np.zeros(data.shape, dtype=bool)
    hits[50:54, 81] = True
    assert np.array_equal(without_steps(data, hits, READNOISE), hits)


def test_no_hit_is_no_step():
    data = stepped(0)
    assert not without_steps(data, np.zeros(data.shape, dtype=bool), READNOISE).any()


def test_the_outline_of_a_slit_is_not_a_cosmic_ray():
    rng = np.random.default_rng(4)
    scene = np.full((200, 160), 20.0)
    scene[40:160, 30:130] = 3000.0
    data = (rng.poisson(scene) + rng.normal(0, READNOISE, scene.shape)).astype(np.float32)
    outline = np.zeros(data.shape, dtype=bool)
    outline[40:160, 30:130] = True
    outline[41:159, 31:129] = False
    assert not without_steps(data, outline, READNOISE).any()
