# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plugins that are single files, without a package."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import ModuleType

from ccdproc_crplugin.errors import CosmicRayError, wrong_value
from ccdproc_crplugin.plugins.registry import Plugin

#: The environment variable that names files of plugins, separated as those of PATH.
FILES_VARIABLE = "CCDCR_PLUGINS"


def files_named(text: str) -> list[str]:
    """The files that the environment variable names."""
    return [os.path.expanduser(path) for path in text.split(os.pathsep) if path.strip()]


def plugin_of_file(path: str | os.PathLike) -> Plugin:
    """The plugin in a file, which bears the name of the file without its ending."""
    if not isinstance(path, str | os.PathLike):
        raise wrong_value("path", path, "the path of a Python file")
    return Plugin(Path(path).stem, f"file {os.path.abspath(path)}")


def module_of_file(path: str | os.PathLike) -> ModuleType:
    """Run a file as a module whose name no other module has; nothing is written beside it."""
    file = Path(os.path.abspath(path))
    if not file.is_file() or file.suffix != ".py":
        found = "no such file" if not os.path.exists(file) else "no regular file with the ending .py"
        raise CosmicRayError(f"{found}; expected a Python file.")
    digest = hashlib.sha256(os.fsencode(file)).hexdigest()[:12]
    module = ModuleType(f"ccdcr_plugin_file_{digest}")
    module.__file__ = str(file)
    earlier = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), vars(module))  # noqa: S102 - the user asks to run it
    except BaseException:
        _put_back(module.__name__, earlier)
        raise
    return module


def _put_back(name: str, earlier: ModuleType | None) -> None:
    """Have a module again that was there before, or none."""
    if earlier is None:
        del sys.modules[name]
    else:
        sys.modules[name] = earlier
