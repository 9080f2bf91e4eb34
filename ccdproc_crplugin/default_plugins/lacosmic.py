# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L.A.Cosmic, this project's default detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import check_choice, check_number, check_whole, wrong_value
from ccdproc_crplugin.kernels import engine, lacosmic
from ccdproc_crplugin.kernels.blocks import sky_level, take_blocks
from ccdproc_crplugin.kernels.border_stars import without_border_stars
from ccdproc_crplugin.kernels.crowding import LEAST_SHARE, crowded_share, without_blends
from ccdproc_crplugin.kernels.edges import structured_edges
from ccdproc_crplugin.kernels.noise_events import (
    NOISE_EVENTS,
    PIXEL_LIMIT,
    beyond_noise,
    expected_noise_events,
    pixel_limit,
)
from ccdproc_crplugin.kernels.options import EDGES, OBJLIM, SIGCLIP, VARIANTS
from ccdproc_crplugin.kernels.psf import psf_kernel
from ccdproc_crplugin.kernels.refine import CONTEXT, grow_events, growth_in_pixels, widen_events
from ccdproc_crplugin.kernels.saturated_stars import saturated_stars
from ccdproc_crplugin.kernels.spectrum import on_top_of
from ccdproc_crplugin.kernels.stellar_width import objlim_for_width, stellar_width
from ccdproc_crplugin.kernels.steps import without_steps
from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import ALONG_EDGES, Detection, Detector

#: What to give for ``sigclip`` to have it chosen.
AUTO = "auto"


def detect(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None,
    readnoise: float,
    saturation: float,
    extra_variance: np.ndarray | None = None,
    protected: np.ndarray | None = None,
    sigclip: float | str | None = None,
    sigfrac: float = 0.3,
    objlim: float | None = None,
    niter: int = 4,
    sepmed: bool = False,
    edges: str = "search",
    grow: str | bool | int = CONTEXT,
    variant: str = "astroscrappy",
    background: np.ndarray | None = None,
    fsmode: str = "median",
    psfmodel: str = "gauss",
    psffwhm: float = 2.5,
    psfsize: int = 7,
    psfk: np.ndarray | None = None,
    psfbeta: float = 4.765,
    threads: int | None = None,
) -> Detection:
    """
    Find cosmic rays by their sharp edges, which no optics can make.

    It works on top of ``background``, such as the lines of a spectrum. Saturated stars are not searched.
    ``protected`` pixels, bool (ny, nx), are not searched either, but what lies around them is judged by their light.
    Events grow into their wings (``grow="context"``, or True), not at all (False), or by all pixels at most ``grow``
    rows and columns away.
    Without a ``sigclip`` it is 5, and the brightest pixel of an event has to stand so high above the sky around it that
    the noise of the frame is not expected to reach it once. A number is the published limit alone.
    ``variant="iraf"`` is the published algorithm and nothing else: no growth, and no event is let go afterwards.
    """
    n_pixels = growth_in_pixels(grow)
    info: dict[str, Any] = {}
    stars = saturated_stars(data, saturation)
    lost = mask if stars is None else mask | stars
    spared = lost if protected is None else lost | protected
    n_searched = data.size - int(np.count_nonzero(spared))
    limit = pixel_limit(n_searched) if sigclip is None and variant != "iraf" else None
    search: dict[str, Any] = {
        "background": background,
        "sepmed": sepmed,
        "edges": edges,
        "fsmode": fsmode,
        "psf_kernel": psf_kernel(psfmodel, psffwhm, psfsize, psfbeta) if psfk is None else psfk,
        "threads": threads,
    }
    frame: dict[str, Any] = {
        "variance": variance,
        "extra_variance": extra_variance,
        "readnoise": readnoise,
        "saturation": saturation,
    }
    given, fwhm = objlim, None
    if objlim is None:
        objlim, fwhm = _choose_objlim(data, lost, saturation, sepmed, fsmode)
    if _is_auto(sigclip):
        from ccdproc_crplugin.tuning.limits import choose_limits

        limits = choose_limits(
            data, mask=spared, fwhm=fwhm, objlim=objlim, vary_objlim=given is None, **frame, **search
        )
        sigclip, objlim = limits.sigclip, limits.objlim
        info["auto"] = limits.reason
    sigclip = SIGCLIP if sigclip is None else float(sigclip)
    found = lacosmic(
        np.where(lost, np.nan, data) if lost.any() else data,
        mask=protected,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        niter=niter,
        scores_above=sigclip,
        variant=variant,
        **frame,
        **search,
    )
    significant = beyond_noise(
        data,
        found.mask,
        repaired=found.cleaned,
        readnoise=readnoise,
        limit=limit,
        bad=lost,
        variance=variance,
        extra_variance=extra_variance,
        background=background,
    )
    found = replace(found, cleaned=data)  # the host repairs: what the search repaired takes memory for nothing
    info |= {"sigclip": sigclip, "objlim": float(objlim), "engine": engine().name}
    info |= _what_noise_makes(n_searched, sigclip, limit, _sky_noise(data, lost, readnoise, variance, extra_variance))
    if fwhm is not None:
        info["fwhm"] = round(fwhm, 2)
    if variant == "iraf":
        return Detection(found.mask, info=info, not_searched=_joined(found.not_searched, stars))
    hits, not_searched = _without_structured_edges(found.mask, found.not_searched)
    n_along_edges = 0 if hits is found.mask else np.count_nonzero(found.mask & ~hits)
    searched, own = on_top_of(background, data, extra_variance)
    hits = significant if hits is found.mask else hits & significant
    if edges == "search" and found.scores is not None:
        hits = without_border_stars(searched, hits, found.scores, readnoise, objlim, own)
    crowding, width = _crowding(data, lost, saturation, readnoise, fwhm) if background is None else ({}, None)
    info |= crowding
    if width is not None:
        hits = without_blends(data, hits, width, readnoise, extra_variance)
    if grow and n_pixels is None:
        hits, curve = grow_events(searched, hits, readnoise=readnoise, bad=spared, extra_variance=own, threads=threads)
        info["growth"] = str(curve)
        # In a crowded field the growth takes the stars beside an event for its wings.
        hits = hits if width is None else without_blends(data, hits, width, readnoise, extra_variance)
    n_hits, hits = np.count_nonzero(hits), without_steps(searched, hits, readnoise, own)
    n_along_edges += n_hits - np.count_nonzero(hits)
    if n_along_edges:
        info[ALONG_EDGES] = int(n_along_edges)
    if n_pixels:
        hits = widen_events(hits, n_pixels, spared)
    return Detection(hits, info=info, not_searched=_joined(not_searched, stars))


def _what_noise_makes(
    n_searched: int, sigclip: float, limit: float | None, sky_noise: tuple[float, float]
) -> dict[str, float]:
    """For the record: the limit of the pixel itself, if there is one, and how many events noise alone makes."""
    n_events = expected_noise_events(n_searched, sigclip, *sky_noise, limit)
    asked = {} if limit is None else {PIXEL_LIMIT: round(limit, 2)}
    return {**asked, NOISE_EVENTS: float(f"{n_events:.2g}")}


def _sky_noise(
    data: np.ndarray,
    lost: np.ndarray,
    readnoise: float,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None,
) -> tuple[float, float]:
    """Photons of a pixel of the sky (electrons), and the variance of all other noise (electrons squared)."""
    photons, gaussian2 = max(sky_level(data, lost), 0.0), float(readnoise) ** 2
    if variance is not None:
        total = sky_level(variance, lost)
        photons, gaussian2 = min(photons, total), max(total - photons, 0.0)
    if extra_variance is not None:
        gaussian2 += sky_level(extra_variance, lost)
    return photons, gaussian2


def _joined(*masks: np.ndarray | None) -> np.ndarray | None:
    """The union of masks, of which some may be None."""
    given = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(given) if given else None


def _without_structured_edges(
    hits: np.ndarray, not_searched: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The hits without those on structured edges of the chip, and the pixels not searched with these edges."""
    edges = structured_edges(hits)
    return (hits, not_searched) if edges is None else (hits & ~edges, _joined(not_searched, edges))


def _crowding(
    data: np.ndarray, lost: np.ndarray, saturation: float, readnoise: float, fwhm: float | None
) -> tuple[dict[str, Any], float | None]:
    """Of a crowded field the share of such parts, for the record, and the stellar width (pix); nothing of others."""
    blocks = take_blocks(data, bad=lost)
    if crowded_share(blocks, readnoise) < LEAST_SHARE:
        return {}, None
    fwhm = _width(data, lost, saturation) if fwhm is None else fwhm
    share = 0.0 if fwhm is None else crowded_share(blocks, readnoise, fwhm)
    return ({"crowded": round(share, 2)}, fwhm) if share >= LEAST_SHARE else ({}, None)


def _width(data: np.ndarray, mask: np.ndarray, saturation: float) -> float | None:
    """Stellar width, pixels."""
    level = saturation if np.isfinite(saturation) else None
    return stellar_width(data, mask=mask if mask.any() else None, saturation=level)


def _is_auto(sigclip: float | str | None) -> bool:
    return isinstance(sigclip, str) and sigclip == AUTO


def check(
    *,
    sigclip: float | str | None,
    sigfrac: float,
    objlim: float | None,
    niter: int,
    edges: str,
    grow: str | bool | int,
    variant: str,
    fsmode: str,
    **_: Any,
) -> None:
    """Refuse values that make no sense."""
    if isinstance(sigclip, str) and sigclip != AUTO:
        raise wrong_value("sigclip", sigclip, f"a number above 0, {AUTO!r}, or None")
    limits = {"sigclip": None if _is_auto(sigclip) else sigclip, "sigfrac": sigfrac, "objlim": objlim}
    for name, value in limits.items():
        if value is not None or name == "sigfrac":
            check_number(name, value, above=0)
    check_whole("niter", niter, 1)
    check_choice("edges", edges, EDGES)
    check_choice("fsmode", fsmode, OBJLIM)
    check_choice("variant", variant, VARIANTS)
    growth_in_pixels(grow)


def _choose_objlim(
    data: np.ndarray, mask: np.ndarray, saturation: float, sepmed: bool, fsmode: str
) -> tuple[float, float | None]:
    """The ``objlim`` that suits the frame, and the stellar width it comes from (pix), None where no width is used."""
    if fsmode == "convolve" or sepmed:
        return OBJLIM[fsmode], None
    fwhm = _width(data, mask, saturation)
    return objlim_for_width(fwhm), fwhm


@hookimpl
def ccdcr_detectors() -> Iterator[Any]:
    """Register the detector."""
    yield Detector("lacosmic", "L.A.Cosmic: Laplacian edge detection", detect, ("2001PASP..113.1420V",), check)
