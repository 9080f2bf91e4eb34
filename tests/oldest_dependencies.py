# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Write a constraints file of the lower bounds in ``pyproject.toml``: ``python tests/oldest_dependencies.py FILE``.
"""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement


def oldest(requirement):
    """The requirement pinned to its lower bound."""
    (bound,) = [part.version for part in requirement.specifier if part.operator == ">="]
    return f"{requirement.name}=={bound}"


def main(target):
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["test"]
    Path(target).write_text("\n".join(oldest(Requirement(line)) for line in listed) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
