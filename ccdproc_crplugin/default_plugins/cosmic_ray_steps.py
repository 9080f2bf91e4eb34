# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The steps that remove cosmic rays and measure them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from astropy.nddata import CCDData

from ccdproc_crplugin.cleaning.clean import NO_REPAIR, check_choices, clean_cosmic_rays
from ccdproc_crplugin.cleaning.detection import choose_detector
from ccdproc_crplugin.cleaning.protection import check_protect
from ccdproc_crplugin.cleaning.repairs import REPAIRS
from ccdproc_crplugin.errors import CosmicRayError, check_choice
from ccdproc_crplugin.events.segments import check_counts, cr_segments
from ccdproc_crplugin.frames.gain_and_noise import check_figures
from ccdproc_crplugin.frames.sections import is_within, read_section
from ccdproc_crplugin.plugins import detector_parameters, find_detector, find_stack_detector
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import StackStep, Step
from ccdproc_crplugin.stacking.clean import FROM_STACK, clean_cosmic_rays_stack
from ccdproc_crplugin.stacking.offsets import MEASURE, WCS

#: Parameters of the cleaning that are not the detector's.
FIGURES = ("gain", "readnoise", "saturation")
CHOICES = ("refine", "repair", "preflight", "max_fraction", "force", "scale_dark", "dispersion_axis", "mosaic")
FILES = ("dark", "bias", "bad_pixels", "protect")

#: Those of the cleaning of several exposures.
STACK_CHOICES = ("refine", "preflight", "max_fraction", "force", "dispersion_axis")
STACK_FILES = ("bad_pixels",)


def measure_events(ccd: CCDData, *, n_pixels: int = 1, connectivity: int = 8) -> tuple[CCDData, dict[str, Any]]:
    """
    Measure the events that the cleaning found.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        A cleaned frame.
    n_pixels : int
        Least pixels of an event; smaller ones are not in the table.
    connectivity : {4, 8}
        Which pixels touch.

    Returns
    -------
    ccd : `~astropy.nddata.CCDData`
        The frame as it came.
    tables : dict
        The catalogue, as ``events``.
    """
    if "CRDETECT" not in ccd.meta:
        raise CosmicRayError("Found a frame that was not cleaned; expected clean_cosmic_rays among the steps before.")
    return ccd, {"events": cr_segments(ccd, n_pixels, connectivity=connectivity).table}


def _check_cleaning(detector: str = "lacosmic", protect: Any = None, **parameters: Any) -> None:
    check_protect(protect)
    own = {name: value for name, value in parameters.items() if name not in (*FIGURES, *CHOICES, *FILES)}
    choose_detector(detector, own)
    check_figures(**{name: parameters[name] for name in FIGURES if name in parameters})
    check_choices(**{name: parameters[name] for name in CHOICES if name in parameters})


def _check_stack_cleaning(detector: str = "stack", **parameters: Any) -> None:
    check_choice("offsets", parameters.get("offsets"), (WCS, MEASURE, None))
    check_choice("repair", parameters.get("repair"), (FROM_STACK, *REPAIRS, NO_REPAIR, None))
    host = ("offsets", "repair", *FIGURES, *STACK_CHOICES, *STACK_FILES)
    own = {name: value for name, value in parameters.items() if name not in host}
    choose_detector(detector, own, find_stack_detector)
    check_figures(**{name: parameters[name] for name in FIGURES if name in parameters})
    check_choices(**{name: parameters[name] for name in STACK_CHOICES if name in parameters})


def _decisive_for_stack(detector: str = "stack", **_: Any) -> list[tuple[str, str]]:
    return [("stack detector", find_stack_detector(detector).name)]


def _lacking_protected(meta: Mapping[str, Any], protect: Any = None, **_: Any) -> str:
    """The sections to spare that reach out of the raw frame; steps before may cut more off."""
    shape = tuple(meta.get(f"NAXIS{axis}", 0) for axis in (2, 1))
    for one in protect if isinstance(protect, list | tuple) else [protect]:
        section = read_section(one)
        if section is not None and all(shape) and not is_within(section, (shape[0], shape[1])):
            return f"protect = {one!r} reaches out of the frame, [1:{shape[1]}, 1:{shape[0]}]"
    return ""


def _decisive(detector: str = "lacosmic", **parameters: Any) -> list[tuple[str, str]]:
    known = find_detector(detector)
    own = {name: parameters[name] for name in detector_parameters(known) if name in parameters}
    return [("detector", detector), *(known.plugins(**own) if known.plugins is not None else ())]


@hookimpl
def ccdcr_steps() -> Iterator[Any]:
    """Register the steps."""
    yield Step(
        "clean_cosmic_rays",
        "take the cosmic rays out",
        clean_cosmic_rays,
        check=_check_cleaning,
        plugins=_decisive,
        lacking=_lacking_protected,
        files=FILES,
    )
    yield StackStep(
        "clean_cosmic_rays_stack",
        "take the cosmic rays out of exposures of one field, which are compared",
        clean_cosmic_rays_stack,
        check=_check_stack_cleaning,
        plugins=_decisive_for_stack,
        files=STACK_FILES,
    )
    yield Step(
        "measure_events",
        "catalogue of the cosmic rays, in a table beside the frame",
        measure_events,
        check=check_counts,
        references=("10.5281/zenodo.596036",),
    )
