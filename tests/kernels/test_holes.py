# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The first look for pixels far below others: both engines mark the same ones."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import numpy_engine

_lacosmic = pytest.importorskip("ccdproc_crplugin.kernels._lacosmic", reason="no compiler was at hand")


def marked(engine, data, y0, n_rows, limit=40.0):
    found = np.ones((n_rows, data.shape[1]), dtype=bool)
    assert engine.holes(data, y0, limit, found) == found.any()
    return found


@pytest.mark.parametrize("seed", range(20))
def test_engines_agree_whatever_the_values(seed):
    rng = np.random.default_rng(seed)
    data = rng.normal(100, 15, rng.integers(1, 1100 if seed % 4 == 0 else 40, 2)).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf, 5.0, 900.0])
    y0 = int(rng.integers(0, len(data)))
    n_rows = int(rng.integers(1, len(data) - y0 + 1))
    np.testing.assert_array_equal(marked(_lacosmic, data, y0, n_rows), marked(numpy_engine, data, y0, n_rows))


def test_a_pixel_needs_a_higher_one_on_both_sides():
    data = np.full((1, 30), 100, dtype=np.float32)
    data[0, [0, 15, 29]] = 10
    assert np.argwhere(marked(_lacosmic, data, 0, 1)).tolist() == [[0, 15]]


def test_rows_outside_of_the_frame_are_refused():
    data = np.zeros((5, 6), dtype=np.float32)
    for y0, shape in ((3, (3, 6)), (-1, (2, 6)), (0, (5, 7))):
        with pytest.raises(ValueError, match="rows"):
            _lacosmic.holes(data, y0, 1.0, np.zeros(shape, dtype=bool))


@pytest.mark.parametrize("engine", [_lacosmic, numpy_engine])
def test_a_look_at_the_data_needs_no_copy(engine):
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert engine.prepare(data, None, None, 1) == (True, 11.0)
    data[1, 1] = np.nan
    assert not engine.prepare(data, None, None, 1)[0]


def test_the_search_needs_arrays_to_write_to():
    data = np.zeros((3, 4), dtype=np.float32)
    with pytest.raises(TypeError, match="cleaned"):
        _lacosmic.find(data, None, None, None, None, np.zeros((3, 4), dtype=bool), None, None, 1)
