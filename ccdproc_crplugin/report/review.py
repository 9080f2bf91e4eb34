# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Reviews: the events of frames that a person says are no cosmic rays."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.cleaning.restore import restore_cosmic_rays
from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.frames.removed import removed_pixels
from ccdproc_crplugin.io.atomic import as_path
from ccdproc_crplugin.io.selection import in_unicode

#: Format and version of the file.
FORMAT, VERSION = "ccdproc_crplugin review", 1

#: The largest file that is read (bytes): a hundred thousand labels in each of a hundred frames.
LARGEST_FILE = 100_000_000


@dataclass(frozen=True)
class Judgement:
    """The review of one frame."""

    file: str
    cleaning: str  # see `cleaning_id`
    not_cosmic_rays: tuple[int, ...]  # labels


def cleaning_id(ccd: CCDData) -> str:
    """The identity of a cleaning: a checksum of the removed and the repaired values, 64 hexadecimal digits."""
    record = removed_pixels(ccd)
    digest = hashlib.sha256(f"{ccd.data.shape} {record.dtype.str} {record.unit}".encode())
    for column in (record.y, record.x, record.label, record.removed, record.repaired):
        digest.update(column.astype({"i": "<i8", "u": "<u8", "f": "<f8"}[column.dtype.kind]).tobytes())
    return digest.hexdigest()


def read_review(path: str | os.PathLike) -> list[Judgement]:
    """Read a review that a report saved."""
    path = as_path(path)
    content = _parse(path)
    try:
        _check_keys(content, {"format", "version", "frames"}, "the file")
        _expect(content["format"] == FORMAT, f"format {content['format']!r:.60}", repr(FORMAT))
        _expect(content["version"] == VERSION, f"version {content['version']!r:.60}", str(VERSION))
        _expect(isinstance(content["frames"], list), "frames that are not a list", "a list")
        judgements = [_judgement(entry) for entry in content["frames"]]
        cleanings = [judgement.cleaning for judgement in judgements]
        _expect(len(set(cleanings)) == len(cleanings), "a frame twice", "each once")
    except CosmicRayError as err:
        raise err.within(after=f" In {str(path)!r}. Save the review anew from the report.") from err
    return judgements


def _parse(path: Path) -> Any:
    if not os.path.exists(path):
        raise CosmicRayError(f"Found no file {str(path)!r}; expected a review that a report saved.")
    if path.stat().st_size > LARGEST_FILE:
        raise CosmicRayError(f"Found {str(path)!r} larger than any review; expected a review that a report saved.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise CosmicRayError(
            f"Found {str(path)!r}, which is not JSON ({reason_of(err)}); expected a review that a report saved."
        ) from err


def _judgement(entry: Any) -> Judgement:
    _check_keys(entry, {"file", "cleaning", "not_cosmic_rays"}, "a frame")
    file, cleaning, labels = entry["file"], entry["cleaning"], entry["not_cosmic_rays"]
    _expect(isinstance(file, str) and bool(file), f"the file name {file!r:.60}", "a text")
    sound = isinstance(cleaning, str) and re.fullmatch(r"[0-9a-f]{64}", cleaning) is not None
    _expect(sound, f"the cleaning {cleaning!r:.60}", "64 hexadecimal digits")
    _expect(isinstance(labels, list), f"not_cosmic_rays {labels!r:.60}", "a list of labels")
    for label in labels:
        _expect(type(label) is int and 1 <= label < 2**31, f"the label {label!r:.60}", "a whole number from 1 on")
    _expect(len(set(labels)) == len(labels), f"a label twice for {file!r:.60}", "each once")
    return Judgement(file, cleaning, tuple(labels))


def _check_keys(entry: Any, keys: set[str], what: str) -> None:
    _expect(isinstance(entry, dict), f"{what} as {type(entry).__name__}", "an object")
    found = ", ".join(sorted(entry)[:9]) or "nothing"
    _expect(set(entry) == keys, f"{found!r:.200} in {what}", ", ".join(sorted(keys)))


def _expect(condition: bool, found: str, expected: str) -> None:
    if not condition:
        raise CosmicRayError(f"Found {found}; expected {expected}.")


def name_in_review(path: Path, hdu: int | None = None) -> str:
    """The name of a frame in a review."""
    name = in_unicode(path.name)
    return name if hdu is None else f"{name}[{hdu}]"


def apply_review(ccd: CCDData, review: str | os.PathLike, *, name: str = "") -> CCDData:
    """
    Put back the events that a review says are no cosmic rays.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        A cleaned frame that carries its removed values. It is not changed.
    review : path
        The file that a report saved, ``review.json``.
    name : str
        The name of the frame's file, for messages.

    Returns
    -------
    `~astropy.nddata.CCDData`
        A new frame, as from `restore_cosmic_rays`.

    Raises
    ------
    CosmicRayError
        If the file is not a review, or is a review of other frames or of another cleaning of this frame.

    See Also
    --------
    restore_cosmic_rays : Puts back events by their labels.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> from ccdproc_crplugin.report.review import FORMAT, VERSION, cleaning_id
    >>> sky = np.random.default_rng(1).normal(200, 15, (50, 50))
    >>> sky[20, 20:26] += 3000
    >>> cleaned = crp.clean_cosmic_rays(CCDData(sky, unit="electron"), readnoise=5, saturation=60000)
    >>> frame = {"file": "light.fits", "cleaning": cleaning_id(cleaned), "not_cosmic_rays": [1]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     review = Path(folder) / "review.json"
    ...     _ = review.write_text(json.dumps({"format": FORMAT, "version": VERSION, "frames": [frame]}))
    ...     restored = crp.apply_review(cleaned, review)
    >>> bool((restored.data == sky).all())
    True
    """
    return apply_reviews({name: ccd}, review)[name]


def apply_reviews(frames: Mapping[str, CCDData], review: str | os.PathLike) -> dict[str, CCDData]:
    """Put back, in the frames of a file, the events that a review says are no cosmic rays."""
    judgements = read_review(review)
    found = {name: _judgement_of(ccd, judgements, name) for name, ccd in frames.items()}
    if not any(found.values()):
        names = ", ".join(repr(judgement.file) for judgement in judgements[:9])
        wanted = ", ".join(map(repr, filter(None, frames))) or "this frame"
        others = f"other frames, {names}" if names else "no frame"
        raise CosmicRayError(f"Found a review of {others}; expected one of {wanted}.")
    return {
        name: restore_cosmic_rays(frames[name], labels=np.array(judgement.not_cosmic_rays, dtype=int))
        for name, judgement in found.items()
        if judgement
    }


def _judgement_of(ccd: CCDData, judgements: list[Judgement], name: str) -> Judgement | None:
    """The review of a frame, or None."""
    cleaning = cleaning_id(ccd)
    for judgement in judgements:
        if judgement.cleaning == cleaning:
            return judgement
    if name and any(judgement.file == name for judgement in judgements):
        raise CosmicRayError(
            f"Found a review of another cleaning of {name!r}; expected one of the frame as it is now. Write the report "
            "anew and review that."
        )
    return None
