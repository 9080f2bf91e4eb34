# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The HST frame of the L.A.Cosmic paper, and the mask that the author's IRAF task gives for it."""

import numpy as np
import pytest
from astropy.io import fits

from ccdproc_crplugin import detectors
from ccdproc_crplugin.lacosmic import detect_cosmics

LIMITS = {"sigclip": 4.5, "sigfrac": 0.3, "objlim": 4.0, "niter": 4}


@pytest.fixture(scope="module")
def frame(request):
    folder = request.getfixturevalue("real_data") / "paper_hst"
    mask = fits.getdata(folder / "iraf_mask.fits").astype(bool)
    return fits.getdata(folder / "image.fits").astype(np.float32), mask


def f1(mask, truth):
    return 2 * np.count_nonzero(mask & truth) / (np.count_nonzero(mask) + np.count_nonzero(truth))


def test_the_iraf_variant_gives_the_mask_of_the_iraf_task(frame):
    data, truth = frame
    mask, _ = detect_cosmics(data, gain=7, readnoise=5, sepmed=False, satlevel=np.inf, variant="iraf", **LIMITS)
    assert f1(mask, truth) > 0.9995


def test_the_detector_gives_it_too(frame):
    data, truth = frame
    nothing = np.zeros(data.shape, dtype=bool)
    given = {"mask": nothing, "variance": None, "readnoise": 5.0, "saturation": np.inf}
    found = detectors()["lacosmic"].detect(data * np.float32(7), variant="iraf", **given, **LIMITS)
    assert f1(found.mask, truth) > 0.9995
