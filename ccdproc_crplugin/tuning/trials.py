# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cosmic rays and stars of known charge, tried on parts of a frame.

Two copies of a part are searched. Into one go cosmic rays of known charge: how many of them a limit finds is its
completeness. The other is a twin without any cosmic ray: its sky, its noise and its stars are drawn anew, so
whatever a limit finds there is false. A cosmic ray that was taken for a star when the stars were detected is one
more star of the twin, and does no harm.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable
from photutils.detection import DAOStarFinder
from photutils.utils.exceptions import NoDetectionsWarning

from ccdproc_crplugin.kernels import lacosmic
from ccdproc_crplugin.kernels.mosaic_events import search_scores
from ccdproc_crplugin.simulate import THIN
from ccdproc_crplugin.simulate.particles import KINDS, charge_image, make_path
from ccdproc_crplugin.simulate.scene import moffat_psf, star_image
from ccdproc_crplugin.tuning.single_pixels import stand_alone

#: The lowest S' that is kept.
LOWEST = 3.0

WHOLE = 1_000_000  # pixels up to which a frame is one part
TILE = 256  # pixels, side of a part of a larger frame
MOST_TILES = 6
ENOUGH_STARS = 800  # after which no further tile is read

EVENTS = 1200e-6  # trial events per pixel: few enough to leave the frame as it is between them
TILT = 30.0  # degrees between the chip's normal and the zenith
VISIBLE = 5.0  # an event is to be found if its best pixel stands this many times above the noise
LEAST_VARIANCE = 1e-5  # electrons squared, as in the search
COVERED = 2.0  # a pixel is an event's if the event's charge exceeds this many times the noise

MOST_LIGHT = 1e18  # electrons, more than any pixel holds, but no more than the random numbers can draw
STAR_PEAK = 5.0  # a star's least peak over the sky, in standard deviations of the noise
FWHM_WITHOUT_STARS = 2.5  # pixels
SHARPNESS = (0.2, 1.2)
# The width of `stellar_width` is that of the light on the pixels; that before the integration is narrower.
PIXEL_WIDTH2 = 0.45  # square pixels
LEAST_FWHM = 1.2  # pixels
TOUCHED = 1  # pixels from a star's brightest within which it is touched


@dataclass(frozen=True)
class TrialEvent:
    """Scores of the pixels of one cosmic ray that was tried."""

    kind: str
    s_prime: np.ndarray
    contrast: np.ndarray
    alone: np.ndarray  # bool: none of their neighbours stands out


@dataclass(frozen=True)
class Trials:
    """Scores of the cosmic rays and stars that were tried, and the noise of the sky of the twin."""

    events: list[TrialEvent]
    stars: list
    noise: tuple
    n_pixels: int
    photons: float = 0.0  # electrons
    gaussian2: float = 1.0  # electrons squared, beside the photons
    excess: float = 1.0  # the noise over the one that the search assumes


def make_trials(
    data: np.ndarray,
    *,
    mask: np.ndarray,
    variance: np.ndarray | None,
    extra_variance: np.ndarray | None = None,
    readnoise: float,
    saturation: float,
    fwhm: Any,
    search: Any,
    seed: int = 0,
) -> Trials:
    """Try cosmic rays and stars on parts of a frame."""
    rng = np.random.default_rng(seed)
    search = dict(search)
    arrays = {"variance": variance, "extra_variance": extra_variance, "background": search.pop("background", None)}
    levels = {"readnoise": readnoise, "saturation": saturation}
    parts = []
    for rows, columns in _tiles(data.shape):
        cut = {name: array[rows, columns] for name, array in arrays.items() if array is not None}
        part = _Part(data[rows, columns], mask[rows, columns], {**search, **cut, **levels})
        if not part.good.any():
            continue
        parts.append((part, part.try_events(rng), *part.try_stars(fwhm, rng)))
        if sum(len(stars) for _, _, stars, _ in parts) >= ENOUGH_STARS:
            break
    return Trials(
        events=[event for _, events, _, _ in parts for event in events],
        stars=[star for _, _, stars, _ in parts for star in stars],
        noise=tuple(np.concatenate([noise[n] for _, _, _, noise in parts] or [[]]) for n in (0, 1)),
        n_pixels=sum(int(part.good.sum()) for part, _, _, _ in parts),
        **_noise_of_twins([part for part, _, _, _ in parts]),
    )


def _noise_of_twins(parts: Sequence[_Part]) -> dict[str, float]:
    """Photons and other variance of a pixel of the sky, and its noise against the assumed: medians of the parts."""
    if not parts:
        return {}
    photons, gaussian2, assumed2 = np.median([part.noise() for part in parts], axis=0)
    excess = np.sqrt((photons + gaussian2) / max(assumed2, LEAST_VARIANCE))
    return {"photons": float(photons), "gaussian2": float(gaussian2), "excess": float(excess)}


def scores_of(data: np.ndarray, *, mosaic: bool = False, **search: Any) -> Any:
    """The candidates of one iteration; those of a colour mosaic on one level from its planes."""
    if mosaic:
        return search_scores(data, scores_above=LOWEST, **search)
    return lacosmic(data, niter=1, scores_above=LOWEST, **search).scores


def best_scores(scores: Any, objlim: float) -> np.ndarray:
    """The highest S' of each trial among its pixels above a contrast."""
    return np.array([s_prime[contrast > objlim].max(initial=0.0) for s_prime, contrast in scores])


def single_scores(events: Sequence[TrialEvent]) -> tuple[np.ndarray, np.ndarray]:
    """The second highest S' of each trial event, 0 if it has none, and whether its best pixel stands alone."""
    second = np.array([np.sort(event.s_prime)[-2] if event.s_prime.size > 1 else 0.0 for event in events])
    alone = np.array([event.alone[event.s_prime.argmax()] for event in events], dtype=bool)
    return second, alone


def _tiles(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Slices of the parts, spread over the frame."""
    if shape[0] * shape[1] <= WHOLE:
        return [(slice(0, shape[0]), slice(0, shape[1]))]
    n_rows, n_columns = (max(size // TILE, 1) for size in shape)
    # Steps of the golden section spread any number of first tiles over the whole frame.
    order = np.argsort((np.arange(n_rows * n_columns) * 0.6180339887498949) % 1.0)[:MOST_TILES]
    corners = (divmod(int(number), n_columns) for number in order)
    return [
        (slice(row * TILE, min((row + 1) * TILE, shape[0])), slice(column * TILE, min((column + 1) * TILE, shape[1])))
        for row, column in corners
    ]


class _Part:
    """A part of the frame, in electron."""

    def __init__(self, data: np.ndarray, mask: np.ndarray, search: Any) -> None:
        self.data, self.search, self.good = data, search, ~mask
        self.sky: float
        dark, self.sky = np.percentile(data[self.good], [15.87, 50]) if self.good.any() else (0.0, 0.0)
        #: Standard deviation of the blank sky, from its darker half, where no star shines.
        self.sigma = max(self.sky - dark, 1e-3)

    def scores(self, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """S' and S'/F at every candidate, as images that are 0 elsewhere."""
        found = scores_of(np.where(self.good, data, np.nan), **self.search)
        s_prime, contrast = np.zeros(data.shape, np.float32), np.zeros(data.shape, np.float32)
        s_prime[found["y"], found["x"]] = found["s_prime"]
        contrast[found["y"], found["x"]] = found["s_prime_over_f"]
        return s_prime, contrast

    def try_events(self, rng: np.random.Generator) -> list[Any]:
        """Scores of trial events that stand out of the noise."""
        data = self.data.copy()
        steady = self.search["readnoise"] ** 2 + self.search.get("extra_variance", 0)
        noise = np.sqrt(np.maximum(data, 0) + steady)
        covered = []
        for kind in np.resize(list(KINDS), max(round(EVENTS * data.size), 1)):
            where, charge = charge_image(make_path(kind, THIN, data.shape, rng, TILT), THIN, data.shape, rng)
            if where is None:
                continue
            data[where] += charge
            significance = np.where(self.good[where], charge / noise[where], 0)
            if significance.max() >= VISIBLE:
                y, x = np.nonzero(significance > COVERED)
                covered.append((kind, y + where[0].start, x + where[1].start))
        s_prime, contrast = self.scores(data)
        alone = np.zeros(data.shape, dtype=bool)
        if covered:
            y, x = (np.concatenate([event[axis] for event in covered]) for axis in (1, 2))
            alone[y, x] = stand_alone(data, y, x, steady)
        return [TrialEvent(str(kind), s_prime[y, x], contrast[y, x], alone[y, x]) for kind, y, x in covered]

    def try_stars(self, fwhm: Any, rng: np.random.Generator) -> Any:
        """Scores on the stars of the simulated twin, and beside stars."""
        narrow = FWHM_WITHOUT_STARS if fwhm is None else max(np.sqrt(max(fwhm**2 - PIXEL_WIDTH2, 0)), LEAST_FWHM)
        stars = self._detected(narrow)
        light = self.sky + star_image(self.data.shape, stars, narrow) + self.search.get("background", 0)
        twin = rng.poisson(np.clip(light, 0, MOST_LIGHT)) + self._read_out() * rng.standard_normal(light.shape)
        if "extra_variance" in self.search:
            twin = twin + np.sqrt(self.search["extra_variance"]) * rng.standard_normal(light.shape)
        s_prime, contrast = self.scores(twin.astype(np.float32))
        beside = s_prime > 0
        for near in _around(stars, int(np.ceil(2 * narrow))):
            beside[near] = False
        scores = [(s_prime[near].ravel(), contrast[near].ravel()) for near in _around(stars, TOUCHED)]
        return scores, (s_prime[beside], contrast[beside])

    def _read_out(self) -> Any:
        """Standard deviation of the noise of the twin that is neither of photons nor extra, electron."""
        return np.sqrt(max(self.sigma**2 - max(self.sky, 0) - self._apart(), self.search["readnoise"] ** 2))

    def noise(self) -> tuple[float, float, float]:
        """Photons and other variance of a pixel of the twin's sky, and the variance that the search assumes."""
        photons, apart = max(self.sky, 0.0), self._apart()
        if "variance" in self.search:
            assumed2 = float(np.median(self.search["variance"][self.good]))
        else:
            assumed2 = photons + self.search["readnoise"] ** 2
        return photons, float(self._read_out()) ** 2 + apart, assumed2 + apart

    def _apart(self) -> float:
        """Extra variance of a pixel, electrons squared, which the twin adds pixel by pixel."""
        extra = self.search.get("extra_variance")
        return 0.0 if extra is None else float(np.median(extra[self.good]))

    def _detected(self, fwhm: Any) -> Any:
        """The stars that are detected in the part."""
        finder = DAOStarFinder(STAR_PEAK * self.sigma, fwhm, scale_threshold=False, sharpness_range=SHARPNESS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoDetectionsWarning)
            found = finder(self.data - self.sky, mask=~self.good)
        names = ("x_centroid", "y_centroid", "peak")
        x, y, peak = np.zeros((3, 0)) if found is None else np.array([found[name] for name in names], dtype=float)
        x, y, peak = np.array([x, y, peak])[:, peak > STAR_PEAK * self.sigma]
        share = moffat_psf(fwhm)(x - np.rint(x), y - np.rint(y)) if len(x) else 1.0
        return QTable({"x": x * u.pix, "y": y * u.pix, "flux": peak / share * u.electron})


def _around(stars: Any, radius: int) -> list[tuple[slice, ...]]:
    """Slices of the pixels about each star."""
    centres = np.rint([stars["y"].value, stars["x"].value]).astype(int).T
    return [tuple(slice(max(place - radius, 0), place + radius + 1) for place in centre) for centre in centres]
