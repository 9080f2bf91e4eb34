# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""`CCDData.read` and `CCDData.write` of astropy's I/O registry, which keep flags and removed values while installed."""

from __future__ import annotations

import functools
import inspect
import io
import os
import warnings
from collections.abc import Callable
from typing import Any

from astropy.io import fits, registry
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyUserWarning

from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.frames.removed import is_cleaned, share
from ccdproc_crplugin.io.ccd import attach_companions, flag_hdus
from ccdproc_crplugin.io.hdus import FLAGS, WITH_FRAME, companions, flat, image_indices, is_flat
from ccdproc_crplugin.io.packing import CHECKSUMS
from ccdproc_crplugin.io.removed_table import removed_hdus
from ccdproc_crplugin.io.wcs_cards import parted

#: What was registered before, and what took its place, by "reader" and "writer".
_replaced: dict[str, tuple[Callable, Callable]] = {}


def install_registry() -> None:
    """Let CCDData's FITS reader and writer keep flags and removed values. Installing again changes nothing."""
    if _replaced:
        return
    for what, wrap in (("reader", _keeping_reader), ("writer", _keeping_writer)):
        theirs = _registered(what)
        _replaced[what] = theirs, wrap(theirs)
        _register(what, _replaced[what][1])


def uninstall_registry() -> None:
    """Put back the reader and the writer that were there before, unless others took the place of ours."""
    for what, (theirs, ours) in _replaced.items():
        if _registered(what) is ours:
            _register(what, theirs)
    _replaced.clear()


def _registered(what: str) -> Callable:
    return getattr(registry, f"get_{what}")("fits", CCDData)


def _register(what: str, function: Callable) -> None:
    with registry.delay_doc_updates(CCDData):
        getattr(registry, f"register_{what}")("fits", CCDData, function, force=True)


def _keeping_writer(theirs: Callable) -> Callable:
    @functools.wraps(theirs)
    def write(ccd: CCDData, *args: Any, **keywords: Any) -> Any:
        frame = _WithRecord(ccd) if is_cleaned(ccd) else ccd
        return theirs(frame, *args, **keywords)

    return write


class _WithRecord:
    """A cleaned frame for astropy's writer, which asks it for its HDUs alone."""

    def __init__(self, ccd: CCDData) -> None:
        self.ccd = ccd

    def to_hdu(self, **keywords: Any) -> fits.HDUList:
        """The HDUs that astropy's writer asks for, then those of flags and removed values."""
        hdus = self.ccd.to_hdu(**keywords)
        for keyword in CHECKSUMS:  # of the frame before the cleaning
            hdus[0].header.remove(keyword, ignore_missing=True)
        names = {hdu.name for hdu in hdus}
        flags = [] if FLAGS in names and keywords.get("hdu_flags") == FLAGS else flag_hdus(self.ccd)
        for hdu in (*flags, *_record_hdus(self.ccd)):
            if hdu.name in names:
                _warn(f"The HDU {hdu.name} of a cleaned frame was not written: Found its name for another HDU.")
            else:
                hdus.append(hdu)
        return hdus


def _record_hdus(ccd: CCDData) -> list[Any]:
    """The HDUs of the removed values; none with a warning if they no longer belong to the frame."""
    try:
        return removed_hdus(ccd)
    except CosmicRayError as err:
        _warn(f"The removed values were not written: {reason_of(err)}")
        return []


def _keeping_reader(theirs: Callable) -> Callable:
    signature = inspect.signature(theirs)

    @functools.wraps(theirs)
    def read(filename: Any, *args: Any, **keywords: Any) -> CCDData:
        filename, again = _readable_twice(filename)
        ccd = theirs(filename, *args, **keywords)
        if "CRDETECT" in ccd.meta:
            given = signature.bind(filename, *args, **keywords)
            given.apply_defaults()
            _attach(ccd, again, given.arguments)
        return ccd

    return read


def _readable_twice(file: Any) -> tuple[Any, Any]:
    """A file to be read, and the same for another time: astropy closes the first."""
    if not hasattr(file, "read"):
        return file, file
    name = getattr(file, "name", None)
    if isinstance(name, str) and os.path.isfile(name):
        return file, name
    content = file.read()
    return io.BytesIO(content), io.BytesIO(content)


def _attach(ccd: CCDData, file: Any, given: dict[str, Any]) -> None:
    """
    Attach flags and removed values to a frame, as far as the file has them and they fit.

    A frame with further axes of length 1 loses them, as it did when it was cleaned.
    """
    try:
        with warnings.catch_warnings(), fits.open(file, **given.get("kwd", {})) as hdus:
            warnings.simplefilter("ignore")  # what there is to say was said at the first reading
            index = hdus.index_of(given["hdu"])
            if index == 0 and hdus[0].data is None:
                index = image_indices(hdus, file)[0]
            if ccd.data.ndim > 2 and is_flat(hdus[index]):
                _flatten(ccd, parted(hdus[index].header, hdus)[1])
            flags = ccd.flags
            attach_companions(ccd, _belonging(hdus, index))
    except Exception as err:  # a file damaged there alone is still read as astropy reads it
        _warn(f"The removed values and flags were not read: {reason_of(err)}")
        return
    if flags is not None:
        ccd.flags = flags
    share(ccd)


def _flatten(ccd: CCDData, wcs: Any) -> None:
    """Give a frame of one plane two dimensions, in place; ``wcs`` is that of its two axes."""
    ccd.wcs = None
    ccd.data = flat(ccd.data)
    ccd.wcs = wcs
    ccd.mask = None if ccd.mask is None else flat(ccd.mask)
    ccd.flags = None if ccd.flags is None else flat(ccd.flags)
    if ccd.uncertainty is not None:
        ccd.uncertainty = type(ccd.uncertainty)(flat(ccd.uncertainty.array), unit=ccd.uncertainty.unit)


def _belonging(hdus: fits.HDUList, index: int) -> list[Any]:
    """The HDUs that belong to a frame: all of ours if it is the only cleaned frame, whatever images are beside it."""
    cleaned = [hdu for hdu in hdus if "CRDETECT" in hdu.header]
    return [hdu for hdu in hdus if hdu.name in WITH_FRAME] if len(cleaned) == 1 else companions(hdus, index)


def _warn(message: str) -> None:
    warnings.warn(message, AstropyUserWarning, stacklevel=2)
