# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["PART_NAME", "as_folder", "atomic_write", "refuse_existing", "refuse_input", "unfinished"]

PART_NAME = re.compile(r"\.[0-9a-f]{16}\.part")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Have a file whole or not at all."""
    refuse_existing(path, overwrite)
    if not path.parent.is_dir():
        raise CosmicRayError(f"Found no folder {str(path.parent)!r}; expected one to write {path.name!r} into.")
    temporary = unfinished(path)
    try:
        yield temporary
        refuse_existing(path, overwrite)
        os.replace(temporary, path)
    except OSError as err:
        raise CosmicRayError(f"Found that {str(path)!r} can't be written: {err}.") from err
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """A name for what is not yet what it shall be."""
    return path.with_name(f".{secrets.token_hex(8)}.part")


def as_folder(name: str, value: Any) -> Path:
    """The name of a folder to be written to."""
    with suppress(TypeError):
        if value and "\0" not in os.fsdecode(value):
            return Path(os.fsdecode(value))
    raise CosmicRayError(f"Found {name}={value!r}; expected the name of a folder.")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file, unless told."""
    if not overwrite and os.path.lexists(path):
        raise CosmicRayError(
            f"Found {str(path)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
        )


def refuse_input(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to replace a file that the result is made of, told or not."""
    if path.exists() and any(other.exists() and other.samefile(path) for other in inputs):
        raise CosmicRayError(f"Found an input at {str(path)!r}; expected another output folder. Name one.")
