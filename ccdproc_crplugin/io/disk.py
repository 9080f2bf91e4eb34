# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Errors of a disk or folder that every further file would meet too."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ccdproc_crplugin.errors import CosmicRayError

#: The disk is full, or the folder can't be written to.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}

#: The message of NumPy for a full disk, which has no errno.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")


class OutputError(CosmicRayError):
    """The output can't be written."""


@contextmanager
def writing() -> Iterator[None]:
    """Raise an `OutputError` if the disk is full or can't be written to, and other errors as they are."""
    try:
        yield
    except (OSError, CosmicRayError) as err:
        if isinstance(err, OutputError) or not any(map(_is_fatal, _causes(err))):
            raise
        message = str(err) if isinstance(err, CosmicRayError) else f"Found that the output can't be written: {err}."
        raise OutputError(message) from err


def _is_fatal(err: BaseException) -> bool:
    return isinstance(err, OSError) and (err.errno in FATAL or SHORT_WRITE.search(str(err)) is not None)


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes; astropy hides the error of a full disk behind one of its own."""
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__
