# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Profiles of a star."""

import pytest

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.psf import PSF_MODELS, psf_kernel


@pytest.mark.parametrize("model", PSF_MODELS)
def test_a_profile_has_a_sum_of_one_and_its_peak_in_the_middle(model):
    kernel = psf_kernel(model, 2.5, 9)
    assert kernel.shape == (9, 9)
    assert kernel.sum() == pytest.approx(1.0)
    assert kernel[4, 4] == kernel.max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("airy", 2.5), "Found psfmodel='airy'; expected one of: 'gauss', 'gaussx', 'gaussy', 'moffat'"),
        (("gauss", 0), "Found psffwhm=0; expected a number above 0"),
        (("gauss", 2.5, 0), "Found psfsize=0; expected a whole number of 1 or more"),
    ],
)
def test_other_profiles_are_refused(arguments, message):
    with pytest.raises(CosmicRayError, match=message):
        psf_kernel(*arguments)
