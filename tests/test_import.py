# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What importing the package does and does not do.
"""

import subprocess
import sys

import pytest


def run(code, warnings="error"):
    return subprocess.run(
        [sys.executable, "-P", "-W", warnings, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("library", ["matplotlib", "photutils", "astroscrappy", "tqdm"])
def test_the_import_leaves_heavy_libraries_alone(library):
    assert run(f"import sys, ccdproc_crplugin; print({library!r} in sys.modules)") == "False"


def test_the_import_installs_the_methods():
    code = "import ccdproc_crplugin; from astropy.nddata import CCDData; print(hasattr(CCDData, 'clean_cosmic_rays'))"
    assert run(code) == "True"


@pytest.mark.parametrize(
    "module",
    ["cleaning.clean", "events.segments", "io.ccd", "frames.header", "plugins", "default_plugins.methods", "cli"],
)
def test_any_module_can_be_imported_first(module):
    code = f"import ccdproc_crplugin.{module}; from astropy.nddata import CCDData; print(CCDData.cr_segments.__name__)"
    assert run(code) == "cr_segments"


def test_every_public_name_is_there():
    code = "import ccdproc_crplugin as crp; print([name for name in crp.__all__ if getattr(crp, name, None) is None])"
    assert run(code, warnings="default") == "[]"


def test_an_unknown_name_is_an_attribute_error():
    import ccdproc_crplugin

    with pytest.raises(AttributeError, match="no attribute 'clean_cosmic_ray'"):
        _ = ccdproc_crplugin.clean_cosmic_ray


@pytest.mark.parametrize("words", [["--help"], ["clean", "--help"], ["tune", "--help"]])
def test_help_loads_neither_astropy_nor_numpy(words):
    code = (
        "import sys, pathlib; sys.argv = [str(pathlib.Path(sys.executable).parent / 'ccdcr')];"
        f"from ccdproc_crplugin.cli import main; main({words});"
        "print([name for name in ('astropy', 'numpy', 'ccdproc', 'photutils') if name in sys.modules])"
    )
    assert run(code).endswith("[]")
