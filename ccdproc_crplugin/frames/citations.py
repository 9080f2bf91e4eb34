# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What to cite for a frame: BibTeX for the detector and the steps that its header records."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError

#: The card that names the detector, and the one with the version of this package.
DETECTOR_CARD, VERSION_CARD = "CRDETECT", "CRVERSN"

#: Kinds of detector, and the action in the history of each.
STACK = "stack detector"
DETECTORS = {"detector": "clean_cosmic_rays", STACK: "clean_cosmic_rays_stack"}

#: What every frame of this package was made with.
ALWAYS = ("10.5281/zenodo.1069648",)

_ACTION = re.compile(r"ccdproc_crplugin \S+: ([\w.-]+)\(")
_DETECTORS = re.compile(r"\bdetectors=\(?([^()=]*)")
_QUOTED = re.compile(r"'([\w.-]+)'")
_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,}/\S+)", re.I)
_BIBCODE = re.compile(r"(\d{4})\S{15}")
_ARXIV = re.compile(r"arXiv:(\S+)", re.I)


def citations(ccd: CCDData | Mapping[str, Any]) -> str:
    """
    Return BibTeX for what the header of a frame says was used.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData` or mapping
        A frame that this package cleaned or reduced, or its header.

    Returns
    -------
    str
        An entry for this package, astropy, ccdproc, and each reference of the detector and the steps. A line that
        begins with ``%`` names what is no longer installed, so that its references are not known.

    Raises
    ------
    CosmicRayError
        If the header has no record of this package.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> ccd = CCDData(np.random.default_rng(1).normal(200, 15, (50, 50)), unit="electron")
    >>> bibtex = crp.citations(ccd.clean_cosmic_rays("astroscrappy", readnoise=5, preflight="off"))
    >>> "van Dokkum" in bibtex, "10.5281/zenodo.1482019" in bibtex
    (True, True)
    """
    return citations_of([ccd.meta if isinstance(ccd, CCDData) else ccd])


def citations_of(headers: Iterable[Mapping[str, Any]]) -> str:
    """BibTeX for what several headers say was used, each entry once."""
    used = dict.fromkeys(pair for header in headers for pair in used_in(header))
    if not used:
        raise CosmicRayError(
            f"Found no record of ccdproc_crplugin in the header (looked for {DETECTOR_CARD} and HISTORY); expected a "
            "frame that it cleaned or reduced.",
        )
    versions = sorted({name for kind, name in used if kind == "version"})
    entries, unknown = [_of_this_package(versions), *_of_astropy(), *map(bibtex, ALWAYS)], []
    for kind, name in used:
        if kind == "version":
            continue
        item = plugins.host().registered(kind).get(name)
        if item is not None:
            entries += map(bibtex, getattr(item, "references", ()))
        elif kind in DETECTORS:
            unknown.append(f"% The {kind} {name!r} is not installed here: its references are not known.")
    return "\n\n".join(dict.fromkeys([*entries, *unknown])) + "\n"


def used_in(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and name of what a header says was used: detectors, those of stacks, steps, versions of this package."""
    history = header.get("HISTORY", "")
    text = history if isinstance(history, str) else "".join(map(str, history))
    actions = _ACTION.findall(text)
    used = [("step", name) for name in actions]
    if detector := str(header.get(DETECTOR_CARD, "")).strip():
        cleaning = next((name for name in reversed(actions) if name in DETECTORS.values()), "")
        used.append((STACK if cleaning == DETECTORS[STACK] else "detector", detector))
        for names in _DETECTORS.findall(text):  # of a detector that runs others
            used += [("detector", name) for name in _QUOTED.findall(names)]
    if version := str(header.get(VERSION_CARD, "")).strip():
        used.append(("version", version))
    return used


def bibtex(reference: str) -> str:
    """The entry of a reference: one that is shipped, itself if it is BibTeX, or else one with what is known."""
    reference = reference.strip()
    if reference.startswith("@"):
        return reference
    doi = _DOI.fullmatch(reference)
    known = _shipped().get(doi[1].lower() if doi else reference)
    if known is not None:
        return known
    fields = {"note": reference}
    if doi:
        fields = {"doi": doi[1]}
    elif arxiv := _ARXIV.fullmatch(reference):
        fields = {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    elif bibcode := _BIBCODE.fullmatch(reference):
        fields = {"year": bibcode[1], "url": f"https://ui.adsabs.harvard.edu/abs/{reference}"}
    elif reference.startswith("http"):
        fields = {"url": reference}
    return _entry(re.sub(r"[^\w.:-]", "_", reference), fields)


def _entry(key: str, fields: Mapping[str, str]) -> str:
    lines = [f"    {name} = {{{text}}}" for name, text in fields.items()]
    return "\n".join([f"@misc{{{key},", ",\n".join(lines), "}"])


@functools.cache
def _shipped() -> dict[str, str]:
    """The entries that are shipped, by key and by DOI."""
    text = (files(__package__) / "references.bib").read_text(encoding="utf-8")
    entries = {}
    for entry in re.split(r"\n\n(?=@)", text.strip()):
        entries[re.search(r"\{([^,]+),", entry)[1]] = entry  # type: ignore[index]
        entries[re.search(r"doi = \{(.*?)\}", entry)[1].lower()] = entry  # type: ignore[index]
    return entries


def _of_this_package(versions: list[str]) -> str:
    title = r"ccdproc\_crplugin: cosmic rays out of {CCD} images"
    fields = {"author": "{The ccdproc\\_crplugin developers}", "title": title}
    return _entry("ccdproc_crplugin", fields | ({"version": ", ".join(versions)} if versions else {}))


def _of_astropy() -> list[str]:
    """The entries that astropy has for itself."""
    import astropy

    return [entry.strip() for entry in re.split(r"\n(?=@)", str(getattr(astropy, "__bibtex__", "")).strip()) if entry]
