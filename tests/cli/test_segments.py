# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr segments``.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import plugins
from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import hit_frame
from ..helpers.raw_frames import write_raw


def test_it_lists_writes_and_draws(night, capsys):
    main(["clean", "raw/light_1.fits"])
    words = ["segments", "cleaned/light_1.fits", "-o", "events.ecsv", "--gallery", "events.png"]
    assert main(words) == 0
    assert len(QTable.read("events.ecsv")) == 3
    assert (night.parent / "events.png").read_bytes().startswith(b"\x89PNG")
    assert "CRSegments: 3 events" in capsys.readouterr().out
    assert main(words) == 2


def test_a_raw_frame_is_searched(night, capsys):
    assert main(["segments", "raw/light_1.fits", "--detector", "median"]) == 0
    assert "3 events" in capsys.readouterr().out


def test_tracks_have_angles_and_energies_where_the_silicon_is_known(night, capsys):
    words = ["segments", "raw/light_1.fits", "--pixel-size", "10", "--thickness", "20", "-o", "events.ecsv"]
    assert main(words) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert {"track", "zenith_angle", "energy_loss"} <= set(first.split())
    assert QTable.read("events.ecsv")["energy_loss"].unit == u.eV / u.micron


def test_no_event_is_no_error(here, capsys):
    write_raw(here / "flat.fits", data=np.full((30, 30), 100, dtype="u2"))
    assert main(["segments", "flat.fits", "--gallery", "page.png"]) == 0
    assert "no event to draw" in capsys.readouterr().out


def test_small_events_are_listed_unless_left_out(night, capsys):
    assert main(["segments", "raw/light_1.fits", "--detector", "median"]) == 0
    assert "3 events" in capsys.readouterr().out
    words = ["segments", "raw/light_1.fits", "--detector", "median", "--n-pixels", "2", "-o", "events.ecsv"]
    assert main(words) == 0
    assert "1 event, 6 pixels (75% of the 8 hit)" in capsys.readouterr().out
    assert list(QTable.read("events.ecsv")["area"].value) == [6]


class TestDark:
    @pytest.fixture
    def frames(self, here):
        """A frame and its dark, which is hot where the frame has its first cosmic ray."""
        dark = np.zeros((50, 60), dtype="f4")
        dark[10, 12] = 3000
        header = {"IMAGETYP": "DARK", "EXPTIME": 10.0, "GAIN": 2.0, "RDNOISE": 5.0}
        CCDData(dark, unit="adu", meta=header).write("dark.fits")
        hit_frame(meta={"EXPTIME": 20.0, "GAIN": 2.0, "RDNOISE": 5.0}).write("frame.fits")

    def test_events_on_its_hot_pixels_have_a_class_of_their_own(self, frames):
        words = ["segments", "frame.fits", "--detector", "median", "--dark", "dark.fits", "-o", "events.ecsv"]
        assert main(words) == 0
        table = QTable.read("events.ecsv")
        assert "hot pixel" in table["class"]
        assert table["dark"].max() == 6000 * u.electron

    def test_it_is_scaled_if_it_was(self, frames):
        words = ["segments", "frame.fits", "--detector", "median", "--dark", "dark.fits", "--scale-dark"]
        assert main([*words, "-o", "events.ecsv"]) == 0
        assert QTable.read("events.ecsv")["dark"].max() == 12000 * u.electron

    def test_a_file_that_does_not_exist_is_wrong_usage(self, frames):
        assert main(["segments", "frame.fits", "--dark", "none.fits"]) == 2


def test_it_is_searched_as_clean_searches(night, capsys):
    raw = np.array(CCDData.read("raw/light_1.fits", unit="adu").data)
    fits.writeto("bad.fits", np.ones(raw.shape, dtype="u1"))
    assert main(["segments", "raw/light_1.fits", "--bad-pixels", "bad.fits", "--dispersion-axis", "1"]) == 1
    assert "no good pixel" in capsys.readouterr().err
    fits.writeto("bias.fits", np.full(raw.shape, 5.0, dtype="f4"))
    assert main(["segments", "raw/light_1.fits", "--bias", "bias.fits", "--detector", "median"]) == 0


@pytest.fixture
def veto():
    """A plugin that takes every pixel from the mask."""
    plugins.register(SimpleNamespace(ccdcr_refine=crp.hookimpl(ccdcr_refine)), "veto")
    yield
    plugins.unregister("veto")


def ccdcr_refine(mask):
    return np.zeros_like(mask)


class TestNoRefine:
    """``--no-refine`` keeps plugins from the mask."""

    WORDS = ("raw/light_1.fits", "--detector", "median")

    @pytest.mark.parametrize(("switch", "found"), [([], "0 events"), (["--no-refine"], "3 events")])
    def test_of_segments(self, night, veto, capsys, switch, found):
        assert main(["segments", *self.WORDS, *switch]) == 0
        assert found in capsys.readouterr().out

    @pytest.mark.parametrize(("switch", "found"), [([], 0), (["--no-refine"], 3)])
    def test_of_clean(self, night, veto, switch, found):
        assert main(["clean", *self.WORDS, *switch]) == 0
        header = fits.getheader("cleaned/light_1.fits")
        assert header["CRNEVENT"] == found
        assert ("refine=False" in str(header["HISTORY"]).replace("\n", "")) == bool(found)

    def test_a_frame_that_was_cleaned_is_not_searched(self, night, capsys):
        main(["clean", "raw/light_1.fits"])
        assert main(["segments", "cleaned/light_1.fits", "--no-refine"]) == 1
        assert "cleaned already" in capsys.readouterr().err


def test_the_reason_of_the_verdict_is_that_of_clean(here, capsys):
    sky = np.random.default_rng(1).normal(300, 10, (300, 300))
    sky[100:140, 100:140] += 5000
    write_raw(here / "square.fits", data=sky.astype("u2"))
    mask = sky > 3000
    segments = crp.cr_segments(crp.read_ccd("square.fits"), mask=mask)
    assert "too large: an event of 1600 pixels" in repr(segments)
