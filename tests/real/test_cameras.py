# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Headers of real cameras: the table of the documentation, and what is missing.

With ``CCDCR_UPDATE_TABLES=1`` the table is written anew.
"""

import os
from pathlib import Path

import pytest

from ccdproc_crplugin.cli import main
from ccdproc_crplugin.cli.messages import calm
from ccdproc_crplugin.frames.summary import NEEDED, summary_of
from ccdproc_crplugin.io.ccd import open_hdus
from ccdproc_crplugin.io.hdus import image_indices, inherit
from ccdproc_crplugin.io.selection import find_frames

TABLE = Path(__file__).parents[2] / "docs" / "headers_cameras.txt"

#: What the table shows, and the values that are given to clean what lacks them.
SHOWN = ("kind", "gain", "readnoise", "saturation", "exposure", "temperature", "filter", "overscan", "corrections")
VALUES = {"kind": "light", "unit": "adu", "gain": "1.5", "readnoise": "5"}

#: Folders with names of cameras, as the table has them.
CAMERAS = {
    "broken_header": "Pan-STARRS GPC1, difference image",
    "eso_emmi": "ESO EMMI, sum of three frames",
    "feder_apogee_headers": "Apogee and SBIG, MaxIm DL and others",
    "hst_wfc3_flt": "HST WFC3, flt",
    "huntsman_asi183": "ZWO ASI183",
    "jwst_niriss_cal": "JWST NIRISS, cal",
    "kast_blue": "Lick Kast, blue",
    "kmtnet_saao": "KMTNet",
    "lsst_imsim_raw": "LSST, simulated",
    "meudon_msdp": "Meudon MSDP",
    "microobservatory": "MicroObservatory",
    "panoptes_canon_rggb": "Canon, PANOPTES",
    "sbig_st402_dss7": "SBIG ST-402",
}


@pytest.fixture(scope="module")
def cameras(request):
    return request.getfixturevalue("real_data") / "cameras"


def summaries(folder):
    """What the header of the first frame of each file says."""
    for path in find_frames(folder):
        with calm(), open_hdus(path) as hdus:
            index = image_indices(hdus, path)[0]
            unit = ("adu", "") if "BUNIT" in hdus[index].header or hdus[index].header["BITPIX"] > 0 else None
            if str(hdus[index].header.get("BUNIT", "")).lower().startswith("electron"):
                unit = ("electron", "BUNIT")
            yield summary_of(inherit(hdus, index), hdus[index].shape, unit)


def lacking(folder):
    """What light frames, and frames that may be ones, can't do without and do not say."""
    found = [summary for summary in summaries(folder) if summary.kind in ("light", "unknown")]
    return [name for name in NEEDED if any(name in summary.missing for summary in found)]


def table_of(cameras):
    lines = [".. list-table::", "   :header-rows: 1", "", "   * - camera", "     - read from", "     - had to be given"]
    for folder, camera in CAMERAS.items():
        sources = {}
        for summary in summaries(cameras / folder):
            for row in summary.rows:
                cards = [source.partition(" = ")[0] for source in row.source.split(", ")]
                sources.setdefault(row.quantity, {}).update(dict.fromkeys(cards))
        shown = "; ".join(f"{name}: {', '.join(sources[name])}" for name in SHOWN if name in sources)
        lines += [
            f"   * - {camera}",
            f"     - {shown or 'nothing'}",
            f"     - {', '.join(lacking(cameras / folder)) or 'nothing'}",
        ]
    return "\n".join(lines) + "\n"


def test_the_table_of_the_documentation_is_true(cameras):
    table = table_of(cameras)
    if os.environ.get("CCDCR_UPDATE_TABLES"):
        TABLE.write_text(table, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == table


def test_every_folder_is_in_the_table(cameras):
    assert {path.name for path in cameras.iterdir() if path.is_dir()} == set(CAMERAS)


@pytest.mark.parametrize("folder", CAMERAS)
def test_headers_shows_every_folder(cameras, folder, capsys):
    assert main(["headers", str(cameras / folder)]) == 0
    out = capsys.readouterr().out
    for name in lacking(cameras / folder):
        assert any(line.split()[:1] == [name] and line.endswith("needed") for line in out.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted(set(CAMERAS) - {"jwst_niriss_cal"}))
def test_with_that_given_every_light_is_cleaned(cameras, folder, tmp_path, capsys):
    given = [word for name in lacking(cameras / folder) for word in (f"--{name}", VALUES[name])]
    if "--kind" in given:
        given += ["--any-kind"]
    if folder == "hst_wfc3_flt":
        given += ["--hdu", "1"]
    assert main(["clean", str(cameras / folder), "-o", str(tmp_path), "--quiet", "--max-fraction", "1", *given]) == 0


def test_a_rate_is_refused_with_what_to_do(cameras, tmp_path, capsys):
    path = str(cameras / "jwst_niriss_cal")
    assert main(["clean", path, "--hdu", "1", "-o", str(tmp_path), "--gain", "1.6", "--readnoise", "10"]) == 1
    assert "a rate; expected adu or electron" in capsys.readouterr().err
