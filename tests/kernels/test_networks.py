# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The median networks, and the header that is made of them."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ccdproc_crplugin import kernels
from ccdproc_crplugin.kernels import networks


def run(values):
    values = list(values)
    for step, i, j in networks.median_network(len(values)):
        smaller, larger = min(values[i], values[j]), max(values[i], values[j])
        if step == "sort":
            values[i], values[j] = smaller, larger
        else:
            values[i] = smaller if step == "smaller" else larger
    return values[len(values) // 2]


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_network_finds_the_median_of_all_zeros_and_ones(n):
    # By the zero-one principle it then finds the median of any values.
    assert all(run(bits) == sorted(bits)[n // 2] for bits in product((0, 1), repeat=n))


@pytest.mark.parametrize("n", [25, 49])
def test_network_finds_the_median_of_random_zeros_and_ones(n):
    rng = np.random.default_rng(n)
    for _ in range(3000):
        bits = (rng.random(n) < rng.uniform(0.3, 0.7)).tolist()
        assert run(bits) == sorted(bits)[n // 2]


def test_header_of_the_c_engine_is_up_to_date():
    header = Path(kernels.__file__).parent / "src" / "median_networks.h"
    assert header.read_text() == networks._header() + "\n"


def test_a_median_needs_only_a_part_of_the_network_that_sorts():
    assert list(networks.merge_exchange(3)) == [(0, 2), (0, 1), (1, 2)]
    assert networks.median_network(3) == (("sort", 0, 2), ("larger", 1, 0), ("smaller", 1, 2))
