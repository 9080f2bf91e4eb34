# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Events of a colour mosaic, joined from its four planes.

A plane has a pixel in four, so stars are half as wide in it: many are as sharp as cosmic rays. The pixels between, of
other colours, hold the rest of their light. Therefore the frame is made level, its planes brought to one sky and nearly
to one noise, and an event that is no sharper there than a star is left alone. The others grow into pixels of all
colours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.mosaic import in_frame, join_planes, split_planes
from ccdproc_crplugin.kernels.numpy_engine import SCORE
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.refine import grow_events
from ccdproc_crplugin.kernels.search import lacosmic
from ccdproc_crplugin.kernels.stellar_width import NOISE_MARGIN, STAR_CONTRAST, stellar_width

#: Side of the boxes of a plane in which the sky is measured (pix).
BOX = 64

#: Least S' of an event in the level frame.
LEAST_S_PRIME = 3.0

#: The contrast to the fine structure of a star in the level frame, times the cube of its width, and the least and the
#: highest limit on it: colours roughen a star and make it up to four times as sharp as `STAR_CONTRAST`. Measured on
#: simulated mosaics with stars from red (four times as bright as in blue) to blue.
ROUGHNESS = 4.0
LOWEST_LIMIT, HIGHEST_LIMIT = 2.5, 10.0
LIMIT_WITHOUT_STARS = 6.0

#: An event has to be so many times as bright as what is around it, above the sky: the faint halo of a bright star is
#: all edges where its colour is not that of the sky.
HALO = 4.0
AROUND = 5  # pixels, side of the square whose median that is

#: Least excess (standard deviations) of a pixel into which an event grows: the noise of the planes is not quite one.
LEAST_EXCESS = 2.5


def level_frame(data: np.ndarray, bad: np.ndarray, readnoise: float, variance: np.ndarray | None = None) -> np.ndarray:
    """
    A mosaic (electron) with the sky of each plane taken off and one sky put on: float32 (ny, nx), electron.

    Each plane is scaled too, by the root of what would bring it to the noise of the others. All of this would make the
    colours of stars too different where the sky has much of one colour, none of it the noise of the planes.
    """
    planes, lost = split_planes(data), split_planes(bad)
    skies = [smooth_sky(plane, gone) for plane, gone in zip(planes, lost, strict=True)]
    if variance is None:
        levels = [max(float(np.median(sky)), 0) + readnoise**2 for sky in skies]
    else:
        levels = [float(np.median(plane)) for plane in split_planes(variance)]
    noise = np.sqrt(np.maximum(levels, 1e-6))
    common = np.exp(np.mean(np.log(noise)))
    level = np.float32(max(common**2 - readnoise**2, 0))
    scaled = [
        (plane - sky) * np.float32(np.sqrt(common / sigma)) + level
        for plane, sky, sigma in zip(planes, skies, noise, strict=True)
    ]
    return join_planes(scaled, data.shape)


def without_sky(data: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """A mosaic less the sky of each plane, float (ny, nx)."""
    planes = zip(split_planes(data), split_planes(bad), strict=True)
    return join_planes([plane - smooth_sky(plane, lost) for plane, lost in planes], data.shape)


def smooth_sky(plane: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The sky of a plane: medians of boxes of 64 x 64 good pixels, float32, linear between the middles of these."""
    rows, columns = (np.linspace(0, size, max(size // BOX, 1) + 1).astype(int) for size in plane.shape)
    good = np.where(bad, np.nan, plane)
    middle = float(np.nanmedian(good)) if not bad.all() else 0.0
    medians = np.full((len(rows) - 1, len(columns) - 1), middle)
    for i, j in np.ndindex(*medians.shape):
        box = good[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        if np.isfinite(box).any():
            medians[i, j] = np.nanmedian(box)
    return _linear(_linear(medians, rows).T, columns).T.astype(np.float32)


def _linear(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Values of boxes between edges along the first axis, at each pixel."""
    middles = (edges[:-1] + edges[1:] - 1) / 2
    place = np.interp(np.arange(edges[-1]), middles, np.arange(len(middles)))
    below = np.minimum(place.astype(int), max(len(middles) - 2, 0))
    above, share = np.minimum(below + 1, len(middles) - 1), (place - below)[:, np.newaxis]
    return (1 - share) * values[below] + share * values[above]


def sharp_events(
    level: np.ndarray, hits: np.ndarray, bad: np.ndarray, readnoise: float, extra_variance: np.ndarray | None = None
) -> np.ndarray:
    """The hits, bool (ny, nx), but for events that are no sharper than stars in the level frame (electron)."""
    if not hits.any():
        return hits
    lost = bad if bad.any() else None
    found = lacosmic(
        level,
        mask=lost,
        extra_variance=extra_variance,
        niter=1,
        readnoise=readnoise,
        scores_above=LEAST_S_PRIME,
    )
    # Beside bad pixels the planes have the last word.
    sharp = np.zeros(hits.shape, dtype=bool) if found.not_searched is None else found.not_searched.copy()
    scores = np.empty(0, SCORE) if found.scores is None else found.scores
    passing = scores[scores["s_prime_over_f"] > contrast_limit(stellar_width(level, mask=lost))]
    passing = passing[hits[passing["y"], passing["x"]]]
    sharp[passing["y"], passing["x"]] = _above_surroundings(level, passing["y"].astype(int), passing["x"].astype(int))
    y, x = true_pixels(hits)
    label = label_pixels(y, x, hits.shape)
    keep = np.zeros(label.max() + 1, dtype=bool)
    keep[label[sharp[y, x]]] = True
    kept = np.zeros(hits.shape, dtype=bool)
    kept[y[keep[label]], x[keep[label]]] = True
    return kept


def search_scores(
    data: np.ndarray, *, mask: np.ndarray | None = None, readnoise: float, scores_above: float, **search: Any
) -> np.ndarray:
    """
    The candidates of a level frame, each from the search of its plane: `SCORE`, ordered by y and x.

    The contrast is 0 beside which nothing is sharp in the frame itself.
    """
    shape = data.shape
    lost = ~np.isfinite(data) if mask is None else mask | ~np.isfinite(data)
    arrays = {name: split_planes(value) for name, value in search.items() if np.shape(value) == shape}
    tables = []
    for number, (plane, own_lost) in enumerate(zip(split_planes(data), split_planes(lost), strict=True)):
        own = {**search, **{name: planes[number] for name, planes in arrays.items()}}
        found = lacosmic(plane, mask=own_lost, niter=1, readnoise=readnoise, scores_above=scores_above, **own)
        table = np.empty(0, SCORE) if found.scores is None else found.scores.copy()
        table["y"], table["x"] = in_frame(number, table["y"], table["x"])
        tables.append(table)
    scores = np.concatenate(tables)
    scores = scores[np.lexsort((scores["x"], scores["y"]))]
    candidates = np.zeros(shape, dtype=bool)
    candidates[scores["y"], scores["x"]] = True
    data = np.where(lost, np.median(data[~lost]) if not lost.all() else 0, data).astype(np.float32)
    sharp = sharp_events(data, candidates, lost, readnoise, search.get("extra_variance"))
    scores["s_prime_over_f"][~sharp[scores["y"], scores["x"]]] = 0
    return scores


def contrast_limit(fwhm: float | None) -> float:
    """The least contrast to the fine structure of a cosmic ray in the level frame, for stars of this width (pix)."""
    if fwhm is None:
        return LIMIT_WITHOUT_STARS
    return float(np.clip(NOISE_MARGIN + ROUGHNESS * STAR_CONTRAST / fwhm**3, LOWEST_LIMIT, HIGHEST_LIMIT))


def _above_surroundings(level: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Which pixels stand high above the median of those around."""
    if len(y) == 0:
        return np.zeros(0, dtype=bool)
    sky = np.median(level)
    radius = AROUND // 2
    window = sliding_window_view(np.pad(level, radius, mode="reflect"), (AROUND, AROUND))[y, x]
    return level[y, x] - sky > HALO * (np.median(window, axis=(1, 2)) - sky)


def joined_events(
    data: np.ndarray,
    hits: np.ndarray,
    bad: np.ndarray,
    readnoise: float,
    variance: np.ndarray | None = None,
    extra_variance: np.ndarray | None = None,
    *,
    grow: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Of the hits of the planes those of cosmic rays, and these grown into pixels of all colours: bool (ny, nx)."""
    level = level_frame(data, bad, readnoise, variance)
    sharp = sharp_events(level, hits, bad, readnoise, extra_variance)
    if not grow:
        return sharp, sharp
    grown, _ = grow_events(
        level, sharp, readnoise=readnoise, bad=bad, extra_variance=extra_variance, least=LEAST_EXCESS
    )
    return sharp, grown
