# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr compare``.
"""

from pathlib import Path

import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main


def test_compare_counts(night, capsys):
    main(["clean", "raw/light_1.fits", "-o", "a"])
    main(["clean", "raw/light_1.fits", "-o", "b", "--detector", "median", "-p", "thresh=100"])
    capsys.readouterr()
    assert main(["compare", "a/light_1.fits", "b/light_1.fits"]) == 0
    assert " ".join(capsys.readouterr().out.split()) == "both only a only b pixels 7 1 0 events 2 1 0"


def test_compare_takes_the_truth(frames, tmp_path, capsys):
    main(["clean", str(frames / "frame_001.fits"), "-o", str(tmp_path), "--quiet"])
    truth = fits.getdata(frames / "truth/frame_001.fits", "TRUTH") > 0
    expected = str(crp.compare_masks(crp.read_ccd(tmp_path / "frame_001.fits"), truth))
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "frame_001.fits"), str(frames / "truth/frame_001.fits")]) == 0
    assert capsys.readouterr().out.strip() == expected.strip()


class TestDetectors:
    def test_the_table_says_who_found_what(self, night, capsys):
        assert main(["compare", "raw/light_1.fits", "--detectors", "lacosmic,median"]) == 0
        printed = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["lacosmic", "8", "8", "0", "3", "3", "0"] in printed
        assert ["x", "x", "8", "3"] in printed

    def test_each_has_its_parameters(self, night, capsys):
        words = ["--detectors", "lacosmic,median", "-p", "median.thresh=100"]
        assert main(["compare", "raw/light_1.fits", *words]) == 0
        assert ["median", "7", "7", "0", "2", "2", "0"] in [
            line.split() for line in capsys.readouterr().out.splitlines()
        ]

    def test_a_picture_is_drawn(self, night, capsys):
        words = ["compare", "raw/light_1.fits", "--detectors", "lacosmic,median", "-o", "a.png"]
        assert main(words) == 0
        assert capsys.readouterr().out.endswith("wrote a.png\n")
        assert main(words) == 2

    def test_the_report_shows_what_each_cleaned(self, night, capsys):
        words = ["compare", "raw/light_1.fits", "--detectors", "lacosmic,median", "--report", "both"]
        assert main(words) == 0
        assert capsys.readouterr().out.endswith("wrote both/report.html\n")
        cleaned = {path.name: crp.read_ccd(path).header["CRDETECT"] for path in Path("both").glob("*.fits")}
        assert cleaned == {"light_1_lacosmic.fits": "lacosmic", "light_1_median.fits": "median"}
        assert all(name in Path("both/report.html").read_text() for name in cleaned)
        assert main(words) == 2

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["--detectors", "lacosmic"],
            ["--detectors", "lacosmic,lacosmic"],
            ["--detectors", "lacosmic,nobody"],
            ["raw/light_1.fits", "--detectors", "lacosmic,median"],
            ["--detectors", "lacosmic,median", "-p", "thresh=3"],
            ["--detectors", "lacosmic,median", "-p", "median.tresh=3"],
            ["--detectors", "lacosmic,median", "-o", "a.txt"],
            ["raw/light_1.fits", "-o", "a.png"],
            ["raw/light_1.fits", "--report", "both"],
        ],
    )
    def test_wrong_usage(self, night, capsys, words):
        assert main(["compare", "raw/light_1.fits", *words]) == 2
        assert capsys.readouterr().err
