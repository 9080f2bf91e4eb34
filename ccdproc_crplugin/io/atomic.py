# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Names of files and folders, and files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from ccdproc_crplugin.errors import CosmicRayError, wrong_value
from ccdproc_crplugin.io.inputs import note_written, refuse_input
from ccdproc_crplugin.io.remote import refuse_remote, remote_path

#: Names of unfinished files: hidden, and with an ending that nobody takes for a frame after a killed run.
PART_NAME = re.compile(r"\.[0-9a-f]{16}\.part")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False, *, in_place: bool = False) -> Iterator[Path]:
    """
    Yield a name to write to in the folder of ``path``; rename it at the end, or remove it after an error.

    A file that the run reads is never replaced, unless ``in_place`` says that the user wants just that; then a link
    stays and the file that it leads to is replaced.
    """
    if in_place:
        path = Path(os.path.realpath(path))
    check_target(path, overwrite, in_place=in_place)
    if not path.parent.is_dir():
        raise CosmicRayError(f"Found no folder {str(path.parent)!r}; expected one to write {path.name!r} into.")
    temporary = part_path(path)
    try:
        yield temporary
        check_target(path, overwrite, in_place=in_place)
        os.replace(temporary, path)
        note_written(path)
    except OSError as err:
        raise CosmicRayError(f"Found that {str(path)!r} can't be written: {err}.") from err
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_target(path: Path, overwrite: bool, *, in_place: bool = False) -> None:
    """Refuse a target that is remote, that exists unless ``overwrite`` allows it, or that the run reads."""
    refuse_remote(path)
    if not in_place:
        refuse_existing(path, overwrite)
        refuse_input(path)


def part_path(path: Path) -> Path:
    """A new name for an unfinished file or folder, beside what it becomes."""
    return path.with_name(f".{secrets.token_hex(8)}.part")


def as_folder(name: str, value: Any) -> Path:
    """The folder that a user names as parameter ``name``."""
    if name == "input" and remote_path(value):
        raise CosmicRayError(", which is remote; expected a folder of this machine.", parameter=(name, repr(value)))
    refuse_remote(value)
    with suppress(TypeError):
        if value and "\0" not in os.fsdecode(value):
            return Path(os.fsdecode(value))
    raise wrong_value(name, value, "the name of a folder")


def as_path(path: Any) -> Path:
    """The file that a user names; a `RemotePath` for an address, which can be opened by `open_hdus` alone."""
    try:
        return cast(Path, remote_path(path) or Path(path))
    except TypeError as err:
        raise CosmicRayError(f"Found {path!r}; expected the name of a file.") from err


def ending_of(path: Path, endings: Iterable[str]) -> str:
    """Which of the known endings (in lower case) a file's name has; another name is refused."""
    for ending in endings:
        if path.name.lower().endswith(ending):
            return ending
    raise CosmicRayError(f"Found the file name {path.name!r}; expected one that ends in {', '.join(endings)}.")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file unless ``overwrite`` allows it."""
    if not overwrite and os.path.lexists(path):
        raise CosmicRayError(
            f"Found {str(path)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
        )
