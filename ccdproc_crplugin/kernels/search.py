# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One frame searched for cosmic rays: checks, bad pixels, engine, result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.bad_pixels import fill_not_finite, grow_mask, mask_saturated
from ccdproc_crplugin.kernels.engines import load_engine, n_threads
from ccdproc_crplugin.kernels.numpy_engine import SCORE
from ccdproc_crplugin.kernels.numpy_filters import lower_median
from ccdproc_crplugin.kernels.options import ASTROSCRAPPY_SIGCLIP, Options

__all__ = ["LACosmicResult", "lacosmic"]


@dataclass(frozen=True)
class LACosmicResult:
    """What `lacosmic` found."""

    mask: np.ndarray
    cleaned: np.ndarray
    n_iterations: int
    not_searched: np.ndarray | None
    scores: np.ndarray | None


def _checked_data(data: np.ndarray) -> np.ndarray:
    data = np.asarray(data)
    if data.ndim != 2 or data.size == 0:
        raise CosmicRayError(
            f"Found data of shape {data.shape}; expected two axes with pixels. Pass one frame at a time."
        )
    if data.dtype.kind not in "biuf":
        raise CosmicRayError(f"Found data of type {data.dtype}; expected real numbers. Pass electrons as float32.")
    return np.ascontiguousarray(data, dtype=np.float32)


def _checked_companion(name: str, array: Any, shape: tuple[int, int], dtype: Any) -> np.ndarray | None:
    if array is None:
        return None
    array = np.asarray(array)
    if array.shape != shape:
        raise CosmicRayError(
            f"Found {name} of shape {array.shape}; expected that of the data, {shape}. Cut both to the same pixels."
        )
    return np.ascontiguousarray(array, dtype=dtype)


def _checked_saturation(saturation: float | None) -> float:
    if saturation is None:
        return math.inf
    saturation = float(saturation)
    if math.isnan(saturation):
        raise CosmicRayError("Found saturation=nan; expected a level in electrons. Leave it out if it is not known.")
    return saturation


def _not_finite(arrays: Any) -> np.ndarray | None:
    """Pixels that aren't finite in one of the arrays; None if all are."""
    found = None
    for array in arrays:
        if array is not None:
            finite = np.isfinite(array)
            if not finite.all():
                found = ~finite if found is None else found | ~finite
    return found


def _filled(array: Any, not_finite: np.ndarray, bad: np.ndarray | None) -> Any:
    """The array, or a copy in which all pixels are finite."""
    if array is None or not_finite is None:
        return array
    holes = ~np.isfinite(array)
    if not holes.any():
        return array
    array = array.copy()
    fill_not_finite(array, holes, bad | not_finite, lower_median)
    return array


def _bad_pixels(
    data: np.ndarray, mask: np.ndarray | None, saturation: float, brightest: float, options: Options
) -> np.ndarray | None:
    """Masked and saturated pixels and those around; None if there are none."""
    skip_edges = options.edges == "skip"
    saturated = not brightest < saturation  # also where it isn't known
    if mask is None and not saturated:
        return None
    bad = np.zeros(data.shape, dtype=bool)
    if mask is not None:
        grow_mask(mask, bad, skip_edges=skip_edges)
    if saturated:
        mask_saturated(data, saturation, bad, sepmed=options.sepmed, skip_edges=skip_edges)
    return bad


def _mark_edges(bad: np.ndarray | None, shape: tuple[int, int], width: int) -> np.ndarray | None:
    """Add the skipped edges to the pixels that aren't searched."""
    if width == 0:
        return bad
    not_searched = np.ones(shape, dtype=bool)
    inside = slice(width, -width)
    not_searched[inside, inside] = False if bad is None else bad[inside, inside]
    return not_searched


@np.errstate(all="ignore")  # what overflows is not finite, and needs no warning: C gives none
def _run(
    data: np.ndarray,
    mask: np.ndarray | None,
    background: np.ndarray | None,
    variance: np.ndarray | None,
    saturation: float,
    options: Options,
    engine: Any,
    threads: int,
) -> LACosmicResult:
    """The run of `lacosmic`, everything checked."""
    cleaned = np.empty_like(data)
    all_finite, brightest = engine.prepare(data, background, cleaned, threads)
    bad = _bad_pixels(data, mask, saturation, brightest, options)
    not_finite = _not_finite([variance] if all_finite else [cleaned, variance])
    if not_finite is not None:
        bad = np.zeros(data.shape, dtype=bool) if bad is None else bad
        cleaned = _filled(cleaned, not_finite, bad)
        background = _filled(background, not_finite, bad)
        variance = _filled(variance, not_finite, bad)
        bad |= not_finite
    flagged = np.zeros(data.shape, dtype=bool)
    n_iterations, scores = engine.find(data, background, variance, cleaned, flagged, bad, options, threads)
    if background is not None:
        np.add(cleaned, background, out=cleaned, where=flagged)
        np.copyto(cleaned, data, where=~flagged)
    elif not_finite is not None:
        np.copyto(cleaned, data, where=not_finite)
    return LACosmicResult(
        mask=flagged,
        cleaned=cleaned,
        n_iterations=n_iterations,
        not_searched=_mark_edges(bad, data.shape, options.edge_width),
        scores=None if options.scores_above in (None, math.inf) else _table(scores),
    )


def _table(scores: Any) -> np.ndarray:
    """The candidates' records, ordered by y and x."""
    table = np.frombuffer(scores or b"", dtype=SCORE)
    return table[np.lexsort((table["x"], table["y"]))]


def lacosmic(
    data: np.ndarray,
    *,
    readnoise: float,
    mask: np.ndarray | None = None,
    background: np.ndarray | None = None,
    variance: np.ndarray | None = None,
    sigclip: float = ASTROSCRAPPY_SIGCLIP,
    sigfrac: float = 0.3,
    objlim: float | None = None,
    saturation: float | None = None,
    niter: int = 4,
    sepmed: bool = False,
    edges: str = "search",
    repair: str = "meanmask",
    fsmode: str = "median",
    psf_kernel: Any = None,
    scores_above: Any = None,
    threads: int | None = None,
    engine: Any = None,
) -> LACosmicResult:
    """Find cosmic rays by their sharp edges, and repair them."""
    options = Options(
        readnoise=readnoise,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        niter=niter,
        sepmed=sepmed,
        edges=edges,
        repair=repair,
        fsmode=fsmode,
        psf_kernel=psf_kernel,
        scores_above=scores_above,
    )
    data = _checked_data(data)
    return _run(
        data,
        _checked_companion("mask", mask, data.shape, bool),
        _checked_companion("background", background, data.shape, np.float32),
        _checked_companion("variance", variance, data.shape, np.float32),
        _checked_saturation(saturation),
        options,
        load_engine(engine),
        n_threads(threads),
    )
