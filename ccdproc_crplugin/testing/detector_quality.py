# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of what a detector finds and what it spares, on simulated frames; the limits are those of a useful one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ccdproc_crplugin.testing import frames
from ccdproc_crplugin.testing.checks import ensure
from ccdproc_crplugin.testing.subjects import Subject

#: Share of the bright events of which a pixel is flagged, and of their bright pixels that are.
EVENTS_FOUND, PIXELS_FOUND = 0.9, 0.7

#: Share of the flagged pixels that must have been hit.
PURITY = 0.7

#: Share of an empty frame that may be flagged.
FALSE_ON_SKY = 2e-4

#: Share of the stars whose core may be flagged.
STARS_EATEN = 0.05

#: Share of the pixels of a frame with galaxies that may be flagged.
FALSE_ON_GALAXIES = 1e-3

#: Charge, in units of the noise, from which a flagged pixel counts as hit.
LEAST_CHARGE = 0.5

TOO_EAGER = "Raise its limit, or judge a pixel by the noise of its surroundings."
TOO_SHY = "Lower its limit; compare with `crp.detectors()['lacosmic']`."
SPARE_STARS = "Compare a pixel with its neighbours: light spreads over several pixels, a hit has sharp edges."


def check_finds_bright_events(subject: Subject) -> None:
    """At least 90 % of the events that stand 20 sigma out are found where it searches, by a pixel at least."""
    scene, found = frames.battery(), subject.flagged(frames.battery())
    bright = _labels(scene, _bright(subject, scene))
    share = len(bright & _labels(scene, found)) / len(bright)
    ensure(share >= EVENTS_FOUND, f"{share:.0%} of {len(bright)} bright events", f"{EVENTS_FOUND:.0%} or more", TOO_SHY)


def check_finds_the_pixels_of_bright_events(subject: Subject) -> None:
    """At least 70 % of the pixels that stand 20 sigma out are flagged: what remains spoils the frame."""
    scene, found = frames.battery(), subject.flagged(frames.battery())
    bright = _bright(subject, scene)
    share = float(np.mean(found[bright]))
    ensure(
        share >= PIXELS_FOUND, f"{share:.0%} of {bright.sum()} bright pixels", f"{PIXELS_FOUND:.0%} or more", TOO_SHY
    )


def check_finds_hits_in_a_turned_frame(subject: Subject) -> None:
    """A frame that is turned and mirrored has its bright hits flagged as well."""
    scene = frames.hits()
    turns: tuple[Callable[[np.ndarray], np.ndarray], ...] = (np.transpose, np.flipud, np.fliplr)
    for turn in turns:
        truth = turn(scene.truth)
        turned = frames.scene_of(f"a frame after {turn.__name__}", np.ascontiguousarray(turn(scene.data)))
        share = float(np.mean(subject.flagged(turned)[truth]))
        found = f"{share:.0%} of the pixels of bright hits on {turned.what}"
        ensure(share >= PIXELS_FOUND, found, f"{PIXELS_FOUND:.0%} or more", "Treat rows and columns alike.")


def check_finds_hits_at_the_border_or_says_that_it_does_not_look(subject: Subject) -> None:
    """A bright hit at the border is found, or the border is named in ``not_searched``."""
    data, truth = frames.noisy_sky((64, 72)), np.zeros((64, 72), dtype=bool)
    truth[0, 20] = truth[-1, 40] = truth[30, 0] = truth[20, -1] = truth[1, 50] = truth[40, -2] = True
    data[truth] += 3000
    found = subject.detect(frames.scene_of("a sky with hits at the border", data))
    known = found.mask if found.not_searched is None else found.mask | found.not_searched
    n_missed = np.count_nonzero(truth & ~known)
    advice = "Mirror the frame at its border, or return the border as not_searched."
    ensure(n_missed == 0, f"{n_missed} of {truth.sum()} hits at the border missed silently", "none", advice)


def check_flags_mostly_hits(subject: Subject) -> None:
    """At least 70 % of the pixels flagged in a field of stars and galaxies were hit."""
    scene, found = frames.battery(), subject.flagged(frames.battery())
    hit = scene.extra["significance"] > LEAST_CHARGE
    share = float(np.mean(hit[found])) if found.any() else 1.0
    ensure(share >= PURITY, f"{share:.0%} of {found.sum()} flagged pixels hit", f"{PURITY:.0%} or more", SPARE_STARS)


def check_leaves_an_empty_sky_alone(subject: Subject) -> None:
    """Hardly a pixel of a flat sky of 200 electron is flagged."""
    _check_sky(subject, 200.0, 5.0)


def check_leaves_a_dark_sky_alone(subject: Subject) -> None:
    """Hardly a pixel of a flat sky of 3 electron is flagged, where read noise rules."""
    _check_sky(subject, 3.0, 6.0)


def check_leaves_a_bright_sky_alone(subject: Subject) -> None:
    """Hardly a pixel of a flat sky of 20000 electron is flagged, where photon noise rules."""
    _check_sky(subject, 20_000.0, 5.0)


def check_leaves_a_slope_alone(subject: Subject) -> None:
    """Hardly a pixel of a sky that brightens across the frame is flagged."""
    rng = np.random.default_rng(3)
    slope = np.linspace(100, 1000, frames.SIDE)[np.newaxis] * np.ones((frames.SIDE, 1))
    data = rng.poisson(slope) + rng.normal(0, frames.READNOISE, slope.shape)
    _check_few(subject, frames.scene_of("a sky that brightens tenfold", data), FALSE_ON_SKY, TOO_EAGER)


def _check_sky(subject: Subject, level: float, readnoise: float) -> None:
    _check_few(subject, frames.sky(level=level, readnoise=readnoise), FALSE_ON_SKY, TOO_EAGER)


def check_spares_stars(subject: Subject) -> None:
    """The cores of stars of FWHM 3 pixels are not flagged."""
    _check_stars(subject, 3.0)


def check_spares_broad_stars(subject: Subject) -> None:
    """The cores of stars of FWHM 5 pixels are not flagged."""
    _check_stars(subject, 5.0)


def check_spares_sharp_stars(subject: Subject) -> None:
    """The cores of stars of FWHM 2.2 pixels, near the limit of sampling, are not flagged."""
    _check_stars(subject, 2.2)


def check_spares_galaxies(subject: Subject) -> None:
    """Hardly a pixel of galaxies is flagged."""
    _check_few(subject, frames.galaxies(), FALSE_ON_GALAXIES, SPARE_STARS)


def _check_stars(subject: Subject, fwhm: float) -> None:
    scene = frames.star_field(fwhm)
    found = subject.flagged(scene)
    y, x = scene.stars.T
    grown = found | np.roll(found, 1, 0) | np.roll(found, -1, 0) | np.roll(found, 1, 1) | np.roll(found, -1, 1)
    share = float(np.mean(grown[y, x]))
    ensure(
        share <= STARS_EATEN,
        f"{share:.0%} of {len(y)} cores flagged on {scene.what}",
        f"{STARS_EATEN:.0%} or less",
        SPARE_STARS,
    )


def _check_few(subject: Subject, scene: frames.Scene, share: float, advice: str) -> None:
    n_flagged, allowed = np.count_nonzero(subject.flagged(scene)), int(share * scene.data.size)
    ensure(n_flagged <= allowed, f"{n_flagged} pixels flagged on {scene.what}", f"{allowed} or fewer", advice)


def _bright(subject: Subject, scene: frames.Scene) -> np.ndarray:
    """The pixels that stand far out and are searched, bool (ny, nx)."""
    bright, not_searched = scene.extra["significance"] > frames.BRIGHT, subject.detect(scene).not_searched
    return bright if not_searched is None else bright & ~not_searched


def _labels(scene: frames.Scene, where: np.ndarray) -> set[int]:
    """The events that have a pixel there."""
    return set(np.unique(scene.extra["labels"][where])) - {0}
