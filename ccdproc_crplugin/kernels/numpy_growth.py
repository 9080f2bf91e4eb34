# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The pixels beside events, measured in NumPy: the same as ``src/growth.c``.

The sky of a pixel is the median of the good pixels in the 7 x 7 around it or of those that touch it, whichever is
higher; its noise is that of the sky and of the read-out, plus 1.5 times the scatter of the 7 x 7 that these do not
explain. In a star the neighbours are high too and the scatter is large, so little stands out; beside a track the
neighbours farther out are plain sky. A median of an even number of values is the higher of the two in the middle.
"""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.statistics import STD_OF_MAD

#: A pixel beside an event. ``excess``: how far it stands above the sky, in standard deviations of its own noise;
#: ``brightest``: the same of the brightest flagged pixel across an edge, or across a corner if no edge has one;
#: ``n_bright``: how many flagged pixels across an edge are nearly as bright; ``structure``: the part of the variance
#: around the pixel that noise does not explain, over the variance of the noise.
BESIDE = np.dtype([(name, np.float64) for name in ("excess", "brightest", "n_bright", "structure")])

STRUCTURE = 1.5**2  # weight of the variance that noise does not explain
NEARLY = 0.3  # share of the brightest neighbour's excess
RADIUS = 3  # pixels: the repair draws on 7 x 7
SIDE = 2 * RADIUS + 1
FEWEST_GOOD = 8  # pixels that the repair needs

_EDGES = np.array([[-1, 0], [0, -1], [0, 1], [1, 0]])
_CORNERS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])


def front(data: np.ndarray, flagged: np.ndarray, bad: np.ndarray | None, seeds: np.ndarray | None) -> np.ndarray:
    """Places (int64) of the pixels next to the seeds (None: to all flagged ones) that are neither flagged nor bad."""
    y, x = true_pixels(flagged) if seeds is None else np.divmod(seeds, data.shape[1])
    offset_y, offset_x = np.indices((3, 3)).reshape(2, 9) - 1
    y, x = (y[:, np.newaxis] + offset_y).ravel(), (x[:, np.newaxis] + offset_x).ravel()
    inside = (y >= 0) & (y < data.shape[0]) & (x >= 0) & (x < data.shape[1])
    places = np.unique(y[inside] * data.shape[1] + x[inside])
    taken = flagged.reshape(-1)[places]
    return places[~taken if bad is None else ~(taken | bad.reshape(-1)[places])]


@np.errstate(all="ignore")  # a frame without noise, values that overflow: C does not warn either
def beside(
    data: np.ndarray,
    extra: np.ndarray | None,
    flagged: np.ndarray,
    bad: np.ndarray | None,
    pixels: np.ndarray,
    readnoise2: float,
    least: float,
    threads: int,
) -> np.ndarray:
    """
    Measure the pixels at these places: `BESIDE`, 0 where nothing can be known.

    ``extra`` and ``readnoise2`` are variances, electrons squared. Above an excess of ``least`` the scatter counts.
    """
    y, x = np.divmod(pixels, data.shape[1])
    value = data[y, x]
    around = _good_windows(data, y, x, flagged, bad)
    known = (np.isfinite(around).sum(axis=(1, 2)) >= FEWEST_GOOD) & np.isfinite(value)
    measured = np.zeros(pixels.size, BESIDE)
    if extra is not None:
        readnoise2 = readnoise2 + extra[y, x].astype(np.float64)[known]
    y, x, value, around = y[known], x[known], value[known], around[known]
    wide = _higher_median(around.reshape(-1, SIDE**2))
    middle = slice(RADIUS - 1, RADIUS + 2)
    sky = np.fmax(wide, _higher_median(around[:, middle, middle].reshape(-1, 9)))
    excess = value.astype(np.float64) - sky
    variance = np.maximum(sky, 0).astype(np.float64) + readnoise2
    stands_out = excess > least * np.sqrt(variance)
    deviations = np.abs(around[stands_out].reshape(-1, SIDE**2) - wide[stands_out, np.newaxis])
    scatter = STD_OF_MAD * _higher_median(deviations).astype(np.float64)
    unexplained = np.zeros(value.size)
    unexplained[stands_out] = np.maximum(scatter * scatter - variance[stands_out], 0)
    noise = np.sqrt(variance + STRUCTURE * unexplained)
    brightest, n_bright = _neighbours(data, flagged, y, x, sky)
    measured["excess"][known], measured["brightest"][known] = excess / noise, brightest / noise
    measured["n_bright"][known] = n_bright
    measured["structure"][known] = np.where(unexplained > 0, unexplained / variance, 0)
    return measured


def _neighbours(
    data: np.ndarray, flagged: np.ndarray, y: np.ndarray, x: np.ndarray, sky: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The excess (electrons, 0 or more) of the brightest flagged neighbour; the number of those nearly as bright."""
    edges, across_edge = _flagged_excess(data, flagged, y, x, sky, _EDGES)
    corners, _ = _flagged_excess(data, flagged, y, x, sky, _CORNERS)
    chosen = np.where(across_edge.any(axis=1, keepdims=True), edges, corners)
    brightest = np.fmax(np.fmax.reduce(chosen, axis=1), 0)
    return brightest, (across_edge & (edges >= NEARLY * brightest[:, np.newaxis])).sum(axis=1)


def _flagged_excess(
    data: np.ndarray, flagged: np.ndarray, y: np.ndarray, x: np.ndarray, sky: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By what flagged pixels at these steps from others exceed the sky there, else 0; which are flagged."""
    rows, columns = y[:, np.newaxis] + steps[:, 0], x[:, np.newaxis] + steps[:, 1]
    inside = (rows >= 0) & (rows < data.shape[0]) & (columns >= 0) & (columns < data.shape[1])
    rows, columns = np.where(inside, rows, 0), np.where(inside, columns, 0)
    excess = data[rows, columns].astype(np.float64) - sky[:, np.newaxis]
    is_flagged = inside & flagged[rows, columns]
    return np.where(is_flagged, excess, 0), is_flagged


def _higher_median(values: np.ndarray) -> np.ndarray:
    """The median of each row's numbers, the higher of two in the middle; NaN in a row without any."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    middle = (~np.isnan(ordered)).sum(axis=1) // 2
    return np.take_along_axis(ordered, middle[:, np.newaxis], axis=1)[:, 0]


def _good_windows(
    data: np.ndarray, y: np.ndarray, x: np.ndarray, flagged: np.ndarray, bad: np.ndarray | None
) -> np.ndarray:
    """Cut-outs about pixels, NaN outside of the frame, at bad and at flagged pixels and in the middle."""
    rows, above_or_below = _along(y, data.shape[0])
    columns, left_or_right = _along(x, data.shape[1])
    place = rows[:, :, np.newaxis] * data.shape[1] + columns[:, np.newaxis, :]
    left_out = above_or_below[:, :, np.newaxis] | left_or_right[:, np.newaxis, :]
    for taken in (flagged, bad):
        if taken is not None:
            left_out |= taken.reshape(-1)[place]
    around = data.reshape(-1)[place]
    around[left_out | ~np.isfinite(around)] = np.nan
    around[:, RADIUS, RADIUS] = np.nan
    return around


def _along(centre: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices about each centre along one axis, clipped to the frame, and whether they were outside."""
    index = centre[:, np.newaxis] + np.arange(-RADIUS, RADIUS + 1)
    return np.clip(index, 0, size - 1), (index < 0) | (index >= size)
