# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cosmic rays in several exposures of one field: what stands out in one of them against the others.

Each exposure is judged on its own pixels. The others predict it (`stack_match`); what agrees among them is the clean
sky. A pixel is hit if it exceeds the clean sky by a multiple of the noise of the difference, in which the errors of
position and seeing count as the gradient times their size (Fruchter and Hook 2002, PASP, 114, 144, section 4). Events
grow into their neighbours with a lower limit. An excess with the profile of a star is a source that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.labels import label_pixels
from ccdproc_crplugin.kernels.repair import repair
from ccdproc_crplugin.kernels.stack_match import Plane, fit_link, overlap, plain_link, predict

#: Pixels below this share of the limit against the nearest whole pixel are not looked at.
FIRST_LOOK = 0.7
#: Pixels so far above the sky (standard deviations) are looked at all the same: star light may hide a hit there.
STAR_LIGHT = 8.0
#: Error in the position (pix) before it is measured, as for a star that is not sampled well.
FIRST_ERROR = 0.5
#: Exposures that differ by more than this (standard deviations) do not agree on the clean sky.
DISAGREE = 4.0
#: How many rows are compared at once.
ROWS = 128
#: How far an event may grow (pix).
MOST_STEPS = 200
#: Stars narrower than this (FWHM, pix) are no wider than many cosmic rays.
NARROWEST = 2.0
#: An excess is a star's if on all four lines through its peak the neighbours have this share of what a star has there.
STAR_SHARE = 0.6
#: Steps to one of the two neighbours on each line.
LINES = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Hits:
    """The result for one exposure: flat indices of pixels."""

    found: np.ndarray  # above the limit against the clean sky
    grown: np.ndarray  # beside these, above the lower limit
    twice: np.ndarray  # of all these, those whose place was hit in each other exposure too
    spared: np.ndarray  # above the limit, but with the profile of a star


@dataclass(frozen=True)
class Sky:
    """The clean sky at pixels, arrays of shape (n,), and how it stands to the exposure itself."""

    excess: np.ndarray  # electron
    noise: np.ndarray  # electron, of the excess
    known: np.ndarray  # bool: whether another exposure shows the pixel


class StackSearch:
    """The search in a stack."""

    def __init__(self, planes: Sequence[Plane], sigma: float, sigma_low: float, fwhms: Sequence[float | None]) -> None:
        self.planes, self.sigma, self.sigma_low, self.fwhms = planes, sigma, sigma_low, fwhms
        numbers = range(len(planes))
        self.links = {(i, j): plain_link(planes[i], planes[j]) for i in numbers for j in numbers if i != j}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each exposure."""
        return self.planes[0].data.shape

    def run(self) -> list[Hits]:
        """Search all exposures."""
        numbers = range(len(self.planes))
        for link in self.links.values():
            link.error = FIRST_ERROR
        sharp_in_all = [self._sharp_in_all(i) for i in numbers]
        self._fill(sharp_in_all)
        candidates = [np.union1d(self._candidates(i), sharp_in_all[i]) for i in numbers]
        suspects = [self._grown(i, self._above(i, candidates[i])) for i in numbers]
        self._fill_with(suspects, sharp_in_all)
        spoilt = [self._neighbourhood(index) for index in self._flagged]
        for (i, j), link in self.links.items():
            fit_link(link, self.planes[i], self.planes[j], spoilt[i])
        self._fill_with([self._grown(i, self._above(i, candidates[i])) for i in numbers], sharp_in_all)
        candidates = [np.union1d(candidates[i], self._hit_in_others(i)) for i in numbers]
        found = [self._above(i, candidates[i]) for i in numbers]
        grown = [self._grown(i, found[i]) for i in numbers]
        self._fill_with(grown, sharp_in_all)
        found = [self._above(i, candidates[i]) for i in numbers]
        return [self._hits(i, found[i]) for i in numbers]

    def uncovered(self, i: int) -> np.ndarray:
        """The pixels of an exposure that no other one shows, bool (ny, nx)."""
        alone = np.ones(self.shape, dtype=bool)
        for j in range(len(self.planes)):
            if j != i:
                alone[overlap(self.links[i, j].shift, self.shape)[0]] = False
        return alone

    def relation(self, i: int) -> dict[str, float]:
        """The transparency of an exposure over that of the first, and the error in its position (pix)."""
        links = [link for (own, _), link in self.links.items() if own == i]
        transparency = self.links[i, 0].transparency if i else 1.0
        return {"transparency": round(transparency, 4), "error": round(max(link.error for link in links), 3)}

    def cleaned(self, i: int, mask: np.ndarray) -> np.ndarray:
        """An exposure (electron, with its background) whose flagged pixels have the values that the others predict."""
        plane = self.planes[i]
        cleaned = plane.filled.copy()
        index = np.flatnonzero(mask)
        y, x = np.divmod(index, self.shape[1])
        sky = self._sky(i, index)
        cleaned[y, x] = repair(plane.data, y, x, mask | plane.unusable)[0]
        cleaned[y[sky.known], x[sky.known]] = (plane.data[y, x] - sky.excess)[sky.known]
        return cleaned if plane.background is None else cleaned + plane.background

    def _candidates(self, i: int) -> np.ndarray:
        """Flat indices of the pixels that may be hit, by the lowest of the others at the nearest whole pixel."""
        found = [self._candidates_of_rows(i, start) for start in range(0, self.shape[0], ROWS)]
        return np.concatenate(found)

    def _candidates_of_rows(self, i: int, start: int) -> np.ndarray:
        plane, rows = self.planes[i], slice(start, min(start + ROWS, self.shape[0]))
        lowest = np.full((rows.stop - start, self.shape[1]), np.inf, dtype=np.float32)
        for j, other in enumerate(self.planes):
            if j == i:
                continue
            own, theirs = overlap(self.links[i, j].shift, self.shape)
            first, last = max(own[0].start, start), min(own[0].stop, rows.stop)
            if first < last:
                down = theirs[0].start - own[0].start
                seen = other.filled[first + down : last + down, theirs[1]]
                part = lowest[first - start : last - start, own[1]]
                np.minimum(part, (seen - np.float32(other.sky)) * np.float32(self.links[i, j].transparency), out=part)
        excess = plane.data[rows] - np.float32(plane.sky)
        noise2 = plane.noise2[rows]
        limit2 = np.float32((FIRST_LOOK * self.sigma) ** 2)
        bright = lowest > np.float32(STAR_LIGHT) * np.sqrt(noise2)
        excess -= lowest
        # Twice the noise of the sky, as that of this pixel holds the photons of a hit once.
        candidate = (excess > 0) & (excess * excess > limit2 * (2 * noise2 - excess))
        candidate |= bright & np.isfinite(lowest)
        candidate &= ~plane.unusable[rows]
        return np.flatnonzero(candidate) + start * self.shape[1]

    def _sky(self, i: int, index: np.ndarray) -> Sky:
        """The clean sky at pixels of an exposure: the mean of the others that agree with the lowest or the median."""
        plane, (y, x) = self.planes[i], np.divmod(index, self.shape[1])
        others = [j for j in range(len(self.planes)) if j != i]
        level, noise2 = np.full((2, len(others), len(index)), np.inf)
        error, around = np.zeros((2, len(others), len(index)))
        for row, j in enumerate(others):
            link = self.links[i, j]
            inside = link.inside(y, x, self.shape)
            told = predict(link, plane, self.planes[j], y[inside], x[inside])
            level[row, inside], noise2[row, inside], error[row, inside] = told.level, told.noise2, told.error
            around[row, inside] = told.around
        known = np.isfinite(level).any(axis=0)
        agreed, agreed2, error = _agreed(level, noise2, error)
        own2 = plane.expected_noise2(y, x, np.where(known, np.maximum(agreed, around.max(axis=0)), 0))
        excess = np.where(known, plane.data[y, x] - agreed, 0)
        return Sky(excess, np.sqrt(own2 + agreed2 + error**2), known)

    def _above(self, i: int, index: np.ndarray) -> np.ndarray:
        """Those pixels that exceed the clean sky by the limit."""
        sky = self._sky(i, index)
        return index[sky.excess > self.sigma * sky.noise]

    def _grown(self, i: int, index: np.ndarray) -> np.ndarray:
        """Pixels with those beside them, step by step, that exceed the clean sky by the lower limit."""
        grown = front = index
        for _ in range(MOST_STEPS):
            beside = np.setdiff1d(self._beside(front), grown)
            beside = beside[~self.planes[i].unusable.reshape(-1)[beside]]
            sky = self._sky(i, beside)
            front = beside[sky.excess > self.sigma_low * sky.noise]
            if len(front) == 0:
                break
            grown = np.union1d(grown, front)
        return grown

    def _beside(self, index: np.ndarray) -> np.ndarray:
        """The 3 x 3 pixels around each, those inside of the frame."""
        y, x = np.divmod(index, self.shape[1])
        steps = np.indices((3, 3)).reshape(2, 9) - 1
        rows, columns = y[:, np.newaxis] + steps[0], x[:, np.newaxis] + steps[1]
        inside = (rows >= 0) & (rows < self.shape[0]) & (columns >= 0) & (columns < self.shape[1])
        return np.unique(rows[inside] * self.shape[1] + columns[inside])

    def _neighbourhood(self, index: np.ndarray) -> np.ndarray:
        spoilt = np.zeros(self.shape, dtype=bool)
        spoilt.reshape(-1)[self._beside(self._beside(index))] = True
        return spoilt

    def _sharp_in_all(self, i: int) -> np.ndarray:
        """
        The pixels that L.A.Cosmic finds in an exposure alone, and at the same place in each other one too.

        Those that are equally bright in all, as their neighbours are, are hot pixels or stars.
        """
        index = np.flatnonzero(self.planes[i].sharp & ~self.planes[i].unusable)
        y, x = np.divmod(index, self.shape[1])
        for j in range(len(self.planes)):
            if j != i:
                link = self.links[i, j]
                sharp = link.inside(y, x, self.shape)
                sharp[sharp] = self.planes[j].sharp[y[sharp] + link.shift[0], x[sharp] + link.shift[1]]
                y, x = y[sharp], x[sharp]
        differs = np.zeros(len(y), dtype=bool)
        for j in range(len(self.planes)):
            if j != i:
                for dy, dx in np.indices((3, 3)).reshape(2, 9).T - 1:
                    differs |= self._differs(i, j, y + dy, x + dx)
        return y[differs] * self.shape[1] + x[differs]

    def _differs(self, i: int, j: int, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Whether two exposures differ at pixels, as they are; not at those outside of one."""
        plane, other, link = self.planes[i], self.planes[j], self.links[i, j]
        inside = (y >= 0) & (x >= 0) & (y < self.shape[0]) & (x < self.shape[1]) & link.inside(y, x, self.shape)
        own, there = (y[inside], x[inside]), (y[inside] + link.shift[0], x[inside] + link.shift[1])
        difference = plane.data[own] - plane.sky - link.transparency * (other.data[there] - other.sky)
        noise2 = plane.noise2[own] + link.transparency**2 * other.noise2[there]
        differs = np.zeros(len(y), dtype=bool)
        differs[inside] = difference**2 > DISAGREE**2 * noise2
        return differs

    def _fill_with(self, flagged: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> None:
        self._fill([np.union1d(*pair) for pair in zip(flagged, others, strict=True)])

    def _fill(self, flagged: Sequence[np.ndarray]) -> None:
        for plane, index in zip(self.planes, flagged, strict=True):
            plane.fill(*np.divmod(index, self.shape[1]))
        self._flagged = flagged

    def _hit_in_others(self, i: int) -> np.ndarray:
        """The pixels of an exposure whose place is flagged in another one."""
        found = [np.zeros(0, dtype=np.intp)]
        for j in range(len(self.planes)):
            if j != i:
                y, x = np.divmod(self._flagged[j], self.shape[1])
                back = self.links[j, i]
                inside = back.inside(y, x, self.shape)
                y, x = y[inside] + back.shift[0], x[inside] + back.shift[1]
                usable = ~self.planes[i].unusable[y, x]
                found.append(y[usable] * self.shape[1] + x[usable])
        return np.unique(np.concatenate(found))

    def _hit_in_all_others(self, i: int, index: np.ndarray) -> np.ndarray:
        """Whether the place of pixels is flagged in each other exposure that shows it."""
        y, x = np.divmod(index, self.shape[1])
        in_all = np.ones(len(index), dtype=bool)
        for j in range(len(self.planes)):
            if j != i:
                link = self.links[i, j]
                inside = link.inside(y, x, self.shape)
                place = (y + link.shift[0]) * self.shape[1] + x + link.shift[1]
                in_all &= ~inside | np.isin(place, self._flagged[j])
        return in_all

    def _hits(self, i: int, found: np.ndarray) -> Hits:
        """The pixels found and grown, without the events that are sources."""
        grown = self._grown(i, found)
        label = label_pixels(*np.divmod(grown, self.shape[1]), self.shape)
        is_found = np.isin(grown, found)
        spared = np.isin(label, self._sources(i, grown[is_found], label[is_found]))
        twice = self._hit_in_all_others(i, grown)
        doubtful = twice & ~np.isin(grown, self._beside(np.flatnonzero(self.planes[i].sharp)))
        kept = ~spared & ~doubtful
        return Hits(grown[kept & is_found], grown[kept & ~is_found], grown[kept & twice], grown[spared])

    def _sources(self, i: int, found: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The labels of the events whose excess has the profile of a star at its peak."""
        fwhm = self.fwhms[i]
        if fwhm is None or fwhm < NARROWEST or len(found) == 0:
            return np.zeros(0, dtype=int)
        order = np.lexsort((self._sky(i, found).excess, label))
        last = np.append(np.diff(label[order]) > 0, True)
        peak, label = found[order][last], label[order][last]
        y, x = np.divmod(peak, self.shape[1])
        inside = (y > 0) & (y < self.shape[0] - 1) & (x > 0) & (x < self.shape[1] - 1)
        peak, label = peak[inside], label[inside]
        star_like = np.ones(len(peak), dtype=bool)
        height = self._sky(i, peak).excess
        for dy, dx in LINES:
            step = dy * self.shape[1] + dx
            beside = (self._sky(i, peak - step).excess + self._sky(i, peak + step).excess) / 2
            expected = np.exp(-4 * np.log(2) * (dy**2 + dx**2) / fwhm**2)
            star_like &= beside > STAR_SHARE * expected * height
        return label[star_like]


def _agreed(level: np.ndarray, noise2: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    The mean (n,) of the levels (m, n) that agree, its variance and its error.

    The lowest is the standard for two levels, the lower median for more. Those far above it were hit.
    """
    if len(level) == 1:
        return level[0], noise2[0], error[0]
    ordered = np.argsort(level, axis=0)
    n_known = np.isfinite(level).sum(axis=0)
    standard = np.take_along_axis(ordered, ((n_known - 1).clip(0) // 2)[np.newaxis], axis=0)
    base, base2 = (np.take_along_axis(values, standard, axis=0) for values in (level, noise2))
    with np.errstate(invalid="ignore"):
        agree = np.isfinite(level) & (level - base < DISAGREE * np.sqrt(noise2 + base2 + error**2))
    weight = np.where(agree, 1 / (noise2 + 1e-6), 0)
    total = np.maximum(weight.sum(axis=0), 1e-30)
    mean = np.where(agree, level, 0) * weight
    return mean.sum(axis=0) / total, 1 / total, (error * weight).sum(axis=0) / total
