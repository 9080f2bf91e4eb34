# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr reduce``: its output, its exit codes and its dry run.
"""

import os
import re
from importlib.metadata import version

import pytest
from astropy.io import fits

from ccdproc_crplugin.cli import main
from ccdproc_crplugin.pipeline.run import plan_night

from ..helpers.nights import (
    STEPS,
    hit_twice,
    level,
    write_frame,
    write_night,
)

FIGURES = ("gain", "readnoise")


class TestCommand:
    @pytest.fixture
    def night(self, tmp_path, monkeypatch):
        write_night(tmp_path / "raw")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in STEPS)
        )
        return tmp_path

    def test_it_reduces_and_counts(self, night, capsys):
        assert main(["reduce", "night.toml", "--workers", "1"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        first, *written = out.splitlines()
        assert re.fullmatch(r"11 done; 2 events; \d+\.\d s", first)
        assert written == ["wrote reduced/night.ecsv", "wrote reduced/report.html"]
        assert "light_1.fits" in (night / "reduced" / "report.html").read_text()
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet"]) == 0
        out, err = capsys.readouterr()
        assert re.fullmatch(r"11 kept; 2 events; \d+\.\d s\nwrote reduced/night.ecsv\n", out)
        assert err == ""

    def test_the_log_begins_with_what_is_run_and_ends_with_what_came_of_it(self, night):
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]) == 0
        told = [line.partition(" INFO ")[2] for line in (night / "reduced" / "night.log").read_text().splitlines()]
        assert told[0] == f"ccdproc_crplugin {version('ccdproc_crplugin')}: night.toml, 11 files"
        assert told[1] == f"steps: {'; '.join(STEPS)}"
        assert told[-1].startswith("11 done; 2 events; ")

    def test_a_bad_frame_is_named_and_the_exit_code_tells(self, night, capsys):
        (night / "raw" / "bad.fits").write_text("no FITS")
        assert main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]) == 1
        out, err = capsys.readouterr()
        assert err.startswith("bad.fits: failed: Found ")
        assert out.startswith("11 done, 1 failed; 2 events; ")

    def test_failed_checks_and_frames_kept_for_their_edits_are_told(self, night, capsys):
        hit_twice(night / "raw" / "light_1.fits")
        words = ["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"]
        (night / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n[headers]\ngain = 0.1\n'
            '[[step]]\nname = "subtract_bias"\n[[step]]\nname = "clean_cosmic_rays"\n'
        )
        assert main(words) == 0
        assert capsys.readouterr().err.splitlines()[0] == (
            "preflight: noise failed on 2 frames (light_1.fits, …), see findings in night.ecsv"
        )
        assert main(["restore", "--in-place", "reduced/light_1.fits", "--labels", "1"]) == 0
        (night / "night.toml").write_text((night / "night.toml").read_text() + "sigclip = 6\n")
        capsys.readouterr()
        assert main(words) == 0
        assert capsys.readouterr().err.startswith("light_1.fits: kept: edited by hand, so it stays as it is")

    def test_a_dry_run_tells_the_plan_and_writes_nothing(self, night, capsys):
        write_frame(night / "raw" / "red.fits", data=level(520, 9, 10), FILTER="R")
        assert main(["reduce", "night.toml", "--dry-run"]) == 1
        out = capsys.readouterr().out
        assert "3 bias\n  3 dark\n  3 flat\n  3 light" in out
        assert "calibration/dark_60s_gain2.fits: 3 frames, after subtract_bias [calibration/bias_gain2.fits]" in out
        assert "light_1.fits -> light_1.fits: subtract_bias [calibration/bias_gain2.fits], subtract_dark" in out
        assert "Failed:\n  red.fits: correct_flat: Found no combined flat that fits" in out
        assert "Left alone" not in out
        assert "Doubtful" not in out
        assert not (night / "reduced").exists()

    def test_what_is_missing_is_said(self, night, capsys):
        for number in range(3):
            os.unlink(night / "raw" / f"bias_{number}.fits")
        main(["reduce", "night.toml", "--dry-run"])
        out = capsys.readouterr().out
        assert "dark_60s_gain2: no combined bias fits; it goes without subtract_bias" in out
        assert "subtract_bias: Found no combined bias that fits" in out

    def test_an_order_of_steps_that_cannot_be_meant_is_doubted(self, night, capsys):
        steps = ("correct_flat", "clean_cosmic_rays", "subtract_bias", "subtract_dark", "clean_cosmic_rays")
        (night / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "reduced"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in steps)
        )
        main(["reduce", "night.toml", "--dry-run"])
        doubts = [
            "clean_cosmic_rays stands before subtract_bias, subtract_dark; expected it after",
            "correct_flat stands before subtract_bias, subtract_dark; expected it after",
            "clean_cosmic_rays stands 2 times; expected it once",
        ]
        assert "Doubtful:\n  " + "\n  ".join(doubts) + "\n" in capsys.readouterr().out
        main(["reduce", "night.toml", "--workers", "1", "--quiet", "--no-report"])
        log = (night / "reduced" / "night.log").read_text()
        assert all(f"WARNING {doubt}\n" in log for doubt in doubts)

    def test_gain_and_read_noise_that_nobody_gives_are_missing(self, night, capsys):
        for path in (night / "raw").iterdir():
            fits.setval(path, "GAIN", value=139)
            fits.delval(path, "RDNOISE")
        lacking = {
            name: f"  {name}: in no header of a light frame; give {name} = … under [headers]\n" for name in FIGURES
        }
        main(["reduce", "night.toml", "--dry-run"])
        assert "Missing:\n" + "".join(lacking.values()) in capsys.readouterr().out
        text = (night / "night.toml").read_text()
        (night / "night.toml").write_text(text + "gain = 2.0\n[headers]\nreadnoise = 5\n")
        main(["reduce", "night.toml", "--dry-run"])
        assert "Missing" not in capsys.readouterr().out

    def test_a_scheduler_that_is_not_there_is_wrong_usage(self, night, capsys):
        pytest.importorskip("distributed")
        assert main(["reduce", "night.toml", "--dask", "nonsense://x"]) == 2
        assert "expected its address" in capsys.readouterr().err

    def test_wrong_words_are_wrong_usage(self, night):
        assert main(["reduce", "nowhere.toml"]) == 2
        assert main(["reduce", "night.toml", "--workers", "0"]) == 2
        assert main(["reduce", "night.toml", "--workers", "2", "--dask", "tcp://x:1"]) == 2

    @pytest.mark.parametrize("words", [["--workers", "1"], ["--dry-run"]])
    @pytest.mark.parametrize(
        ("mistake", "told"),
        [
            (("[night]", "[nigth]"), "line 1: Found the table 'nigth'"),
            (("[night]", "[night"), "can't be read as TOML"),
            (("correct_flat", "correct_flats"), "expected one of: subtract_overscan"),
            (('"raw"', '"rwa"'), "Found no folder 'rwa'"),
            (('"reduced"', '"raw/reduced"'), "inside the input"),
        ],
    )
    def test_mistakes_in_the_configuration_are_wrong_usage(self, night, capsys, words, mistake, told):
        (night / "night.toml").write_text((night / "night.toml").read_text().replace(*mistake))
        assert main(["reduce", "night.toml", *words]) == 2
        assert told in capsys.readouterr().err

    def test_plans_are_texts(self, night):
        assert str(plan_night("night.toml")).startswith("Frames:\n  3 bias\n")
