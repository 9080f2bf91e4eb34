# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Growth of events written down as plainly as its description: the oracle of both engines. Pixel by pixel, slow."""

import math

import numpy as np

EDGES = ((-1, 0), (0, -1), (0, 1), (1, 0))
CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
KNOTS = (3.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def higher_median(values):
    return sorted(values)[len(values) // 2]


def next_to(mask, bad, seeds):
    """The free pixels next to the seeds, in reading order."""
    return sorted(
        {
            (y + dy, x + dx)
            for y, x in seeds
            for dy, dx in EDGES + CORNERS
            if 0 <= y + dy < mask.shape[0]
            and 0 <= x + dx < mask.shape[1]
            and not mask[y + dy, x + dx]
            and not bad[y + dy, x + dx]
        }
    )


def measure(data, mask, bad, extra, readnoise, y, x):
    """Excess, brightest neighbour (in standard deviations), number of neighbours nearly as bright, and structure."""
    around = {
        (dy, dx): data[y + dy, x + dx]
        for dy in range(-3, 4)
        for dx in range(-3, 4)
        if (dy, dx) != (0, 0)
        and 0 <= y + dy < data.shape[0]
        and 0 <= x + dx < data.shape[1]
        and not mask[y + dy, x + dx]
        and not bad[y + dy, x + dx]
        and np.isfinite(data[y + dy, x + dx])
    }
    if len(around) < 8 or not np.isfinite(data[y, x]):
        return 0.0, 0.0, 0, 0.0
    wide = higher_median(around.values())
    touching = [value for (dy, dx), value in around.items() if abs(dy) <= 1 and abs(dx) <= 1]
    sky = max(wide, higher_median(touching)) if touching else wide
    excess = float(data[y, x]) - float(sky)
    variance = max(float(sky), 0.0) + (readnoise**2 + float(extra[y, x]))
    unexplained = 0.0
    if excess > math.sqrt(variance):
        scatter = 1.4826 * float(higher_median([abs(value - wide) for value in around.values()]))
        unexplained = max(scatter * scatter - variance, 0.0)
    noise = math.sqrt(variance + 2.25 * unexplained)
    structure = unexplained / variance if unexplained > 0 else 0.0
    edges, corners = (
        [
            float(data[y + dy, x + dx]) - float(sky)
            for dy, dx in steps
            if 0 <= y + dy < data.shape[0] and 0 <= x + dx < data.shape[1] and mask[y + dy, x + dx]
        ]
        for steps in (EDGES, CORNERS)
    )
    brightest = max([0.0, *(edges or corners)])
    return excess / noise, brightest / noise, sum(value >= 0.3 * brightest for value in edges), structure


def curve(measured):
    """The thresholds of the three classes at `KNOTS`, standard deviations."""
    return [thresholds(measured, k, charged) for k, charged in enumerate((0.05, 0.25, 0.5))]


def thresholds(measured, k, prior):
    beside = [
        (excess, brightest)
        for excess, brightest, n_bright, structure in measured
        if min(n_bright, 2) == k and brightest > 50 and excess < 0.3 * brightest and structure <= 3
    ]
    empty = min(2 * sum(excess < 0 for excess, _ in beside), len(beside))
    charged = [excess / brightest for excess, brightest in beside if excess > 1]
    weight = max(1 - 0.16 * empty / max(len(charged), 1), 0.05)
    shares = [0.003 * (0.6 / 0.003) ** (i / 39) for i in range(40)]
    counts = [150 * prior / 40] * 40
    for share in charged:
        counts[min(range(40), key=lambda i: abs(math.log(shares[i] / share)))] += weight
    found = []
    for knot in KNOTS:
        needed = 4.0
        for step in range(150):
            excess = 1 + 0.02 * step
            odds = sum(
                n * math.exp(knot * f * excess - (knot * f) ** 2 / 2) for n, f in zip(counts, shares, strict=True)
            )
            if odds / (empty + 150 * (1 - prior)) > 1.18:
                needed = excess
                break
        found.append(min([needed, *found[-1:]]))
    return found


def grow(data, mask, readnoise, bad, extra):
    """The grown mask and the thresholds; all events count for the thresholds."""
    grown = mask.copy()
    hits = list(zip(*np.nonzero(mask), strict=True))
    front = next_to(grown, bad, hits)
    needed = curve([measure(data, grown, bad, extra, readnoise, y, x) for y, x in front + hits])
    for _ in range(200):
        measured = [measure(data, grown, bad, extra, readnoise, y, x) for y, x in front]
        joining = [
            pixel
            for pixel, (excess, brightest, n_bright, structure) in zip(front, measured, strict=True)
            if excess > 1
            and excess > np.interp(brightest, KNOTS, needed[min(n_bright, 2)])
            and (excess > 2.5 or structure <= 3)
        ]
        if not joining:
            break
        for pixel in joining:
            grown[pixel] = True
        front = next_to(grown, bad, joining)
    return grown, needed
