# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The classes of events (spot, track, worm, hot pixel, star core) and the rules that decide between them."""

from __future__ import annotations

from ccdproc_crplugin.kernels.surroundings import CORE_ELONGATION, Surroundings, is_star_core

#: Lengths come from moments and are not exact.
ROUNDING = 1e-6

#: The class of events that no particle makes. `kernels.structure` decides, and words the rule for each event.
STRUCTURE = "structure?"

#: The class of an event that a dark, or the other frames of a night, explain.
HOT_PIXEL = "hot pixel"

#: The rule of each class: structure, then those that `classify` tries, in its order, then what other frames tell.
RULES = {
    STRUCTURE: (
        "wider, longer or more saturated than a particle makes, or along the edge of the frame: a star, its trail, the "
        "edge of a slit, a bad line"
    ),
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


def classify(area: int, peak: float, length: float, width: float, elongation: float, around: Surroundings) -> str:
    """The class of an event: of `RULES` the first whose rule holds; peak in electron, area and sides in pixels."""
    if elongation < CORE_ELONGATION and is_star_core(peak, around):
        return "star core?"
    if area == 1 and peak >= 30 * around.noise and around.ring < 0.03 * peak:
        return "hot pixel?"
    if elongation >= 2.5 and length >= 3 - ROUNDING:
        return "track"
    if area >= 6 and area < 0.75 * length * width:
        return "worm"
    return "spot"
