# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The detector finds what the package lacosmic finds, and does what is asked of every detector.
"""

import ccdcr_lacosmic
import lacosmic
import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import parametrize_with_checks
from ccdproc_crplugin.testing.frames import battery, ccd_of

DETECTOR = next(iter(ccdcr_lacosmic.ccdcr_detectors()))


@parametrize_with_checks([DETECTOR])
def test_conformance(subject, check):
    check(subject)


def test_the_mask_is_that_of_lacosmic():
    scene = battery()
    expected = lacosmic.remove_cosmics(
        scene.data, contrast=2.0, cr_threshold=5.0, neighbor_threshold=2.0, effective_gain=1.0, readnoise=5.0
    )[1]
    cleaned = crp.clean_cosmic_rays(ccd_of(scene), "lacosmic-package", preflight="off")
    np.testing.assert_array_equal((cleaned.flags & crp.PixelFlag.COSMIC_RAY) != 0, expected)


def test_a_border_mode_that_does_not_exist_is_refused():
    with pytest.raises(crp.CosmicRayError, match="border_mode='zigzag'; expected one of: mirror"):
        crp.clean_cosmic_rays(ccd_of(battery()), "lacosmic-package", border_mode="zigzag")
