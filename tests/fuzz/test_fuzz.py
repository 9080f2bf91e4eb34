# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A short run of the fuzzer, see `run`: no damaged file makes a command fail in its own words.
"""

import pytest

from .mutations import frames
from .run import faults_of


@pytest.fixture(scope="module")
def originals():
    return frames()


def test_whole_files_are_no_trouble(originals):
    assert sorted(originals) == ["bias.fits", "chips.fits", "cleaned.fits", "packed.fits.fz", "raw.fits"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [*range(12), 214, 1375, 20218])
def test_damage_is_reported_in_plain_words(originals, seed):
    assert faults_of(seed, originals) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", range(10_000, 10_500, 50))
def test_so_is_much_more_damage(originals, start):
    assert [fault for seed in range(start, start + 50) for fault in faults_of(seed, originals)] == []
