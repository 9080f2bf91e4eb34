# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
New values for lost pixels, against the plain definition.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import repair as kernel
from ccdproc_crplugin.kernels.options import REPAIRS
from ccdproc_crplugin.kernels.repair import repair


def plain(data, y, x, lost, method):
    """The definition, pixel by pixel."""
    ny, nx = data.shape
    radius = 2
    while True:
        rows, columns = np.mgrid[
            max(0, y - radius) : min(ny, y + radius + 1), max(0, x - radius) : min(nx, x + radius + 1)
        ]
        good = ~lost[rows, columns]
        if good.any():
            break
        radius *= 2
    values = data[rows, columns]
    if method == "meanmask":
        return values[good].mean()
    if method == "medmask":
        return np.median(values[good])
    if method == "median":
        return np.median(values)
    weight = 1 / np.hypot(rows - y, columns - x)[good]
    return (values[good] * weight).sum() / weight.sum()


@pytest.mark.parametrize("method", REPAIRS)
@pytest.mark.parametrize("share", [0.05, 0.4, 0.97])
def test_every_repair_is_what_its_definition_says(method, share):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        data = rng.normal(100, 10, (20, 23))
        lost = rng.random(data.shape) < share
        y, x = np.nonzero(lost)
        values, _ = repair(data, y, x, lost, method)
        np.testing.assert_allclose(values, [plain(data, *pixel, lost, method) for pixel in zip(y, x, strict=True)])


def test_the_scatter_is_that_of_the_pixels_drawn_on():
    data = np.random.default_rng(1).normal(100, 10, (9, 9))
    lost = np.zeros(data.shape, dtype=bool)
    lost[4, 4] = True
    _, scatter = repair(data, np.array([4]), np.array([4]), lost)
    assert scatter[0] == pytest.approx(np.delete(data[2:7, 2:7].ravel(), 12).std(ddof=1))


def test_one_good_pixel_has_no_scatter():
    lost = np.ones((5, 5), dtype=bool)
    lost[0, 0] = False
    values, scatter = repair(np.full((5, 5), 7.0), np.array([2]), np.array([2]), lost)
    assert (values[0], scatter[0]) == (7.0, 0.0)


def test_far_from_every_good_pixel_the_median_of_the_frame_serves():
    data = np.random.default_rng(1).normal(100, 10, (90, 90))
    lost = np.zeros(data.shape, dtype=bool)
    lost[:60, :60] = True
    values, _ = repair(data, np.array([20]), np.array([20]), lost)
    assert values[0] == np.median(data[~lost])


def test_pixels_that_are_not_finite_do_not_spoil_the_others():
    data = np.full((9, 9), 5.0)
    data[4, 4], data[4, 5] = np.nan, np.inf
    lost = ~np.isfinite(data)
    values, scatter = repair(data, *np.nonzero(lost), lost)
    np.testing.assert_array_equal(values, 5.0)
    np.testing.assert_array_equal(scatter, 0.0)


def test_no_pixel_is_no_work():
    values, scatter = repair(np.ones((3, 3)), np.array([], int), np.array([], int), np.zeros((3, 3), bool))
    assert len(values) == len(scatter) == 0


def test_it_does_not_matter_how_much_is_done_at_once(monkeypatch):
    rng = np.random.default_rng(1)
    data = rng.normal(100, 10, (30, 30))
    lost = rng.random(data.shape) < 0.5
    whole = repair(data, *np.nonzero(lost), lost)
    monkeypatch.setattr(kernel, "CHUNK", 60)
    np.testing.assert_array_equal(repair(data, *np.nonzero(lost), lost), whole)


@pytest.mark.parametrize("method", ["meanmask", "medmask", "median", "idw"])
def test_a_large_lost_area_has_the_same_estimates_as_pixel_by_pixel(method, monkeypatch):
    rng = np.random.default_rng(0)
    data = rng.normal(100, 5, (120, 150)).astype(np.float32)
    lost = rng.random(data.shape) < 0.05
    lost[20:90, 30:110] = True
    y, x = np.nonzero(lost)
    expected = kernel.repair(data, y, x, lost, method)
    monkeypatch.setattr(kernel, "MANY", 1)
    for found, wanted in zip(kernel.repair(data, y, x, lost, method), expected, strict=True):
        assert np.array_equal(found, wanted)


class TestPlane:
    PIXEL = np.array([4]), np.array([4])

    def lost(self):
        lost = np.zeros((9, 9), dtype=bool)
        lost[4, 4] = lost[4, 5] = lost[3, 5] = lost[2, 6] = True
        return lost

    def test_a_slope_goes_on(self):
        y, x = np.mgrid[:9, :9]
        data = 100 + 7.0 * y - 3 * x + np.random.default_rng(1).normal(0, 0.1, (9, 9))
        values, _ = repair(data, *self.PIXEL, self.lost(), "plane")
        assert values[0] == pytest.approx(116, abs=0.2)

    def test_noise_is_no_slope(self):
        for seed in range(20):
            data = np.random.default_rng(seed).normal(100, 5, (9, 9))
            (mean,), (plane,) = (repair(data, *self.PIXEL, self.lost(), name)[0] for name in ("meanmask", "plane"))
            assert plane == pytest.approx(mean, abs=4)

    def test_it_stays_within_the_good_pixels(self):
        data = np.zeros((9, 9))
        data[:, 6:] = 1000
        values, _ = repair(data, *self.PIXEL, self.lost(), "plane")
        assert 0 <= values[0] <= 1000
