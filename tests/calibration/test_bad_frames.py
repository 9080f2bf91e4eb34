# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Frames that `combine_calibrations` leaves out or warns of.
"""

import gzip

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from ccdproc_crplugin import CalibrationWarning, CosmicRayError, combine_calibrations
from tests.helpers.calibration_frames import SHAPE, frame_of, some


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


class TestUnlitPixels:
    """The scale of a flat is that of its lit pixels."""

    @pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6])
    def test_it_does_not_follow_the_dark_part(self, write, tmp_path, share):
        levels = (9000.0, 20000.0, 30000.0, 16000.0, 24000.0)
        lit = np.ones((100, 120), dtype=bool)
        lit[: round(share * 100)] = False
        for number, level in enumerate(levels):
            noise = np.random.default_rng(number).normal(0, 5, lit.shape)
            write(f"flat_{number}.fits", "FLAT", data=np.where(lit, level, 0) + noise, dtype="f4")
        [path] = combine_calibrations(sorted((tmp_path / "raw").iterdir()), tmp_path / "o", subtract=False)
        scales = np.asarray(Table.read(path, hdu="CRINPUTS")["scale"])
        assert scales * levels == pytest.approx(1, abs=1e-3)
        assert fits.getdata(path)[lit] == pytest.approx(1, abs=2e-3)

    def test_a_few_dead_pixels_leave_the_scale_at_the_median_of_all(self, write, tmp_path):
        data = np.random.default_rng(1).normal(9000, 90, (100, 120)).astype("f4")
        data[7] = 0
        paths = [write(f"flat_{number}.fits", "FLAT", data=data, dtype="f4") for number in range(3)]
        [path] = combine_calibrations(paths, tmp_path / "o", subtract=False)
        assert Table.read(path, hdu="CRINPUTS")["scale"][0] == pytest.approx(1 / np.median(data), rel=1e-6)
