# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which files of a folder or a collection are frames, and of which kind."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccdproc_crplugin.errors import CosmicRayError, check_choice
from ccdproc_crplugin.frames.header import KINDS, frame_kind
from ccdproc_crplugin.io.atomic import as_path
from ccdproc_crplugin.io.ccd import read_header

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection

#: Endings of file names that may be FITS, compared in lower case.
FITS_SUFFIXES = tuple(
    stem + packed for packed in ("", ".gz", ".fz", ".bz2", ".z", ".zip") for stem in (".fits", ".fit", ".fts")
)


def find_frames(folder: str | os.PathLike) -> list[Path]:
    """The FITS files of a folder by name: hidden files are left out, links that lead nowhere are not."""
    return sorted(
        entry
        for entry in Path(folder).iterdir()
        if entry.name.lower().endswith(FITS_SUFFIXES) and not entry.name.startswith(".") and not entry.is_dir()
    )


def stem(path: str | os.PathLike) -> str:
    """The name of a file without its folder and its FITS endings, after which its results are named."""
    name = Path(path).name
    endings = [suffix for suffix in FITS_SUFFIXES if name.lower().endswith(suffix)]
    return name[: -len(max(endings, key=len))] if endings else Path(name).stem


def in_unicode(name: str) -> str:
    """A file name with its bytes that are not UTF-8 escaped, so that a table or a page can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def select_frames(ifc: ImageFileCollection | Iterable[str | os.PathLike], kind: str = "light") -> list[Path]:
    """
    The frames of one kind in a collection.

    Parameters
    ----------
    ifc : `~ccdproc.ImageFileCollection` or list of paths
        The collection; it is not changed. If it was made from a folder, ``.FIT`` and ``.fts`` files count too, whether
        or not the collection lists them.
    kind : {"light", "bias", "dark", "flat", "arc", "unknown"}
        The kind of frame, see `frame_kind`.

    Returns
    -------
    list of `~pathlib.Path`
        Their paths; those of a collection are sorted. A file that can't be read as FITS is left out.

    Raises
    ------
    CosmicRayError
        If the kind is unknown.

    Examples
    --------
    >>> from ccdproc import ImageFileCollection
    >>> from ccdproc_crplugin import select_frames
    >>> select_frames(ImageFileCollection("night"), "light")  # doctest: +SKIP
    [PosixPath('night/light_001.FIT')]
    """
    check_choice("kind", kind, (*KINDS, "unknown"))
    return [path for path in paths_of(ifc) if _kind_of_file(path) == kind]


def paths_of(ifc: Any) -> list[Path]:
    """The files of a collection, sorted, or of a list, in its order."""
    if isinstance(ifc, (list, tuple)):
        return [as_path(path) for path in ifc]
    if not hasattr(ifc, "files_filtered"):
        raise CosmicRayError(
            f"Found {type(ifc).__name__}; expected an ImageFileCollection or a list of paths. Make one with "
            "ImageFileCollection(folder)."
        )
    location = Path(ifc.location or ".")
    listed = {location / name for name in ifc.files or ()}
    chosen_by_hand = ifc._filenames is not None
    if ifc.location and not chosen_by_hand:
        listed |= {path for path in find_frames(location) if _passes(path.name, ifc)}
    return sorted(listed)


def _passes(name: str, ifc: ImageFileCollection) -> bool:
    included = ifc.glob_include is None or fnmatch.fnmatch(name, ifc.glob_include)
    return included and not (ifc.glob_exclude is not None and fnmatch.fnmatch(name, ifc.glob_exclude))


def _kind_of_file(path: Path) -> str | None:
    try:
        return frame_kind(read_header(path))
    except CosmicRayError:
        return None
