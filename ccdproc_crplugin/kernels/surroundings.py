# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pixels around events: a star whose core was flagged goes on there, a cosmic ray does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccdproc_crplugin.kernels.statistics import robust_std

#: Width of the band around an event in which the sky is measured (pix).
BAND = 5

#: A core of a star is less elongated than this, and the pixels around it keep this share of its peak, which must be so
#: many times its error.
CORE_ELONGATION, CORE_SHARE, CORE_SIGNIFICANCE = 3, 0.2, 5


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


def is_star_core(peak: float, around: Surroundings) -> bool:
    """Whether a compact event of this peak (electron) is the core of a star, by its surroundings."""
    return around.ring >= CORE_SHARE * peak and around.ring > CORE_SIGNIFICANCE * around.ring_error
