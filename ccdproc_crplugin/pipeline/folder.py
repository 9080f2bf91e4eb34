# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The folder that a run writes to: apart from the input, locked, and without what a killed run left."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ccdproc_crplugin.errors import CosmicRayError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None

__all__ = ["check_folders", "locked", "target_in"]

LOCK = ".night.lock"

#: What a killed run leaves of a file it was writing, see `ccdproc_crplugin.io.atomic.atomic_write`.
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")


def check_folders(source: Path, output: Path) -> None:
    """Refuse folders that lie within each other."""
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
    """Where a result goes, which is never outside the output."""
    target = output / relative
    if not _real(target.parent).is_relative_to(_real(output)):
        raise CosmicRayError(
            f"Found that {str(relative)!r} leads out of the output {str(output)!r}; expected a path in it."
        )
    return target


def _real(path: Path) -> Path:
    """Where a path leads through all links, as far as it leads anywhere."""
    return Path(os.path.realpath(path))


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Make the output folder, and have it for one run alone."""
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
            # A worker of a run that was killed may have lived on for a moment.
            _remove_unfinished(output)
        finally:
            _unlock(lock)
    finally:
        os.close(lock)


def _lock(lock: int, output: Path) -> None:
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
    except OSError as err:
        raise CosmicRayError(
            f"Found another run at work in {str(output)!r}; expected none. Wait for its end, or name another output."
        ) from err


def _unlock(lock: int) -> None:
    """Let go of the lock, which processes forked in between hold, too."""
    if fcntl is not None:
        fcntl.flock(lock, fcntl.LOCK_UN)
    else:
        msvcrt.locking(lock, msvcrt.LK_UNLCK, 1)


def _remove_unfinished(output: Path) -> None:
    """Remove what a killed run left, but not in the output of another run inside this one."""
    for folder, subfolders, names in os.walk(output):
        subfolders[:] = [name for name in subfolders if not os.path.exists(os.path.join(folder, name, LOCK))]
        for name in filter(_UNFINISHED.fullmatch, names):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))
        for name in filter(_UNFINISHED.fullmatch, subfolders):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
