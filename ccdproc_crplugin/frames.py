# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a header says, over the dialects in which cameras and observatories write it.

Every look-up goes through a table of keywords, tried in order. `KEYWORDS` is that table.
"""

from __future__ import annotations

import fnmatch
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy import units as u
from astropy.io.fits import VerifyError

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io import read_header

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection

__all__ = [
    "FITS_SUFFIXES",
    "KEYWORDS",
    "KINDS",
    "HeaderValue",
    "altitude",
    "exposure",
    "filter_name",
    "find_frames",
    "frame_kind",
    "frame_name",
    "gain",
    "pixel_size",
    "readnoise",
    "saturation",
    "select_frames",
    "stem",
]

#: The keywords of each quantity, the most telling first.
KEYWORDS: dict[str, tuple[str, ...]] = {
    # What GAIN means depends on the camera: amateur software writes the sensor's setting there and
    # electron/adu in EGAIN; at ESO, GAIN is adu/electron and CONAD electron/adu.
    "gain": (
        "EGAIN",
        "ESO DET OUT1 CONAD",
        "HIERARCH ESO DET OUT1 CONAD",
        "CONAD",
        "CCDGAIN",
        "GAIN",
        "GAIN1",
        "GAINEFF",
    ),
    "readnoise": (
        "RDNOISE",
        "READNOIS",
        "READNOISE",
        "RON",
        "ENOISE",
        "RDNOIS",
        "RDNOISE1",
        "READNSE",
        "ESO DET OUT1 RON",
        "NOISE",
    ),
    "saturation": ("SATURATE", "SATLEVEL", "SATURAT", "SATUR", "SATURATI", "MAXLIN", "NONLINEA", "SATULEVEL"),
    "exposure": ("EXPTIME", "EXPOSURE", "EXPOSED", "EXP_TIME", "ITIME", "EXPOTIME", "TEXP", "XPOSURE"),
    "pixel size": ("XPIXSZ", "PIXSIZE1", "PIXSIZE", "PIXSIZEX", "XPIXELSZ", "CCDXPIXE", "DETPXSZ", "PIXELSZ"),
    "altitude": (
        "OBSGEO-H",
        "ESO TEL GEOELEV",
        "SITEELEV",
        "OBSALT",
        "ALT-OBS",
        "OBS-ELEV",
        "OBSELEV",
        "HEIGHT",
        "SITEALT",
        "GEOELEV",
    ),
    "filter": (
        "FILTER",
        "FILTNAM",
        "FILTERID",
        "INSFILTE",
        "FILTER1",
        "FILTERS",
        "FILT",
        "ESO INS FILT1 NAME",
        "ISIFILTA",
    ),
    "kind": (
        "IMAGETYP",
        "IMAGETYPE",
        "OBSTYPE",
        "FRAMETYP",
        "FRAME",
        "ESO DPR TYPE",
        "EXPTYPE",
        "IMGTYPE",
        "DATA-TYP",
        "OBSMODE",
    ),
    "name": ("FILENAME", "ORIGFILE", "IRAFNAME", "ORIGNAME", "OBJECT"),
}

#: What stands in the kind keywords, lower case without blanks and punctuation, by kind.
KINDS: dict[str, tuple[str, ...]] = {
    "bias": ("bias", "biasframe", "zero", "zeroframe", "offset", "offsetframe", "masterbias"),
    "dark": ("dark", "darkframe", "masterdark"),
    "flat": (
        "flat",
        "flatfield",
        "flatframe",
        "skyflat",
        "flatsky",
        "twilightflat",
        "twiflat",
        "flattwilight",
        "domeflat",
        "flatdome",
        "lampflat",
        "flatlamp",
        "dflat",
        "sflat",
        "tflat",
        "masterflat",
    ),
    "arc": ("arc", "comp", "comparison", "lamp", "wave", "wavelamp", "arclamp"),
    "light": (
        "light",
        "lightframe",
        "object",
        "objectframe",
        "science",
        "scienceframe",
        "sci",
        "target",
        "sky",
        "std",
        "standard",
        "exposure",
        "expose",
        "obj",
    ),
}

#: Endings of file names that may be FITS, compared in lower case.
FITS_SUFFIXES = tuple(
    stem + packed for packed in ("", ".gz", ".fz", ".bz2", ".z", ".zip") for stem in (".fits", ".fit", ".fts")
)

#: A gain outside of this range (electron/adu) is a camera's setting, not a gain.
PLAUSIBLE_GAIN = (0.005, 60.0)


@dataclass(frozen=True)
class HeaderValue:
    """
    A value and the keyword it was found under.
    """

    value: Any
    keyword: str


def _entries(meta: Mapping, quantity: str) -> Iterator[HeaderValue]:
    """
    The values present in a header, or a plain mapping in any case, for one quantity.
    """
    by_name = {str(key).upper(): key for key in meta}
    for keyword in KEYWORDS[quantity]:
        if keyword in by_name:
            try:
                value = meta[by_name[keyword]]
            except VerifyError:
                continue  # a card that no one can read says nothing
            value = value[0] if isinstance(value, tuple) and value else value
            yield HeaderValue(value, keyword)


def _positive_number(meta: Mapping, quantity: str) -> HeaderValue | None:
    for entry in _entries(meta, quantity):
        try:
            number = math.nan if isinstance(entry.value, bool) else float(entry.value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number) and number > 0:
            return HeaderValue(number, entry.keyword)
    return None


def gain(meta: Mapping) -> HeaderValue | None:
    """
    The gain a header gives.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in electron/adu and its keyword.

    Raises
    ------
    CosmicRayError
        If the value can't be electron/adu, as where a camera's gain setting stands in ``GAIN``.

    Examples
    --------
    >>> from ccdproc_crplugin import frames
    >>> frames.gain({"GAIN": 1.9}).value
    <Quantity 1.9 electron / adu>
    """
    found = _positive_number(meta, "gain")
    if found is None:
        return None
    lowest, highest = PLAUSIBLE_GAIN
    if not lowest <= found.value <= highest:
        raise CosmicRayError(
            f"Found {found.keyword} = {found.value:g} in the header; expected a gain between {lowest:g} and "
            f"{highest:g} electron/adu, so this looks like a setting of the camera. Give gain= in electron/adu."
        )
    return HeaderValue(found.value * u.electron / u.adu, found.keyword)


def readnoise(meta: Mapping) -> HeaderValue | None:
    """
    The read noise a header gives.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in electron and its keyword.

    Examples
    --------
    >>> from ccdproc_crplugin import frames
    >>> frames.readnoise({"RDNOISE": 5.0}).keyword
    'RDNOISE'
    """
    found = _positive_number(meta, "readnoise")
    return found and HeaderValue(found.value * u.electron, found.keyword)


def saturation(meta: Mapping) -> HeaderValue | None:
    """
    The saturation level a header gives.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in adu, the unit of the raw frame, and its keyword.
    """
    found = _positive_number(meta, "saturation")
    return found and HeaderValue(found.value * u.adu, found.keyword)


def exposure(meta: Mapping) -> HeaderValue | None:
    """
    The exposure time a header gives.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in second, 0 s included, and its keyword.
    """
    for entry in _entries(meta, "exposure"):
        try:
            seconds = float(entry.value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return HeaderValue(seconds * u.s, entry.keyword)
    return None


def pixel_size(meta: Mapping) -> HeaderValue | None:
    """
    The side of a pixel on the chip.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in micron and its keyword. Headers give micron, but some give metre or millimetre;
        a pixel of a CCD has 1 to 100 micron, which tells them apart.
    """
    found = _positive_number(meta, "pixel size")
    if found is None:
        return None
    for unit in (u.micron, u.mm, u.m):
        size = (found.value * unit).to(u.micron)
        if 1 <= size.value <= 100:
            return HeaderValue(size, found.keyword)
    return None


def altitude(meta: Mapping) -> HeaderValue | None:
    """
    The height of the observatory above the sea.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        A Quantity in metre and its keyword.
    """
    found = _positive_number(meta, "altitude")
    return found and HeaderValue(found.value * u.m, found.keyword)


def filter_name(meta: Mapping) -> HeaderValue | None:
    """
    The filter in the beam.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    HeaderValue or None
        Its name as the header has it, without blanks around it, and its keyword.
    """
    for entry in _entries(meta, "filter"):
        name = str(entry.value).strip()
        if name:
            return HeaderValue(name, entry.keyword)
    return None


def frame_name(meta: Mapping) -> str:
    """
    What to call a frame in a message.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    str
        The file's name or the object's, or an empty string.
    """
    for entry in _entries(meta, "name"):
        name = str(entry.value).strip()
        if name:
            return name
    return ""


def frame_kind(meta: Mapping) -> str:
    """
    What a frame is of.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The header.

    Returns
    -------
    {"light", "bias", "dark", "flat", "arc", "unknown"}
        The kind.

    Examples
    --------
    >>> from ccdproc_crplugin.frames import frame_kind
    >>> frame_kind({"IMAGETYP": "Light Frame"}), frame_kind({"IMAGETYP": "zero"})
    ('light', 'bias')
    """
    for entry in _entries(meta, "kind"):
        words = [re.sub(r"[^a-z]", "", word) for word in re.split(r"[,;:]", str(entry.value).lower())]
        for kind, names in KINDS.items():
            if "".join(words) in names or any(word in names for word in words):
                return kind
    return "unknown"


def find_frames(folder: str | os.PathLike) -> list[Path]:
    """
    The FITS files of a folder.

    Parameters
    ----------
    folder : path
        The folder.

    Returns
    -------
    list of `~pathlib.Path`
        Sorted by name. ``.fits``, ``.fit`` and ``.fts`` in any case, compressed or not; hidden files
        are left out.
    """
    return sorted(
        entry
        for entry in Path(folder).iterdir()
        if entry.name.lower().endswith(FITS_SUFFIXES) and not entry.name.startswith(".") and entry.is_file()
    )


def stem(path: str | os.PathLike) -> str:
    """
    A file's name without its folder and what marks it as FITS.

    Parameters
    ----------
    path : path
        A file.

    Returns
    -------
    str
        The stem, by which the outputs made from the file are named.

    Examples
    --------
    >>> from ccdproc_crplugin.frames import stem
    >>> stem("night/light_001.FIT"), stem("m31.r.fits.gz")
    ('light_001', 'm31.r')
    """
    name = Path(path).name
    endings = [suffix for suffix in FITS_SUFFIXES if name.lower().endswith(suffix)]
    return name[: -len(max(endings, key=len))] if endings else Path(name).stem


def select_frames(ifc: ImageFileCollection, kind: str = "light") -> list[Path]:
    """
    The frames of one kind in a collection.

    Parameters
    ----------
    ifc : `~ccdproc.ImageFileCollection`
        The collection; it is not changed. Where it was made from a folder, ``.FIT`` and ``.fts`` files
        count too, whether or not the collection lists them.
    kind : {"light", "bias", "dark", "flat", "arc", "unknown"}
        The kind of frame, see `frame_kind`.

    Returns
    -------
    list of `~pathlib.Path`
        Their paths, sorted. A file that can't be read as FITS is no frame of any kind.

    Raises
    ------
    CosmicRayError
        If the kind is not one of those.

    Examples
    --------
    >>> from ccdproc import ImageFileCollection
    >>> from ccdproc_crplugin import select_frames
    >>> select_frames(ImageFileCollection("night"), "light")  # doctest: +SKIP
    [PosixPath('night/light_001.FIT')]
    """
    known = (*KINDS, "unknown")
    if kind not in known:
        raise CosmicRayError(f"Found kind={kind!r}; expected one of: {', '.join(known)}.")
    return [path for path in _paths_of(ifc) if _kind_of_file(path) == kind]


def _paths_of(ifc: ImageFileCollection) -> list[Path]:
    if not hasattr(ifc, "files_filtered"):
        raise CosmicRayError(
            f"Found {type(ifc).__name__}; expected an ImageFileCollection. Make one with ImageFileCollection(folder)."
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
