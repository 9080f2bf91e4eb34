# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Flats of several chips in one file: their scale.
"""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import combine_calibrations
from tests.helpers.calibration_frames import data_of

SHAPE = (20, 24)


@pytest.fixture
def flats(tmp_path):
    """A function that writes flats of chips of these levels, taken under light that varies from file to file."""

    def flats(*levels, n=5, kind="FLAT", **of_chips):
        (tmp_path / "raw").mkdir(exist_ok=True)
        paths = []
        for number in range(n):
            rng = np.random.default_rng(number)
            primary = fits.Header({"IMAGETYP": kind, "INSTRUME": "twin", "FILTER": "V", "EXPTIME": 1.0})
            hdus = [fits.PrimaryHDU(header=primary)]
            for chip, level in enumerate(levels):
                data = rng.normal(level * (1 + 0.2 * number if kind == "FLAT" else 1), 3, SHAPE).round().astype("u2")
                cards = {keyword: values[chip] for keyword, values in of_chips.items()}
                hdus.append(fits.ImageHDU(data, fits.Header(cards), name=f"im{chip + 1}"))
            paths.append(tmp_path / "raw" / f"{kind.lower()}_{number}.fits")
            fits.HDUList(hdus).writeto(paths[-1])
        return paths

    return flats


def levels_of(paths):
    return [float(np.median(data_of(path))) for path in paths]


class TestScale:
    def test_chips_keep_their_relative_sensitivity(self, flats, tmp_path):
        paths = combine_calibrations(flats(10000, 9000), tmp_path / "o")
        assert [path.name for path in paths] == ["flat_V_hdu1.fits", "flat_V_hdu2.fits"]
        first, second = levels_of(paths)
        assert first / second == pytest.approx(10 / 9, rel=1e-3)
        assert (first + second) / 2 == pytest.approx(1, rel=1e-4)

    def test_so_do_uncertainty_and_the_scales_of_the_inputs(self, flats, tmp_path):
        raw = flats(10000, 9000)
        alone = combine_calibrations(raw, tmp_path / "alone", flat_scale="frame")
        shared = combine_calibrations(raw, tmp_path / "shared")
        assert levels_of(alone) == pytest.approx([1, 1], rel=1e-4)
        for before, after in zip(alone, shared, strict=True):
            with fits.open(before) as old, fits.open(after) as new:
                factor = np.median(new[0].data) / np.median(old[0].data)
                np.testing.assert_allclose(new["UNCERT"].data, old["UNCERT"].data * factor, rtol=1e-5)
                np.testing.assert_allclose(new["CRINPUTS"].data["scale"], old["CRINPUTS"].data["scale"] * factor)
                assert new[0].header["CRSCALE"] == "inverse median of the file"
                np.testing.assert_array_equal(new["NFRAMES"].data, old["NFRAMES"].data)

    @pytest.mark.parametrize("of_chips", [{"INSTRUME": ["blue", "red"]}, {"FILTER": ["B", "R"]}])
    def test_chips_of_other_instruments_or_filters_have_scales_of_their_own(self, flats, tmp_path, of_chips):
        paths = combine_calibrations(flats(10000, 9000, **of_chips), tmp_path / "o")
        assert levels_of(paths) == pytest.approx([1, 1], rel=1e-4)

    def test_a_flat_that_one_chip_lacks_does_not_change_the_scale(self, flats, tmp_path):
        raw = flats(10000, 9000)
        with fits.open(raw[0], mode="update") as hdus:
            hdus[2].data[:] = 0
        left_out = []
        paths = combine_calibrations(raw, tmp_path / "o", on_left_out=lambda path, reason: left_out.append(path.name))
        assert left_out == ["flat_0.fits"]
        first, second = levels_of(paths)
        assert first / second == pytest.approx(10 / 9, rel=1e-3)


class TestSubtraction:
    def test_each_chip_gets_the_bias_of_its_own(self, flats, tmp_path):
        raw = [*flats(300, 800, kind="BIAS"), *flats(10300, 9800)]
        *_, first, second = combine_calibrations(raw, tmp_path / "o")
        assert fits.getheader(first)["CRBIAS"] == "bias_hdu1.fits"
        assert fits.getheader(second)["CRBIAS"] == "bias_hdu2.fits"
        assert (fits.getheader(first)["CRHDU"], fits.getheader(second)["CRHDU"]) == (1, 2)

    def test_so_it_does_from_files(self, flats, tmp_path):
        biases = combine_calibrations(flats(300, 800, kind="BIAS"), tmp_path / "o")
        _, second = combine_calibrations(flats(10300, 9800), tmp_path / "p", masters=biases)
        assert fits.getheader(second)["CRBIAS"] == "bias_hdu2.fits"

    def test_one_hdu_can_be_chosen(self, flats, tmp_path):
        [only] = combine_calibrations(flats(10000, 9000), tmp_path / "o", hdu=2)
        assert only.name == "flat_V.fits"
        assert levels_of([only]) == pytest.approx([1], rel=1e-4)


class TestStatisticsSection:
    def write(self, tmp_path):
        """Flats of which 60 % see a fifth of the light, by an amount that differs from file to file."""
        paths = []
        for number in range(5):
            data = np.random.default_rng(number).normal(10000, 30, SHAPE)
            data[:12] *= 0.1 + 0.05 * number
            paths.append(tmp_path / f"flat_{number}.fits")
            fits.writeto(paths[-1], data.astype("u2"), fits.Header({"IMAGETYP": "FLAT"}))
        return paths

    def test_the_level_is_that_of_the_section(self, tmp_path):
        [path] = combine_calibrations(self.write(tmp_path), tmp_path / "o", statistics_section="[*, 13:20]")
        assert np.median(data_of(path)[12:]) == pytest.approx(1, abs=1e-3)
        assert fits.getheader(path)["CRSTATSC"] == "[*, 13:20]"

    @pytest.mark.parametrize(
        ("section", "message"),
        [
            ("[1:5]", r"statistics_section='\[1:5\]'; expected two ranges"),
            (5, "expected two ranges"),
            ("[1:99, 1:99]", r"for frames of shape \(20, 24\); expected a part of \[1:24, 1:20\]"),
        ],
    )
    def test_one_that_is_none_is_refused(self, tmp_path, section, message):
        with pytest.raises(ValueError, match=message):
            combine_calibrations(self.write(tmp_path), tmp_path / "o", statistics_section=section)
