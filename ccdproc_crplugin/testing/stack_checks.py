# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of a stack detector: what it returns, what it takes, how it behaves, what it finds and what it spares."""

from __future__ import annotations

import contextlib
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins.model import HOST_KEYWORDS
from ccdproc_crplugin.testing import stacks
from ccdproc_crplugin.testing.checks import NotApplicableError, ensure, fail
from ccdproc_crplugin.testing.frames import READNOISE, SKY
from ccdproc_crplugin.testing.subjects import Subject

#: Charge of a hit that must be found, and from which a flagged pixel counts as hit, in units of the noise.
BRIGHT, LEAST_CHARGE = 20.0, 0.5

#: Share of the bright pixels that must be found, and of the flagged ones that must have been hit.
FOUND, PURITY = 0.9, 0.8

#: Share of the pixels of an empty sky, and of the cores of stars, that may be flagged.
FALSE_ON_SKY, STARS_EATEN = 2e-4, 0.02

#: Longest entry of ``info``, in characters.
LONGEST_ENTRY = 200

#: Threads that search at the same time, and the name of a parameter that no detector has.
N_THREADS, UNKNOWN = 4, "no_such_parameter"


# --- what it returns ---


def check_returns_a_detection_for_each_exposure(subject: Subject) -> None:
    """It returns a list with a Detection for each exposure, in their order."""
    stacks.search(subject, stacks.bright_hits())


def check_returns_masks_of_bool(subject: Subject) -> None:
    """Each mask is a NumPy array of bool with the shape of the exposures."""
    stacks.flagged(subject, stacks.bright_hits())


def check_returns_other_images_in_the_shape_of_the_exposures(subject: Subject) -> None:
    """``score`` and ``cleaned`` are floating-point, ``not_searched`` is bool; all have the shape of the exposures."""
    stack = stacks.bright_hits()
    for found in stacks.search(subject, stack):
        for name, kind in {"score": "f", "cleaned": "f", "not_searched": "b"}.items():
            part = getattr(found, name)
            shape = stack.exposures[0].data.shape
            good = part is None or (isinstance(part, np.ndarray) and part.shape == shape and part.dtype.kind == kind)
            shown = f"{name} of dtype {getattr(part, 'dtype', None)}, shape {getattr(part, 'shape', None)}"
            ensure(good, shown, f"kind {kind!r} and shape {shape}", f"Convert {name} before it is returned.")


def check_returns_cleaned_frames_without_the_hits(subject: Subject) -> None:
    """``cleaned``, if given, has finite values near the sky where a hit was."""
    stack = stacks.bright_hits()
    for found, charge in zip(stacks.search(subject, stack), stack.charge, strict=True):
        if found.cleaned is None:
            raise NotApplicableError("it returns no cleaned frame")
        left = np.abs(found.cleaned[found.mask & (charge > 0)] - SKY)
        shown = f"a cleaned frame that is {left.max(initial=0):.0f} electron beside the sky at a hit"
        ensure((left < 200).all(), shown, "less than 200", "Leave cleaned out; then the host repairs.")


def check_returns_info_that_fits_a_header(subject: Subject) -> None:
    """``info`` is a dict of short values by names that are not the host's: the HISTORY has them."""
    for found in stacks.search(subject, stacks.bright_hits()):
        odd = [
            name
            for name, value in found.info.items()
            if not isinstance(name, str) or name in HOST_KEYWORDS or len(repr(value)) > LONGEST_ENTRY
        ]
        ensure(not odd, f"the entries {odd!r:.200} in info", "short ones of other names", "Rename or shorten them.")


def check_returns_arrays_of_its_own(subject: Subject) -> None:
    """What it returns shares no memory with what it was given: the host would change both."""
    stack = stacks.bright_hits()
    given = [array for one in stack.exposures for array in (one.data, one.mask)]
    for found in stacks.search(subject, stack):
        for name in ("mask", "score", "cleaned", "not_searched"):
            part = getattr(found, name)
            shared = part is not None and any(np.shares_memory(part, array) for array in given)
            ensure(
                not shared, f"a {name} that is an array of the host's", "one of its own", f"Return a copy as {name}."
            )


# --- what it takes ---


def check_takes_two_exposures(subject: Subject) -> None:
    """Two exposures are enough to find the bright hits of each."""
    _check_finds(subject, stacks.bright_hits(2))


def check_takes_many_exposures(subject: Subject) -> None:
    """It finds the bright hits of five exposures, too."""
    _check_finds(subject, stacks.bright_hits(5))


def check_takes_tiny_exposures(subject: Subject) -> None:
    """Exposures smaller than its boxes get an answer."""
    for shape in ((1, 1), (2, 9), (9, 2), (5, 5)):
        stacks.flagged(subject, stacks.sky(shape))


def check_takes_exposures_that_do_not_overlap(subject: Subject) -> None:
    """Exposures that show nothing in common get an answer."""
    stacks.flagged(subject, stacks.bright_hits(2).changed(1, offset=(500.0, -500.0)))


def check_takes_exposures_of_bad_pixels(subject: Subject) -> None:
    """An exposure without a good pixel gets an answer, and the hits of the others are found."""
    stack = stacks.bright_hits()
    _check_finds(subject, stack.changed(2, mask=np.ones(stack.charge[0].shape, dtype=bool)), numbers=(0, 1))


def check_is_not_misled_by_bad_pixels(subject: Subject) -> None:
    """What a bad pixel of one exposure holds costs no good pixel of another."""
    stack = stacks.sky()
    mask, data = np.zeros(stack.charge[0].shape, dtype=bool), stack.exposures[0].data.copy()
    mask[40:50, 60:70], data[40:50, 60:70] = True, -5000
    masks = stacks.flagged(subject, stack.changed(0, data=data, mask=mask))
    n_beside = sum(int(found[36:54, 56:74].sum()) for found in masks)
    ensure(n_beside <= 1, f"{n_beside} flagged pixels at bad ones", "none", "Leave out what Exposure.mask says.")


def check_takes_a_variance(subject: Subject) -> None:
    """The variance of an exposure takes the place of photons and read noise: nothing stands out of a large one."""
    stack = stacks.bright_hits()
    large = np.full(stack.charge[0].shape, 1e8, dtype=np.float32)
    n_flagged = int(stacks.flagged(subject, stack.changed(0, variance=large))[0].sum())
    ensure(n_flagged == 0, f"{n_flagged} pixels flagged", "none", "Take the noise from Exposure.variance if given.")


def check_takes_a_bright_sky(subject: Subject) -> None:
    """A sky that one exposure has twice as bright is no cosmic ray."""
    stack = stacks.sky()
    brighter = stack.changed(0, data=stack.exposures[0].data + np.float32(SKY))
    _check_flags_little(subject, brighter)


def check_cleans_frames_of_other_types(subject: Subject) -> None:
    """Frames of other byte orders and numbers are cleaned by the host as well."""
    stack = stacks.bright_hits(2)
    expected = [ccd.mask for ccd in stacks.clean(subject, stack)]
    for dtype in (">f4", "f8"):
        for ccd, mask in zip(stacks.clean(subject, stack, dtype), expected, strict=True):
            n_different = np.count_nonzero(ccd.mask ^ mask)
            ensure(n_different == 0, f"{n_different} other pixels in {dtype}", "none", "Keep to what the host gives.")


def check_cleans_frames_with_pixels_that_are_not_finite(subject: Subject) -> None:
    """Frames with NaN are cleaned by the host, and their hits are found."""
    stack = stacks.bright_hits(2)
    data = stack.exposures[0].data.copy()
    data[50, 50] = np.nan
    broken = replace(stack, exposures=(replace(stack.exposures[0], data=data), stack.exposures[1]))
    mask = stacks.clean(subject, broken)[0].mask
    ensure(mask[stack.charge[0] > 0].all(), "hits that stay", "all of them flagged", "Leave out masked pixels.")


# --- how it behaves ---


def check_does_not_change_the_exposures(subject: Subject) -> None:
    """It works on arrays that nobody may write to, and leaves the list of exposures as it is."""
    stack = stacks.bright_hits()
    given = list(stack.exposures)
    subject.item.detect(given, **subject.own_parameters)
    same = len(given) == len(stack.exposures) and all(a is b for a, b in zip(given, stack.exposures, strict=True))
    ensure(same, "that detect changed the list of exposures", "the same", "Work on a copy.")


def check_gives_the_same_answer_twice(subject: Subject) -> None:
    """The same exposures have the same cosmic rays each time, whatever was searched between."""
    first = stacks.flagged(subject, stacks.field())
    stacks.flagged(subject, stacks.sky((50, 40)))
    _check_same(first, stacks.flagged(subject, stacks.field()), "a second run", "Fix the seed; keep nothing.")


def check_gives_the_same_answer_in_threads(subject: Subject) -> None:
    """Several threads that search at the same time get the answers of one."""
    tried = [stacks.bright_hits(number) for number in (2, 3, 4, 5)]
    alone = [stacks.flagged(subject, stack) for stack in tried]
    with warnings.catch_warnings(), ThreadPoolExecutor(N_THREADS) as pool:
        warnings.simplefilter("ignore")
        together = list(pool.map(lambda stack: stacks.flagged(subject, stack), tried))
    for first, second in zip(alone, together, strict=True):
        _check_same(first, second, f"{N_THREADS} threads", "Share nothing that is written to between calls.")


def check_does_not_depend_on_the_order_of_exposures(subject: Subject) -> None:
    """The bright hits are found in whatever order the exposures come."""
    stack = stacks.bright_hits()
    _check_finds(subject, replace(stack, exposures=stack.exposures[::-1], charge=stack.charge[::-1]))


def check_leaves_the_random_state_alone(subject: Subject) -> None:
    """The global random numbers of NumPy go on as if nothing had happened."""
    before = repr(np.random.get_state(legacy=False))  # noqa: NPY002 - it is the global state that matters
    stacks.search(subject, stacks.bright_hits())
    same = before == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    ensure(same, "that the global random state changed", "the same one", "Use numpy.random.default_rng(seed).")


def check_warns_of_nothing_and_prints_nothing(subject: Subject) -> None:
    """Ordinary exposures cost no warning and no output; what is worth telling goes to ``info``."""
    shown = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(shown):
        warnings.simplefilter("always")
        with contextlib.redirect_stderr(shown):
            stacks.search(subject, stacks.field())
    messages = "; ".join([*(str(item.message) for item in caught), *shown.getvalue().split("\n")]).strip("; ")
    ensure(not messages, f"{messages!r:.300}", "no warning and no output", "Guard divisions; return info.")


def check_refuses_unknown_parameters(subject: Subject) -> None:
    """A misspelt parameter is an error, not ignored."""
    try:
        subject.item.detect(list(stacks.bright_hits().exposures), **{UNKNOWN: 1})
    except TypeError:
        return
    except Exception as err:
        fail(f"{type(err).__name__} for an unknown parameter", "TypeError", "Name each parameter; take no **keywords.")
    fail(f"no error for {UNKNOWN}=1", "TypeError", "Name each parameter; take no **keywords.")


def check_refuses_wrong_values(subject: Subject) -> None:
    """A word or NaN where a number is due is a CosmicRayError that names the parameter."""
    own = plugins.detector_parameters(subject.item) | dict(subject.parameters)
    numeric = [name for name, value in own.items() if isinstance(value, int | float) and not isinstance(value, bool)]
    if not numeric:
        raise NotApplicableError("it has no parameters that are numbers")
    for name in numeric:
        for value in ("many", float("nan")):
            message = _message_of_wrong(subject, name, value)
            advice = "Write a check(**parameters) that raises a CosmicRayError."
            ensure(
                name in message, f"the error {message!r:.300} for {name}={value!r}", f"one that names {name}", advice
            )


def _message_of_wrong(subject: Subject, name: str, value: Any) -> str:
    try:
        stacks.clean(subject, stacks.bright_hits(2), **{name: value})
    except CosmicRayError as err:
        return str(err)
    return "no error"


# --- what it finds and what it spares ---


def check_finds_bright_hits_beside_stars(subject: Subject) -> None:
    """At least 90 % of the pixels that stand 20 sigma out are flagged in a field of stars."""
    _check_finds(subject, stacks.field())


def check_finds_bright_hits_in_shifted_exposures(subject: Subject) -> None:
    """The same holds for exposures that are shifted by 3.4 pixels."""
    _check_finds(subject, stacks.field(step=3.4))


def check_flags_mostly_hits(subject: Subject) -> None:
    """At least 80 % of the pixels flagged in a field of stars were hit."""
    stack = stacks.field(step=3.4)
    masks = stacks.flagged(subject, stack)
    pairs = zip(masks, stack.charge, stack.exposures, strict=True)
    right = sum(int((mask & (charge > LEAST_CHARGE * _noise(charge, one))).sum()) for mask, charge, one in pairs)
    share = right / max(1, sum(int(mask.sum()) for mask in masks))
    ensure(
        share >= PURITY, f"that {share:.0%} of the flagged pixels were hit", f"{PURITY:.0%} or more", "Raise its limit."
    )


def check_spares_stars(subject: Subject) -> None:
    """The cores of stars are not flagged, though the seeing changes by a fifth and the exposures are shifted."""
    stack = stacks.field(step=3.4, worse=1.2)
    n_stars = n_eaten = 0
    for mask, stars, charge in zip(stacks.flagged(subject, stack), stack.stars, stack.charge, strict=True):
        side = mask.shape[0]
        inside = stars[((stars >= 0) & (stars < side)).all(axis=1)]
        n_stars += len(inside)
        n_eaten += int((mask & (charge < 1))[tuple(inside.T)].sum())
    shown = f"{n_eaten} of {n_stars} cores of stars flagged"
    ensure(n_eaten <= STARS_EATEN * n_stars, shown, f"{STARS_EATEN:.0%}", "Allow for the gradient of the light.")


def check_flags_little_on_an_empty_sky(subject: Subject) -> None:
    """A flat sky without anything has hardly a flagged pixel."""
    _check_flags_little(subject, stacks.sky())


def check_is_used_by_the_host(subject: Subject) -> None:
    """The host cleans exposures with it: the hits are flagged, and all other pixels keep their values."""
    stack = stacks.bright_hits(2)
    for ccd, one, charge in zip(stacks.clean(subject, stack), stack.exposures, stack.charge, strict=True):
        ensure(ccd.mask[charge > 0].all(), "hits that are not flagged", "all of them", "Lower its limit.")
        same = np.array_equal(ccd.data[~ccd.mask], one.data[~ccd.mask])
        ensure(same, "pixels changed beside the flagged ones", "none", "Return what you change in mask.")


def _noise(charge: np.ndarray, exposure: Any) -> np.ndarray:
    return np.sqrt(np.maximum(exposure.data - charge, 1) + READNOISE**2)


def _check_finds(subject: Subject, stack: stacks.Stack, numbers: Any = None) -> None:
    n_bright = n_found = 0
    masks = stacks.flagged(subject, stack)
    for number in range(len(masks)) if numbers is None else numbers:
        bright = stack.charge[number] > BRIGHT * _noise(stack.charge[number], stack.exposures[number])
        n_bright, n_found = n_bright + int(bright.sum()), n_found + int((bright & masks[number]).sum())
    shown = f"{n_found} of {n_bright} bright pixels flagged on {stack.what}"
    ensure(n_found >= FOUND * n_bright, shown, f"{FOUND:.0%} or more", "Lower its limit.")


def _check_flags_little(subject: Subject, stack: stacks.Stack) -> None:
    share = float(np.mean(stacks.flagged(subject, stack)))
    shown = f"{share:.2%} of the pixels flagged on {stack.what}"
    ensure(share <= FALSE_ON_SKY, shown, f"{FALSE_ON_SKY:.2%} at most", "Judge a pixel by the noise of the difference.")


def _check_same(first: list[np.ndarray], second: list[np.ndarray], where: str, advice: str) -> None:
    n_different = sum(np.count_nonzero(a ^ b) for a, b in zip(first, second, strict=True))
    ensure(n_different == 0, f"{n_different} pixels that differ in {where}", "none", advice)
