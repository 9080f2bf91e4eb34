# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The output folder of a run: kept apart from the input, locked, and cleared of the remains of killed runs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import PART_NAME

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".night.lock"


def check_folders(source: Path | None, output: Path) -> None:
    """Refuse folders that are none, and folders that lie within each other; a collection has no input folder."""
    first = next((path for path in (output, *output.absolute().parents) if path.exists()), output)
    if first.is_file():
        raise CosmicRayError(f"Found the file {str(first)!r} for the output; expected a folder, or a new name for one.")
    if source is None:
        return
    if not source.is_dir():
        raise CosmicRayError(f"Found no folder {str(source)!r}; expected the one that holds the frames.")
    inner, outer = _real(output), _real(source)
    if inner == outer:
        raise CosmicRayError(f"Found {str(output)!r} as input and output; expected an output folder of its own.")
    if inner.is_relative_to(outer):
        raise CosmicRayError(
            f"Found the output {str(output)!r} inside the input {str(source)!r}; expected folders apart, so that no "
            "result is taken for a frame."
        )
    if outer.is_relative_to(inner):
        raise CosmicRayError(
            f"Found the input {str(source)!r} inside the output {str(output)!r}; expected folders apart, so that no "
            "frame is overwritten."
        )


def target_in(output: Path, relative: Path) -> Path:
    """The path of a result; refused if a link leads out of the output folder."""
    target = output / relative
    if not _real(target.parent).is_relative_to(_real(output)):
        raise CosmicRayError(
            f"Found that {str(relative)!r} leads out of the output {str(output)!r}; expected a path in it."
        )
    return target


def _real(path: Path) -> Path:
    """A path without links, as far as they can be followed."""
    return Path(os.path.realpath(path))


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Make the output folder and lock it against other runs; the system releases the lock of a process that dies."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = os.open(output / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as err:
        raise CosmicRayError(f"Found that the output {str(output)!r} can't be written: {err}.") from err
    try:
        _lock(lock, output)
        try:
            _remove_unfinished(output)
            yield
            # A worker of a killed run may have written for a moment longer.
            _remove_unfinished(output)
        finally:
            _unlock(lock)
    finally:
        os.close(lock)


def _lock(lock: int, output: Path) -> None:
    try:
        if sys.platform == "win32":
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        raise CosmicRayError(
            f"Found another run at work in {str(output)!r}; expected no other run there. Wait for its end, or name "
            "another output."
        ) from err


def _unlock(lock: int) -> None:
    """Release the lock, which processes forked in the meantime hold too."""
    if sys.platform == "win32":
        msvcrt.locking(lock, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _remove_unfinished(output: Path) -> None:
    """Remove unfinished files, except in the output folder of another run inside this one."""
    for folder, subfolders, names in os.walk(output):
        subfolders[:] = [name for name in subfolders if not os.path.exists(os.path.join(folder, name, LOCK))]
        for name in filter(PART_NAME.fullmatch, names):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))
        for name in filter(PART_NAME.fullmatch, subfolders):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
