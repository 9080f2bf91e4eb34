# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The installed program ``ccdcr``: what happens in a process in which nothing was imported before.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from ccdproc_crplugin.cli import COMMANDS

from ..helpers.raw_frames import SMALL

# What the installed program does, told that it is that program.
SCRIPT = """
import sys
from pathlib import Path
sys.argv[0] = str(Path(sys.executable).parent / "ccdcr")
from ccdproc_crplugin.cli import main
sys.exit(main())
"""


def ccdcr(*words, folder):
    return subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, cwd=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small night in raw/, a frame cleaned from it in cleaned/, and a configuration."""
    folder = tmp_path_factory.mktemp("script")
    assert ccdcr("simulate", "raw", "--night", "--n-light", "2", *SMALL, folder=folder).returncode == 0
    assert ccdcr("simulate", "frames", "-n", "1", *SMALL, folder=folder).returncode == 0
    (path,) = Path(folder, "frames").glob("*.fits")
    path.rename(folder / "frame.fits")
    assert ccdcr("clean", "frame.fits", "--output", "cleaned", folder=folder).returncode == 0
    steps = "".join(f'[[step]]\nname = "{name}"\n' for name in ("subtract_bias", "clean_cosmic_rays"))
    (folder / "night.toml").write_text(f'[night]\ninput = "raw"\noutput = "reduced"\n{steps}')
    return folder


WORDS = {
    "headers": ["frame.fits"],
    "clean": ["frame.fits", "--output", "again"],
    "segments": ["cleaned/frame.fits"],
    "check": ["frame.fits"],
    "tune": ["frame.fits"],
    "restore": ["cleaned/frame.fits", "restored.fits"],
    "compare": ["cleaned/frame.fits", "cleaned/frame.fits"],
    "combine": ["raw", "--output", "calibration"],
    "reduce": ["night.toml"],
    "report": ["cleaned", "--output", "night.html"],
    "plugins": [],
    "simulate": ["more", "-n", "1", *SMALL],
    "cite": ["cleaned/frame.fits"],
    "stack": ["raw/light_001.fits", "raw/light_002.fits", "--output-dir", "stacked"],
    "demo": ["--help"],
}


def test_every_command_is_tried():
    assert set(WORDS) == set(COMMANDS)


@pytest.mark.parametrize("command", WORDS)
def test_a_command_works_in_a_process_of_its_own(command, folder):
    done = ccdcr(command, *WORDS[command], folder=folder)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
    assert done.stdout


def test_two_workers_reduce_a_night(folder):
    done = ccdcr("reduce", "night.toml", "--workers", "2", folder=folder)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
