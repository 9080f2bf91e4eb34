# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The detector does what is asked of every detector.
"""

import ccdcr_threshold

from ccdproc_crplugin.testing import parametrize_with_checks


@parametrize_with_checks(list(ccdcr_threshold.ccdcr_detectors()))
def test_conformance(subject, check):
    check(subject)
