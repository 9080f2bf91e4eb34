# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files that are there whole or not at all.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["as_folder", "atomic_write", "refuse_existing", "refuse_input", "unfinished"]


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """
    Have a file whole or not at all.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where the file shall stand.
    overwrite : bool
        Whether a file that is there may be replaced.

    Yields
    ------
    `~pathlib.Path`
        A name in the same folder to write to; it is renamed at the end, or removed after an error.

    Raises
    ------
    CosmicRayError
        If the file is there already, or its folder is not.
    """
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
    """
    A name for what is not yet what it shall be.

    Parameters
    ----------
    path : `~pathlib.Path`
        What it shall be.

    Returns
    -------
    `~pathlib.Path`
        A hidden name in the same folder, under whose ending nobody takes what a killed run may leave for a frame.
    """
    return path.with_name(f".{secrets.token_hex(8)}.part")


def as_folder(name: str, value: Any) -> Path:
    """
    The name of a folder to be written to.

    Parameters
    ----------
    name : str
        The keyword that it is given by.
    value : path
        The name.

    Returns
    -------
    `~pathlib.Path`
        The same.

    Raises
    ------
    CosmicRayError
        If it is none.
    """
    with suppress(TypeError):
        if value and "\0" not in os.fsdecode(value):
            return Path(os.fsdecode(value))
    raise CosmicRayError(f"Found {name}={value!r}; expected the name of a folder.")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """
    Refuse to replace a file, unless told.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where a file shall stand.
    overwrite : bool
        Whether one that is there may be replaced.

    Raises
    ------
    CosmicRayError
        If it may not.
    """
    if not overwrite and os.path.lexists(path):
        raise CosmicRayError(
            f"Found {str(path)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
        )


def refuse_input(path: Path, inputs: Iterable[Path]) -> None:
    """
    Refuse to replace a file that the result is made of, told or not.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where a file shall stand.
    inputs : iterable of `~pathlib.Path`
        The files that are read.

    Raises
    ------
    CosmicRayError
        If it is one of them, by whatever name.
    """
    if path.exists() and any(other.exists() and other.samefile(path) for other in inputs):
        raise CosmicRayError(f"Found an input at {str(path)!r}; expected another output folder. Name one.")
