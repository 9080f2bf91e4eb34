# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr restore``.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import same_bits


def test_everything_goes_back(night):
    main(["clean", "raw/light_1.fits"])
    assert main(["restore", "cleaned/light_1.fits", "back.fits"]) == 0
    assert same_bits(fits.getdata("back.fits").astype("u2"), fits.getdata("raw/light_1.fits").astype("u2"))


def test_so_do_some_events(night, capsys):
    main(["clean", "raw/light_1.fits"])
    assert main(["restore", "cleaned/light_1.fits", "some.fits", "--labels", "1,3"]) == 0
    assert "1 events are still removed" in capsys.readouterr().out


@pytest.mark.parametrize(("labels", "code", "message"), [("9", 1, "label 9"), ("a,b", 2, "numbers with commas")])
def test_wrong_labels_are_refused(night, capsys, labels, code, message):
    main(["clean", "raw/light_1.fits"])
    assert main(["restore", "cleaned/light_1.fits", "some.fits", "--labels", labels]) == code
    assert message in capsys.readouterr().err
    assert not (night.parent / "some.fits").exists()
