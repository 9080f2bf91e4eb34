# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Inventories of the documentation of other packages, from the names in ``other_packages.toml``.
"""

import tomllib
import zlib
from pathlib import Path

HEADER = """# Sphinx inventory version 2
# Project: {}
# Version:
# The remainder of this file is compressed using zlib.
"""


def write(names, folder):
    """Write an inventory for each package; what ``intersphinx_mapping`` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for package, known in tomllib.loads(Path(names).read_text(encoding="utf-8")).items():
        lines = (_line(name, *kind_and_place.split()) for name, kind_and_place in known["names"].items())
        file = folder / f"{package}.inv"
        file.write_bytes(HEADER.format(package).encode() + zlib.compress("".join(lines).encode()))
        mapping[package] = (known["site"], str(file))
    return mapping


def _line(name, kind, place):
    return f"{name} {kind} 1 {place} -\n"
