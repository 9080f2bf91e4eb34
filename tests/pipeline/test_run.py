# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A night reduced and a collection cleaned, from the files to the results and the table.
"""

import gzip
import time

import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable
from ccdproc import ImageFileCollection

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import same_bits
from ..helpers.nights import (
    SHAPE,
    STEPS,
    by_file,
    clean,
    config,
    contents,
    level,
    reduce,
    write_calibration,
    write_frame,
    write_mosaic,
)


class TestReducedNight:
    def test_a_light_loses_bias_dark_flat_and_cosmic_rays(self, raw, output):
        table = reduce(raw, output)
        assert set(by_file(table).values()) == {"done"}
        assert by_file(table, "n_pixels")["light_2.fits"] == 2
        reduced = crp.read_ccd(output / "light_2.fits")
        assert "dark_exposure=60.0 s, data_exposure=60.0 s" in reduced.meta["SUBDARK"]
        assert reduced.data.dtype == np.dtype(">f4")
        assert np.median(reduced.data) == pytest.approx(200, abs=2)
        assert reduced.data[10, 12] < 230
        assert crp.read_ccd(output / "calibration" / "bias_gain2.fits").meta["NCOMBINE"] == 3

    @pytest.mark.parametrize("tables", [{}, {"headers": {"saturation": 45000}}])
    def test_a_saturated_flat_fails_with_the_reason_and_costs_no_other_frame(self, raw, output, tables):
        value = 50000 if tables else 65535
        write_frame(raw / "flat_9.fits", "flat", np.full(SHAPE, value, "uint16"), EXPTIME=5.0, SATURATE=61000)
        status = reduce(raw, output, **tables)
        assert {file for file, word in by_file(status).items() if word != "done"} == {"flat_9.fits"}
        assert by_file(status, "reason")["flat_9.fits"].startswith("found 100 % of its pixels at or above")

    def test_it_is_what_ccdproc_makes_of_the_combined_frames(self, raw, output):
        reduce(raw, output)
        bias, dark, flat = (
            CCDData.read(output / "calibration" / f"{name}_gain2.fits") for name in ("bias", "dark_60s", "flat_V")
        )
        for master in (bias, dark, flat):
            master.uncertainty = None
        raw_ccd = CCDData.read(raw / "light_1.fits", unit="adu")
        raw_ccd.data = raw_ccd.data.astype("f4")
        expected = ccdproc.subtract_bias(raw_ccd, bias)
        expected = ccdproc.subtract_dark(expected, dark, dark_exposure=60 * u.s, data_exposure=60 * u.s)
        expected = ccdproc.flat_correct(expected, flat)
        reduced = crp.read_ccd(output / "light_1.fits").restore_cosmic_rays()
        np.testing.assert_allclose(reduced.data, expected.data, rtol=1e-6)

    def test_header_and_table_say_which_combined_frames_were_taken(self, raw, output):
        row = reduce(raw, output)[-1]
        names = ["calibration/bias_gain2.fits", "calibration/dark_60s_gain2.fits", "calibration/flat_V_gain2.fits"]
        assert row["masters"] == ", ".join(names)
        assert row["steps"] == "; ".join(STEPS)
        history = "".join(fits.getheader(output / row["output"])["HISTORY"])
        assert all(name in history for name in names)

    def test_the_table_lies_in_the_output(self, raw, output):
        table = reduce(raw, output)
        written = QTable.read(output / "night.ecsv")
        assert by_file(written) == by_file(table)
        assert by_file(written, "output")["bias_0.fits"] == "calibration/bias_gain2.fits"

    def test_cosmic_rays_in_the_calibration_leave_no_trace(self, raw, output, tmp_path):
        reduce(raw, output)
        clean = crp.read_ccd(output / "calibration" / "dark_60s_gain2.fits").data
        with fits.open(raw / "dark_1.fits", mode="update") as hdus:
            hdus[0].data[30, 30] = 60000
        reduce(raw, tmp_path / "hit")
        hit = crp.read_ccd(tmp_path / "hit" / "calibration" / "dark_60s_gain2.fits").data
        assert abs(hit[30, 30] - clean[30, 30]) < 10

    def test_overscan_and_trim_go_before_the_combining(self, tmp_path, output):
        sections = {"BIASSEC": "[51:60,1:50]", "TRIMSEC": "[1:50,1:50]"}
        raw = tmp_path / "raw"
        write_calibration(raw, **sections)
        write_frame(raw / "light.fits", data=level(520, 41, 10), **sections)
        for path in raw.iterdir():
            with fits.open(path, mode="update") as hdus:
                hdus[0].data[:, 50:] = 290
        table = reduce(raw, output, "subtract_overscan", "trim", *STEPS)
        assert set(by_file(table).values()) == {"done"}
        assert crp.read_ccd(output / "calibration" / "bias_gain2.fits").shape == (50, 50)
        reduced = crp.read_ccd(output / "light.fits")
        assert reduced.shape == (50, 50)
        assert "TRIMSEC" not in reduced.meta
        assert by_file(table, "steps")["dark_0.fits"] == "subtract_overscan; trim; subtract_bias"

    def test_deviation_and_gain(self, raw, output):
        reduce(raw, output, "subtract_bias", "create_deviation", "correct_gain", "clean_cosmic_rays")
        reduced = crp.read_ccd(output / "light_1.fits")
        assert reduced.unit == u.electron
        assert np.median(reduced.uncertainty.array) == pytest.approx(np.sqrt(220 * 2 + 25), rel=0.02)

    def test_events_are_catalogued(self, raw, output):
        reduce(raw, output, *STEPS, "measure_events")
        events = QTable.read(output / "light_2_events.ecsv")
        assert events["area"].value.tolist() == [2]

    def test_the_catalogue_has_the_dark_of_the_night(self, raw, output):
        reduce(
            raw, output, "subtract_bias", "subtract_dark", {"name": "clean_cosmic_rays", "sigclip": 5}, "measure_events"
        )
        events = QTable.read(output / "light_1_events.ecsv")
        assert events["dark"].to_value("electron") == pytest.approx([2 * 20], abs=10)

    def test_each_chip_of_a_mosaic_gets_its_own_combined_frame(self, tmp_path, output):
        raw = tmp_path / "raw"
        for number in range(3):
            write_mosaic(raw / f"bias_{number}.fits", kind="zero")
        write_mosaic(raw / "light.fits")
        with fits.open(raw / "light.fits", mode="update") as hdus:
            for chip in (1, 2):
                hdus[chip].data += 500 * chip
        table = reduce(raw, output, "subtract_bias")
        assert set(by_file(table).values()) == {"done"}
        assert by_file(table, "masters")["light.fits"] == (
            "calibration/bias_gain2_hdu1.fits, calibration/bias_gain2_hdu2.fits"
        )
        with fits.open(output / "light.fits") as hdus:
            assert [float(np.median(hdus[chip].data)) for chip in (1, 2)] == [500, 1000]

    @pytest.mark.parametrize("kind", ["object", "dark"])
    def test_more_chips_than_the_combined_frames_have_are_told(self, tmp_path, output, kind):
        raw = tmp_path / "raw"
        for number in range(3):
            write_mosaic(raw / f"bias_{number}.fits", kind="zero")
            write_mosaic(raw / f"more_{number}.fits", n_chips=3, kind=kind)
        row = reduce(raw, output, "subtract_bias", "subtract_dark" if kind == "dark" else "clean_cosmic_rays")[-1]
        assert row["status"] == "failed"
        assert "Found frame 3 in a file, and combined frames of 2 (calibration/bias_gain2_hdu1.fits" in row["reason"]

    def test_subfolders_keep_their_place(self, raw, output):
        write_frame(raw / "deep" / "er" / "light_9.fits", data=level(520, 9, 10))
        table = reduce(raw, output)
        assert "deep/er/light_9.fits" not in by_file(table)
        night = config(raw, output)
        night["night"]["subfolders"] = True
        table = crp.reduce_night(night, n_workers=1)
        assert by_file(table, "output")["deep/er/light_9.fits"] == "deep/er/light_9.fits"
        assert (output / "deep" / "er" / "light_9.fits").exists()

    def test_two_workers_give_the_same_bytes(self, raw, output, tmp_path):
        reduce(raw, output)
        reduce(raw, tmp_path / "two", n_workers=2)
        assert contents(output) == contents(tmp_path / "two")


class TestCleanedCollection:
    def test_it_is_what_the_method_gives(self, lights, output):
        clean(lights, output, sigclip=6)
        expected = crp.read_ccd(lights / "light_2.fits").clean_cosmic_rays(sigclip=6)
        written = crp.read_ccd(output / "light_2.fits")
        assert same_bits(written.data.astype("f4"), expected.data)
        np.testing.assert_array_equal(written.flags, expected.flags)
        assert written.restore_cosmic_rays().data.dtype == np.uint16

    def test_the_table_has_a_row_a_frame(self, lights, output):
        write_frame(lights / "bias.fits", "zero")
        table = clean(lights, output, sigclip=6)
        assert by_file(table) == {"bias.fits": "skipped", **{f"light_{n}.fits": "done" for n in (1, 2, 3, 4)}}
        row = table[1]
        header = fits.getheader(output / row["output"])
        assert (row["kind"], row["detector"]) == ("light", "lacosmic")
        assert (row["n_pixels"], row["n_events"]) == (header["CRNPIX"], header["CRNEVENT"])
        assert row["n_events"] == row["n_tracks"] == 3
        assert row["n_noise"] == header["CRNNOISE"]
        assert row["parameters"] == '{"detector": "lacosmic", "sigclip": 6}'
        assert (row["input_hash"], row["settings_hash"]) == (header["CRINPUT"], header["CRSETTNG"])

    def test_the_table_is_written_too(self, lights, output):
        table = clean(lights, output)
        written = QTable.read(output / "night.ecsv")
        assert written.colnames == table.colnames
        assert by_file(written, "n_events") == by_file(table, "n_events")
        assert "light_1.fits: done" in (output / "night.log").read_text()

    def test_a_collection_of_ccdproc_will_do(self, lights, output):
        write_frame(lights / "late.FIT")
        table = crp.clean_collection(ImageFileCollection(lights), output, n_workers=1)
        assert by_file(table)["late.FIT"] == "done"
        assert (output / "late.fits").exists()

    def test_a_progress_bar_sees_each_frame(self, lights, output):
        seen = []

        def progress(rows, total):
            for row in rows:
                seen.append((row["file"], total))
                yield row

        clean(lights, output, progress=progress)
        assert seen == [(f"light_{number}.fits", 4) for number in (1, 2, 3, 4)]

    @pytest.mark.parametrize("name", ["a.fit", "a.FIT", "a.fts", "a.FITS", "a.fits.gz", "a.FIT.GZ", "a.fits.fz"])
    def test_frames_go_by_many_names(self, tmp_path, output, name):
        path = write_frame(tmp_path / "raw" / "a.fits")
        data = path.read_bytes()
        if name.lower().endswith(".gz"):
            data = gzip.compress(data)
        elif name.endswith(".fz"):
            with fits.open(path) as hdus:
                packed = fits.CompImageHDU(hdus[0].data, hdus[0].header)
                fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path, overwrite=True)
            data = path.read_bytes()
        path.unlink()
        (path.parent / name).write_bytes(data)
        assert by_file(clean(path.parent, output)) == {name: "done"}
        assert crp.read_ccd(output / "a.fits").meta["CRNEVENT"] == 3

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_results_may_be_packed(self, lights, output, ending):
        clean(lights, output, ending=ending)
        assert crp.read_ccd(output / f"light_1{ending}").meta["CRNEVENT"] == 3

    @pytest.mark.parametrize("ending", [".fits.gz", ".fits.fz"])
    def test_packed_results_hold_no_date(self, lights, tmp_path, ending):
        for name in ("one", "two"):
            clean(lights, tmp_path / name, ending=ending)
            time.sleep(1.1)
        assert contents(tmp_path / "one") == contents(tmp_path / "two")


class TestParametersOfACollection:
    def test_a_wrong_parameter_is_refused_before_anything_is_touched(self, lights, output):
        with pytest.raises(CosmicRayError, match=r"'sigclop'.*Did you mean sigclip"):
            clean(lights, output, sigclop=5)
        assert not output.exists()

    @pytest.mark.filterwarnings("ignore:no FITS files")
    def test_an_empty_collection_is_refused(self, tmp_path, output):
        (tmp_path / "raw").mkdir()
        for nothing in ([], ImageFileCollection(tmp_path / "raw")):
            with pytest.raises(CosmicRayError, match=r"Found no file in the collection; expected .* \.fits, \.fit"):
                crp.clean_collection(nothing, output)
        assert not output.exists()

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"ending": ".foo"}, "Found ending='.foo'; expected one of: '.fits'"),
            ({"unit": "foo"}, "Found unit='foo'"),
            ({"output": None}, "Found output=None; expected the name of a folder"),
            ({"progress": 5}, "Found progress=5; expected a function"),
        ],
    )
    def test_others_are_refused_before_too(self, lights, output, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            clean(lights, **{"output": output, **keywords})
        assert not output.exists()

    def test_an_unknown_detector_is_refused(self, lights, output):
        with pytest.raises(CosmicRayError, match="expected one of: lacosmic"):
            clean(lights, output, detector="nobody")

    @pytest.mark.parametrize("n_workers", [0, -1, 1.5, "two"])
    def test_workers_are_counted_in_whole_numbers(self, lights, output, n_workers):
        with pytest.raises(CosmicRayError, match="n_workers"):
            clean(lights, output, n_workers=n_workers)


class TestParametersOfANight:
    def test_what_shows_progress_can_be_called(self, raw, output):
        with pytest.raises(CosmicRayError, match="Found progress=5; expected a function"):
            crp.reduce_night(config(raw, output), progress=5)
        assert not output.exists()
