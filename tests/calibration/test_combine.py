# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Combining calibration frames: `combine_calibrations`.
"""

import errno

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from ccdproc import ImageFileCollection

from ccdproc_crplugin import CalibrationWarning, CosmicRayError, combine_calibrations, read_ccd
from tests.helpers.calibration_frames import SHAPE, data_of, frame_of, some


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


class TestInputsAndOutput:
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


class TestWhatTellsGroupsApart:
    def test_cameras_do_not_mix(self, write, tmp_path):
        for level, camera in ((1000, "a"), (1500, "b")):
            for number in range(5):
                data = np.full(SHAPE, level + number)
                write(f"{camera}{number}.fits", "BIAS", data=data, INSTRUME=camera, DETECTOR=camera)
        paths = combine_calibrations(sorted((tmp_path / "raw").iterdir()), tmp_path / "o")
        assert {path.name: round(np.median(data_of(path))) for path in paths} == {
            "bias_a_a.fits": 1002,
            "bias_b_b.fits": 1502,
        }
        assert {fits.getheader(path)["INSTRUME"] for path in paths} == {"a", "b"}

    def test_neither_do_filters_behind_a_clear_wheel(self, write, tmp_path):
        frames = [
            write(f"{name}{number}.fits", "FLAT", FILTER1="CLEAR", FILTER2=name) for name in "VR" for number in range(3)
        ]
        paths = combine_calibrations(frames, tmp_path / "o")
        assert [path.name for path in paths] == ["flat_R.fits", "flat_V.fits"]
        assert [fits.getheader(path)["NCOMBINE"] for path in paths] == [3, 3]

    def test_frames_that_lack_a_card_are_combined_with_a_warning(self, write, tmp_path):
        frames = [write(f"b{number}.fits", "BIAS", **({"INSTRUME": "a"} if number else {})) for number in range(5)]
        with pytest.warns(CalibrationWarning, match="made of 5 frames, of which 1 do not say their camera"):
            [path] = combine_calibrations(frames, tmp_path / "o")
        assert fits.getheader(path)["INSTRUME"] == "a"

    def test_the_user_says_what_counts(self, write, tmp_path):
        frames = [
            write(f"b{number}.fits", "BIAS", INSTRUME=f"name {number}", ROTATOR=number // 3) for number in range(6)
        ]
        paths = combine_calibrations(frames, tmp_path / "o", group_by=["ROTATOR"], group_ignore=["camera"])
        assert [path.name for path in paths] == ["bias_0.fits", "bias_1.fits"]


class TestUnits:
    def test_a_bias_in_another_unit_is_refused_with_both_units(self, write, tmp_path):
        bias = some(write, "BIAS")
        flats = some(write, "FLAT", BUNIT="electron")
        with pytest.warns(CalibrationWarning, match=r"Found bias.fits in adu, and frames .* in electron; expected one"):
            paths = combine_calibrations([*bias, *flats], tmp_path / "o")
        assert [path.name for path in paths] == ["bias.fits"]

    def test_names_of_the_unit_of_a_camera_are_one_unit(self, write, tmp_path):
        frames = [*some(write, "BIAS"), *some(write, "DARK", BUNIT="counts")]
        assert fits.getheader(combine_calibrations(frames, tmp_path / "o")[1])["CRBIAS"] == "bias.fits"

    def test_a_frame_of_another_kind_needs_no_unit(self, write, tmp_path):
        light = write("light.fits", "LIGHT", dtype="f4")
        fits.delval(light, "BUNIT")
        assert len(combine_calibrations([light, *some(write, "BIAS")], tmp_path / "o")) == 1

    @pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT"])
    @pytest.mark.parametrize(("dtype", "known"), [("u2", True), ("f4", False)])
    def test_without_bunit_integers_are_in_adu_and_others_unknown_for_every_kind(
        self, write, tmp_path, kind, dtype, known
    ):
        frames = some(write, kind, dtype=dtype)
        for path in frames:
            fits.delval(path, "BUNIT")
        reasons = []
        how = {"on_left_out": lambda path, reason: reasons.append(str(reason))}
        if known:
            [path] = combine_calibrations(frames, tmp_path / "o", **how)
            assert fits.getheader(path)["BUNIT"] == "adu"
            return
        with pytest.raises(CosmicRayError, match="no bias frame, dark or flat that can be read"):
            combine_calibrations(frames, tmp_path / "o", **how)
        assert all("without BUNIT" in reason for reason in reasons)
        assert len(combine_calibrations(frames, tmp_path / "o", unit="adu")) == 1


class TestCorrectionsInHeaders:
    def test_what_the_headers_say_was_subtracted_is_not_subtracted_again(self, write, tmp_path):
        frames = [*some(write, "BIAS"), *some(write, "DARK", CALSTAT="B")]
        _, dark = combine_calibrations(frames, tmp_path / "o")
        assert "CRBIAS" not in fits.getheader(dark)

    def test_a_frame_that_differs_in_it_from_the_others_is_left_out(self, write, tmp_path):
        frames = [*some(write, "BIAS"), *some(write, "DARK"), write("done.fits", "DARK", CALSTAT="B")]
        with pytest.warns(CalibrationWarning, match="done.fits is left out: found that its header records the correct"):
            _, dark = combine_calibrations(frames, tmp_path / "o")
        assert (fits.getheader(dark)["NCOMBINE"], fits.getheader(dark)["CRBIAS"]) == (5, "bias.fits")


class TestTrouble:
    def test_a_full_disk_is_said_at_once(self, write, tmp_path, monkeypatch):
        def full(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("ccdproc_crplugin.calibration.group_combination.write_combined", full)
        frames = [*some(write, "BIAS"), *some(write, "DARK")]
        with pytest.raises(CosmicRayError, match=r"output can't be written: .*No space left on device"):
            combine_calibrations(frames, tmp_path / "o")

    @pytest.mark.filterwarnings("ignore:Found header cards that break the FITS standard")
    @pytest.mark.parametrize("keyword", [b"B*D     ", b"AB[Z-A] ", b"WHAT?   ", b"*       ", b"A...    "])
    def test_a_card_that_looks_like_a_pattern_costs_nothing(self, write, tmp_path, keyword):
        frames = some(write, "BIAS", MARK="yes")
        for path in frames:
            path.write_bytes(path.read_bytes().replace(b"MARK    =", keyword + b"="))
        assert len(combine_calibrations(frames, tmp_path / "o")) == 1
