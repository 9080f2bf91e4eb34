# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What `combine_calibrations` writes is what `ccdproc.combine` computes.
"""

from functools import partial

import ccdproc
import numpy as np
import pytest
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.stats import mad_std, sigma_clip

from ccdproc_crplugin import combine_calibrations, read_ccd
from tests.helpers.calibration_frames import data_of, some

CLIPPING = {"sigma_clip": True, "sigma_clip_func": np.ma.median, "sigma_clip_dev_func": mad_std}


class TestEqualToCcdproc:
    """Within two units in the last place of single precision, for the same settings."""

    def frames(self, rng, n, kind, dtype):
        level = rng.uniform(5000, 20000, (n, 1, 1)) if kind == "FLAT" else 1000.0
        data = rng.normal(level, rng.choice([0.5, 5, 80]), (n, 9, 13))
        data[rng.random(data.shape) < 0.02] += 5000
        return data.round().astype(dtype) if np.dtype(dtype).kind == "u" else data.astype(dtype)

    def assert_combined_as(self, path, expected):
        combined = read_ccd(path)
        for ours, theirs in (
            (combined.data, expected.data),
            (combined.uncertainty.array, expected.uncertainty.array),
        ):
            np.testing.assert_array_max_ulp(ours.astype("=f4"), theirs.astype(np.float32), maxulp=2)

    @pytest.mark.parametrize("seed", range(24))
    @pytest.mark.parametrize("kind", ["BIAS", "FLAT"])
    def test_average(self, write, tmp_path, seed, kind):
        rng = np.random.default_rng(seed)
        data = self.frames(rng, int(rng.integers(3, 25)), kind, ["u2", "f4", "i2"][seed % 3])
        low, high = (float(sigma) for sigma in rng.choice([1, 2, 3, 5], 2))
        paths = [write(f"{k}.fits", kind, data=frame, dtype=frame.dtype) for k, frame in enumerate(data)]
        [path] = combine_calibrations(paths, tmp_path / "o", sigma_low=low, sigma_high=high, clip_scaled=False)
        expected = ccdproc.combine(
            [CCDData(frame, unit="adu") for frame in data],
            scale=(lambda frame: 1 / np.median(frame.astype(float))) if kind == "FLAT" else None,
            sigma_clip_low_thresh=low,
            sigma_clip_high_thresh=high,
            **CLIPPING,
        )
        self.assert_combined_as(path, expected)

    @pytest.mark.parametrize("seed", range(12))
    def test_average_of_flats_that_are_scaled_first(self, write, tmp_path, seed):
        data = self.frames(np.random.default_rng(seed), 11, "FLAT", "f4")
        paths = [write(f"{k}.fits", "FLAT", data=frame, dtype="f4") for k, frame in enumerate(data)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        scaled = [CCDData(frame / np.median(frame.astype(float)), unit="adu") for frame in data.astype(float)]
        limits = {"sigma_clip_low_thresh": 5, "sigma_clip_high_thresh": 5}
        self.assert_combined_as(path, ccdproc.combine(scaled, **limits, **CLIPPING))

    @pytest.mark.parametrize("n_iterations", [0, 1, 2, 50])
    def test_repeated_clipping(self, write, tmp_path, n_iterations):
        data = self.frames(np.random.default_rng(1), 15, "BIAS", "f4")
        paths = [write(f"{k}.fits", "BIAS", data=frame, dtype="f4") for k, frame in enumerate(data)]
        [path] = combine_calibrations(paths, tmp_path / "o", sigma_low=2, sigma_high=2, n_iterations=n_iterations)
        # ccdproc can't be asked for more than one pass, and astropy's C code takes back what earlier passes clipped
        functions = {"cenfunc": np.nanmedian, "stdfunc": partial(mad_std, ignore_nan=True)}
        kept = sigma_clip(data.astype(float), 2, maxiters=n_iterations, axis=0, **functions)
        kept = kept if n_iterations else np.ma.array(data, dtype=float)
        deviation = StdDevUncertainty(kept.std(axis=0) / np.sqrt(kept.count(axis=0)))
        self.assert_combined_as(path, CCDData(kept.mean(axis=0).data, uncertainty=deviation, unit="adu"))

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("kind", ["BIAS", "FLAT"])
    def test_median(self, write, tmp_path, seed, kind):
        rng = np.random.default_rng(seed)
        data = self.frames(rng, int(rng.integers(3, 25)), kind, ["u2", "f4"][seed % 2])
        paths = [write(f"{k}.fits", kind, data=frame, dtype=frame.dtype) for k, frame in enumerate(data)]
        [path] = combine_calibrations(paths, tmp_path / "o", method="median")
        scale = (lambda frame: 1 / np.median(frame.astype(float))) if kind == "FLAT" else None
        self.assert_combined_as(
            path, ccdproc.combine([CCDData(frame, unit="adu") for frame in data], method="median", scale=scale)
        )

    def test_subtraction_before_scaling(self, write, tmp_path):
        biases, darks = some(write, "BIAS", dtype="f4"), some(write, "DARK", dtype="f4")
        flats = [write(f"f{k}.fits", "FLAT", exposure=20.0 + k, dtype="f4") for k in range(5)]
        *_, path = combine_calibrations([*biases, *darks, *flats], tmp_path / "o")
        bias, dark = (data_of(tmp_path / "o" / name) for name in ("bias.fits", "dark_60s.fits"))
        frames = [data_of(flat) - bias - (20.0 + k) / 60.0 * dark for k, flat in enumerate(flats)]
        frames = [CCDData(frame / np.median(frame), unit="adu") for frame in frames]
        limits = {"sigma_clip_low_thresh": 5, "sigma_clip_high_thresh": 5}
        self.assert_combined_as(path, ccdproc.combine(frames, **limits, **CLIPPING))
