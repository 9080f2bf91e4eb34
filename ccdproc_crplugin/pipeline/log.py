# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The log of a run, a file in its output."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["LOG", "night_log"]

LOG = "night.log"

logger = logging.getLogger("ccdproc_crplugin")
logger.addHandler(logging.NullHandler())


class _Onward(logging.Handler):
    """Hands warnings on to the log of the program that asked for the run."""

    def __init__(self):
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on."""
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


@contextmanager
def night_log(folder: Path) -> Iterator[logging.Logger]:
    """Open the log of a run."""
    path = folder / LOG
    try:
        file = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as err:
        raise CosmicRayError(f"Found that the log {str(path)!r} can't be written: {err}.") from err
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.Logger("ccdproc_crplugin.night", logging.INFO)
    log.addHandler(file)
    log.addHandler(_Onward())
    try:
        yield log
    finally:
        file.close()
