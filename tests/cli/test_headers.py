# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr headers``, and the options for the kind of frames and for dialects.
"""

import re

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import CosmicRayError, read_ccd
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.plugins import find_step

from ..helpers.raw_frames import write_raw

DIALECT = '[dialect]\n[dialect.keywords]\ngain = "ELPERADU"\nkind = "SHOT"\n[dialect.kinds]\nlight = "stars"\n'


def write_odd(path, shot="stars", **cards):
    """A raw frame of a camera that nobody knows."""
    write_raw(path)
    with fits.open(path, mode="update") as hdus:
        meta = hdus[0].header
        meta["SHOT"], meta["ELPERADU"] = shot, meta["GAIN"]
        del meta["IMAGETYP"], meta["GAIN"]
        meta.update(cards)
    return path


@pytest.fixture
def odd(here):
    """A folder of two such frames, and a dialect for them."""
    (here / "odd").mkdir()
    for number in (1, 2):
        write_odd(here / "odd" / f"frame_{number}.fits")
    (here / "odd.toml").write_text(DIALECT)
    return here / "odd"


class TestHeaders:
    def test_it_shows_what_was_read_from_which_card(self, night, capsys):
        assert main(["headers", "raw/light_1.fits"]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["gain", "2", "electron/adu", "GAIN"] in lines
        assert ["kind", "light", "IMAGETYP", "=", "Light", "Frame"] in lines
        assert ["unit", "adu", "whole", "numbers", "without", "BUNIT"] in lines

    def test_a_rate_is_named_with_what_to_do(self, here, capsys):
        write_raw(here / "rate.fits", data=np.ones((50, 60), dtype="f4"), BUNIT="DN/s")
        assert main(["headers", "rate.fits"]) == 0
        out = capsys.readouterr().out
        assert "DN / s, a rate" in out
        assert "multiply it by its exposure time first" in out
        assert main(["clean", "rate.fits"]) == 1
        assert "Multiply it by its exposure time first, in Python with ccd.multiply(" in capsys.readouterr().err

    def test_a_section_beyond_the_frame_is_named_in_the_words_of_the_step(self, here, capsys):
        write_raw(here / "part.fits", TRIMSEC="[5:513, 2:2001]")
        main(["headers", "part.fits"])
        words = "for a frame of shape (50, 60); expected a part of [1:60, 1:50]"
        assert words in capsys.readouterr().out
        with pytest.raises(CosmicRayError, match=re.escape(words)):
            find_step("trim").run(read_ccd(here / "part.fits"))

    @pytest.mark.parametrize(("unit", "source"), [("adu", "given, against BUNIT = ELECTRONS"), ("electron", "given")])
    def test_a_unit_against_that_of_the_header_is_named(self, here, unit, source, capsys):
        write_raw(here / "frame.fits", BUNIT="ELECTRONS")
        main(["headers", "frame.fits", "--unit", unit])
        line = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["unit"])
        assert line.endswith(source)

    def test_frames_whose_headers_are_alike_share_a_block(self, night, capsys):
        write_raw(night / "light_3.fits")
        assert main(["headers", "raw"]) == 0
        out = capsys.readouterr().out
        assert "3 frames: light_1.fits, light_2.FIT, light_3.fits" in out
        assert "1 frame: bias_1.fits" in out

    def test_it_says_what_is_missing_and_how_to_give_it(self, odd, capsys):
        main(["headers", "odd"])
        out = capsys.readouterr().out
        rows = {line.split("  ")[1].strip(): line for line in out.splitlines() if line.endswith("needed")}
        assert set(rows) == {"kind", "gain"}
        assert "--gain NUMBER" in rows["gain"]
        assert "gain = NUMBER" in rows["gain"]
        assert "gain=" in rows["gain"]
        assert "--dialect FILE" in out

    def test_it_names_cards_that_were_not_taken(self, odd, capsys):
        write_odd(odd / "frame_3.fits", GAIN=(1, "gain index"))
        main(["headers", "odd/frame_3.fits"])
        assert "not taken for the gain: GAIN = 1 / gain index" in capsys.readouterr().out

    def test_it_says_when_the_name_of_the_object_alone_says_the_kind(self, night, capsys):
        write_raw(night / "flat.fits", OBJECT="Dome Flat")
        main(["headers", "raw/flat.fits"])
        assert "OBJECT = 'Dome Flat' alone" in capsys.readouterr().out

    def test_a_dialect_says_it_instead(self, odd, capsys):
        assert main(["headers", "odd", "--dialect", "odd.toml"]) == 0
        out = capsys.readouterr().out
        assert "ELPERADU" in out
        assert "SHOT = stars" in out
        assert "needed" not in out

    def test_a_file_that_can_not_be_read_costs_itself_alone(self, night, capsys):
        (night / "broken.fits").write_bytes(b"SIMPLE  =")
        assert main(["headers", "raw"]) == 1
        out, err = capsys.readouterr()
        assert err.startswith("broken.fits: Found")
        assert "2 frames: light_1.fits, light_2.FIT" in out

    def test_header_text_can_not_steer_the_terminal(self, night, capsys):
        raw = (night / "light_1.fits").read_bytes()
        card = b"FILTER  = 'V\x1b[31m'".ljust(80)
        raw = raw.replace(b"END".ljust(80), card + b"END".ljust(80), 1)[: len(raw) + 80]
        (night / "evil.fits").write_bytes(raw)
        main(["headers", "raw/evil.fits"])
        assert "\x1b" not in capsys.readouterr().out


class TestKind:
    def test_frames_of_no_known_kind_can_be_taken_for_lights(self, odd, capsys):
        assert main(["clean", "odd", "--gain", "1.5", "--quiet"]) == 1
        err = capsys.readouterr().err
        assert "does not say what kind of frame it is; --kind light takes it for a light frame" in err
        assert "Found no light frame; expected some. `ccdcr headers PATH` shows" in err
        assert main(["clean", "odd", "--gain", "1.5", "--kind", "light", "--quiet"]) == 0

    def test_a_frame_named_a_flat_is_skipped_with_a_note(self, night, capsys):
        write_raw(night / "flat.fits", OBJECT="Dome Flat")
        assert main(["clean", "raw", "--quiet"]) == 0
        assert "flat.fits: skipped: OBJECT = 'Dome Flat' alone says that it is of kind flat" in capsys.readouterr().err

    def test_frames_of_no_known_kind_can_be_combined(self, odd, capsys):
        assert main(["combine", "odd"]) == 1
        assert "`ccdcr combine --kind` takes them for frames of a kind" in capsys.readouterr().err
        assert main(["combine", "odd", "--kind", "bias", "-o", "bias"]) == 0
        (path,) = (odd.parent / "bias").iterdir()
        assert fits.getheader(path)["IMAGETYP"] == "bias"

    def test_combining_says_when_names_of_objects_alone_say_the_kind(self, night, capsys):
        for number in (1, 2, 3):
            write_raw(night / f"flat_{number}.fits", OBJECT="Dome Flat")
        main(["combine", "raw"])
        assert "OBJECT = 'Dome Flat' alone says that 3 frames are of kind flat" in capsys.readouterr().err

    def test_a_night_takes_the_kind_of_those_that_do_not_say_it(self, odd, night, capsys):
        write_raw(odd / "bias.fits", "zero")
        text = '[night]\ninput = "odd"\noutput = "out"\n[headers]\ngain = 1.5\n[[step]]\nname = "clean_cosmic_rays"\n'
        (odd.parent / "night.toml").write_text(text)
        assert main(["reduce", "night.toml", "--quiet", "--no-report"]) == 1
        assert "Found no frame that a step takes" in capsys.readouterr().err
        assert main(["reduce", "night.toml", "--dry-run"]) == 1
        assert main(["reduce", "night.toml", "--kind", "light", "--dry-run"]) == 0
        assert main(["reduce", "night.toml", "--kind", "light", "--quiet", "--no-report"]) == 0
        assert sorted(path.name for path in (odd.parent / "out").glob("*.fits")) == ["frame_1.fits", "frame_2.fits"]


class TestDialect:
    @pytest.mark.parametrize(
        "command", [["clean", "odd", "--quiet"], ["check", "odd/frame_1.fits"], ["segments", "odd/frame_1.fits"]]
    )
    def test_every_command_that_reads_frames_takes_it(self, odd, command, capsys):
        assert main(command) == 1
        assert main([*command, "--dialect", "odd.toml"]) == 0

    def test_the_value_and_its_keyword_are_in_the_result(self, odd):
        main(["clean", "odd/frame_1.fits", "--dialect", "odd.toml", "--quiet"])
        meta = fits.getheader("cleaned/frame_1.fits")
        assert meta["CRGAIN"] == 2.0
        assert "ELPERADU" in meta.comments["CRGAIN"]

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_the_workers_of_a_night_take_it(self, odd, workers):
        text = '[night]\ninput = "odd"\noutput = "out"\n[[step]]\nname = "clean_cosmic_rays"\n'
        (odd.parent / "night.toml").write_text(text + DIALECT)
        (odd.parent / "plain.toml").write_text(text)
        assert main(["reduce", "night.toml", "--workers", workers, "--quiet", "--no-report"]) == 0
        assert "ELPERADU" in fits.getheader("out/frame_2.fits").comments["CRGAIN"]
        command = ["reduce", "plain.toml", "--dialect", "odd.toml", "--workers", workers, "--quiet", "--no-report"]
        assert main(command) == 0

    def test_a_wrong_one_is_wrong_usage(self, odd, capsys):
        (odd.parent / "wrong.toml").write_text("[dialect]\nkeyword = 1\n")
        assert main(["headers", "odd", "--dialect", "wrong.toml"]) == 2
        assert "wrong.toml: Found the key 'keyword'" in capsys.readouterr().err
