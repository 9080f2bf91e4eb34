# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
No command overwrites a file that it reads, whatever the options say.
"""

import os

import pytest

from ccdproc_crplugin.cli import main

from ..helpers.fits_bytes import raw


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two raw frames, one of them cleaned, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("raw.fits", "other.fits"):
        (tmp_path / name).write_bytes(raw())
    main(["clean", "raw.fits", "-o", "cleaned", "--quiet"])
    (tmp_path / "drawn.txt").write_text("1 1\n5 1\n5 5\n")
    os.link(tmp_path / "raw.fits", tmp_path / "hard.fits")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("segments raw.fits --output raw.fits --overwrite", "raw.fits"),
        ("segments raw.fits --output hard.fits --overwrite", "raw.fits"),
        ("segments raw.fits --output other.fits --beside dark=other.fits --overwrite", "other.fits"),
        ("clean raw.fits -o . --overwrite --quiet", "raw.fits"),
        ("clean raw.fits other.fits -o . --overwrite --quiet", "other.fits"),
        ("clean cleaned/raw.fits -o . --bad-pixels raw.fits --force --overwrite --quiet", "raw.fits"),
        ("clean cleaned/raw.fits -o . --dark raw.fits --force --overwrite --quiet", "raw.fits"),
        ("restore cleaned/raw.fits cleaned/raw.fits --overwrite", "cleaned/raw.fits"),
    ],
)
def test_an_input_is_kept(files, capsys, command, read):
    before = (files / read).read_bytes()
    assert main(command.split()) != 0
    assert (files / read).read_bytes() == before
    assert "Found an input at" in capsys.readouterr().err


def test_another_file_is_replaced_as_asked(files, capsys):
    assert main(["clean", "raw.fits", "-o", "cleaned", "--overwrite", "--quiet"]) == 0


def test_in_place_is_allowed_and_a_link_stays_a_link(files, capsys):
    (files / "link.fits").symlink_to(files / "cleaned" / "raw.fits")
    assert main(["restore", "link.fits", "--in-place"]) == 0
    assert (files / "link.fits").is_symlink()
    assert main(["restore", "cleaned/raw.fits", "out.fits"]) == 1  # nothing is left to restore
