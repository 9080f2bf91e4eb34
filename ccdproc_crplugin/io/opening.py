# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""FITS files opened: local or remote, packed or not, and shielded from damage. All of this package read here."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io import fits

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import as_path
from ccdproc_crplugin.io.inputs import note_read
from ccdproc_crplugin.io.remote import RemotePath, read_remote
from ccdproc_crplugin.io.structure import OF_FRAMES, Expansion, StructureError, check_expansion, sound_stream

#: The first bytes of packed files, what unpacks them, and the program that does so by hand.
PACKINGS: dict[bytes, tuple[Any, str]] = {
    b"\x1f\x8b": (gzip.open, "gunzip"),
    b"BZh": (bz2.open, "bunzip2"),
    b"\xfd7zXZ": (lzma.open, "unxz"),
}

#: The first bytes of archives, and of files that the program compress made.
ZIP, COMPRESS = b"PK\x03\x04", b"\x1f\x9d"

#: Bytes unpacked at a time.
PIECE = 1 << 24


@contextmanager
def open_hdus(
    path: str | os.PathLike, *, is_input: bool = True, expansion: Expansion = OF_FRAMES, **settings: Any
) -> Iterator[fits.HDUList]:
    """
    Open a FITS file once, packed or not; arrays that were read outlive it.

    A file that is no input, such as an earlier result, may be replaced later. ``expansion`` is how far a packed file
    may expand. ``settings`` are those of `fits.open`.
    """
    path = as_path(path)
    with (
        reading(path),
        open_stream(path, is_input=is_input) as stream,
        fits.open(sound(stream, path, expansion), **settings) as hdus,
    ):
        yield hdus


def open_stream(path: Path | RemotePath, *, is_input: bool = True, buffering: int = -1) -> Any:
    """The bytes of a file as they are stored; those of a remote file are in memory."""
    if isinstance(path, RemotePath):
        return read_remote(path)
    if is_input:
        note_read(path)
    return open(path, "rb", buffering=buffering)


def sound(stream: BinaryIO, path: Any, expansion: Expansion = OF_FRAMES) -> BinaryIO:
    """A stream of the unpacked file whose structure is sound: the same stream if the file is so as it is stored."""
    size = stream.seek(0, os.SEEK_END)
    try:
        content: Any = sound_stream(_plain(stream, size, expansion), size, expansion)
    except StructureError as err:
        raise _unreadable(path, str(err), err.advice) from err
    if content is not stream:
        content.name = os.fspath(path)
    return content


def is_packed(stream: BinaryIO) -> bool:
    """Whether the file of a stream is packed as a whole."""
    start = _start_of(stream)
    return any(start.startswith(first) for first in (*PACKINGS, ZIP, COMPRESS))


def _start_of(stream: BinaryIO) -> bytes:
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    return start


def _plain(stream: BinaryIO, size: int, expansion: Expansion) -> BinaryIO:
    """The stream of a file, or that of its unpacked content."""
    start = _start_of(stream)
    for first, (unpack, program) in PACKINGS.items():
        if start.startswith(first):
            return _unpacked(unpack(stream), size, expansion, program)
    if start.startswith(ZIP):
        return _unpacked(_only_member(stream), size, expansion, "unzip")
    if start.startswith(COMPRESS):
        raise StructureError("it is packed with compress, not with gzip, bzip2, xz or zip")
    return stream


def _only_member(stream: BinaryIO) -> Any:
    archive = zipfile.ZipFile(stream)
    names = archive.namelist()
    if len(names) != 1:
        raise StructureError(f"it is an archive of {len(names)} files, not of one")
    return archive.open(names[0])


def _unpacked(packed: Any, size: int, expansion: Expansion, program: str) -> BinaryIO:
    content = io.BytesIO()
    with packed:
        while piece := packed.read(PIECE):
            content.write(piece)
            check_expansion(content.tell(), size, expansion, program)
    content.seek(0)
    return content


@contextmanager
def reading(path: Any) -> Iterator[None]:
    """Turn any error that a damaged file raises into a `CosmicRayError` that names the file."""
    try:
        _refuse_irregular(path)
        yield
    except (CosmicRayError, Warning):
        raise
    except FileNotFoundError as err:
        if os.path.islink(path):
            raise CosmicRayError(f"Found {str(path)!r}, a link that leads nowhere; expected a FITS file.") from err
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a FITS file.") from err
    except Exception as err:
        raise _unreadable(path, _in_words(err)) from err


def _unreadable(path: Any, reason: str, advice: str = "") -> CosmicRayError:
    return CosmicRayError(f"Found {str(path)!r}, which can't be read ({reason}); expected a whole FITS file.", advice)


def _in_words(err: Exception) -> str:
    """What is wrong with a file, in words that do not speak of the program."""
    if isinstance(err, OSError) and err.strerror:
        return err.strerror
    if isinstance(err, (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)):
        return "it can't be unpacked"
    if isinstance(err, MemoryError):
        return "it does not fit into the memory"
    return "its content is damaged"


def _refuse_irregular(path: Any) -> None:
    """Refuse a pipe or a device: reading it may never end."""
    if isinstance(path, RemotePath):
        return
    mode = stat.S_IFREG
    with suppress(OSError, ValueError):  # the attempt to open the file says better what is wrong
        mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise CosmicRayError(f"Found {str(path)!r}, which is no regular file; expected a FITS file.")
