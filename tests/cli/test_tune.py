# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr tune``.
"""

from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main


def test_tune_prints_table_choice_and_reason(frames, capsys):
    assert main(["tune", str(frames / "frame_001.fits")]) == 0
    printed = capsys.readouterr().out
    chosen = crp.cr_tune(crp.read_ccd(frames / "frame_001.fits"))
    assert f"sigclip = {chosen.sigclip:g}, objlim = {chosen.objlim:.3g}: {chosen.reason}" in printed
    assert "no pixel size in the header" in printed


def test_tune_says_what_the_preflight_found(frames, tmp_path, capsys):
    ccd = crp.read_ccd(frames / "frame_001.fits")
    ccd.data += 1000
    main(["tune", str(crp.write_ccd(ccd, tmp_path / "biased.fits"))])
    assert "noise: The noise is" in capsys.readouterr().err


def test_tune_writes_table_and_plot(frames, tmp_path, capsys):
    table, plot = tmp_path / "tuning.ecsv", tmp_path / "tuning.png"
    words = ["tune", str(frames / "frame_001.fits"), "--output", str(table), "--plot", str(plot)]
    assert main([*words, "--pixel-size", "15", "--altitude", "2000"]) == 0
    assert "expected_high" in Table.read(table).colnames
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main(words) == 2
    assert "there already" in capsys.readouterr().err


def test_tune_shows_what_tells_hot_pixels_from_cosmic_rays(frames, capsys):
    main(["tune", str(frames / "frame_001.fits")])
    heading = capsys.readouterr().out.splitlines()[0].split()
    assert {"n_single", "n_single_expected", "n_hot"} <= set(heading)
