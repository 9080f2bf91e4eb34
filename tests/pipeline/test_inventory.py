# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The files of the input: their kinds, their headers and their names.
"""

import os

import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.pipeline.run import plan_night

from ..helpers.nights import (
    CONFIG,
    by_file,
    level,
    reduce,
    write_config,
    write_frame,
)


class TestKinds:
    def test_kinds_that_no_step_takes_are_left_alone(self, raw, output):
        write_frame(raw / "arc.fits", "arc")
        write_frame(raw / "odd.fits", "wibble")
        write_frame(raw / "mute.fits")
        fits.delval(raw / "mute.fits", "IMAGETYP")
        table = reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        reasons = by_file(table, "reason")
        assert reasons["dark_0.fits"] == "of kind dark, which no step takes"
        assert reasons["arc.fits"] == "of kind arc, which no step takes"
        assert reasons["odd.fits"] == (
            "its header says IMAGETYP = 'wibble', which is taken for no kind of frame; [select] in a night decides that"
        )
        assert reasons["mute.fits"].startswith("its header does not say what kind of frame it is (looked for IMAGETYP,")

    def test_the_user_knows_better_than_the_header(self, raw, output):
        for path in raw.iterdir():
            fits.setval(path, "GAIN", value=139)
        assert "setting of the camera" in by_file(reduce(raw, output), "reason")["light_1.fits"]
        table = reduce(raw, output, headers={"gain": 2.0, "readnoise": 5})
        assert by_file(table)["light_1.fits"] == "done"
        assert fits.getheader(output / "light_1.fits")["CRGAIN"] == 2.0

    def test_the_user_says_what_is_a_light(self, raw, output):
        write_frame(raw / "std.fits", "standard", level(520, 9, 10))
        table = reduce(raw, output, select={"light": ["Object"]})
        assert by_file(table)["light_1.fits"] == "done"
        for _ in range(2):
            assert by_file(table)["std.fits"] == "skipped"
            assert "IMAGETYP = 'standard'" in by_file(table, "reason")["std.fits"]
            table = reduce(raw, output, select={"light": ["Object"]})

    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_the_user_says_what_is_calibration(self, raw, output, n_workers):
        for path in raw.iterdir():
            said = {"b": "offset", "d": "cap on", "f": "dome", "l": "object"}
            fits.setval(path, "IMAGETYP", value=said[path.name[0]])
        words = {"bias": ["offset"], "dark": ["Cap-On"], "flat": ["dome"]}
        table = reduce(raw, output, select=words, n_workers=n_workers)
        assert set(by_file(table).values()) == {"done"}
        assert fits.getval(output / "calibration" / "flat_V_gain2.fits", "CRBIAS") == "bias_gain2.fits"


class TestNames:
    @pytest.mark.parametrize("n_workers", [1, 2])
    @pytest.mark.parametrize("kind", ["light", "bias"])
    def test_a_name_in_another_encoding_costs_nothing(self, raw, output, kind, n_workers):
        try:
            os.rename(raw / f"{kind}_1.fits", os.fsencode(raw) + f"/{kind}_".encode() + b"\xe9.fits")
        except OSError:
            pytest.skip("the file system takes no such name")
        for status in ("done", "kept"):
            table = reduce(raw, output, n_workers=n_workers)
            assert set(by_file(table).values()) == {status}
            assert rf"{kind}_\xe9.fits" in by_file(table)

    def test_links_that_lead_nowhere_have_a_row(self, raw, output):
        (raw / "broken.fits").symlink_to("nowhere.fits")
        (raw / "loop.fits").symlink_to("loop.fits")
        (raw / "there.fits").symlink_to("light_1.fits")
        reasons = by_file(reduce(raw, output, "subtract_bias"), "reason")
        assert "a link that leads nowhere; expected a FITS file" in reasons["broken.fits"]
        assert "loop.fits', which can't be read" in reasons["loop.fits"]
        assert reasons["there.fits"] == ""


class TestFolders:
    def test_a_folder_without_frames_is_refused(self, tmp_path):
        path = write_config(tmp_path, CONFIG)
        write_frame(tmp_path / "raw" / "deep" / "light.fits")
        (tmp_path / "raw" / "notes.txt").write_text("clouds")
        for act in (crp.reduce_night, plan_night):
            with pytest.raises(CosmicRayError, match=r"no FITS file in .*raw.*end in \.fits, \.fit, \.fts.*subfolders"):
                act(path)
        assert not (tmp_path / "out").exists()
