# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The classes of events (spot, track, worm, hot pixel, star core) and the rules that decide between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.statistics import robust_std

#: Width of the band around an event in which the sky is measured (pix).
BAND = 5

#: Lengths come from moments and are not exact.
ROUNDING = 1e-6

#: The class of an event that a dark, or the other frames of a night, explain.
HOT_PIXEL = "hot pixel"

#: The rule of each class: first those that `classify` tries, in its order, then what other frames tell.
RULES = {
    "star core?": (
        "compact (elongation below 3) and the pixels around it keep at least a fifth of its peak, "
        "5 times their noise: light spread by the optics"
    ),
    "hot pixel?": "one pixel, 30 times the noise or more, and the pixels around it keep less than 3 % of its charge",
    "track": "elongation of 2.5 or more and a length of at least 3 pixels: a muon along its way",
    "worm": "6 pixels or more that fill less than three quarters of length times width: a scattered electron",
    "spot": "none of the others",
    HOT_PIXEL: (
        "all its significant pixels are hot in the dark that was subtracted, with no more charge than that explains, "
        "or in the other frames of the night"
    ),
}


@dataclass(frozen=True)
class Surroundings:
    """The pixels around an event, in electron; zeros if there is no pixel to measure."""

    ring: float  # mean of the pixels that touch the event, above the sky
    ring_error: float  # its standard error
    noise: float  # scatter of a pixel of the sky


def look_around(frame: np.ndarray, labels: np.ndarray, label: int, where: tuple[slice, slice]) -> Surroundings:
    """Measure the pixels around an event, which lies within the bounding box ``where`` of a frame in electron."""
    from scipy.ndimage import binary_dilation

    box = tuple(
        slice(max(0, part.start - BAND - 1), min(size, part.stop + BAND + 1))
        for part, size in zip(where, frame.shape, strict=True)
    )
    free = (labels[box] == 0) & np.isfinite(frame[box])
    touching = binary_dilation(labels[box] == label, structure=np.ones((3, 3), dtype=bool))
    ring, band = frame[box][free & touching], frame[box][free & ~touching]
    if not len(ring) or not len(band):
        return Surroundings(0.0, 0.0, 0.0)
    sky = np.median(band)
    noise = float(robust_std(band, sky))
    return Surroundings(float(ring.mean() - sky), noise / len(ring) ** 0.5, noise)


def classify(area: int, peak: float, length: float, width: float, elongation: float, around: Surroundings) -> str:
    """The class of an event: of `RULES` the first whose rule holds; peak in electron, area and sides in pixels."""
    if elongation < 3 and around.ring >= 0.2 * peak and around.ring > 5 * around.ring_error:
        return "star core?"
    if area == 1 and peak >= 30 * around.noise and around.ring < 0.03 * peak:
        return "hot pixel?"
    if elongation >= 2.5 and length >= 3 - ROUNDING:
        return "track"
    if area >= 6 and area < 0.75 * length * width:
        return "worm"
    return "spot"
