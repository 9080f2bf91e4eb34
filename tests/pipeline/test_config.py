# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The configuration of a night, and what is refused with its line.
"""

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PixelFlag
from ccdproc_crplugin.pipeline.config import read_night

from ..helpers.nights import (
    CONFIG,
    reduce,
    write_config,
    write_frame,
)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (
                "[nigth]\n",
                r"line 7: Found the table 'nigth'; expected one of: night, headers, select, group",
            ),
            ("repair = 'mean'\n", r"line 7: Found repair = 'mean'; expected one of: 'profile', .* 'none'"),
            ("preflight = 'of'\n", r"line 7: Found preflight = 'of'; expected one of: 'warn', 'raise', 'off'"),
            ("sigclop = 5\n", r"line 7: Found the parameter 'sigclop'.*Did you mean sigclip"),
            (
                '[[step]]\nname = "subtract_byas"\n',
                r"line 8: Found step ?= ?'subtract_byas'; expected one of: subtract_overs",
            ),
            ('[[step]]\nname = "trim"\nsection = "a"\n', r"line 9: Found the parameter 'section'.*fits_section"),
            ("[[step]]\nscale = true\n", r"line 7: Found the step .* without a name"),
            (
                "[combine]\nmethud = 3\n",
                r"line 8: Found the key 'methud' in \[combine\]; expected one of: method, sigma",
            ),
            (
                "[combine]\nmethod = 'mean'\n",
                r"line 8: Found method ?= ?'mean'; expected one of: '?average'?, '?median",
            ),
            ("[combine]\nsigma_low = -1\n", r"line 8: Found sigma_low ?= ?-1; expected a number"),
            ("[headers]\ngain = 0\n", r"line 8: Found gain = 0; expected a number above 0"),
            ("[headers]\nreadnoise = -3\n", r"line 8: Found readnoise = -3; expected a number of 0 or more"),
            ("[headers]\nunit = 'furlong'\n", r"line 8: Found unit ?= ?'furlong'"),
            (
                "[headers]\nfilter = 'V\u00e9'\n",
                r"line 8: Found filter = .*; expected text that a FITS header can hold",
            ),
            (
                '[headers]\ngain = {"[1:9, *]" = 1, "[5:12, *]" = 2}\n',
                r"line 8: Found gain = {...} with the sections \[1:9, \*\] and \[5:12, \*\], which overlap",
            ),
            ('[headers]\nreadnoise = {"[1:9, *]" = -1}\n', r"line 8: Found readnoise = -1; expected 0 or more"),
            ('[headers]\nsaturation = {"[1:9, *]" = 1}\n', r"line 8: Found saturation = {'.*; expected a number"),
            ('gain = {"[1:9, 1]" = 1}\n', r"line 7: Found gain = {...} with the section '\[1:9, 1\]'"),
            ("[headers]\ngain = inf\n", r"line 8: Found gain = inf; expected a number above 0"),
            ("[headers]\ntemperature = nan\n", r"line 8: Found temperature = nan; expected a number"),
            ("[combine]\nunit = 'adu'\n", r"line 8: Found the key 'unit' in \[combine\]"),
            ("[headers]\ngian = 3\n", r"line 8: Found the key 'gian' in \[headers\]; expected one of: gain, readnoise"),
            ('[headers]\ngain = "x"\n', r"line 8: Found gain = 'x'; expected a number"),
            ("[headers]\ngain = true\n", r"line 8: Found gain = true; expected a number"),
            ("[headers]\nfilter = 5\n", r"line 8: Found filter = 5; expected text"),
            ("niter = 3\nforce = 'no'\nsigclip = 'x'\n", r"line 8: Found force = 'no'"),
            ("sigfrac = 0.3\nsigclop = 5\n", r"line 8: Found the parameter 'sigclop'"),
            ("[select]\nlights = []\n", r"line 8: Found the kind of frame 'lights' in \[select\]"),
            ("[select]\nlight = []\n", r"line 8: Found light = \[\]; expected a list"),
            ("[group]\nby = 'ROTATOR'\n", r"line 8: Found by = 'ROTATOR'; expected a list of keywords"),
            ("[group]\n\nignore = ['fylter']\n", r"line 9: Found ignore = \['fylter'\]; expected .* filter, disperser"),
            ('[group]\nby = ["COMMENT"]\n', r"line 8: Found by = \['COMMENT'\]; expected a list of keywords"),
            ('[dialect]\n[dialect.keywords]\nkind = ["A"]\ngain = ["GA*"]\n', r"line 10: .* keyword 'GA\*'"),
            ('[dialect]\nkinds = { flats = ["A"] }\n', r"line 8: Found that .* kinds for 'flats'"),
            (
                '[dialect]\n[dialect.kinds]\nbias = ["A"]\ndark = ["A"]\n',
                r"line 8: Found that .* has 'A' for the kinds",
            ),
            ("[group]\nwith = []\n", r"line 8: Found the key 'with' in \[group\]; expected one of: by, ignore"),
            (
                "[combine]\nflat_scale = 'chip'\n",
                r"line 8: Found flat_scale = 'chip'; expected one of: 'file'",
            ),
            (
                '[[step]]\nname = "subtract_bias"\n[[step]]\nname = "trim"\n[[step]]\nname = "subtract_bias"\n',
                r"line 12: Found the step 'subtract_bias' after its correction was made; expected each correction once",
            ),
        ],
    )
    def test_what_is_unknown_is_refused_with_its_line(self, tmp_path, more, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.reduce_night(write_config(tmp_path, CONFIG + more))
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[night\n", "can't be read as TOML"),
            (
                '[night]\ninput = "raw"\n[[step]]\nname = "trim"\n',
                "Found output ?= ?None; expected the name of a folder",
            ),
            ('[night]\ninput = "raw"\noutput = "out"\n', "Found no step"),
            (
                '[night]\ninput = "raw"\noutput = "out"\n[step]\nname = "trim"\n',
                r"line 4: Found \[step\]; expected \[\[step\]\], with two brackets",
            ),
            (
                '[night]\ninput = "raw"\noutput = "a\\u0000b"\n',
                "line 3: Found output ?= ?.*; expected the name of a folder",
            ),
            (f"a = {3000 * '['}{3000 * ']'}\n", "can't be read as TOML"),
            ('night = 3\n[[step]]\nname = "trim"\n', "line 1: Found night = 3; expected a table"),
            (
                '[night]\ninput = "raw"\noutput = "o"\nending = ".txt"\n[[step]]\nname = "trim"\n',
                "line 4: Found ending",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, tmp_path, text, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.reduce_night(write_config(tmp_path, text))

    def test_no_repair_can_be_said(self, tmp_path):
        path = write_config(tmp_path, CONFIG + 'repair = "none"\n')
        write_frame(tmp_path / "raw" / "a.fits")
        crp.reduce_night(path, n_workers=1)
        masked = crp.read_ccd(tmp_path / "out" / "a.fits")
        assert masked.meta["CRREPAIR"] == "none"
        assert masked.mask.any()
        np.testing.assert_array_equal(masked.data, fits.getdata(tmp_path / "raw" / "a.fits"))

    def test_a_file_with_a_byte_order_mark_will_do(self, tmp_path):
        path = write_config(tmp_path, CONFIG)
        path.write_text(CONFIG, encoding="utf-8-sig")
        write_frame(tmp_path / "raw" / "a.fits")
        assert len(crp.reduce_night(path, n_workers=1)) == 1

    def test_paths_are_relative_to_the_file(self, tmp_path, monkeypatch):
        path = write_config(tmp_path, CONFIG)
        write_frame(tmp_path / "raw" / "a.fits")
        monkeypatch.chdir("/")
        crp.reduce_night(path, n_workers=1)
        assert (tmp_path / "out" / "a.fits").exists()


class TestParametersOfSteps:
    @pytest.mark.parametrize(
        ("step", "parameters", "message"),
        [
            ("subtract_dark", {"scale": "false"}, "Found scale = 'false'; expected True or False"),
            ("subtract_overscan", {"median": "no"}, "Found median = 'no'; expected True or False"),
            ("subtract_overscan", {"overscan_axis": 7}, "Found overscan_axis ?= ?7; expected"),
            ("create_deviation", {"disregard_nan": 1}, "Found disregard_nan = 1; expected True or False"),
            ("create_deviation", {"readnoise": -1}, "Found readnoise ?= ?-1; expected"),
            ("clean_cosmic_rays", {"force": "no"}, "Found force = 'no'; expected True or False"),
            ("clean_cosmic_rays", {"repair": "glue"}, "Found repair = 'glue'; expected one of: 'profile'"),
            ("clean_cosmic_rays", {"saturation": 0}, "Found saturation ?= ?0; expected"),
            ("correct_gain", {"gain": -1}, "Found gain ?= ?-1; expected"),
            ("correct_gain", {"gain": float("inf")}, "Found gain ?= ?inf; expected"),
            ("correct_flat", {"norm_value": 0}, "Found norm_value ?= ?0; expected"),
            ("measure_events", {"n_pixels": "x"}, "Found n_pixels ?= ?'x'; expected"),
            ("trim", {"fits_section": "[1:10"}, r"Found fits_section ?= ?'\[1:10'; expected"),
            ("trim", {"fits_section": "[1:10]"}, r"Found fits_section ?= ?'\[1:10\]'; expected"),
            ("trim", {"fits_section": 5}, "Found fits_section ?= ?5; expected"),
        ],
    )
    def test_parameters_that_make_no_sense_are_refused_at_once(self, raw, output, step, parameters, message):
        with pytest.raises(CosmicRayError, match=message):
            reduce(raw, output, {"name": step, **parameters})
        assert not output.exists()


class TestFilesOfSteps:
    def night(self, tmp_path, value=1):
        """A night whose bad pixels are in a file beside the configuration."""
        write_frame(tmp_path / "raw" / "light.fits")
        bad = np.zeros(fits.getdata(tmp_path / "raw" / "light.fits").shape, dtype="u1")
        bad[3, 4] = value
        fits.writeto(tmp_path / "bad.fits", bad)
        text = CONFIG.replace('name = "clean', 'name = "mask_bad_pixels"\nfile = "bad.fits"\n\n[[step]]\nname = "clean')
        (tmp_path / "night.toml").write_text(text)
        return tmp_path / "night.toml"

    def test_their_paths_are_relative_to_the_configuration(self, tmp_path, monkeypatch):
        config = self.night(tmp_path)
        monkeypatch.chdir("/")
        crp.reduce_night(config)
        flags = crp.read_ccd(tmp_path / "out" / "light.fits").flags
        assert np.argwhere(flags & 4).tolist() == [[3, 4]]

    def test_a_frame_is_reduced_anew_when_what_they_hold_changes(self, tmp_path):
        config = self.night(tmp_path)
        assert list(crp.reduce_night(config)["status"]) == ["done"]
        bad = fits.getdata(tmp_path / "bad.fits")
        bad[5, 6] = 1
        fits.writeto(tmp_path / "bad.fits", bad, overwrite=True)
        crp.reduce_night(config)
        flags = crp.read_ccd(tmp_path / "out" / "light.fits").flags
        assert np.argwhere(flags & 4).tolist() == [[3, 4], [5, 6]]

    def test_a_file_that_is_not_there_is_refused_with_its_line(self, tmp_path):
        config = self.night(tmp_path)
        (tmp_path / "bad.fits").unlink()
        with pytest.raises(CosmicRayError, match=r"line 6: Found no file .*bad\.fits"):
            crp.reduce_night(config)

    def test_protected_regions_are_such_files_or_sections(self, tmp_path, monkeypatch):
        config = self.night(tmp_path)
        text = config.read_text().replace("mask_bad_pixels", "clean_cosmic_rays").replace("file =", "protect =")
        text = text[: text.rindex("[[step]]")].replace('"bad.fits"', '["bad.fits", "[1:2, 1:3]"]')
        config.write_text(text)
        monkeypatch.chdir("/")
        crp.reduce_night(config)
        flags = crp.read_ccd(tmp_path / "out" / "light.fits").flags
        assert flags[3, 4] == PixelFlag.NOT_SEARCHED
        assert (flags[:3, :2] == PixelFlag.NOT_SEARCHED).all()
        config.write_text(text.replace("bad.fits", "none.fits"))
        with pytest.raises(CosmicRayError, match=r"line 7: Found protect = .*none.fits.*no such file"):
            crp.reduce_night(config)


class TestCleaning:
    @pytest.mark.parametrize(
        "line", ["max_fraction = 0.2", "dispersion_axis = 0", "scale_dark = true", 'bad_pixels = "bad.fits"']
    )
    def test_it_has_the_parameters_of_the_function(self, tmp_path, line):
        fits.writeto(tmp_path / "bad.fits", np.zeros((3, 3), dtype=np.uint8))
        read_night(write_config(tmp_path, CONFIG + line + "\n"))

    def test_a_share_that_makes_no_sense_is_refused_at_once(self, tmp_path):
        with pytest.raises(CosmicRayError, match="Found max_fraction = 2; expected a number from 0 to 1"):
            read_night(write_config(tmp_path, CONFIG + "max_fraction = 2\n"))


class TestDetectors:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("sigclip = -3", "sigclip = -3; expected a number above 0"),
            ("objlim = 0", "objlim = 0; expected a number above 0"),
            ('variant = "python"', "variant = 'python'; expected one of: 'astroscrappy', 'iraf'"),
            ('detector = "median"\nmbox = 1', "mbox = 1; expected a whole number of 3 or more"),
        ],
    )
    def test_values_that_make_no_sense_are_refused_before_anything_is_done(self, tmp_path, line, message):
        with pytest.raises(CosmicRayError, match=message):
            read_night(write_config(tmp_path, CONFIG + line + "\n"))


class TestCorrections:
    @pytest.mark.parametrize(
        "name", ["subtract_overscan", "trim", "subtract_bias", "subtract_dark", "correct_flat", "correct_gain"]
    )
    def test_none_is_made_twice(self, tmp_path, name):
        step = f'[[step]]\nname = "{name}"\n'
        with pytest.raises(CosmicRayError, match=f"Found the step '{name}' after its correction was made"):
            crp.reduce_night(write_config(tmp_path, CONFIG + 2 * step))
