# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cosmic rays in several exposures of one field, this project's default stack detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import check_number, wrong_value
from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.saturated_stars import saturated_stars
from ccdproc_crplugin.kernels.stack_match import Plane
from ccdproc_crplugin.kernels.stack_search import Hits, StackSearch
from ccdproc_crplugin.kernels.stellar_width import objlim_for_width, stellar_width
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Detection, Exposure, StackDetector

#: Papers to cite: optimal matching of exposures, the gradient term, and the prior.
REFERENCES = ("2008MNRAS.386L..77B", "2002PASP..114..144F", "2001PASP..113.1420V")


def detect(exposures: Sequence[Exposure], *, sigma: float = 5.0, sigma_low: float = 2.5) -> list[Detection]:
    """
    Find what stands out in one exposure against all the others.

    A pixel is hit if it exceeds what the others predict by ``sigma`` standard deviations of the difference. Events grow
    into neighbours above ``sigma_low``. Where no other exposure shows the field, or all of them were hit, L.A.Cosmic
    decides.
    """
    stars = [saturated_stars(exposure.data, exposure.saturation) for exposure in exposures]
    widths = [_width(exposure) for exposure in exposures]
    planes = [_plane(*known, sigma) for known in zip(exposures, stars, widths, strict=True)]
    search = StackSearch(planes, sigma, sigma_low, widths)
    hits = search.run()
    return [_detection(search, number, found, stars[number], widths[number]) for number, found in enumerate(hits)]


def _width(exposure: Exposure) -> float | None:
    """Stellar width, pixels; None for a spectrum."""
    if exposure.background is not None:
        return None
    level = exposure.saturation if np.isfinite(exposure.saturation) else None
    return stellar_width(exposure.data, mask=exposure.mask if exposure.mask.any() else None, saturation=level)


def _plane(exposure: Exposure, stars: np.ndarray | None, fwhm: float | None, sigma: float) -> Plane:
    unusable = exposure.mask if stars is None else exposure.mask | stars
    alone = lacosmic(
        exposure.data,
        mask=unusable if unusable.any() else None,
        background=exposure.background,
        variance=exposure.variance,
        readnoise=exposure.readnoise,
        saturation=exposure.saturation,
        sigclip=sigma,
        objlim=objlim_for_width(fwhm),
    )
    data = exposure.data if exposure.background is None else exposure.data - exposure.background
    return Plane(
        data, unusable, alone.mask, exposure.readnoise, exposure.offset, exposure.variance, exposure.background
    )


def _detection(search: StackSearch, number: int, hits: Hits, stars: np.ndarray | None, fwhm: float | None) -> Detection:
    plane = search.planes[number]
    alone = np.flatnonzero(search.uncovered(number) & plane.sharp & ~plane.unusable)
    mask = np.zeros(plane.data.shape, dtype=bool)
    for index in (hits.found, hits.grown, alone):
        mask.reshape(-1)[index] = True
    info: dict[str, Any] = {
        "found": len(hits.found),
        "grown": len(hits.grown),
        "alone": len(alone),
        "twice": len(hits.twice),
        "spared": len(hits.spared),
        **search.relation(number),
    }
    if fwhm is not None:
        info["fwhm"] = round(fwhm, 2)
    return Detection(mask, cleaned=search.cleaned(number, mask), info=info, not_searched=stars)


def check(*, sigma: float, sigma_low: float) -> None:
    """Refuse values that make no sense."""
    for name, value in {"sigma": sigma, "sigma_low": sigma_low}.items():
        check_number(name, value, above=0)
    if sigma_low > sigma:
        raise wrong_value("sigma_low", sigma_low, f"at most sigma, {sigma}")


@hookimpl
def ccdcr_stack_detectors() -> Iterator[Any]:
    """Register the detector."""
    summary = "what stands out in one exposure against what the others predict"
    yield StackDetector("stack", summary, detect, REFERENCES, check)
