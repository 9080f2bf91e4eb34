# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are not of this machine, such as ``s3://bucket/frame.fits``: read through fsspec, never written."""

from __future__ import annotations

import io
import os
import re
from pathlib import PurePath, PurePosixPath
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError

#: An address: a protocol of two letters or more, which no drive of Windows is, or several with ``::`` between.
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]+::)*[a-z][a-z0-9+.-]+://", re.IGNORECASE)

#: What an address becomes in a `~pathlib.Path`.
_COLLAPSED = re.compile(r"((?:[a-z][a-z0-9+.-]+::)*[a-z][a-z0-9+.-]+:)/(?=[^/])", re.IGNORECASE)

#: What may be secret in an address: a password, and the signature of a query.
_SECRET = re.compile(r"(?<=://)[^/@]*@|[?#].*$")


class RemotePath(PurePosixPath):
    """The path of a remote file; ``str`` leaves out what may be secret in its address."""

    _address: str

    def __new__(cls, address: str) -> RemotePath:
        """The path of an address."""
        path = super().__new__(cls, address)
        path._address = address
        return path

    @property
    def address(self) -> str:
        """The address as it was given."""
        return self.__dict__.get("_address") or _COLLAPSED.sub(r"\1//", super().__str__(), count=1)

    def __fspath__(self) -> str:
        return self.address

    def __str__(self) -> str:
        return _SECRET.sub("", self.address)

    def __reduce__(self) -> Any:
        return RemotePath, (self.address,)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.place.rpartition("/")[2]

    @property
    def place(self) -> str:
        """The address without its protocol, as a path that a file of this machine may have."""
        parts = str(self).rpartition("://")[2].split("/")
        return "/".join(part for part in parts if part not in ("", ".", ".."))

    def with_name(self, name: str) -> RemotePath:
        """The path of a file beside it."""
        return RemotePath(f"{str(self).rpartition('/')[0]}/{name}")

    def absolute(self) -> RemotePath:
        """The path itself, as an address does not depend on the working folder."""
        return self


def remote_path(path: Any) -> RemotePath | None:
    """The remote file that a user names as text or path; None for one of this machine."""
    if isinstance(path, RemotePath):
        return path
    if isinstance(path, str) and _ADDRESS.match(path):
        return RemotePath(path)
    if isinstance(path, PurePath) and _COLLAPSED.match(str(path)) and not os.path.lexists(path):
        return RemotePath(_COLLAPSED.sub(r"\1//", str(path), count=1))
    return None


def read_remote(path: RemotePath) -> io.BytesIO:
    """The content of a remote file."""
    try:
        import fsspec
    except ImportError as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, a remote file, but not fsspec, which reads it; expected it to be installed. "
            "Install ccdproc_crplugin[remote]."
        ) from err
    try:
        with fsspec.open(path.address, "rb") as stream:
            return io.BytesIO(stream.read())
    except FileNotFoundError as err:
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a FITS file.") from err
    except ImportError as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, whose protocol needs a package that is not installed ({err}); expected it to be. "
            "Install that package."
        ) from err
    except Exception as err:
        reason = " ".join(str(err).replace(path.address, str(path)).split())
        raise CosmicRayError(
            f"Found that {str(path)!r} can't be read ({reason or type(err).__name__}); expected a file that fsspec can "
            "open. Check address, network and access."
        ) from err


def refuse_remote(path: Any) -> None:
    """Refuse to write to a remote file or folder."""
    if remote_path(path) is not None:
        raise CosmicRayError(
            f"Found the output {str(remote_path(path))!r}, which is remote; expected a path of this machine, where a "
            "file can be written under another name and then renamed, so that it is whole or not there. Write it here "
            "and copy it."
        )
