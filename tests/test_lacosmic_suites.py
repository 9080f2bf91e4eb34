# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Other packages' own tests pass with the drop-in in place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["astroscrappy.tests", "ccdproc.tests.test_cosmicray"])
def test_suite_passes_with_the_drop_in(suite, tmp_path):
    pytest.importorskip(suite.split(".")[0])
    here = Path(__file__).parent / "helpers"
    paths = [str(here), os.environ.get("PYTHONPATH", "")]
    run = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "drop_in_plugin",
            "--pyargs",
            suite,
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
