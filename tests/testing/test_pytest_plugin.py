# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The conformance kit as a plugin of pytest, in a run of its own.
"""

import subprocess
import sys

TESTS = '''
from ccdproc_crplugin import Detection, Detector, hookimpl
import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import parametrize_with_checks

def detect(data, *, mask, variance, readnoise, saturation):
    """Find nothing."""
    return Detection((data > 1e30) & ~mask)

NOTHING = Detector("nothing", "finds no cosmic ray at all", detect)
MISSES = {name: "it finds nothing" for name in """
    takes_masked_rows_and_columns takes_a_variance takes_a_variance_that_includes_the_hits takes_a_read_noise_of_0
    takes_a_known_saturation takes_infinite_and_missing_values_under_the_mask finds_bright_events
    finds_the_pixels_of_bright_events finds_hits_in_a_turned_frame
    finds_hits_at_the_border_or_says_that_it_does_not_look
""".split()}

@parametrize_with_checks([NOTHING], expected_failures=MISSES)
def test_conformance(subject, check):
    check(subject)

class Plugin:
    @hookimpl
    def ccdcr_detectors(self):
        yield NOTHING

def test_registered(registered_plugin):
    assert registered_plugin(Plugin()).startswith("under-test")
    assert "nothing" in crp.detectors()

def test_unregistered():
    assert "nothing" not in crp.detectors()
'''


def test_a_run_has_a_test_for_each_check_and_the_fixture(tmp_path):
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    words = ["-p", "ccdproc_crplugin.testing.pytest_plugin", "-p", "no:cacheprovider", "-q", "-rA"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "10 xfailed" in run.stdout
    assert "test_conformance[nothing-spares_stars]" in run.stdout
