# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One frame searched for cosmic rays: checks, bad pixels, engine, result."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_number
from ccdproc_crplugin.kernels.bad_pixels import fill_not_finite, grow_mask, mask_saturated
from ccdproc_crplugin.kernels.engines import load_engine, n_threads
from ccdproc_crplugin.kernels.extra_variance import laplacian_variance
from ccdproc_crplugin.kernels.numpy_engine import SCORE
from ccdproc_crplugin.kernels.numpy_filters import lower_median
from ccdproc_crplugin.kernels.options import Options
from ccdproc_crplugin.kernels.pixels import as_c_array, true_pixels
from ccdproc_crplugin.kernels.repair import repair


@dataclass(frozen=True)
class LACosmicResult:
    """The result of `lacosmic`."""

    mask: np.ndarray  # bool (ny, nx)
    cleaned: np.ndarray  # float32 (ny, nx), electrons: all pixels but the repaired ones keep their value
    n_iterations: int
    not_searched: np.ndarray | None  # bool (ny, nx): bad pixels and their neighbours, saturated stars, skipped edges
    scores: np.ndarray | None  # SCORE: the candidates of the first iteration, ordered by y and x


def _checked_data(data: Any) -> np.ndarray:
    data = np.asarray(data)
    if data.ndim != 2 or data.size == 0:
        raise CosmicRayError(
            f"Found data of shape {data.shape}; expected two axes with pixels.", "Pass one frame at a time."
        )
    if data.dtype.kind not in "biuf":
        raise CosmicRayError(
            f"Found data of type {data.dtype}; expected real numbers.", "Pass electrons as 32-bit floating point."
        )
    return as_c_array(data, np.float32)


def _checked_companion(name: str, array: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
    if array is None:
        return None
    array = np.asarray(array)
    if array.shape != shape:
        raise CosmicRayError(
            f"Found {name} of shape {array.shape}; expected the data's {shape}.", "Cut both to the same pixels."
        )
    return as_c_array(array, dtype)


def _checked_extra(extra_variance: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """What the extra variance of the pixels adds to the noise of the Laplacian, electrons squared."""
    extra_variance = _checked_companion("extra_variance", extra_variance, shape, np.float32)
    if extra_variance is None:
        return None
    if not (np.isfinite(extra_variance).all() and extra_variance.min() >= 0):
        raise CosmicRayError("Found an extra variance that is negative or not finite; expected electrons squared.")
    return laplacian_variance(extra_variance)


def _checked_saturation(saturation: float | None) -> float:
    if saturation is None:
        return math.inf
    check_number("saturation", saturation, finite=False)
    return float(saturation)


def _not_finite(arrays: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """Pixels that aren't finite in one of the arrays; None if all are."""
    found = None
    for array in arrays:
        if array is not None:
            finite = np.isfinite(array)
            if not finite.all():
                found = ~finite if found is None else found | ~finite
    return found


def _filled(array: np.ndarray, not_finite: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The array, or a copy in which all pixels are finite."""
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


def _mark_edges(bad: np.ndarray | None, shape: tuple[int, ...], width: int) -> np.ndarray | None:
    """Add the skipped edges to the pixels that aren't searched."""
    if width == 0:
        return bad
    not_searched = np.ones(shape, dtype=bool)
    inside = slice(width, -width)
    not_searched[inside, inside] = False if bad is None else bad[inside, inside]
    return not_searched


@np.errstate(all="ignore")  # values that overflow are handled as not finite; the C engine does not warn either
def _run(
    data: np.ndarray,
    mask: np.ndarray | None,
    background: np.ndarray | None,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None,
    saturation: float,
    options: Options,
    engine: ModuleType,
    threads: int,
) -> LACosmicResult:
    """Run `lacosmic` on checked arguments."""
    cleaned = np.empty_like(data)
    all_finite, brightest = engine.prepare(data, background, cleaned, threads)
    bad = _bad_pixels(data, mask, saturation, brightest, options)
    not_finite = _not_finite([variance] if all_finite else [cleaned, variance])
    if not_finite is not None:
        bad = np.zeros(data.shape, dtype=bool) if bad is None else bad
        cleaned = _filled(cleaned, not_finite, bad)
        background = None if background is None else _filled(background, not_finite, bad)
        variance = None if variance is None else _filled(variance, not_finite, bad)
        bad |= not_finite
    flagged = np.zeros(data.shape, dtype=bool)
    n_iterations, scores = engine.find(
        data, background, variance, extra_variance, cleaned, flagged, bad, options, threads
    )
    if options.search_repair != options.repair:
        _repair_anew(cleaned, data, background, flagged, bad, options.repair)
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
        scores=None if options.scores_above == math.inf else _table(scores),
    )


def _repair_anew(
    cleaned: np.ndarray,
    data: np.ndarray,
    background: np.ndarray | None,
    flagged: np.ndarray,
    bad: np.ndarray | None,
    method: str | None,
) -> None:
    """Replace the flagged pixels of `cleaned` once more, in place, as the user wants them in the end."""
    y, x = true_pixels(flagged)
    cleaned[y, x] = data[y, x] if background is None else data[y, x] - background[y, x]
    if method not in (None, "none") and y.size:
        cleaned[y, x] = repair(cleaned, y, x, flagged if bad is None else flagged | bad, method)[0]


def _table(scores: bytes) -> np.ndarray:
    """The records of the candidates (SCORE), ordered by y and x."""
    table = np.frombuffer(scores or b"", dtype=SCORE)
    return table[np.lexsort((table["x"], table["y"]))]


def lacosmic(
    data: Any,
    *,
    mask: Any = None,
    background: Any = None,
    variance: Any = None,
    extra_variance: Any = None,
    saturation: float | None = None,
    threads: int | None = None,
    engine: str | None = None,
    **options: Any,
) -> LACosmicResult:
    """
    Find cosmic rays in a frame in electrons (ny, nx), sky included, by their sharp edges, and repair them.

    ``background`` (electrons) is structure that is spared, such as sky lines. ``variance`` (electrons squared) is
    data + readnoise^2 if it is None. ``extra_variance`` (electrons squared) is that of what was subtracted; it counts
    at its own pixel, unsmoothed. Stars above ``saturation`` (electrons) are not searched. ``options`` are the fields
    of `Options`, of which ``readnoise`` has no default.
    """
    checked = Options(**options)
    data = _checked_data(data)
    return _run(
        data,
        _checked_companion("mask", mask, data.shape, bool),
        _checked_companion("background", background, data.shape, np.float32),
        _checked_companion("variance", variance, data.shape, np.float32),
        _checked_extra(extra_variance, data.shape),
        _checked_saturation(saturation),
        checked,
        load_engine(engine),
        n_threads(threads),
    )
