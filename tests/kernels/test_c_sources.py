# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Other compilers take the C sources without a warning, so far as they are installed.
"""

import shutil
import subprocess
import sysconfig
from importlib.resources import files
from pathlib import Path

import pytest

import ccdproc_crplugin

SOURCES = sorted(path for path in files(ccdproc_crplugin).joinpath("kernels/src").iterdir() if path.name.endswith(".c"))

#: Compilers; the headers of Python that the modules need are not there for Windows.
COMPILERS = {"gcc": SOURCES, "clang": SOURCES, "x86_64-w64-mingw32-gcc": [s for s in SOURCES if "module" not in s.name]}


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_compiler_takes_every_source(compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    headers = sysconfig.get_path("include")
    if not (Path(headers) / "Python.h").exists():
        pytest.skip("no headers of Python")
    words = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{headers}", "-DPy_LIMITED_API=0x030b0000"]
    done = subprocess.run(
        [compiler, *words, *map(str, COMPILERS[compiler])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_are_sources():
    assert len(SOURCES) > 15
