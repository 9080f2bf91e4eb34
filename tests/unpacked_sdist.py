# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Build the source distribution, unpack it, install it from there, and run its tests.

    python tests/unpacked_sdist.py FOLDER [what pytest takes ...]

FOLDER is made anew. Without more words only tests are run that show whether files are missing.
"""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

FEW = ["tests/test_import.py", "tests/test_architecture.py", "tests/kernels", "tests/cli/test_script.py", "README.rst"]


def unpacked(folder):
    """The folder of the source distribution, which is built from the tree that this file is in."""
    tree = Path(__file__).parents[1]
    shutil.rmtree(folder, ignore_errors=True)
    run("-m", "build", "--sdist", "--outdir", str(folder), str(tree))
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def run(*words, **settings):
    """Run Python, and stop where it fails."""
    subprocess.run([sys.executable, *words], check=True, **settings)


def main(folder, *words):
    """Build, unpack, install, test."""
    source = unpacked(Path(folder).resolve() / "sdist")
    run("-m", "pip", "install", f"{source}[test]")
    run("-P", "-m", "pytest", *(words or FEW), cwd=source)


if __name__ == "__main__":
    main(*sys.argv[1:])
