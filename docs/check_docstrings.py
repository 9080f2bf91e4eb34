# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Check the docstrings of the public names, which are those that ``reference.rst`` lists, with numpydoc."""

import re
import sys
from pathlib import Path

PACKAGE = "ccdproc_crplugin"
REFERENCE = Path(__file__).parent / "reference.rst"

#: What is not asked of every docstring: extended summaries, examples and cross-references everywhere, and returns of
#: properties and of hooks.
NOT_ASKED = {"ES01", "EX01", "SA01", "SA04", "GL01", "PR09", "RT01", "RT03", "RT05", "SS05", "SS06"}

#: Of a class: its parameters may be the fields of a dataclass, which numpydoc does not see.
NOT_ASKED_OF_CLASSES = NOT_ASKED | {"PR01", "PR02"}


def public_names():
    """The names in the order of the page, those of each of its tables."""
    tables = re.findall(
        r"^\.\. autosummary::\n(?:    :.*\n)*\n((?:    \S+\n)+)", REFERENCE.read_text(encoding="utf-8"), re.M
    )
    return [f"{PACKAGE}.{name}" for table in tables for name in table.split()]


def faults_of(name):
    """What numpydoc finds wrong with a docstring."""
    from numpydoc.validate import Validator, validate

    is_function = Validator._load_obj(name).__class__.__name__ == "function"
    not_asked = NOT_ASKED if is_function else NOT_ASKED_OF_CLASSES
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code not in not_asked]


def main():
    """Print the faults; the exit code is their number."""
    names = public_names()
    faults = [fault for name in names for fault in faults_of(name)]
    if not names:
        faults = [f"{REFERENCE} lists no name"]
    print("\n".join(faults))
    print(f"{len(names)} public names checked: {', '.join(name.removeprefix(PACKAGE + '.') for name in names)}")
    return min(len(faults), 125)


if __name__ == "__main__":
    sys.exit(main())
