# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events that are light of stars are let go, charge is not.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.profile import moffat_profile, spot_profile
from ccdproc_crplugin.kernels.starlight import Scene, without_stars
from ccdproc_crplugin.kernels.stellar_profile import StellarProfile

READNOISE, SKY, SIDE = 6.0, 100.0, 40
STARS = {fwhm: StellarProfile(moffat_profile(fwhm, 3.0), fwhm, 3.0, 0.02, 50) for fwhm in (1.3, 1.6, 2.0)}
MIDDLE = 20


def exposed(*sources, seed=0):
    """A frame with sources (profile, flux, y, x), with its noise."""
    rows, columns = np.indices((SIDE, SIDE))
    light = np.full((SIDE, SIDE), SKY)
    middle = sources[0][0].table.shape[1] // 2
    for profile, flux, y, x in sources:
        dy, dx = ((np.rint((places - centre) * 18)).astype(int) for places, centre in ((rows, y), (columns, x)))
        near = (abs(dy) <= middle) & (abs(dx) <= middle)
        light[near] += flux * profile.table[0][dy[near] + middle, dx[near] + middle]
    rng = np.random.default_rng(seed)
    return (rng.poisson(light) + rng.normal(0, READNOISE, light.shape)).astype(np.float32)


def flagged(data, threshold=5.0):
    hits = np.zeros(data.shape, dtype=bool)
    core = np.s_[MIDDLE - 2 : MIDDLE + 3, MIDDLE - 2 : MIDDLE + 3]
    hits[core] = data[core] > SKY + threshold * np.sqrt(SKY + READNOISE**2)
    return hits


def let_go(data, fwhm, hits=None, **settings):
    hits = flagged(data) if hits is None else hits
    kept, n_gone = without_stars(Scene(data, hits, READNOISE, **settings), STARS[fwhm])
    assert n_gone == int(hits.any() and not kept.any())
    assert not (kept & ~hits).any()
    return n_gone == 1


PLACES = [(MIDDLE, MIDDLE), (MIDDLE + 0.3, MIDDLE - 0.45), (MIDDLE - 0.5, MIDDLE + 0.5)]


@pytest.mark.parametrize("fwhm", STARS)
@pytest.mark.parametrize("flux", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("place", PLACES)
def test_a_star_is_let_go_with_all_its_flags(fwhm, flux, place):
    assert let_go(exposed((STARS[fwhm].profile, flux, *place)), fwhm)


@pytest.mark.parametrize("fwhm", STARS)
@pytest.mark.parametrize("sigma", [0.05, 0.25, 0.37])
@pytest.mark.parametrize("flux", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("place", PLACES[:2])
def test_a_spot_of_charge_stays(fwhm, sigma, flux, place):
    assert not let_go(exposed((spot_profile(sigma), flux, *place)), fwhm)


def test_hardly_any_faint_spot_is_lost():
    frames = (exposed((spot_profile(0.25), 200, *PLACES[0]), seed=seed) for seed in range(50))
    assert sum(let_go(data, 1.3) for data in frames) <= 2


@pytest.mark.parametrize("separation", [0.8, 1.3, 2.0])
def test_two_stars_are_let_go(separation):
    star = STARS[1.3].profile
    data = exposed((star, 2e4, MIDDLE, MIDDLE), (star, 1.2e4, MIDDLE + separation, MIDDLE + 0.4))
    assert let_go(data, 1.3)


def test_a_hit_beside_a_star_stays():
    data = exposed((spot_profile(0.2), 3000, MIDDLE, MIDDLE), (STARS[1.3].profile, 5000, MIDDLE + 2, MIDDLE + 1))
    assert not let_go(data, 1.3)


def test_a_track_stays():
    data = exposed(*((spot_profile(0.25), 1500, MIDDLE + step, MIDDLE + step / 2) for step in np.arange(-8, 8)))
    assert not let_go(data, 2.0, hits=data > SKY + 60)


def test_an_event_that_reaches_beyond_its_star_stays():
    data = exposed((STARS[1.3].profile, 5e3, MIDDLE, MIDDLE))
    hits = flagged(data)
    hits[MIDDLE, MIDDLE : MIDDLE + 9] = True
    data[MIDDLE, MIDDLE + 1 : MIDDLE + 9] = np.linspace(data[MIDDLE, MIDDLE + 1], SKY, 8)
    assert not let_go(data, 1.3, hits)


def test_a_saturated_star_is_let_go_and_a_saturated_hit_stays():
    star = np.minimum(exposed((STARS[1.6].profile, 3e5, MIDDLE, MIDDLE)), 3e4)
    hit = np.minimum(exposed((spot_profile(0.1), 3e5, MIDDLE, MIDDLE)), 3e4)
    assert let_go(star, 1.6, saturation=3e4)
    assert not let_go(hit, 1.6, saturation=3e4)


def test_where_most_pixels_are_bad_nothing_is_let_go():
    data = exposed((STARS[1.3].profile, 5e3, MIDDLE, MIDDLE))
    bad = np.ones(data.shape, dtype=bool)
    bad[MIDDLE - 1 : MIDDLE + 2, MIDDLE - 1 : MIDDLE + 2] = False
    assert not let_go(data, 1.3, bad=bad)


def test_a_star_at_the_border_is_let_go():
    data = exposed((STARS[1.3].profile, 5e3, MIDDLE, MIDDLE))[MIDDLE - 1 :]
    hits = np.zeros(data.shape, dtype=bool)
    hits[1, MIDDLE] = True
    assert let_go(data, 1.3, hits)


def test_noise_that_is_given_is_used():
    data = exposed((spot_profile(0.25), 300, *PLACES[0]))
    noisy = np.full(data.shape, 1e5, dtype=np.float32)
    assert not let_go(data, 1.3)
    assert let_go(data, 1.3, extra_variance=noisy)


def test_nothing_flagged_is_nothing_done():
    data = exposed((STARS[1.3].profile, 5e3, MIDDLE, MIDDLE))
    kept, n_gone = without_stars(Scene(data, np.zeros(data.shape, bool), READNOISE), STARS[1.3])
    assert n_gone == 0
    assert not kept.any()
