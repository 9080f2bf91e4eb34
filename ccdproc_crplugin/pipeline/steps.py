# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A step of a reduction done on one frame, and what is wrong if its result can't be written."""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.cards import write_history
from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.pipeline.model import Call

__all__ = ["HEADER_KEYWORDS", "OutputError", "overrule_header", "run_step", "writing"]

#: What no other frame would be spared either: a disk that is full, a folder that can't be written to.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}

#: How NumPy tells that a disk takes no more, without saying why.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")

#: What a configuration may say in place of the header, and the keyword it goes under.
HEADER_KEYWORDS = {quantity.replace(" ", "_"): keywords[0] for quantity, keywords in header.KEYWORDS.items()}


class OutputError(CosmicRayError):
    """The output can't be written."""


def run_step(ccd: CCDData, number: int, call: Call) -> tuple[CCDData, Mapping[str, Table]]:
    """Do one step."""
    step = plugins.find_step(call.name)
    taken = {}
    if call.masters:
        which = call.master_for(number)
        taken["master"] = _read_master(call.masters[which], with_uncertainty=ccd.uncertainty is not None)
    result = step.run(ccd, **taken, **call.parameters)
    result, tables = result if isinstance(result, tuple) else (result, {})
    if not isinstance(result, CCDData):
        raise CosmicRayError(f"Found that the step gave {type(result).__name__}; expected a CCDData.")
    if call.name != "clean_cosmic_rays":
        names = {"master": call.master_names[which]} if call.masters else {}
        write_history(result.meta, call.name, {**names, **call.parameters}, "done")
    return result, tables


def _read_master(path: str, *, with_uncertainty: bool) -> CCDData:
    """A combined frame, kept for the frames to come; its uncertainty only beside one of the frame that it is for."""
    return _read_master_of(path, os.stat(path).st_mtime_ns, with_uncertainty)


@functools.lru_cache(maxsize=4)
def _read_master_of(path: str, changed: int, with_uncertainty: bool) -> CCDData:
    master = read_ccd(path)
    master.data = master.data.astype(master.data.dtype.newbyteorder("="))
    if not with_uncertainty:
        master.uncertainty = None
    return master


def overrule_header(meta: Any, headers: Mapping[str, Any]) -> None:
    """Put into a header what the user knows better."""
    for name, value in headers.items():
        if name in HEADER_KEYWORDS:
            meta[HEADER_KEYWORDS[name]] = (value, "given for the run")


@contextmanager
def writing() -> Iterator[None]:
    """Tell a disk that takes nothing more from trouble with one frame."""
    try:
        yield
    except (OSError, CosmicRayError) as err:
        if any(map(_is_fatal, _causes(err))):
            raise OutputError(str(err)) from err
        raise


def _is_fatal(err: BaseException) -> bool:
    return isinstance(err, OSError) and (err.errno in FATAL or SHORT_WRITE.search(str(err)) is not None)


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came of; astropy tells of a full disk by an error of its own."""
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__
