# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The parameters of L.A.Cosmic."""

import pytest

from ccdproc_crplugin.kernels.options import Options


@pytest.mark.parametrize(("fsmode", "objlim"), [("median", 5.0), ("convolve", 2.0)])
def test_objlim_depends_on_the_fine_structure(fsmode, objlim):
    assert Options(readnoise=10.0, fsmode=fsmode).objlim == objlim


def test_a_matched_filter_has_a_star_by_default():
    assert Options(readnoise=10.0, fsmode="convolve").psf_kernel.shape == (7, 7)
