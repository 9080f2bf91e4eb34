# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr check``.
"""

import numpy as np
from astropy.io import fits

from ccdproc_crplugin.cli import main


def test_check_passes_or_fails(night, here, capsys):
    assert main(["check", "raw/light_1.fits"]) == 0
    fits.writeto("none.fits", np.ones((9, 9), dtype="i2"))
    assert main(["check", "none.fits"]) == 1
    assert "what to do:" in capsys.readouterr().out
