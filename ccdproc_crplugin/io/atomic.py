# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError, wrong_value

__all__ = ["PART_NAME", "as_folder", "atomic_write", "part_path", "refuse_existing", "refuse_input"]

#: Names of files that are not finished.
PART_NAME = re.compile(r"\.[0-9a-f]{16}\.part")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Write to a temporary name in the same folder, and give the file its own name once it is whole."""
    refuse_existing(path, overwrite)
    if not path.parent.is_dir():
        raise CosmicRayError(f"Found no folder {str(path.parent)!r}; expected one to write {path.name!r} into.")
    temporary = part_path(path)
    try:
        yield temporary
        refuse_existing(path, overwrite)
        os.replace(temporary, path)
    except OSError as err:
        raise CosmicRayError(f"Found that {str(path)!r} can't be written: {err}.") from err
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def part_path(path: Path) -> Path:
    """A new name, beside ``path``, for a file or folder that is not finished; it fits `PART_NAME`."""
    return path.with_name(f".{secrets.token_hex(8)}.part")


def as_folder(name: str, value: Any) -> Path:
    """The path of an output folder; anything that is not the name of a folder is refused."""
    with suppress(TypeError):
        if value and "\0" not in os.fsdecode(value):
            return Path(os.fsdecode(value))
    raise wrong_value(name, value, "the name of a folder")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file unless ``overwrite`` is on."""
    if not overwrite and os.path.lexists(path):
        raise CosmicRayError(
            f"Found {str(path)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
        )


def refuse_input(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to replace a file that the result is made of, whatever ``overwrite`` says."""
    if path.exists() and any(other.exists() and other.samefile(path) for other in inputs):
        raise CosmicRayError(f"Found an input at {str(path)!r}; expected another output folder. Name one.")
