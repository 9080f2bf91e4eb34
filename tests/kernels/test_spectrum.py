# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The direction of dispersion of a long-slit spectrum, and the model of its sky lines and traces."""

import numpy as np
import pytest

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.spectrum import dispersion_axis, spectrum_model

READNOISE = 4.0


def spectrum(fwhm=2.0, seed=0, n_hits=0, shape=(900, 400)):
    """Electrons, dispersed along y: a continuum sky, sky lines, a tilted trace; and the truth about the hits."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape, dtype=float)
    scene = np.full(shape, 40.0)
    for centre, height in zip(rng.uniform(0, shape[0], 60), 10 ** rng.uniform(1.5, 4.0, 60), strict=True):
        scene += height * np.exp(-4 * np.log(2) * ((y - centre - 0.002 * (x - 200)) / fwhm) ** 2)
    scene += 800 * np.exp(-4 * np.log(2) * ((x - 180 - 0.004 * y) / 3.0) ** 2)
    image = rng.poisson(scene) + rng.normal(0, READNOISE, shape)
    truth = np.zeros(shape, dtype=bool)
    for row, column in zip(rng.integers(5, shape[0] - 5, n_hits), rng.integers(5, shape[1] - 5, n_hits), strict=True):
        truth[row, column] = True
        image[row, column] += 12 * np.sqrt(scene[row, column] + READNOISE**2) + 200
    return image.astype(np.float32), truth, scene


@pytest.mark.parametrize("axis", [0, 1])
def test_the_direction_is_found(axis):
    data, _, _ = spectrum()
    assert dispersion_axis(data if axis == 0 else data.T) == axis


@pytest.mark.parametrize("kind", ["sky", "stars", "hot columns", "gradient", "banding"])
def test_an_image_has_no_direction(kind):
    rng = np.random.default_rng(1)
    data = rng.normal(200, 14, (300, 260)).astype(np.float32)
    if kind == "stars":
        y, x = np.indices(data.shape)
        for _ in range(80):
            data += 3000 * np.exp(-((y - rng.uniform(0, 300)) ** 2 + (x - rng.uniform(0, 260)) ** 2) / 3)
    if kind == "hot columns":
        data[:, rng.integers(0, 260, 12)] += 500
    if kind == "gradient":
        data += np.linspace(0, 3000, 260, dtype=np.float32)
    if kind == "banding":
        data += rng.normal(0, 5, (300, 1)).astype(np.float32)
    assert dispersion_axis(data) is None


@pytest.mark.parametrize("shape", [(5, 7), (15, 300)])
def test_a_frame_too_small_to_tell_has_no_direction(shape):
    assert dispersion_axis(np.ones(shape, dtype=np.float32)) is None


def test_bad_pixels_do_not_reach_the_model():
    data, _, _ = spectrum()
    bad = np.zeros(data.shape, dtype=bool)
    bad[100:140, 200:206] = True
    spoilt = np.where(bad, 1e6, data).astype(np.float32)
    assert spectrum_model(spoilt, 0, bad) == pytest.approx(spectrum_model(data, 0, bad), rel=1e-5)


def test_the_model_follows_lines_and_trace():
    data, _, scene = spectrum()
    residual = (spectrum_model(data, 0) - scene) / np.sqrt(scene + READNOISE**2)
    assert np.median(np.abs(residual)) < 0.4


def test_the_model_is_the_same_when_the_frame_is_turned():
    data, _, _ = spectrum()
    assert np.array_equal(spectrum_model(data.T, 1), spectrum_model(data, 0).T)


@pytest.mark.parametrize("fwhm", [1.8, 2.0, 2.2])
def test_a_search_on_top_of_the_model_finds_the_hits_and_not_the_lines(fwhm):
    data, truth, _ = spectrum(fwhm, n_hits=40)
    plain = lacosmic(data, readnoise=READNOISE, sigclip=5.0)
    found = lacosmic(data, readnoise=READNOISE, sigclip=5.0, background=spectrum_model(data, 0))
    assert found.mask[truth].sum() >= 39
    assert np.count_nonzero(found.mask & ~truth) < 20 < np.count_nonzero(plain.mask & ~truth)
