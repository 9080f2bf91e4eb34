# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Combining calibration frames: `combine_calibrations`.
"""

import builtins
import gzip
import subprocess
import sys
from functools import partial
from pathlib import Path

import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.stats import mad_std, sigma_clip
from astropy.table import Table
from ccdproc import ImageFileCollection

from ccdproc_crplugin import CalibrationWarning, CosmicRayError, combine_calibrations, read_ccd
from ccdproc_crplugin.calibration import frame_stack

SHAPE = (12, 17)
CLIPPING = {"sigma_clip": True, "sigma_clip_func": np.ma.median, "sigma_clip_dev_func": mad_std}
CAMERA = {"bias": 1000.0, "dark": 0.5, "flat": 400.0}  # adu, adu/s, adu/s


def frame_of(kind, seed, exposure):
    """A raw frame, adu, as a camera with a pattern of its own would take it."""
    pattern = np.random.default_rng(0)
    level = CAMERA["bias"] + pattern.normal(0, 20, SHAPE) + CAMERA["dark"] * pattern.uniform(0, 2, SHAPE) * exposure
    if kind == "FLAT":
        level = level + CAMERA["flat"] * pattern.normal(1, 0.05, SHAPE) * exposure
    return np.random.default_rng(seed).normal(level, 3.0)


@pytest.fixture
def write(tmp_path):
    def write(name, kind, *, seed=None, exposure=None, data=None, dtype="u2", **cards):
        seconds = {"BIAS": 0.0, "DARK": 60.0, "FLAT": 30.0, "LIGHT": 60.0}[kind] if exposure is None else exposure
        pixels = frame_of(kind, abs(hash(name)) % 2**32 if seed is None else seed, seconds) if data is None else data
        pixels = np.asarray(pixels)
        pixels = pixels.round().astype(dtype) if np.dtype(dtype).kind in "iu" else pixels.astype(dtype)
        header = fits.Header({"IMAGETYP": kind, "EXPTIME": seconds, "BUNIT": "adu", **cards})
        path = tmp_path / "raw" / name
        path.parent.mkdir(exist_ok=True)
        fits.writeto(path, pixels, header)
        return path

    return write


def some(write, kind, n=5, **cards):
    return [write(f"{kind.lower()}_{i}.fits", kind, seed=i, **cards) for i in range(n)]


def data_of(path):
    return fits.getdata(path).astype(float)


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
            [CCDData.read(path) for path in paths],
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
            path, ccdproc.combine([CCDData.read(path) for path in paths], method="median", scale=scale)
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


class TestCosmicRays:
    @pytest.mark.parametrize("method", ["average", "median"])
    @pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT"])
    def test_one_in_one_frame_leaves_no_trace(self, write, tmp_path, kind, method):
        clean = some(write, kind, n=9)
        [without] = combine_calibrations(clean, tmp_path / "without", method=method)
        hit = data_of(clean[3])
        hit[5, 6:9] += [200, 20000, 900]
        hits = [*clean[:3], write("hit.fits", kind, data=hit), *clean[4:]]
        [with_hits] = combine_calibrations(hits, tmp_path / "with", method=method)
        noise = read_ccd(without).uncertainty.array[5, 6:9]
        change = np.abs(data_of(with_hits) - data_of(without))[5, 6:9]
        assert (change < 3 * noise + 1e-6).all()
        if method == "average":
            assert Table.read(with_hits, hdu="CRINPUTS")["n_rejected"][3] >= 3

    def test_flats_of_very_different_levels_hide_none(self, write, tmp_path):
        flats = [write(f"{k}.fits", "FLAT", exposure=10.0 * (k + 1), seed=k) for k in range(8)]
        hit = data_of(flats[0])
        hit[5, 6] *= 2
        flats[0] = write("hit.fits", "FLAT", exposure=10.0, data=hit)
        [path] = combine_calibrations(flats, tmp_path / "o")
        neighbours = data_of(path)[4:7, 5:8]
        assert neighbours[1, 1] < 1.3
        assert Table.read(path, hdu="CRINPUTS")["n_rejected"][0] >= 1


class TestOutput:
    @pytest.fixture
    def path(self, write, tmp_path):
        paths = [write(f"b{k}.fits", "BIAS", seed=k, OBSERVER="Mona", NUMBER=k, CRVAL1=3.0) for k in range(6)]
        hit = data_of(paths[2])
        hit[3, 4] += 5000
        paths[2] = write("hit.fits", "BIAS", data=hit, OBSERVER="Mona", NUMBER=2)
        return combine_calibrations(paths, tmp_path / "o")[0]

    def test_it_is_a_frame_that_anyone_can_read(self, path):
        for combined in (read_ccd(path), CCDData.read(path)):
            assert (combined.unit, combined.data.dtype, combined.shape) == (u.adu, np.dtype(">f4"), SHAPE)
            assert combined.uncertainty.uncertainty_type == "std"

    def test_the_number_of_frames_of_each_pixel_stands_beside_it(self, path):
        n_frames = fits.getdata(path, "NFRAMES")
        assert n_frames[3, 4] == 5
        assert n_frames.max() == 6

    def test_the_table_counts_the_pixels_clipped_in_each_input(self, path):
        table = Table.read(path, hdu="CRINPUTS")
        assert list(table["file"]) == ["b0.fits", "b1.fits", "hit.fits", "b3.fits", "b4.fits", "b5.fits"]
        assert table["n_rejected"].sum() == (6 - fits.getdata(path, "NFRAMES").astype(int)).sum()
        assert table["n_bad"].sum() == 0

    def test_the_header_says_what_was_done(self, path):
        header = fits.getheader(path)
        assert (header["NCOMBINE"], header["CRCOMBIN"], header["CRSIGLOW"], header["CRSIGHI"]) == (6, "average", 5, 5)
        assert header["IMCMB003"] == "hit.fits"

    def test_the_header_has_what_all_inputs_agree_in(self, path):
        header = fits.getheader(path)
        assert (header["IMAGETYP"], header["OBSERVER"], header["BUNIT"]) == ("BIAS", "Mona", "adu")
        assert not {"NUMBER", "CRVAL1", "BZERO"} & set(header)

    def test_the_temperature_is_the_mean_of_the_inputs(self, write, tmp_path):
        paths = [write(f"{k}.fits", "DARK", **{"CCD-TEMP": -20.0 - 0.1 * k}) for k in range(5)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert path.name == "dark_60s_-20C.fits"
        assert fits.getheader(path)["CCD-TEMP"] == pytest.approx(-20.2)

    def test_the_header_has_the_sum_of_what_was_clipped_in_each_input(self, path):
        header, inputs = fits.getheader(path), Table.read(path, hdu="CRINPUTS")
        assert header["CRNREJ"] == inputs["n_rejected"].sum()
        assert header.comments["CRNREJ"] == "pixels clipped, summed over the inputs"

    def test_pixels_that_no_input_has_are_masked(self, write, tmp_path):
        frames = [frame_of("BIAS", k, 0.0) for k in range(4)]
        for frame in frames:
            frame[2, 3] = np.nan
        frames[0][5] = np.nan
        paths = [write(f"{k}.fits", "BIAS", data=frame, dtype="f4") for k, frame in enumerate(frames)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        combined = read_ccd(path)
        assert np.argwhere(combined.mask).tolist() == [[2, 3]]
        assert fits.getdata(path, "NFRAMES")[5].max() == 3
        assert Table.read(path, hdu="CRINPUTS")["n_bad"][0] == SHAPE[1] + 1

    def test_names_that_no_header_can_hold_are_spelled_out(self, write, tmp_path):
        paths = [write(f"bias é{k}.fits", "BIAS") for k in range(3)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert fits.getheader(path)["IMCMB001"] == r"bias \xe90.fits"

    def test_nothing_is_overwritten_unless_told(self, path, write, tmp_path):
        before = path.read_bytes()
        new = [write(f"new{k}.fits", "BIAS") for k in range(3)]
        with pytest.raises(CosmicRayError, match="there already"):
            combine_calibrations(new, path.parent)
        assert path.read_bytes() == before
        combine_calibrations(new, path.parent, overwrite=True)
        assert fits.getheader(path)["NCOMBINE"] == 3

    def test_nothing_else_is_left_in_the_folder(self, path):
        assert [entry.name for entry in path.parent.iterdir()] == ["bias.fits"]


class TestGroups:
    def test_each_gets_a_file(self, write, tmp_path):
        for kind, cards in (
            ("BIAS", {}),
            ("DARK", {"exposure": 60.0}),
            ("DARK", {"exposure": 300.0}),
            ("FLAT", {"FILTER": "R"}),
            ("FLAT", {"FILTER": "../V"}),
            ("LIGHT", {}),
        ):
            for k in range(3):
                write(f"{kind}{cards.get('exposure', '')}{cards.get('FILTER', '')[-1:]}{k}.fits", kind, **cards)
        paths = combine_calibrations(ImageFileCollection(tmp_path / "raw"), tmp_path / "o")
        assert [path.name for path in paths] == [
            "bias.fits",
            "dark_60s.fits",
            "dark_300s.fits",
            "flat_V.fits",
            "flat_R.fits",
        ]

    def test_groups_of_the_same_name_do_not_overwrite_each_other(self, write, tmp_path):
        paths = [write(f"{k}.fits", "DARK", **{"CCD-TEMP": -20.2 + 0.3 * (k // 3)}) for k in range(6)]
        written = combine_calibrations(paths, tmp_path / "o", temperature_tolerance=0.1)
        assert [path.name for path in written] == ["dark_60s_-20C.fits", "dark_60s_-20C_2.fits"]

    def test_a_light_frame_is_never_combined(self, write, tmp_path):
        with pytest.raises(CosmicRayError, match="Found no bias frame, dark or flat"):
            combine_calibrations(some(write, "LIGHT"), tmp_path / "o")
        assert not (tmp_path / "o").exists()

    def test_a_frame_that_is_combined_already_is_not_combined_again(self, write, tmp_path):
        [master] = combine_calibrations(some(write, "BIAS"), tmp_path / "o")
        with pytest.warns(CalibrationWarning, match="bias.fits is left out: found a frame that is combined already"):
            combine_calibrations([master, *some(write, "DARK")], tmp_path / "o")

    def test_few_frames_are_combined_with_a_warning(self, write, tmp_path):
        with pytest.warns(CalibrationWarning, match=r"bias.fits is made of 1 of at least 3 frames; cosmic rays stay"):
            [path] = combine_calibrations(some(write, "BIAS", n=1), tmp_path / "o")
        assert (data_of(path) == data_of(tmp_path / "raw" / "bias_0.fits")).all()


class TestSubtraction:
    @pytest.fixture
    def night(self, write, tmp_path):
        return [*some(write, "BIAS", n=9), *some(write, "DARK", n=9), *some(write, "FLAT", n=9)]

    def test_darks_lose_the_bias_and_flats_both(self, night, tmp_path):
        bias, dark, flat = combine_calibrations(night, tmp_path / "o")
        assert np.median(data_of(bias)) == pytest.approx(1000, abs=10)
        assert np.median(data_of(dark)) == pytest.approx(30, abs=5)
        assert np.median(data_of(flat)) == pytest.approx(1, abs=1e-4)
        assert fits.getheader(dark)["CRBIAS"] == "bias.fits"
        assert (fits.getheader(flat)["CRBIAS"], fits.getheader(flat)["CRDARK"]) == ("bias.fits", "dark_60s.fits")
        truth = np.random.default_rng(0)
        truth.normal(0, 20, SHAPE)
        truth.uniform(0, 2, SHAPE)
        pattern = truth.normal(1, 0.05, SHAPE)
        np.testing.assert_allclose(data_of(flat), pattern / np.median(pattern), atol=2e-3)

    def test_it_can_be_turned_off(self, night, tmp_path):
        _, dark, _ = combine_calibrations(night, tmp_path / "o", subtract=False)
        assert np.median(data_of(dark)) == pytest.approx(1030, abs=10)
        assert "CRBIAS" not in fits.getheader(dark)

    def test_frames_combined_before_will_do(self, night, tmp_path):
        whole = combine_calibrations(night, tmp_path / "whole")
        masters = combine_calibrations(night[:18], tmp_path / "o")
        [flat] = combine_calibrations(night[18:], tmp_path / "o", masters=masters)
        assert (data_of(flat) == data_of(whole[-1])).all()

    def test_a_dark_with_the_bias_in_it_fits_its_own_exposure_only(self, write, tmp_path):
        darks = some(write, "DARK")
        _, same = combine_calibrations([*darks, *some(write, "FLAT", exposure=60.0)], tmp_path / "same")
        assert fits.getheader(same)["CRDARK"] == "dark_60s.fits"
        others = [write(f"f{k}.fits", "FLAT", exposure=10.0) for k in range(3)]
        _, other = combine_calibrations([*darks, *others], tmp_path / "other")
        assert "CRDARK" not in fits.getheader(other)

    def test_of_several_darks_the_nearest_exposure_is_taken(self, night, write, tmp_path):
        short = [write(f"d{k}.fits", "DARK", exposure=25.0) for k in range(3)]
        *_, flat = combine_calibrations([*night, *short], tmp_path / "o")
        assert fits.getheader(flat)["CRDARK"] == "dark_25s.fits"

    @pytest.mark.parametrize("cards", [{"XBINNING": 2}, {"GAIN": 7.0}, {"CCD-TEMP": 10.0}])
    def test_a_bias_of_another_camera_state_is_not_subtracted(self, write, tmp_path, cards):
        state = {"XBINNING": 1, "GAIN": 1.0, "CCD-TEMP": -20.0}
        frames = [*some(write, "BIAS", **state), *some(write, "DARK", **(state | cards))]
        _, dark = combine_calibrations(frames, tmp_path / "o")
        assert "CRBIAS" not in fits.getheader(dark)

    def test_what_is_no_combined_frame_is_refused_as_one(self, night, tmp_path):
        with pytest.raises(CosmicRayError, match=r"no card CRCOMBIN in .*bias_0.fits"):
            combine_calibrations(night, tmp_path / "o", masters=night[:1])


class TestBadFrames:
    """Each is named and left out, and the others go on."""

    def assert_left_out(self, bad, good, tmp_path, match):
        with pytest.warns(CalibrationWarning, match=f"{bad.name} is left out: {match}"):
            [path] = combine_calibrations([bad, *good], tmp_path / "o")
        assert fits.getheader(path)["NCOMBINE"] == len(good)
        assert bad.name not in list(Table.read(path, hdu="CRINPUTS")["file"])

    def test_other_shape(self, write, tmp_path):
        bad = write("bad.fits", "BIAS", data=np.ones((5, 5)))
        self.assert_left_out(bad, some(write, "BIAS"), tmp_path, "found 5 x 5 pixels in adu; expected 12 x 17 in adu")

    def test_other_unit(self, write, tmp_path):
        bad = write("bad.fits", "BIAS", BUNIT="electron")
        self.assert_left_out(bad, some(write, "BIAS"), tmp_path, "found 12 x 17 pixels in electron")

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    def test_nan_only(self, write, tmp_path, dtype):
        bad = write("bad.fits", "BIAS", data=np.full(SHAPE, np.nan), dtype=dtype)
        self.assert_left_out(bad, some(write, "BIAS", dtype="f4"), tmp_path, "[Ff]ound no finite pixel")

    def test_truncated(self, write, tmp_path):
        good = [write(f"{k}.fits", "BIAS", data=np.ones((99, 99)) + k) for k in range(3)]
        bad = write("bad.fits", "BIAS", data=np.ones((99, 99)))
        bad.write_bytes(bad.read_bytes()[:9000])
        self.assert_left_out(bad, good, tmp_path, "Found .* shorter than its header says")

    def test_truncated_and_packed(self, write, tmp_path):
        bad = write("bad.fits", "BIAS")
        packed = bad.with_name("bad.fits.gz")
        packed.write_bytes(gzip.compress(bad.read_bytes())[:-300])
        self.assert_left_out(packed, some(write, "BIAS"), tmp_path, "Found .* can't be read")

    def test_no_fits_at_all(self, write, tmp_path):
        good = some(write, "BIAS")
        (tmp_path / "raw" / "bad.fits").write_text("nothing")
        self.assert_left_out(tmp_path / "raw" / "bad.fits", good, tmp_path, "Found .* can't be read")

    def test_missing(self, write, tmp_path):
        self.assert_left_out(tmp_path / "gone.fits", some(write, "BIAS"), tmp_path, "Found no file")

    def test_no_unit(self, write, tmp_path):
        bad = write("bad.fits", "BIAS", dtype="f4", BUNIT="")
        self.assert_left_out(bad, some(write, "BIAS"), tmp_path, "Found floating-point data without BUNIT")

    @pytest.mark.parametrize("level", [0, -5])
    def test_a_flat_without_light(self, write, tmp_path, level):
        bad = write("bad.fits", "FLAT", data=np.full(SHAPE, level), dtype="f4")
        self.assert_left_out(bad, some(write, "FLAT"), tmp_path, "found a flat whose median is not positive")

    @pytest.mark.parametrize(
        ("level", "cards", "where"),
        [
            (65535, {"SATURATE": 61000}, r"61000 adu \(SATURATE\)"),
            (61000, {"SATURATE": 61000}, r"61000 adu \(SATURATE\)"),
            (65535, {"SATURATE": 100000}, r"65535 adu \(the largest number of its type\)"),
            (65535, {}, r"65535 adu \(the largest number of its type\)"),
        ],
    )
    def test_a_saturated_flat(self, write, tmp_path, level, cards, where):
        bad = write("bad.fits", "FLAT", data=np.full(SHAPE, level), **cards)
        reason = f"found 100 % of its pixels at or above {where}; expected a flat below saturation"
        self.assert_left_out(bad, some(write, "FLAT", **cards), tmp_path, reason)

    @pytest.mark.parametrize("dtype", ["f4", "i2"])
    def test_a_saturated_flat_of_another_type(self, write, tmp_path, dtype):
        bad = write("bad.fits", "FLAT", data=np.full(SHAPE, 30000), dtype=dtype, SATURATE=25000)
        self.assert_left_out(bad, some(write, "FLAT", SATURATE=25000), tmp_path, "found 100 % of its pixels")

    @pytest.mark.parametrize("prepare", [None, lambda ccd: ccd])
    def test_the_saturation_level_of_flats_can_be_given(self, write, tmp_path, prepare):
        paths = [*some(write, "FLAT"), write("bad.fits", "FLAT", data=np.full(SHAPE, 50000), SATURATE=61000)]
        with pytest.warns(CalibrationWarning, match=r"bad.fits is left out: .* at or above 45000 adu \(given\)"):
            combine_calibrations(paths, tmp_path / "o", saturation=45000, prepare=prepare)

    def test_a_flat_whose_median_is_saturated(self, write, tmp_path):
        data = frame_of("FLAT", 0, 30.0)
        data.flat[: data.size // 2 + 1] = 65535
        bad = write("bad.fits", "FLAT", data=data)
        self.assert_left_out(bad, some(write, "FLAT"), tmp_path, "found 50 % of its pixels")

    def test_a_saturated_flat_is_known_as_such_before_it_is_prepared(self, write, tmp_path):
        bad = write("bad.fits", "FLAT", data=np.full(SHAPE, 65535))
        good = some(write, "FLAT")
        with pytest.warns(CalibrationWarning, match=r"bad.fits is left out: found 100 % of its pixels"):
            combine_calibrations(
                [bad, *good], tmp_path / "o", prepare=lambda ccd: ccd.subtract(900 * u.adu, handle_meta="first_found")
            )

    def test_what_is_left_without_a_saturated_flat_is_as_if_it_had_never_been(self, write, tmp_path):
        darks = [write(f"d{t}_{k}.fits", "DARK", exposure=t) for t in (30.0, 300.0) for k in range(3)]
        good = [*some(write, "BIAS"), *darks, *some(write, "FLAT")]
        bad = write("bad.fits", "FLAT", data=np.full(SHAPE, 65535), exposure=3000.0)
        expected = combine_calibrations(good, tmp_path / "expected")[-1]
        with pytest.warns(CalibrationWarning, match=r"bad.fits is left out"):
            found = combine_calibrations([bad, *good], tmp_path / "o")[-1]
        assert fits.getheader(found)["CRDARK"] == "dark_30s.fits"
        assert found.read_bytes() == expected.read_bytes()

    def test_a_flat_that_is_saturated_in_part_is_used_with_a_warning_that_says_how_much(self, write, tmp_path):
        data = frame_of("FLAT", 9, 30.0)
        data[0, :8] = 65535
        paths = [*some(write, "FLAT"), write("part.fits", "FLAT", data=data)]
        with pytest.warns(CalibrationWarning, match=r"part.fits has 3.9 % of its pixels at or above 65535 adu"):
            [path] = combine_calibrations(paths, tmp_path / "o")
        assert fits.getheader(path)["NCOMBINE"] == 6

    def test_a_few_saturated_pixels_are_not_worth_a_warning(self, write, tmp_path):
        data = frame_of("FLAT", 9, 30.0)
        data[0, :2] = 65535
        [path] = combine_calibrations([*some(write, "FLAT"), write("part.fits", "FLAT", data=data)], tmp_path / "o")
        assert fits.getheader(path)["NCOMBINE"] == 6

    def test_one_that_can_not_be_prepared(self, write, tmp_path):
        def prepare(ccd):
            if ccd.header["NAME"] == "bad":
                raise RuntimeError("no overscan")
            return ccd

        paths = [write(f"{name}.fits", "BIAS", NAME=name) for name in ("a", "b", "c", "bad")]
        with pytest.warns(CalibrationWarning, match=r"bad.fits is left out: .*RuntimeError: no overscan"):
            [path] = combine_calibrations(paths, tmp_path / "o", prepare=prepare)
        assert fits.getheader(path)["NCOMBINE"] == 3

    @pytest.mark.filterwarnings("ignore::ccdproc_crplugin.CalibrationWarning")
    def test_a_group_of_bad_frames_costs_no_other_group(self, write, tmp_path):
        dark = [write(f"d{k}.fits", "FLAT", data=np.zeros(SHAPE)) for k in range(3)]
        assert [path.name for path in combine_calibrations([*dark, *some(write, "BIAS")], tmp_path / "o")] == [
            "bias.fits"
        ]
        with pytest.raises(CosmicRayError, match="Found no frame to combine among 3"):
            combine_calibrations(dark, tmp_path / "p")

    def test_a_file_that_fails_while_it_is_read_costs_its_group_only(self, write, tmp_path):
        darks = some(write, "DARK")

        def cut_short(parts, desc):
            if desc.startswith("dark"):
                darks[3].write_bytes(darks[3].read_bytes()[:3000])
            return parts

        with pytest.warns(CalibrationWarning, match=r"dark.*\.fits is not made: .*dark_3\.fits' became shorter"):
            paths = combine_calibrations(
                [*some(write, "BIAS"), *darks, *some(write, "FLAT")], tmp_path / "o", progress=cut_short
            )
        assert [path.name.partition("_")[0] for path in paths] == ["bias.fits", "flat.fits"]
        assert sorted(paths) == sorted((tmp_path / "o").iterdir())

    def test_where_it_is_the_only_group_that_is_the_error(self, write, tmp_path):
        paths = some(write, "BIAS")

        def cut_short(parts, desc):
            paths[3].write_bytes(b"")
            return parts

        with pytest.raises(CosmicRayError, match=r"bias_3\.fits' became shorter"):
            combine_calibrations(paths, tmp_path / "o", progress=cut_short)


class TestReading:
    """However frames are stored, the same numbers make the same combination."""

    @pytest.fixture
    def expected(self, write, tmp_path):
        [path] = combine_calibrations(some(write, "BIAS"), tmp_path / "expected")
        return data_of(path)

    @pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
    def test_any_type(self, write, tmp_path, expected, dtype):
        paths = [write(f"o{k}.fits", "BIAS", seed=k, dtype="u2") for k in range(5)]
        paths = [write(f"t{k}.fits", "BIAS", data=data_of(path), dtype=dtype) for k, path in enumerate(paths)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()

    def test_types_may_differ(self, write, tmp_path, expected):
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        paths[1] = write("x1.fits", "BIAS", data=data_of(paths[1]), dtype="f4")
        paths[2] = write("x2.fits", "BIAS", data=data_of(paths[2]), dtype="f8")
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()

    @pytest.mark.parametrize("memory_limit", [None, 9000 * u.byte])
    def test_compressed_files(self, write, tmp_path, expected, memory_limit):
        packed = []
        for k in range(5):
            raw = tmp_path / "raw" / f"bias_{k}.fits"
            if k % 2:
                packed.append(raw.with_suffix(".fits.gz"))
                packed[-1].write_bytes(gzip.compress(raw.read_bytes()))
            else:
                packed.append(raw.with_suffix(".fits.fz"))
                image = fits.CompImageHDU(fits.getdata(raw), fits.getheader(raw))
                fits.HDUList([fits.PrimaryHDU(), image]).writeto(packed[-1])
        [path] = combine_calibrations(packed, tmp_path / "o", memory_limit=memory_limit)
        assert (data_of(path) == expected).all()
        assert [entry.name for entry in path.parent.iterdir()] == ["bias.fits"]

    def test_scaled_integers(self, write, tmp_path, expected):
        paths = []
        for k in range(5):
            image = fits.PrimaryHDU(data_of(tmp_path / "raw" / f"bias_{k}.fits"), fits.Header({"IMAGETYP": "BIAS"}))
            image.scale("int16", bscale=0.5, bzero=1000)
            paths.append(tmp_path / f"s{k}.fits")
            image.header["BUNIT"] = "adu"
            image.writeto(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        np.testing.assert_allclose(data_of(path), expected, atol=0.25)

    def test_masked_pixels_are_left_out(self, write, tmp_path):
        paths = []
        for k in range(5):
            ccd = CCDData(frame_of("BIAS", k, 0.0), unit="adu", meta={"IMAGETYP": "BIAS"}, mask=np.zeros(SHAPE, bool))
            ccd.data[3, 3] += 1e4
            ccd.mask[3, 3] = k < 4
            paths.append(tmp_path / f"m{k}.fits")
            ccd.write(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert fits.getdata(path, "NFRAMES")[3, 3] == 1
        assert data_of(path)[3, 3] == pytest.approx(frame_of("BIAS", 4, 0.0)[3, 3] + 1e4)

    def test_an_extension_inherits_the_primary_header(self, tmp_path, write, expected):
        paths = []
        for k in range(5):
            raw = fits.getdata(tmp_path / "raw" / f"bias_{k}.fits")
            paths.append(tmp_path / f"e{k}.fits")
            primary = fits.PrimaryHDU(header=fits.Header({"IMAGETYP": "BIAS", "INSTRUME": "ISIS"}))
            fits.HDUList([primary, fits.ImageHDU(raw)]).writeto(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()
        assert fits.getheader(path)["INSTRUME"] == "ISIS"

    def test_frames_can_be_prepared(self, write, tmp_path, expected):
        def trim(ccd):
            return ccdproc.trim_image(ccd[2:, :10])

        [path] = combine_calibrations(
            [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)], tmp_path / "o", prepare=trim
        )
        assert (data_of(path) == expected[2:, :10]).all()

    def test_a_little_memory_will_do(self, write, tmp_path, expected):
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        [path] = combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert (data_of(path) == expected).all()

    def test_too_little_is_refused(self, write, tmp_path):
        with pytest.raises(
            CosmicRayError, match="Found memory_limit=100 bytes; expected at least 4,216 bytes for 5 frames"
        ):
            combine_calibrations(some(write, "BIAS"), tmp_path / "o", memory_limit=100)

    def test_each_plain_file_is_opened_once(self, write, tmp_path, monkeypatch):
        paths = some(write, "FLAT")
        opened = []
        real_open = builtins.open

        def counting_open(file, *args, **keywords):
            opened.append(file)
            return real_open(file, *args, **keywords)

        monkeypatch.setattr(builtins, "open", counting_open)
        combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert [opened.count(path) for path in paths] == [1] * len(paths)

    def test_more_files_than_stay_open_will_do(self, write, tmp_path, expected, monkeypatch):
        monkeypatch.setattr(frame_stack, "MAX_OPEN", 2)
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        [path] = combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert (data_of(path) == expected).all()


class TestArguments:
    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"method": "mean"}, "method='mean'; expected one of: 'average', 'median'"),
            ({"sigma_low": -1}, "sigma_low=-1; expected a number of 0 or more"),
            ({"sigma_high": "five"}, "sigma_high='five'; expected a number"),
            ({"n_iterations": float("nan")}, "n_iterations=nan"),
            ({"temperature_tolerance": None}, "temperature_tolerance=None"),
            ({"memory_limit": -1}, "memory_limit=-1"),
            ({"memory_limit": 5 * u.m}, "memory_limit=5.0 m; expected a Quantity in byte"),
            ({"method": np.array(["median", "average"])}, "expected one of: 'average', 'median'"),
            ({"n_iterations": float("inf")}, "n_iterations=inf; expected a whole number of 0 or more"),
            ({"n_iterations": 1.5}, "n_iterations=1.5; expected a whole number of 0 or more"),
            ({"clip_scaled": "no"}, "clip_scaled='no'; expected True or False"),
            ({"overwrite": "no"}, "overwrite='no'; expected True or False"),
            ({"subtract": "no"}, "subtract='no'; expected True or False"),
            ({"unit": "foo"}, "unit='foo', which is no unit"),
            ({"unit": 5}, "unit=5, which is no unit"),
            ({"hdu": "x"}, "hdu='x'; expected a whole number"),
            ({"masters": 5}, "masters=5; expected a list of paths"),
            ({"masters": "bias.fits"}, "masters='bias.fits'; expected a list of paths"),
            ({"keys": 5}, "keys=5; expected a mapping"),
            ({"keys": {"bias_0.fits": 5}}, "expected a mapping of paths to CalibrationKey"),
            ({"prepare": 5}, "prepare=5; expected a function"),
            ({"progress": 5}, "progress=5; expected a function"),
        ],
    )
    def test_wrong_ones_are_refused_before_a_file_is_opened(self, tmp_path, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            combine_calibrations([tmp_path / "not_there.fits"], tmp_path / "o", **keywords)
        assert not (tmp_path / "o").exists()

    @pytest.mark.parametrize("output", [None, 5, "", "a\0b"])
    def test_the_output_is_the_name_of_a_folder(self, tmp_path, output):
        with pytest.raises(CosmicRayError, match=r"Found output=.*; expected the name of a folder"):
            combine_calibrations([tmp_path / "not_there.fits"], output)

    def test_a_frame_is_never_overwritten(self, write, tmp_path):
        write("bias.fits", "BIAS", seed=9)
        some(write, "BIAS")
        before = (tmp_path / "raw" / "bias.fits").read_bytes()
        with pytest.raises(CosmicRayError, match=r"Found an input at '.*bias\.fits'; expected another output folder"):
            combine_calibrations(ImageFileCollection(tmp_path / "raw"), tmp_path / "raw", overwrite=True)
        assert (tmp_path / "raw" / "bias.fits").read_bytes() == before

    def test_nor_is_a_frame_of_another_kind_or_a_combined_one_that_is_subtracted(self, write, tmp_path):
        light, biases = write("bias.fits", "LIGHT"), some(write, "BIAS")
        with pytest.raises(CosmicRayError, match="Found an input at"):
            combine_calibrations([*biases, light], tmp_path / "raw", overwrite=True)
        [bias] = combine_calibrations(biases, tmp_path / "o")
        with pytest.raises(CosmicRayError, match="Found an input at"):
            combine_calibrations(biases, tmp_path / "o", masters=[bias], overwrite=True)

    def test_a_frame_that_is_named_twice_counts_once(self, write, tmp_path):
        paths = some(write, "BIAS")
        [path] = combine_calibrations([*paths, tmp_path / "raw" / ".." / "raw" / "bias_1.fits"], tmp_path / "o")
        assert fits.getval(path, "NCOMBINE") == 5

    @pytest.mark.filterwarnings("ignore:bias.fits is left out")
    def test_what_was_combined_before_is_replaced_if_asked(self, write, tmp_path):
        some(write, "BIAS")
        for overwrite in (False, True):
            [path] = combine_calibrations(ImageFileCollection(tmp_path / "raw"), tmp_path / "raw", overwrite=overwrite)
        assert fits.getval(path, "NCOMBINE") == 5

    @pytest.mark.filterwarnings("ignore:.* is left out")
    def test_an_hdu_that_no_file_has_is_not_taken_for_a_missing_kind(self, write, tmp_path):
        with pytest.raises(CosmicRayError, match=r"and 5 files that can't; expected some. The warnings say why"):
            combine_calibrations(some(write, "BIAS"), tmp_path / "o", hdu=3)

    def test_infinitely_many_deviations_clip_nothing_on_that_side(self, write, tmp_path, engine_name, monkeypatch):
        monkeypatch.setenv("CCDCR_ENGINE", engine_name)
        data = [np.full(SHAPE, level) for level in (100, 100, 100, 90, 110)]
        paths = [write(f"{number}.fits", "BIAS", data=pixels) for number, pixels in enumerate(data)]
        [path] = combine_calibrations(paths, tmp_path / "o", sigma_low=np.inf, sigma_high=3)
        assert (data_of(path) == 97.5).all()
        assert fits.getval(path, "CRSIGLOW") == "inf"

    def test_a_folder_is_no_collection(self, tmp_path):
        with pytest.raises(CosmicRayError, match="Found str; expected an ImageFileCollection or a list of paths"):
            combine_calibrations(str(tmp_path), tmp_path / "o")

    def test_progress_is_told(self, write, tmp_path):
        told = []

        def progress(parts, desc):
            told.append(desc)
            return parts

        combine_calibrations([*some(write, "BIAS"), *some(write, "DARK")], tmp_path / "o", progress=progress)
        assert told == ["bias", "dark_60s"]

    def test_the_output_may_not_be_a_file(self, write, tmp_path):
        (tmp_path / "o").write_text("")
        with pytest.raises(CosmicRayError, match="can't be made"):
            combine_calibrations(some(write, "BIAS"), tmp_path / "o")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says it this way")
def test_memory_stays_within_its_limit_and_200_mb(tmp_path):
    """200 frames of 1024 x 1024 float32, 800 MB, within 100 MB beside the interpreter."""
    for k in range(200):
        frame = np.full((1024, 1024), k, np.float32)
        fits.writeto(tmp_path / f"{k}.fits", frame, fits.Header({"IMAGETYP": "BIAS", "BUNIT": "adu"}))
    script = (
        "from pathlib import Path; from ccdproc_crplugin import combine_calibrations\n"
        f"paths = sorted(Path({str(tmp_path)!r}).glob('*.fits'))\n"
        f"combine_calibrations(paths, {str(tmp_path / 'o')!r}, memory_limit=100e6)\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 100e6 + 200 * 2**20
    assert (fits.getdata(Path(tmp_path) / "o" / "bias.fits") == 99.5).all()
