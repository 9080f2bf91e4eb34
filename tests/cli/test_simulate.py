# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr simulate``.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.simulate.dialects import DIALECTS

from ..helpers.raw_frames import SMALL


def test_frames_come_with_truth_mask_and_event_table(frames):
    assert sorted(path.name for path in frames.glob("*.fits")) == ["frame_001.fits", "frame_002.fits"]
    truth = frames / "truth"
    mask = fits.getdata(truth / "frame_001.fits", "TRUTH")
    labels = fits.getdata(truth / "frame_001.fits", "LABELS")
    np.testing.assert_array_equal(mask == 1, labels > 0)
    assert len(QTable.read(truth / "frame_001_events.ecsv")) == labels.max() == 10


def test_a_simulated_frame_can_be_read_and_cleaned(frames):
    ccd = crp.read_ccd(frames / "frame_001.fits")
    assert str(ccd.unit) == "electron"
    assert ccd.clean_cosmic_rays(preflight="off").header["CRNEVENT"] > 0


def test_the_same_seed_gives_the_same_bytes(frames, tmp_path):
    assert main(["simulate", str(tmp_path / "again"), "-n", "2", *SMALL]) == 0
    for path in frames.rglob("*.*"):
        assert (tmp_path / "again" / path.relative_to(frames)).read_bytes() == path.read_bytes()


def test_another_seed_gives_other_frames(frames, tmp_path):
    main(["simulate", str(tmp_path / "other"), "--seed", "1", *SMALL])
    assert (tmp_path / "other/frame_001.fits").read_bytes() != (frames / "frame_001.fits").read_bytes()


def test_nothing_is_overwritten(frames, capsys):
    before = (frames / "frame_001.fits").read_bytes()
    assert main(["simulate", str(frames), "--seed", "9", *SMALL]) == 1
    assert "already holds FITS files" in capsys.readouterr().err
    assert (frames / "frame_001.fits").read_bytes() == before


def test_a_night_has_the_frames_asked_for(tmp_path, capsys):
    numbers = ["--n-bias", "2", "--n-dark", "1", "--n-flat", "1", "--n-light", "2"]
    assert main(["simulate", str(tmp_path), "--night", *numbers, *SMALL, "--dialect", "maximdl"]) == 0
    kinds = [path.name.split("_")[0] for path in sorted(tmp_path.glob("*.fits"))]
    assert kinds == ["bias", "bias", "dark", "flat", "light", "light"]
    assert fits.getdata(tmp_path / "light_001.fits").dtype == np.uint16
    assert "wrote 6 frames" in capsys.readouterr().out


def test_rows_and_columns_are_one_word_before_the_folder(tmp_path):
    assert main(["simulate", *SMALL[2:], "--size", "120x140", str(tmp_path)]) == 0
    assert fits.getdata(tmp_path / "frame_001.fits").shape == (120, 140)


def test_the_camera_is_set_by_options(tmp_path):
    camera = ["--gain", "0.7", "--readnoise", "9", "--pixel-size", "3.8", "--hot-pixels", "0.02", "--bits", "12"]
    numbers = ["--n-bias", "1", "--n-dark", "1", "--n-flat", "0", "-n", "0", "--n-muons", "0", "--exposure", "600"]
    assert main(["simulate", str(tmp_path), "--night", *SMALL, *numbers, *camera, "--dialect", "ing"]) == 0
    header = fits.getheader(tmp_path / "bias_001.fits")
    assert (header["GAIN"], header["READNOIS"], header["CCDXPIXE"]) == (0.7, 9, pytest.approx(3.8e-6))
    bias, dark = (fits.getdata(tmp_path / f"{kind}_001.fits").astype(float) for kind in ("bias", "dark"))
    assert np.median(bias) == pytest.approx(4096 / 16, abs=3)
    assert dark.max() <= 4095
    assert (dark - np.median(dark) > 200).mean() == pytest.approx(0.02, rel=0.5)


def test_options_of_the_camera_that_are_left_out_are_as_in_the_camera(tmp_path):
    from ccdproc_crplugin.simulate import THICK, THIN, Camera

    usual = Camera()
    figures = (usual.gain, usual.readnoise, usual.hot_fraction, usual.bits, THIN.pixel_size, THICK.pixel_size)
    assert figures == (1.5, 6, 0.0003, 16, 13.5, 15)  # as `ccdcr simulate --help` says


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--gain", "0"], "--gain 0"),
        (["--readnoise", "-1"], "--readnoise -1"),
        (["--hot-pixels", "2"], "--hot-pixels 2"),
        (["--pixel-size", "0.1"], "--pixel-size 0.1"),
        (["--bits", "40"], "--bits 40"),
    ],
)
def test_an_impossible_camera_is_wrong_usage(tmp_path, capsys, wrong, named):
    assert main(["simulate", str(tmp_path / "new"), *wrong]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_dialects_offered_are_those_of_the_simulation():
    from ccdproc_crplugin.cli.simulate import DIALECTS as OFFERED

    assert set(OFFERED) == set(DIALECTS)


@pytest.mark.parametrize("wrong", [["--size", "0"], ["--size", "2x3x4"], ["--n-stars", "-1"], ["--dialect", "klingon"]])
def test_senseless_numbers_are_wrong_usage(tmp_path, wrong):
    assert main(["simulate", str(tmp_path / "new"), *wrong]) == 2
    assert not (tmp_path / "new").exists()
