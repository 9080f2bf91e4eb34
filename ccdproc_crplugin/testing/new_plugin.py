# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Writes a new distribution with a detector that works, for its author to change."""

from __future__ import annotations

import datetime
import os
import re
from importlib.resources import files
from pathlib import Path

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError

#: The files of a distribution, and the templates that they are made from. Names have the words of `_words`, too.
TEMPLATES = {
    "pyproject.toml": "pyproject.toml.txt",
    "@module@.py": "module.py.txt",
    "tests/test_@module@.py": "test_module.py.txt",
    "README.rst": "README.rst.txt",
    "LICENSE.rst": "LICENSE.rst.txt",
    ".github/workflows/tests.yml": "tests.yml.txt",
    ".gitignore": "gitignore.txt",
}

#: How the names of distributions with plugins begin.
PREFIX = "ccdcr-"

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 30


def write_plugin(name: str, folder: str | os.PathLike | None = None) -> Path:
    """
    Write a whole distribution with a new detector: module, tests, metadata, licence and workflow.

    Parameters
    ----------
    name : str
        The name of the detector: lower-case letters, digits and hyphens.
    folder : path or None
        The folder to make, which must not exist or be empty. `None` means ``ccdcr-NAME`` here.

    Returns
    -------
    `~pathlib.Path`
        The folder.

    Raises
    ------
    CosmicRayError
        If the name can't be one or is taken, or the folder can't be made or has files.

    Examples
    --------
    >>> from ccdproc_crplugin.testing import write_plugin
    >>> folder = write_plugin("sharp-edges")
    >>> sorted(path.name for path in folder.iterdir() if path.is_file())
    ['.gitignore', 'LICENSE.rst', 'README.rst', 'ccdcr_sharp_edges.py', 'pyproject.toml']
    """
    words = _words(_checked_name(name))
    folder = Path(words["distribution"] if folder is None else folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        full = any(folder.iterdir())
    except (OSError, ValueError) as err:
        raise CosmicRayError(f"Found that the folder {str(folder)!r:.300} can't be made: {err}.") from err
    if full:
        raise CosmicRayError(f"Found files in the folder {str(folder)!r:.300}; expected a new or an empty one.")
    templates = files(__package__) / "skeleton"
    for target, template in TEMPLATES.items():
        path = folder / _filled(target, words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled((templates / template).read_text(encoding="utf-8"), words), encoding="utf-8")
    return folder


def _checked_name(name: str) -> str:
    """The name of the detector, without the prefix of its distribution."""
    short = name.removeprefix(PREFIX) if isinstance(name, str) else ""
    if not _NAME.fullmatch(short) or len(short) > _LONGEST:
        expected = f"lower-case letters, digits and single hyphens, a letter first, {_LONGEST} characters at most"
        raise CosmicRayError(f"Found the name {name!r:.100}; expected {expected}.", "Try a name such as sharp-edges.")
    if short in plugins.detectors():
        owner = plugins.host().plugin_of("detector", short)
        raise CosmicRayError(
            f"Found the name {short!r}, which {owner} has; expected a new one.", "Choose another name."
        )
    return short


def _words(name: str) -> dict[str, str]:
    """The words of the templates."""
    distribution = PREFIX + name
    return {
        "detector": name,
        "distribution": distribution,
        "module": distribution.replace("-", "_"),
        "title": distribution,
        "line": "=" * len(distribution),
        "year": str(datetime.datetime.now(tz=datetime.UTC).year),
    }


def _filled(template: str, words: dict[str, str]) -> str:
    for word, text in words.items():
        template = template.replace(f"@{word}@", text)
    return template
