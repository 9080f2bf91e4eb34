# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr compare``.
"""

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
