# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A pytest plugin that puts the drop-in in the place of `astroscrappy.detect_cosmics`."""

import astroscrappy

from ccdproc_crplugin.lacosmic import detect_cosmics


def pytest_configure(config):
    # Not at import: collecting the doctests of this folder imports this file.
    astroscrappy.detect_cosmics = detect_cosmics
    astroscrappy.astroscrappy.detect_cosmics = detect_cosmics
